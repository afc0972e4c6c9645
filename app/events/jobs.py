"""Periodic jobs, once per period: a unique row is the guard, because two workers' clocks may fire together."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

from app import clock, db

RESTART_AFTER = timedelta(minutes=2)
"""A job that began so long ago and never ended died with its worker (job timeout 30 s); it may begin again."""
KEPT_FOR = timedelta(days=7)


async def run_once(job: str, period: str, work: Callable[[], Awaitable[object]]) -> bool:
    """Run `work` unless somebody did, or does, for this period. True when it was run here.

    An exception of `work` is stored with the run and raised: the next period tries again.
    """
    now = clock.now()
    taken = await db.fetchval(
        """
        INSERT INTO job_runs (job, period, started_at, result)
        VALUES ($1, $2, $3, '')
        ON CONFLICT (job, period) DO UPDATE SET started_at = excluded.started_at
        WHERE job_runs.finished_at IS NULL AND job_runs.started_at < $4
        RETURNING id
        """,
        job,
        period,
        now,
        now - RESTART_AFTER,
    )
    if taken is None:
        return False
    try:
        result = await work()
    except Exception as error:
        await _finish(taken, f"failed: {type(error).__name__}: {error}"[:500])
        raise
    await _finish(taken, "" if result is None else str(result)[:500])
    return True


def slot(moment: datetime, seconds: int) -> str:
    """The period of length `seconds` that `moment` lies in, by its beginning: `2026-11-22T17:30:00Z`."""
    start = int(moment.timestamp()) // seconds * seconds
    return datetime.fromtimestamp(start, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def forget_old(names: Sequence[str]) -> int:
    """Remove runs of these jobs that nobody will ask for any more; how many. Other jobs' rows are their own history."""
    tag = await db.execute(
        "DELETE FROM job_runs WHERE job = ANY($1::text[]) AND started_at < $2",
        list(names),
        clock.now() - KEPT_FOR,
    )
    return int(tag.split()[-1])


async def _finish(run_id: int, result: str) -> None:
    await db.execute(
        "UPDATE job_runs SET finished_at = $2, result = $3 WHERE id = $1", run_id, clock.now(), result
    )
