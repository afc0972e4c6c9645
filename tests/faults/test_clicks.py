"""Clicks while servers are killed: what a visitor was promised is in the table, and he always gets to the shop."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

import asyncpg
import pytest

from tests.bench.bench_clicks import count, paths
from tests.bench.measure import ROOT, Server, Site, database_pids, site
from tests.faults.clickers import Answers, Clickers

pytestmark = pytest.mark.faults

ROUNDS = int(os.environ.get("TANDEM_FAULT_ROUNDS", "2"))
CONNECTIONS = 16


@pytest.fixture(scope="module")
def place() -> Iterator[Site]:
    """Engines that wait for the disk, with links."""
    with site() as made:
        yield made


@pytest.fixture(scope="module", autouse=True)
def seeded(place: Site) -> None:
    # In a process of its own: this one may be connected to the database of other tests already.
    code = f"import asyncio; from tests.bench.bench_clicks import seed; asyncio.run(seed({place.engines.database_url!r}))"
    subprocess.run([sys.executable, "-c", code], env=place.environ, cwd=ROOT, check=True)


@pytest.fixture
def server(place: Site) -> Iterator[Server]:
    made = place.server("app.main:create_asgi", factory=True)
    made.start()
    yield made
    made.stop()


async def lost(place: Site, answers: Answers) -> list[str]:
    """Promised clicks that are not in the table."""
    connection = await asyncpg.connect(place.engines.database_owner_url)
    try:
        rows = await connection.fetch(
            "SELECT id FROM unnest($1::text[]) AS id EXCEPT SELECT public_id::text FROM clicks",
            answers.promised,
        )
        return [row["id"] for row in rows]
    finally:
        await connection.close()


async def check(place: Site, answers: Answers, before: int, kills: int) -> None:
    """Nothing promised is lost, nothing is written that was not under way, and days sum up to the clicks."""
    assert await lost(place, answers) == []
    assert len(set(answers.promised)) == len(answers.promised)
    recorded = await count(place) - before
    assert 0 <= recorded - len(answers.promised) <= CONNECTIONS * (kills + 1)
    connection = await asyncpg.connect(place.engines.database_owner_url)
    try:
        by_day = await connection.fetchval("SELECT sum(clicks + clicks_not_counted) FROM daily_counts")
        assert by_day == await count(place)
    finally:
        await connection.close()


async def until(condition: object, seconds: float = 20) -> None:
    """Wait until `condition()` holds."""
    assert callable(condition)
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.05)


async def test_web_server_is_killed_in_the_middle_of_clicks(place: Site, server: Server) -> None:
    before = await count(place)
    chance = random.Random(1)
    async with Clickers(server.port, paths(100), connections=CONNECTIONS) as answers:
        for _round in range(ROUNDS):
            promised = len(answers.promised)
            await until(lambda: len(answers.promised) > promised + 100)  # noqa: B023 - awaited in the same turn
            await asyncio.sleep(chance.random() * 0.3)
            server.kill()
            server.start()
    assert answers.refused == 0
    await check(place, answers, before, ROUNDS)


async def test_database_is_killed_in_the_middle_of_clicks(place: Site, server: Server) -> None:
    before = await count(place)
    chance = random.Random(2)
    async with Clickers(server.port, paths(100), connections=CONNECTIONS) as answers:
        for _round in range(ROUNDS):
            promised = len(answers.promised)
            await until(lambda: len(answers.promised) > promised + 100)  # noqa: B023
            await asyncio.sleep(chance.random() * 0.3)
            uncounted = answers.uncounted
            for pid in database_pids(place):
                with suppress(ProcessLookupError):
                    os.kill(pid, 9)
            # While it is away visitors are sent on, uncounted.
            await until(lambda: answers.uncounted > uncounted + 20)  # noqa: B023
            await asyncio.to_thread(place.engines.ensure)
        promised = len(answers.promised)
        await until(lambda: len(answers.promised) > promised + 100)
    assert answers.broken == 0
    assert answers.refused == 0
    await check(place, answers, before, ROUNDS)


async def test_database_hangs_and_goes_on(place: Site, server: Server) -> None:
    """A server that is stopped refuses nothing and answers nothing: visitors must not hang with it."""
    before = await count(place)
    async with Clickers(server.port, paths(100), connections=CONNECTIONS) as answers:
        await until(lambda: len(answers.promised) > 100)
        stopped = database_pids(place)
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            uncounted = answers.uncounted
            await until(lambda: answers.uncounted >= uncounted + 2 * CONNECTIONS, 10)
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)
        promised = len(answers.promised)
        await until(lambda: len(answers.promised) > promised + 100)
    assert answers.broken == 0
    assert answers.refused == 0
    await check(place, answers, before, 1)
