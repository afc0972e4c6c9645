"""The worker with a real Valkey: wakes are quick, and nothing depends on them."""

import asyncio
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from arq.connections import create_pool

from app import clock, db, queue
from app.embedded.valkey import _binary
from app.events import service as events
from app.events.service import Event, NewEvent
from tasks import sweeps
from tasks.worker import run_in_process
from tests.conftest import TestEngines
from tests.factories import make_program


@pytest.fixture
async def handled() -> AsyncIterator[list[int]]:
    """Numbers of the events that were worked off."""
    numbers: list[int] = []

    async def handler(batch: Sequence[Event]) -> None:
        numbers.extend(event.payload["number"] for event in batch)

    events.register("test.woken", handler)
    yield numbers
    events._handlers.pop("test.woken")


@pytest.fixture
async def redis_url(engines: TestEngines) -> AsyncIterator[str]:
    """An empty Redis, connected for wake-ups."""
    await queue.connect(engines.redis_url)
    pool = await create_pool(queue.redis_settings(engines.redis_url))
    await pool.flushall()
    yield engines.redis_url
    await pool.flushall()
    await pool.aclose()
    await queue.close()


async def emit(number: int) -> None:
    async with db.transaction():
        await events.emit_in_transaction([NewEvent("test.woken", None, "n", {"number": number})])


async def until(handled: list[int], wanted: list[int], *, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while handled != wanted:
            await asyncio.sleep(0.02)


async def test_wake_up_reaches_the_worker(committing: object, redis_url: str, handled: list[int]) -> None:
    async with run_in_process(redis_url):
        await asyncio.sleep(0.7)  # its first sweep is over
        await emit(1)
        await until(handled, [1], seconds=5)


async def test_flushed_redis_loses_nothing(committing: object, redis_url: str, handled: list[int]) -> None:
    await emit(1)
    await asyncio.sleep(0.2)
    pool = await create_pool(queue.redis_settings(redis_url))
    assert await pool.zcard("arq:queue") == 1
    await pool.flushall()
    await pool.aclose()
    async with run_in_process(redis_url):
        await until(handled, [1], seconds=5)  # the sweep at its start


async def test_without_redis_wake_ups_go_straight_to_the_sweeps(
    committing: object, handled: list[int]
) -> None:
    async with run_in_process(None):
        await asyncio.sleep(0.7)
        await emit(1)
        await until(handled, [1], seconds=5)


async def test_redis_that_is_away_is_no_error_and_comes_back(
    committing: object, engines: TestEngines, handled: list[int]
) -> None:
    await queue.connect("redis://127.0.0.1:1")
    assert not queue.is_connected()
    await emit(1)
    async with run_in_process("redis://127.0.0.1:1"):
        await until(handled, [1], seconds=5)
    await queue.close()


async def test_many_commits_make_few_wake_ups(committing: object, redis_url: str) -> None:
    for number in range(50):
        await emit(number)
    await asyncio.sleep(0.2)
    pool = await create_pool(queue.redis_settings(redis_url))
    assert 1 <= await pool.zcard("arq:queue") <= 20
    await pool.aclose()


async def test_jobs_are_json_not_pickle(committing: object, redis_url: str) -> None:
    await queue.wake("work_off_events", 17)
    await asyncio.sleep(0.2)
    pool = await create_pool(queue.redis_settings(redis_url))
    (key,) = await pool.keys("arq:job:*")
    raw = await pool.get(key)
    await pool.aclose()
    assert raw is not None
    job = queue.decode(raw)
    assert (job["f"], job["a"]) == ("work_off_events", [17])


async def test_due_jobs_run_at_the_given_moment(transaction: None, handled: list[int]) -> None:
    await make_program()
    tomorrow = clock.now() + timedelta(days=1)
    with clock.at(tomorrow):
        await emit(1)
    await sweeps.run_due_jobs()
    assert handled == []
    await sweeps.run_due_jobs(tomorrow)
    assert handled == [1]


async def test_one_failing_job_does_not_stop_the_others(
    committing: object, handled: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_ctx: object) -> int:
        raise ValueError("broken")

    broken = sweeps.Periodic("judgements", 60, fail)
    rest = tuple(job for job in sweeps.PERIODIC if job.name != "judgements")
    monkeypatch.setattr(sweeps, "PERIODIC", (broken, *rest))
    await emit(1)
    async with run_in_process(None):
        await until(handled, [1], seconds=5)
    assert (
        await db.fetchval("SELECT result FROM job_runs WHERE job = 'judgements'")
        == "failed: ValueError: broken"
    )


@pytest.fixture
async def own_valkey(tmp_path: Path) -> AsyncIterator[Callable[[], Awaitable[Process]]]:
    """Starts a Valkey on the socket `tmp_path/s`, to be killed by the test."""
    started: list[Process] = []

    async def start() -> Process:
        process = await asyncio.create_subprocess_exec(
            str(_binary(None)),
            "--port",
            "0",
            "--unixsocket",
            str(tmp_path / "s"),
            "--save",
            "",
            stdout=DEVNULL,
        )
        started.append(process)
        async with asyncio.timeout(5):
            while not await answers(tmp_path / "s"):
                await asyncio.sleep(0.02)
        return process

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def answers(socket: Path) -> bool:
    try:
        _reader, writer = await asyncio.open_unix_connection(str(socket))
    except OSError:
        return False
    writer.close()
    return True


async def test_killed_valkey_delays_nothing_in_this_process_and_comes_back(
    committing: object, handled: list[int], own_valkey: Callable[[], Awaitable[Process]], tmp_path: Path
) -> None:
    url = f"unix://{tmp_path / 's'}"
    valkey = await own_valkey()
    await queue.connect(url)
    async with run_in_process(url):
        await asyncio.sleep(0.7)
        await emit(1)
        await until(handled, [1], seconds=5)
        valkey.kill()
        await valkey.wait()
        await emit(2)
        await until(handled, [1, 2], seconds=5)
        await own_valkey()
        await asyncio.sleep(3)  # the worker looks for it every two seconds
        await emit(3)
        await until(handled, [1, 2, 3], seconds=5)
        pool = await create_pool(queue.redis_settings(url))
        assert await pool.zcard("arq:queue") == 0
        await pool.aclose()
    await queue.close()
