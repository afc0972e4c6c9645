"""Orders through real HTTP, judged and booked, at 16 connections.

Against the same PUT that only validates, against itself with one partner taking all orders, and against the postings
per second of django-hordak on the same PostgreSQL. Every buyer clicked a partner's link before, so each order is
attributed, judged at its partner's level and booked for him and, for half of them, for a parent.
"""

import asyncio
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg

from tests.bench.bench_clicks import Goal, told
from tests.bench.measure import (
    ROOT,
    Run,
    Runs,
    Server,
    Site,
    has_wrk,
    load_average,
    load_by_script,
    memory_mib,
    site,
)
from tests.bench.tables import show

PARTNERS = 200
VISITORS = 4000
CONNECTIONS = 16
HORDAK_PROCESSES = 4

SCRIPT = """
local ffi = require("ffi")
ffi.cdef("typedef struct {{ long sec; long usec; }} moment; int gettimeofday(moment *now, void *zone);")
local now, at = ffi.new("moment"), 0
local headers = {{["Authorization"] = "Bearer {key}", ["Content-Type"] = "application/json"}}
request = function()
  at = at + 1
  ffi.C.gettimeofday(now, nil)
  local moment = os.date("!%Y-%m-%dT%H:%M:%S", tonumber(now.sec)) .. string.format(".%06d+00:00", tonumber(now.usec))
  local buyer = string.format("{prefix}%06d", at * 7919 % {visitors})
  local body = '{{"status": "paid", "placed_at": "' .. moment .. '", "paid_at": "' .. moment ..
    '", "updated_at": "' .. moment .. '", "visitor_id": "' .. buyer .. '", "customer": {{"external_id": "' .. buyer ..
    '"}}, "shipping_minor": 30000, "lines": [' ..
    '{{"external_id": "1", "quantity": 2, "unit_price_minor": 49950, "product": "coat", "name": "Raincoat"}},' ..
    '{{"external_id": "2", "quantity": 1, "unit_price_minor": 12900, "product": "cap", "name": "Cap"}}]}}'
  return wrk.format("PUT", "/api/v1/orders/{tag}-" .. at, headers, body)
end
"""


@dataclass(slots=True)
class Shop:
    """The program that orders are sent to."""

    program_id: int
    key: str


def main(*, short: bool = False) -> list[Goal]:
    """Print the figures; the goals with their outcome."""
    if not has_wrk():
        raise SystemExit("bench orders needs wrk (Debian: apt-get install wrk)")
    seconds, rounds = (4, 3) if short else (10, 5)
    with site() as place:
        shop = asyncio.run(seed(place))
        peer = hordak_ready(place)
        validating = place.server("tests.bench.order_targets:validating")
        ours = place.server("app.main:create_asgi", factory=True)
        for server in (validating, ours):
            server.start()
        try:
            goals = _compare(place, shop, validating, ours, peer, seconds, rounds)
            megabytes = memory_mib(ours.pids[1:])
            goals.append(Goal("web worker after the runs, MiB", megabytes, "<= 120", megabytes <= 120))
        finally:
            for server in (validating, ours):
                server.stop()
        goals += asyncio.run(proved(place, shop))
    return goals


async def seed(place: Site) -> Shop:
    """Partners, half of them with a parent, and buyers who clicked: `m…` everybody's, `h…` one partner's."""
    from app import db
    from app.programs.queries import program_by_code
    from app.shops.keys import create_key
    from app.tracking.messages import ClickMessage
    from app.tracking.service import record_clicks
    from tests.factories import make_partner, make_program

    await db.connect(place.engines.database_url)
    try:
        program_id = await make_program("bench")
        assert await program_by_code("bench") is not None
        for number in range(PARTNERS):
            parent = {"parent": f"partner{number - 1}"} if number % 2 else {}
            await make_partner(program_id, f"partner{number}", **parent)
        at = datetime.now(UTC) - timedelta(hours=1)
        for prefix, partners in (("m", PARTNERS), ("h", 1)):
            clicks = [
                ClickMessage(partner=f"partner{number % partners}", visitor_id=f"{prefix}{number:06d}", at=at)
                for number in range(VISITORS)
            ]
            for start in range(0, VISITORS, 1000):
                await record_clicks(program_id, clicks[start : start + 1000])
        return Shop(program_id, await create_key("bench", "bench", ["orders"]))
    finally:
        await db.close()


