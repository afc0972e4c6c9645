"""Periodic runs: starting, pausing, resuming, and working them off step by step (rules.md §11).

A run is a row with an item per partner. A step is one transaction: it locks the run, takes the next items, calculates
their waiting orders, pays if the run says so, and marks the items done. A worker that dies leaves no half of a step;
whoever comes next goes on with the first item that is not done. An order is calculated once per partner: its row in
`calculation_orders` names the item that did it, so the same run again finds nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from time import monotonic

import asyncpg

from app import clock, db, queue
from app.commissions.handing_over import refuse_by_deposit
from app.commissions.run_steps import StepRun, take_step
from app.errors import DomainError, FieldError, NotFound, invalid
from app.programs.queries import terms_in_force
from app.users import audit

ACTIONS = ("reserve", "reserve_and_credit", "reserve_and_mark_paid")
STEP = 50
STEP_MAX = 1000
SECONDS = 20
"""So long one job works; what is left is the next one's."""
TASK = "work_off_run"


@dataclass(frozen=True, slots=True)
class NewRun:
    """What is to be calculated."""

    action: str
    from_at: datetime | None = None
    """None: since each partner's last run."""
    to_at: datetime | None = None
    """None: now."""
    plan_from_at: datetime | None = None
    plan_to_at: datetime | None = None
    """The deciding period; None: as from and to."""
    step: int = STEP
    partner_ids: tuple[int, ...] = ()
    """Empty: all."""


async def start_run(program_id: int, new: NewRun, *, action_id: str, author_id: int | None = None) -> int:
    """Write a run down and wake a worker; its id. The same `action_id` again is the same run."""
    now = clock.now()
    to_at = new.to_at or now
    _check(new, to_at, now)
    terms = (await terms_in_force(program_id, now)).terms
    if new.action != "reserve":
        refuse_by_deposit(by_deposit=terms.payout.by_deposit)
    async with db.transaction():
        run_id = await db.fetchval(
            """
            INSERT INTO calculation_runs (program_id, action, state, from_at, to_at, plan_from_at, plan_to_at, step,
                author_id, action_id, started_at)
            VALUES ($1, $2, 'running', $3, $4, $5, $6, $7, $8, $9, $10)
            ON CONFLICT (program_id, action_id) DO NOTHING RETURNING id
            """,
            program_id,
            new.action,
            new.from_at,
            to_at,
            new.plan_from_at,
            new.plan_to_at,
            new.step,
            author_id,
            action_id,
            now,
        )
        if run_id is None:
            return int(
                await db.fetchval(
                    "SELECT id FROM calculation_runs WHERE program_id = $1 AND action_id = $2",
                    program_id,
                    action_id,
                )
            )
        await db.execute(_ITEMS, run_id, program_id, new.from_at, to_at, list(new.partner_ids))
        await audit.write_in_transaction(
            "calculation.started",
            f"calculation_run:{run_id}",
            program_id=program_id,
            user_id=author_id,
            reason=new.action,
        )
        db.after_commit(lambda: queue.wake(TASK, run_id))
    return int(run_id)


_ITEMS = """
    WITH last AS (
        SELECT item.partner_id, max(run.to_at) AS to_at
        FROM calculation_items AS item JOIN calculation_runs AS run ON run.id = item.run_id
        WHERE run.program_id = $2 AND item.state = 'done'
        GROUP BY item.partner_id
    )
    INSERT INTO calculation_items (run_id, partner_id, state, from_at, orders, amount_minor)
    SELECT DISTINCT $1::bigint, waiting.partner_id, 'waiting', coalesce($3::timestamptz, last.to_at), 0, 0
    FROM calculation_orders AS waiting LEFT JOIN last ON last.partner_id = waiting.partner_id
    WHERE waiting.program_id = $2 AND waiting.item_id IS NULL AND waiting.paid_at < $4
        AND waiting.paid_at >= coalesce($3::timestamptz, last.to_at, '-infinity')
        AND (cardinality($5::bigint[]) = 0 OR waiting.partner_id = ANY($5::bigint[]))
    ORDER BY waiting.partner_id
"""


