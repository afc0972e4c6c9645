"""The nightly check: all checks over the whole database, their result kept, staff told when one does not hold."""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from app import clock, db
from app.events.service import Event, NewEvent, emit_in_transaction
from app.notices.service import NewNotice, tell
from app.partners.notices import staff_of
from app.reports.checks import CheckResult, run_checks

JOB = "check"
FAILED = "check.failed"


@dataclass(frozen=True, slots=True)
class CheckRun:
    """One run of all checks."""

    id: int
    started_at: datetime
    finished_at: datetime
    results: tuple[CheckResult, ...]

    @property
    def broken(self) -> int:
        """How many checks did not hold."""
        return sum(bool(one.count) for one in self.results)


async def check_everything() -> int:
    """Run all checks and keep the result; how many did not hold. Staff are told of any."""
    started = clock.now()
    results = await run_checks()
    broken = [result.name for result in results if result.count]
    async with db.transaction():
        run_id = await db.fetchval(
            """
            INSERT INTO job_runs (job, period, started_at, finished_at, result) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (job, period) DO UPDATE SET finished_at = excluded.finished_at, result = excluded.result
            RETURNING id
            """,
            JOB,
            started.isoformat(),
            started,
            clock.now(),
            msgspec.json.encode(results).decode(),
        )
        if broken:
            programs = await db.fetch("SELECT id FROM programs WHERE active ORDER BY id")
            await emit_in_transaction(
                [
                    NewEvent(FAILED, row["id"], f"check:{run_id}", {"checks": len(broken)}, started)
                    for row in programs
                ]
            )
    return len(broken)


async def check_runs(*, limit: int = 30) -> list[CheckRun]:
    """The last runs, newest first."""
    rows = await db.fetch(
        """
        SELECT id, started_at, finished_at, result FROM job_runs
        WHERE job = $1 AND finished_at IS NOT NULL ORDER BY started_at DESC, id DESC LIMIT $2
        """,
        JOB,
        limit,
    )
    return [
        CheckRun(
            row["id"],
            row["started_at"],
            row["finished_at"],
            msgspec.json.decode(row["result"], type=tuple[CheckResult, ...]),
        )
        for row in rows
    ]


async def tell_staff(events: list[Event]) -> None:
    """check.failed: owners, managers and accountants of each program."""
    notices = [
        NewNotice(
            user_id,
            event.kind,
            event.id,
            event.program_id,
            {"count": event.payload["checks"]},
            url="/desk/checks",
        )
        for event in events
        if event.program_id is not None
        for user_id in await staff_of(event.program_id, "owner", "manager", "accountant")
    ]
    await tell(notices)


HANDLERS = {FAILED: tell_staff}
