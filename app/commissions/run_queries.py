"""Reads of periodic runs: the list, one run's progress, what waits, the schedule, and what a replay needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from app import db
from app.errors import NotFound
from app.ui.paging import PAGE_SIZE, Cursor, Page, page

Calculated: TypeAlias = tuple[int, int, dict[int, int] | None]
"""(position among the order events, order, what its partners had reached in the run's deciding period)."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run with how far it is."""

    id: int
    action: str
    state: str
    from_at: datetime | None
    to_at: datetime
    plan_from_at: datetime | None
    plan_to_at: datetime | None
    step: int
    author: str
    """Empty: the schedule."""
    started_at: datetime
    finished_at: datetime | None
    partners: int
    done: int
    without_plan: int
    orders: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One partner of a run."""

    id: int
    partner_name: str
    partner_code: str
    state: str
    reached: int | None
    orders: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """What no run has calculated yet."""

    orders: int
    partners: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a run starts by itself."""

    day: int
    action: str
    step: int
    active: bool


async def runs(program_id: int, *, after: Cursor | None = None, size: int = PAGE_SIZE) -> Page[RunRow]:
    """A program's runs, the newest first."""
    rows = await db.fetch(
        _RUN
        + """
        WHERE run.program_id = $1 AND ($2::timestamptz IS NULL OR (run.started_at, run.id) < ($2, $3::bigint))
        ORDER BY run.started_at DESC, run.id DESC
        LIMIT $4
        """,
        program_id,
        after.moment if after is not None else None,
        after.id if after is not None else None,
        size + 1,
    )
    return page([RunRow(**dict(row)) for row in rows], lambda row: (row.started_at, row.id), size=size)


async def run(program_id: int, run_id: int) -> RunRow:
    """One run; NotFound for another program's."""
    row = await db.fetchrow(_RUN + " WHERE run.program_id = $1 AND run.id = $2", program_id, run_id)
    if row is None:
        raise NotFound("There is no such run.")
    return RunRow(**dict(row))


async def items(run_id: int, *, after: int = 0, size: int = PAGE_SIZE) -> Sequence[ItemRow]:
    """Partners of a run, in its order, one more than `size` where there are more."""
    rows = await db.fetch(
        """
        SELECT item.id, partner.name AS partner_name, partner.code AS partner_code, item.state, item.reached,
            item.orders, item.amount_minor
        FROM calculation_items AS item JOIN partners AS partner ON partner.id = item.partner_id
        WHERE item.run_id = $1 AND item.id > $2
        ORDER BY item.id
        LIMIT $3
        """,
        run_id,
        after,
        size + 1,
    )
    return [ItemRow(**dict(row)) for row in rows]


async def waiting(program_id: int) -> Waiting:
    """Orders that wait for a run."""
    row = await db.fetchrow(
        """
        SELECT count(DISTINCT order_id) AS orders, count(DISTINCT partner_id) AS partners, min(paid_at) AS oldest_at
        FROM calculation_orders WHERE program_id = $1 AND item_id IS NULL
        """,
        program_id,
    )
    assert row is not None
    return Waiting(row["orders"], row["partners"], row["oldest_at"])


async def schedule(program_id: int) -> Schedule | None:
    """The program's schedule; None: none was ever set."""
    row = await db.fetchrow(
        "SELECT day, action, step, active FROM calculation_schedules WHERE program_id = $1", program_id
    )
    return Schedule(**dict(row)) if row is not None else None


async def partner_ids(program_id: int, codes: Sequence[str]) -> dict[str, int]:
    """Ids by lower-cased code; codes of nobody are left out."""
    rows = await db.fetch(
        "SELECT id, lower(code) AS code FROM partners WHERE program_id = $1 AND lower(code) = ANY($2::text[])",
        program_id,
        [code.lower() for code in codes],
    )
    return {row["code"]: row["id"] for row in rows}


async def calculations(program_id: int) -> list[Calculated]:
    """(position, order, what its partners had reached) of everything that runs have calculated, for the replay."""
    rows = await db.fetch(
        """
        SELECT done.position, done.order_id, done.partner_id, item.reached
        FROM calculation_orders AS done JOIN calculation_items AS item ON item.id = done.item_id
        WHERE done.program_id = $1
        ORDER BY done.position, done.partner_id
        """,
        program_id,
    )
    found: dict[tuple[int, int], dict[int, int]] = {}
    for row in rows:
        found.setdefault((row["position"], row["order_id"]), {})[row["partner_id"]] = row["reached"]
    return [(position, order_id, reached) for (position, order_id), reached in found.items()]


_RUN = """
    SELECT run.id, run.action, run.state, run.from_at, run.to_at, run.plan_from_at, run.plan_to_at, run.step,
        coalesce(users.email, '') AS author, run.started_at, run.finished_at, counted.*
    FROM calculation_runs AS run
    LEFT JOIN users ON users.id = run.author_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS partners, count(*) FILTER (WHERE state <> 'waiting') AS done,
            count(*) FILTER (WHERE state = 'no_plan') AS without_plan,
            coalesce(sum(orders), 0)::bigint AS orders, coalesce(sum(amount_minor), 0)::bigint AS amount_minor
        FROM calculation_items WHERE run_id = run.id
    ) AS counted
"""
