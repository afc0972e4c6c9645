"""Rounds of kill -9 at random moments of an import, of orders and of clicks, and the proof after each of them.

Each round kills one of web, worker, PostgreSQL and Valkey (or empties Valkey by FLUSHALL), waits a moment, starts it again by the launcher of
production, lets everything in flight end, kills the import as well, and then asks: is every acknowledged order, refund and click there exactly
once, do the books hold, does the whole history replay to the same cents, is the outbox worked off?
"""

import argparse
import asyncio
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from app import db
from app.commissions.replay import replay
from app.reports.checks import run_checks
from app.shops.keys import create_key
from app.tracking.links import NewLink, create_link
from tests.bench.measure import Site, site
from tests.factories import make_partner, make_program
from tests.faults.past import Past, write_past
from tests.faults.processes import VICTIMS, Portal
from tests.faults.traffic import Acknowledged, Traffic

TERMS = """
currency = "GBP"
time_zone = "UTC"
levels = [
  { code = "starter", name = { en = "Starter", ru = "Старт" }, from = 0, rate = "5%" },
  { code = "silver", name = { en = "Silver", ru = "Серебро" }, from = 100_000, rate = "7.5%" },
]

[tiers]
rates = ["10%"]

[hold]
release_on = "paid"
days = 14
"""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done."""

    rounds: int
    days: int
    per_day: int


async def run(size: Size, seed: int, say: Callable[[str], None] = print) -> None:
    """A whole campaign; AssertionError at the first thing that does not hold."""
    chance = random.Random(seed)
    with site() as place:
        past = write_past(place.var_dir / "past", seed, days=size.days, per_day=size.per_day)
        terms = place.var_dir / "terms.toml"
        terms.write_text(TERMS)
        await db.connect(place.engines.database_url)
        key, partners, links = await _live_program()
        await db.close()
        portal = Portal(place, past.path, terms)
        try:
            await asyncio.to_thread(portal.start)
            async with Traffic(portal.port, key, partners, links, seed) as traffic:
                for number in range(1, size.rounds + 1):
                    victim = VICTIMS[(number + seed) % len(VICTIMS)]
                    said = await _round(portal, traffic, place, victim, chance)
                    say(f"round {number}: {victim}; {said}")
            await _end(portal, place, past, say)
        finally:
            portal.stop()


async def _live_program() -> tuple[str, list[str], list[str]]:
    program_id = await make_program("live", hold={"release_on": "fulfilled", "days": 0})
    partners, links = [], []
    for number in range(6):
        code = f"live{number}"
        parent = {"parent": f"live{number - 1}"} if number % 2 else {}
        partner_id = await make_partner(program_id, code, **parent)
        await create_link(program_id, partner_id, NewLink("https://shop.example/coat", code=f"link{number}"))
        partners.append(code)
        links.append(f"link{number}")
    return await create_key("live", "faults", ["orders"]), partners, links


async def _round(portal: Portal, traffic: Traffic, place: Site, victim: str, chance: random.Random) -> str:
    await asyncio.sleep(chance.uniform(0.3, 2.0))
    portal.kill(victim)
    died = time.monotonic()
    await asyncio.sleep(chance.uniform(0.0, 0.7))
    await asyncio.to_thread(portal.start)
    back = time.monotonic() - died
    await asyncio.sleep(0.3)
    await traffic.pause()
    if not portal.imported:
        portal.kill("import")  # a history is only replayed while it stands still
    await db.connect(place.engines.database_url)
    try:
        await _drain(traffic)
        await prove(traffic.acknowledged)
    finally:
        await db.close()
    await asyncio.to_thread(portal.start)
    traffic.resume()
    kept = traffic.acknowledged
    return (
        f"back after {back:.1f} s; {len(kept.orders)} orders, {len(kept.refunds)} refunds, {len(kept.clicks)} clicks "
        f"acknowledged so far, {kept.repeated} calls made again: all there once, books hold"
    )


async def _drain(traffic: Traffic) -> None:
    """Let the leases of a killed worker run out at once, wake the living one by one more order, and wait."""
    await db.execute("UPDATE events SET leased_until = NULL, due_at = now() WHERE state = 'new'")
    await traffic.order()
    until = time.monotonic() + 45  # the sweep comes every 30 s, whatever became of the wake-up
    newest = await db.fetchval("SELECT max(id) FROM events")
    while await db.fetchval("SELECT count(*) FROM events WHERE state = 'new' AND id <= $1", newest):
        assert time.monotonic() < until, "the outbox is not worked off"
        await asyncio.sleep(0.1)
    assert not await db.fetchval("SELECT count(*) FROM events WHERE state = 'dead'"), "events were given up"


async def prove(kept: Acknowledged) -> None:
    """What was acknowledged is there exactly once, and the books of both programs hold."""
    rows = await db.fetch(
        """
        SELECT orders.external_id, orders.refunded_minor,
            (SELECT count(*) FROM commissions WHERE order_id = orders.id AND kind = 'direct') AS directs
        FROM orders JOIN programs ON programs.id = orders.program_id
        WHERE programs.code = 'live'
        """
    )
    stored = {row["external_id"]: (row["refunded_minor"], row["directs"]) for row in rows}
    assert len(stored) == len(rows), "an order is there twice"
    wrong = {one for one, refunded in kept.orders.items() if stored.get(one) != (refunded, 1)}
    assert not wrong, f"acknowledged and not as acknowledged: {sorted(wrong)[:5]}"
    refunds = await db.fetch(
        "SELECT external_id FROM order_refunds WHERE external_id = ANY($1)", list(kept.refunds)
    )
    assert len(refunds) == len(kept.refunds), "a refund is missing or doubled"
    clicks = await db.fetchval(
        "SELECT count(*) FROM clicks WHERE public_id = ANY($1::text[]::uuid[])", kept.clicks
    )
    assert clicks == len(set(kept.clicks)), f"{len(kept.clicks)} clicks were promised, {clicks} are there"
    broken = [result for result in await run_checks() if result.count]
    assert not broken, broken
    for row in await db.fetch("SELECT id, code FROM programs"):
        replayed = await replay(row["id"])
        assert not replayed.differences, (row["code"], replayed.differences[:3])


async def _end(portal: Portal, place: Site, past: Past, say: Callable[[str], None]) -> None:
    """The import comes to its end, and doing it once more changes nothing."""
    await asyncio.to_thread(portal.finish_import, 300)
    first = await _imported(place)
    assert first[:3] == (past.orders, past.refunds, past.clicks), (first, past)
    await asyncio.to_thread(portal.import_again)
    assert await _imported(place) == first, "a second import has changed something"
    say(
        f"import: {past.orders} orders, {past.refunds} refunds, {past.clicks} clicks, each once; again changes nothing"
    )


async def _imported(place: Site) -> tuple[int, ...]:
    await db.connect(place.engines.database_url)
    try:
        row = await db.fetchrow(
            """
            SELECT (SELECT count(*) FROM orders WHERE program_id = program.id),
                (SELECT count(*) FROM order_events WHERE program_id = program.id AND kind = 'refund'),
                (SELECT count(*) FROM clicks WHERE program_id = program.id),
                (SELECT sum(amount_minor) FROM commissions WHERE program_id = program.id)
            FROM programs AS program WHERE code = 'past'
            """
        )
        assert row is not None
        return tuple(int(value or 0) for value in row.values())
    finally:
        await db.close()


def main(arguments: list[str]) -> int:
    """See `tests/faults/__main__.py`."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--days", type=int, help="Days of the past that is imported; 20 for each round.")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args(arguments)
    os.environ.setdefault("TANDEM_SECRET_KEY", "faults" * 8)
    print(f"seed {asked.seed}, {asked.rounds} rounds", flush=True)
    size = Size(asked.rounds, days=asked.days or 20 * asked.rounds, per_day=30)
    asyncio.run(run(size, asked.seed, lambda text: print(text, flush=True)))
    print(f"{asked.rounds} rounds: nothing acknowledged was lost or doubled (seed {asked.seed})")
    return 0
