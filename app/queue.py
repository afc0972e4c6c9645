"""Wake-ups: the only file that knows Redis.

A service writes its row, commits, and then wakes the task that works the row off. The row is the queue: a wake-up that
gets lost costs the time until the next sweep, so a Redis that is down is logged and is never an error of the request.

Wake-ups are gathered for a moment and each is sent once, whatever number of transactions asked for it: under load
many orders make one wake-up, and no request waits for Redis.
"""

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any

import msgspec
import structlog
from arq.connections import ArqRedis, RedisSettings, create_pool
from redis.exceptions import RedisError

GATHER_SECONDS = 0.05

log = structlog.get_logger(__name__)

Wake = tuple[str, tuple[int | str, ...]]

_pool: ArqRedis | None = None
_waiting: dict[Wake, None] = {}
_sender: asyncio.Task[None] | None = None
_nudge: Callable[[], None] | None = None


def encode(job: dict[str, Any]) -> bytes:
    """How a job is written: JSON, so that whoever can write to Redis cannot make a worker run code (arq's default is pickle)."""
    return msgspec.json.encode(job)


def decode(raw: bytes) -> dict[str, Any]:
    """The inverse of `encode`."""
    job: dict[str, Any] = msgspec.json.decode(raw)
    return job


def redis_settings(url: str) -> RedisSettings:
    """How to reach Redis or Valkey at `url` (redis://, rediss:// or unix://); one quick retry, then the sweep has to do."""
    settings = RedisSettings.from_dsn(url)
    settings.conn_retries = 1
    settings.conn_timeout = 2
    return settings


async def connect(url: str) -> None:
    """Open the connections that `wake` uses. A Redis that is not there is logged; the next `connect` may find it."""
    global _pool
    await close()
    try:
        _pool = await create_pool(redis_settings(url), job_serializer=encode, job_deserializer=decode)
    except (RedisError, OSError) as error:
        log.warning("queue.down", error=type(error).__name__)


async def close() -> None:
    """Send what waits, then close the connections."""
    global _pool
    if _sender is not None and not _sender.done():
        await _sender
    if _pool is not None:
        await _pool.aclose()
        _pool = None


def is_connected() -> bool:
    """False: wake-ups reach nobody but a worker in this process."""
    return _pool is not None


async def wake(task: str, *ids: int | str) -> None:
    """Have a worker run `task` soon. To be called after the commit; never fails and never waits for Redis."""
    global _sender
    if _pool is None:
        _tell_neighbour()
        return
    _waiting[(task, ids)] = None
    if _sender is None or _sender.done():
        # A context of its own: the caller's may hold an open transaction of a test.
        _sender = asyncio.create_task(_send(), context=contextvars.Context())


def nudge_with(callback: Callable[[], None] | None) -> None:
    """Have `callback` called at every wake-up that cannot go through Redis: a worker in this process listens here."""
    global _nudge
    _nudge = callback


async def _send() -> None:
    await asyncio.sleep(GATHER_SECONDS)
    while _waiting and _pool is not None:
        task, ids = next(iter(_waiting))
        del _waiting[(task, ids)]
        try:
            await _pool.enqueue_job(task, *ids)
        except (RedisError, OSError) as error:
            log.warning("queue.down", task=task, error=type(error).__name__)
            _waiting.clear()
            _tell_neighbour()


def _tell_neighbour() -> None:
    if _nudge is not None:
        _nudge()
