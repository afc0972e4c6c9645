"""The worker: arq's wiring. Wake-ups come through Redis, sweeps run beside them (`sweeps.py`).

tandem worker                           a process of its own; goes on sweeping while Redis is away
arq tasks.worker.WorkerSettings         the same under arq's own command
async with run_in_process(redis_url):   beside the web server, for `tandem demo`
"""

import asyncio
import contextlib
import contextvars
import os
import signal
from collections.abc import AsyncIterator
from datetime import UTC
from typing import Any, ClassVar

import structlog
from arq.worker import Worker
from redis.exceptions import RedisError

from app import db, logs, queue
from app.config import SettingError, Settings, settings
from app.ui import render
from tasks.commissions import work_off_run
from tasks.events import work_off_events
from tasks.papers import typeset_acts
from tasks.sweeps import JOB_TIMEOUT, start_sweeping
from tasks.users import mail_links

WAKEABLE = (work_off_events, mail_links, typeset_acts, work_off_run)
"""Tasks that services wake by name."""

REDIS_PAUSE = 2.0
"""Seconds between tries to reach a Redis that is away."""

log = structlog.get_logger(__name__)


def make_worker(redis_url: str) -> Worker:
    """arq's worker with our tasks, in JSON, without results, signals or clocks of its own."""
    return Worker(
        functions=WAKEABLE,  # type: ignore[arg-type]  # arq's protocol demands **kwargs
        redis_settings=queue.redis_settings(redis_url),
        job_serializer=queue.encode,
        job_deserializer=queue.decode,
        job_timeout=JOB_TIMEOUT,
        keep_result=0,
        timezone=UTC,
        handle_signals=False,
        log_results=False,
    )


@contextlib.asynccontextmanager
async def run_in_process(redis_url: str | None) -> AsyncIterator[None]:
    """A worker in this process, on the open database connections, until the block ends.

    `redis_url` None: wake-ups of this process reach the sweeps directly.
    """
    stopped = asyncio.Event()
    running = [start_sweeping(stopped)]
    if redis_url is not None:
        running.append(asyncio.create_task(_take_wake_ups(redis_url, stopped), context=contextvars.Context()))
    try:
        yield
    finally:
        stopped.set()
        await asyncio.gather(*running)


async def run(config: Settings) -> None:
    """A worker until SIGINT or SIGTERM; ends what it has begun."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with connected(config), run_in_process(config.redis_url):
        log.info("worker.started")
        await stopped.wait()
    log.info("worker.stopped")


@contextlib.asynccontextmanager
async def connected(config: Settings) -> AsyncIterator[None]:
    """What tasks need: the database, Redis for the wake-ups they send themselves, templates for letters."""
    if config.database_url is None:
        raise SettingError("DATABASE_URL is missing; `tandem demo` starts engines of its own")
    logs.configure()
    render.configure(render.Site(base_url=config.base_url, demo=config.demo))
    await db.connect(config.database_url)
    if config.redis_url is not None:
        await queue.connect(config.redis_url)
    try:
        yield
    finally:
        await queue.close()
        await db.close()


async def _take_wake_ups(redis_url: str, stopped: asyncio.Event) -> None:
    """arq's worker, started again whenever Redis went away: it ends then, and the sweeps go on alone."""
    while not stopped.is_set():
        worker = make_worker(redis_url)
        polling = asyncio.create_task(worker.async_run())
        stopping = asyncio.create_task(stopped.wait())
        await asyncio.wait((polling, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        worker.allow_pick_jobs = False
        if not polling.done():
            await asyncio.gather(*worker.tasks.values(), return_exceptions=True)
            polling.cancel()
        with contextlib.suppress(asyncio.CancelledError, RedisError, OSError):
            await polling
        with contextlib.suppress(RedisError, OSError):
            await worker.close()
        if not stopped.is_set():
            log.warning("worker.redis_away")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), REDIS_PAUSE)


async def _on_startup(context: dict[Any, Any]) -> None:
    context["stack"] = stack = contextlib.AsyncExitStack()
    await stack.enter_async_context(connected(settings()))
    context["stopped"] = asyncio.Event()
    context["sweeping"] = start_sweeping(context["stopped"])


async def _on_shutdown(context: dict[Any, Any]) -> None:
    context["stopped"].set()
    await context["sweeping"]
    await context["stack"].aclose()


class WorkerSettings:
    """For arq's own command line."""

    functions: ClassVar = list(WAKEABLE)
    redis_settings = queue.redis_settings(os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379")
    job_serializer = staticmethod(queue.encode)
    job_deserializer = staticmethod(queue.decode)
    job_timeout = JOB_TIMEOUT
    keep_result = 0
    timezone = UTC
    on_startup = staticmethod(_on_startup)
    on_shutdown = staticmethod(_on_shutdown)
