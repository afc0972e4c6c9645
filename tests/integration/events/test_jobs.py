"""Periodic jobs run once per period, whoever fires them."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from app import clock, db
from app.events import jobs

NOW = datetime(2026, 3, 10, 9, 0, 59, tzinfo=UTC)


async def test_job_runs_once_per_period(transaction: None) -> None:
    runs: list[int] = []

    async def work() -> None:
        runs.append(1)

    assert await jobs.run_once("release", "2026-03-10T09:00:00Z", work)
    assert not await jobs.run_once("release", "2026-03-10T09:00:00Z", work)
    assert await jobs.run_once("release", "2026-03-10T09:01:00Z", work)
    assert len(runs) == 2


async def test_two_workers_at_once_run_it_once(committing: object) -> None:
    async def work() -> None:
        await asyncio.sleep(0.05)

    ran = await asyncio.gather(*(jobs.run_once("release", "p", work) for _ in range(5)))
    assert sorted(ran) == [False, False, False, False, True]


async def test_job_of_a_dead_worker_is_begun_again_after_a_while(transaction: None) -> None:
    await db.execute(
        "INSERT INTO job_runs (job, period, started_at, result) VALUES ('release', 'p', $1, '')", NOW
    )

    async def work() -> str:
        return "again"

    with clock.at(NOW + timedelta(seconds=119)):
        assert not await jobs.run_once("release", "p", work)
    with clock.at(NOW + timedelta(seconds=121)):
        assert await jobs.run_once("release", "p", work)
    assert await db.fetchval("SELECT result FROM job_runs") == "again"


async def test_failure_is_kept_and_not_repeated_in_its_period(transaction: None) -> None:
    async def work() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await jobs.run_once("release", "p", work)
    assert await db.fetchval("SELECT result FROM job_runs") == "failed: ValueError: no"
    assert not await jobs.run_once("release", "p", work)


@pytest.mark.parametrize(
    ("seconds", "period"),
    [(30, "2026-03-10T09:00:30Z"), (60, "2026-03-10T09:00:00Z"), (3600, "2026-03-10T09:00:00Z")],
)
def test_slot_is_named_by_its_beginning(seconds: int, period: str) -> None:
    assert jobs.slot(NOW, seconds) == period


async def test_only_old_runs_of_named_jobs_are_forgotten(transaction: None) -> None:
    for job, days in (("release", 8), ("release", 6), ("levels", 8)):
        await db.execute(
            "INSERT INTO job_runs (job, period, started_at, result) VALUES ($1, $2, $3, '')",
            job,
            f"{days} days ago",
            NOW - timedelta(days=days),
        )
    with clock.at(NOW):
        assert await jobs.forget_old(["release"]) == 1
    assert await db.fetchval("SELECT count(*) FROM job_runs") == 2
