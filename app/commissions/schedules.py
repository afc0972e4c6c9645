"""Periodic runs that start by themselves: on a day of each month, at 00:00 of the program's zone (rules.md §11)."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from app import clock, db
from app.commissions.handing_over import refuse_by_deposit
from app.commissions.run_queries import Schedule
from app.commissions.runs import ACTIONS, STEP_MAX, NewRun, start_run
from app.errors import FieldError, invalid
from app.programs.queries import terms_in_force
from app.programs.versions import versions
from app.rules.periods import local_midnight
from app.users import audit


async def set_schedule(program_id: int, new: Schedule, *, author_id: int | None = None) -> None:
    """Set, change or switch off the schedule; nothing is started for a moment that is over."""
    if not 1 <= new.day <= 28:
        raise invalid(FieldError("day", "out_of_range", "Choose a day from 1 to 28: every month has it."))
    if new.action not in ACTIONS or not 1 <= new.step <= STEP_MAX:
        raise invalid(FieldError("action", "unknown_value", "Choose one of the options."))
    if new.action != "reserve":
        terms = (await terms_in_force(program_id)).terms
        refuse_by_deposit(by_deposit=terms.payout.by_deposit)
    async with db.transaction():
        await db.execute(
            """
            INSERT INTO calculation_schedules (program_id, day, action, step, active, changed_at)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (program_id) DO UPDATE
            SET day = excluded.day, action = excluded.action, step = excluded.step, active = excluded.active,
                changed_at = excluded.changed_at
            """,
            program_id,
            new.day,
            new.action,
            new.step,
            new.active,
            clock.now(),
        )
        await audit.write_in_transaction(
            "calculation.scheduled",
            f"program:{program_id}",
            program_id=program_id,
            user_id=author_id,
            reason=f"day {new.day}, {new.action}" if new.active else "off",
        )


async def start_scheduled_runs(only: int | None = None) -> int:
    """Start every run whose moment has come; how many. One for each moment, whoever asks how often."""
    now = clock.now()
    rows = await db.fetch(
        """
        SELECT program_id, day, action, step, changed_at FROM calculation_schedules
        WHERE active AND ($1::bigint IS NULL OR program_id = $1)
        ORDER BY program_id
        """,
        only,
    )
    started = 0
    for row in rows:
        known = await versions(row["program_id"])
        if not known:
            continue
        due = last_moment(now, row["day"], known[-1].terms.zone.key)
        if due < row["changed_at"]:
            continue
        action_id = f"schedule:{due.isoformat()}"
        if not await db.fetchval(
            "SELECT 1 FROM calculation_runs WHERE program_id = $1 AND action_id = $2",
            row["program_id"],
            action_id,
        ):
            new = NewRun(row["action"], to_at=due, step=row["step"])
            await start_run(row["program_id"], new, action_id=action_id)
            started += 1
    return started


def last_moment(now: datetime, day: int, zone: str) -> datetime:
    """The latest 00:00 of that day of a month, in the zone, that is not later than `now`."""
    local = ZoneInfo(zone)
    moment = now.astimezone(local)
    if moment.day < day:
        moment = moment.replace(day=1) - timedelta(days=1)
    return local_midnight(moment.replace(day=day), local)
