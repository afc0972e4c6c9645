"""What is done again and again: sweeps, and jobs whose moment comes.

The outbox and other queues are rows; wake-ups through Redis only make them quick. The sweeps find what a lost wake-up
left behind, so they must not depend on Redis themselves: they run on a loop of ours, not on arq's cron. Jobs that
several workers must not do at once are guarded by a unique row per period (`events/jobs.py`). Periods are cut in UTC.
"""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from app import clock, queue
from app.events import jobs
from tasks import cashback, commissions, ledger, papers, reports, shops, users
from tasks.events import work_off_events

JOB_TIMEOUT = 30
"""Seconds; long work commits in batches and goes on in the next period."""

log = structlog.get_logger(__name__)

Work = Callable[[dict[Any, Any]], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Periodic:
    """Work that is done once per so many seconds."""

    name: str
    seconds: int
    work: Work
    guarded: bool = True
    """False: any number of workers may do it at a time."""
    in_bursts: bool = True
    """Whether a burst, which has a clock of its own, does it too."""
    limit: int = JOB_TIMEOUT
    """Seconds after which it is given up."""
    apart: bool = False
    """Long work: beside the other jobs, which do not wait for it, and never twice at a time in one worker."""


async def forget_runs(_ctx: dict[Any, Any]) -> int:
    """Remove the guards of periods long over."""
    return await jobs.forget_old([job.name for job in PERIODIC])


PERIODIC: tuple[Periodic, ...] = (
    Periodic("judgements", 60, commissions.retry_judgements),
    Periodic("currencies", 60, commissions.judge_waiting),
    Periodic("calculations", 60, commissions.sweep_runs, guarded=False),
    Periodic("release", 60, commissions.release_commissions),
    Periodic("cashback_release", 60, cashback.release_cashback),
    Periodic("cashback_expiry", 60, cashback.expire_cashback),
    Periodic("recalculation", 300, commissions.recalculate_levels),
    Periodic("rewards", 300, commissions.give_rewards),
    Periodic("acts", 60, papers.typeset_acts),
    Periodic("receipts", 3600, papers.remind_of_receipts),
    Periodic("letters", 30, users.mail_links, guarded=False, in_bursts=False),
    Periodic("outbox", 30, work_off_events, guarded=False),
    Periodic("seal", 300, ledger.seal_programs),
    Periodic("tries", 3600, users.sweep_tries, in_bursts=False),
    Periodic("runs", 3600, forget_runs, in_bursts=False),
    Periodic("nightly_check", 86_400, reports.check_books, in_bursts=False, limit=3600, apart=True),
    Periodic(
        "simulations", 2, reports.simulate_terms, guarded=False, in_bursts=False, limit=7200, apart=True
    ),
    Periodic("answers", 3600, shops.forget_answers, in_bursts=False),
)
"""In the order in which a burst does them: first what makes events, then the events."""


async def run_due_jobs(now: datetime | None = None) -> None:
    """Everything that is due by the clock, or at `now`: what a scenario and an import call between events.

    Without Redis, and as often as it is called: the guards are only for the workers of a running portal.
    """
    with clock.at(now or clock.now()):
        for job in PERIODIC:
            if job.in_bursts:
                await job.work({})
        while await work_off_events({}):
            """Handlers may emit events, and a run ends after its time."""


async def sweep_until(stopped: asyncio.Event) -> None:
    """Run periodic work until `stopped` is set; what fails is logged and comes round again."""
    nudged = asyncio.Event()
    queue.nudge_with(nudged.set)
    done: dict[str, str] = {}
    apart: dict[str, asyncio.Task[None]] = {}
    try:
        while not stopped.is_set():
            if nudged.is_set():
                nudged.clear()
                done.pop("outbox", None)
                done.pop("letters", None)
            for job in PERIODIC:
                period = jobs.slot(clock.now(), job.seconds)
                if done.get(job.name) != period and not stopped.is_set():
                    done[job.name] = period
                    if not job.apart:
                        await _run(job, period)
                    elif job.name not in apart or apart[job.name].done():
                        apart[job.name] = asyncio.create_task(_run(job, period))
            await _first_of(stopped, nudged, seconds=1.0)
    finally:
        queue.nudge_with(None)
        for running in apart.values():
            running.cancel()
        await asyncio.gather(*apart.values(), return_exceptions=True)


def start_sweeping(stopped: asyncio.Event) -> "asyncio.Task[None]":
    """`sweep_until` as a task that inherits no open transaction."""
    return asyncio.create_task(sweep_until(stopped), context=contextvars.Context())


async def _run(job: Periodic, period: str) -> None:
    try:
        async with asyncio.timeout(job.limit):
            if job.guarded:
                await jobs.run_once(job.name, period, lambda: job.work({}))
            else:
                await job.work({})
    except asyncio.CancelledError:
        raise
    except Exception:
        log.exception("job.failed", job=job.name, period=period)


async def _first_of(*wanted: asyncio.Event, seconds: float) -> None:
    """Until one of the events is set, or so many seconds are over."""
    waits = [asyncio.create_task(one.wait()) for one in wanted]
    await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