def hordak_ready(place: Site) -> str | None:
    """The address of a database with django-hordak's tables; None where it is not installed."""
    try:
        import hordak  # noqa: F401
    except ImportError:
        return None
    url = place.engines.database_owner_url

    async def create() -> None:
        owner = await asyncpg.connect(url)
        await owner.execute("CREATE DATABASE hordak")
        await owner.close()

    asyncio.run(create())
    peer = url.replace("/tandem?", "/hordak?")
    subprocess.run([sys.executable, "-m", "tests.bench.hordak_peer", peer, "prepare"], cwd=ROOT, check=True)
    return peer


def _compare(
    place: Site, shop: Shop, validating: Server, ours: Server, peer: str | None, seconds: int, rounds: int
) -> list[Goal]:
    print(f"\n{CONNECTIONS} connections, {rounds} x {seconds} s, load {load_average()}")
    names = ("only validated", "many partners", "one partner", "django-hordak")
    runs = {name: Runs(name) for name in names}
    postings = Runs("our postings")
    answered, lost = 0, 0
    for number in range(rounds + 1):
        length = seconds if number else 2  # the first round only warms up
        measured = {
            "only validated": load_by_script(
                place, validating, _script(shop, f"v{number}", "m"), connections=CONNECTIONS, seconds=length
            )
        }
        for name, prefix in (("many partners", "m"), ("one partner", "h")):
            before = asyncio.run(_counts(place))
            one = load_by_script(
                place,
                ours,
                _script(shop, f"{prefix}{number}", prefix),
                connections=CONNECTIONS,
                seconds=length,
            )
            after = asyncio.run(_counts(place))
            measured[name] = one
            answered += one.requests - one.errors
            lost += max(0, one.requests - one.errors - (after[0] - before[0]))
            if name == "many partners" and number:
                postings.runs.append(
                    Run(after[1] - before[1], one.seconds, one.p50_ms, one.p99_ms, 0, one.cpu_us)
                )
        if peer is not None:
            measured["django-hordak"] = _hordak(peer, length)
        if number:
            for name, one in measured.items():
                runs[name].runs.append(one)
    show({name: one for name, one in runs.items() if one.runs} | {"our postings": postings})
    rate = runs["many partners"].median("per_second")
    goals = [
        _least("orders / only validated", rate / runs["only validated"].median("per_second"), 0.35),
        _least("one partner / many partners", runs["one partner"].median("per_second") / rate, 0.8),
    ]
    if peer is not None:
        ratio = postings.median("per_second") / runs["django-hordak"].median("per_second")
        goals.append(_least("postings / django-hordak's", ratio, 2.0))
    goals.append(Goal(f"answered and not recorded, of {answered}", lost, "0", lost == 0))
    return goals


def _script(shop: Shop, tag: str, prefix: str) -> str:
    return SCRIPT.format(key=shop.key, tag=tag, prefix=prefix, visitors=VISITORS)


async def _counts(place: Site) -> tuple[int, int]:
    """Orders and postings, once nothing is under way any more."""
    connection = await asyncpg.connect(place.engines.database_owner_url)
    try:
        before = -1
        while True:
            orders, postings = await connection.fetchrow(
                "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM postings)"
            )
            if orders == before:
                return orders, postings
            before = orders
            await asyncio.sleep(0.2)
    finally:
        await connection.close()


def _hordak(url: str, seconds: int) -> Run:
    """Its processes load the frame first, so only the time in which they book counts, and no processor time."""
    command = [sys.executable, "-m", "tests.bench.hordak_peer", url, str(seconds), str(HORDAK_PROCESSES)]
    done = int(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    latency = 1000 * seconds * HORDAK_PROCESSES / max(done, 1)
    return Run(done, seconds, latency, float("nan"), 0, float("nan"))


async def proved(place: Site, shop: Shop) -> list[Goal]:
    """What must hold after every run: the books, and the history folded again."""
    from app import db
    from app.commissions.replay import replay
    from app.reports.checks import run_checks

    await db.connect(place.engines.database_url)
    try:
        broken = [result for result in await run_checks() if result.count]
        replayed = await replay(shop.program_id)
    finally:
        await db.close()
    for result in broken:
        print(f"BROKEN {result.name}: {result.count} {result.rows}")
    return [
        Goal("checks that do not hold", len(broken), "0", not broken),
        Goal(
            f"differences after replay of {replayed.facts}",
            len(replayed.differences),
            "0",
            not replayed.differences,
        ),
    ]


def _least(name: str, value: float, wanted: float) -> Goal:
    return Goal(name, value, f">= {wanted}", value >= wanted)


if __name__ == "__main__":
    outcome = main(short="--short" in sys.argv)
    print("\n" + told(outcome))
    sys.exit(any(not goal.met for goal in outcome))