async def pause_run(program_id: int, run_id: int, *, author_id: int | None = None) -> None:
    """Stop after the step at hand."""
    await _set_state(program_id, run_id, "running", "paused", author_id)


async def resume_run(program_id: int, run_id: int, *, author_id: int | None = None) -> None:
    """Go on with the first partner who is not done."""
    await _set_state(program_id, run_id, "paused", "running", author_id)


async def work_off_run(run_id: int) -> int:
    """Steps of a run until it is done, paused, or the job's time is over; how many partners were done."""
    started, done = monotonic(), 0
    while monotonic() - started < SECONDS:
        taken = await _step(run_id)
        if not taken:
            return done
        done += taken
    await queue.wake(TASK, run_id)
    return done


async def work_off_runs(only: int | None = None) -> int:
    """Every run that is not finished, of one program or of all: what a lost wake-up or a dead worker left behind."""
    rows = await db.fetch(
        """
        SELECT id FROM calculation_runs
        WHERE state = 'running' AND ($1::bigint IS NULL OR program_id = $1)
        ORDER BY id
        """,
        only,
    )
    return sum([await work_off_run(row["id"]) for row in rows])


async def _step(run_id: int) -> int:
    """One step; how many partners were done, 0 when there is nothing to do any more."""
    async with db.transaction():
        row = await db.fetchrow(
            """
            SELECT id, program_id, action, to_at, plan_from_at, plan_to_at, step FROM calculation_runs
            WHERE id = $1 AND state = 'running' FOR UPDATE
            """,
            run_id,
        )
        if row is None:
            return 0
        items = await db.fetch(
            """
            SELECT id, partner_id, from_at, reached FROM calculation_items
            WHERE run_id = $1 AND state = 'waiting' ORDER BY id LIMIT $2
            """,
            run_id,
            row["step"],
        )
        if not items:
            await db.execute(
                "UPDATE calculation_runs SET state = 'done', finished_at = $2 WHERE id = $1",
                run_id,
                clock.now(),
            )
            return 0
        await take_step(StepRun(**dict(row)), items)
        return len(items)


def _check(new: NewRun, to_at: datetime, now: datetime) -> None:
    wrong = [
        FieldError("action", "unknown_value", "Choose one of the options.")
        if new.action not in ACTIONS
        else None,
        FieldError("step", "out_of_range", "A step has 1 to 1000 partners.")
        if not 1 <= new.step <= STEP_MAX
        else None,
        FieldError("to", "out_of_range", "The period ends before it begins.")
        if new.from_at is not None and new.from_at >= to_at
        else None,
        # Each partner's next run begins where this one ends: orders of the time between would be left out for ever.
        FieldError("to", "in_the_future", "The period ends in the future: choose a moment that is over.")
        if to_at > now
        else None,
        FieldError("plan_to", "out_of_range", "The deciding period ends before it begins.")
        if new.plan_from_at is not None and new.plan_from_at >= (new.plan_to_at or to_at)
        else None,
    ]
    found = [one for one in wrong if one is not None]
    if found:
        raise invalid(*found)


async def _set_state(program_id: int, run_id: int, before: str, after: str, author_id: int | None) -> None:
    async with db.transaction():
        row: asyncpg.Record | None = await db.fetchrow(
            "SELECT state FROM calculation_runs WHERE id = $1 AND program_id = $2 FOR UPDATE",
            run_id,
            program_id,
        )
        if row is None:
            raise NotFound("There is no such run.")
        if row["state"] == after:
            return
        if row["state"] != before:
            raise DomainError("The run is finished.", code="run_finished")
        await db.execute("UPDATE calculation_runs SET state = $2 WHERE id = $1", run_id, after)
        await audit.write_in_transaction(
            f"calculation.{after}", f"calculation_run:{run_id}", program_id=program_id, user_id=author_id
        )
        if after == "running":
            db.after_commit(lambda: queue.wake(TASK, run_id))
