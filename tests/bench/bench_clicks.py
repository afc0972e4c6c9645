"""Clicks: durable before the answer, against a bare redirect and against one INSERT per click."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from tests.bench.measure import Run, Runs, Server, Site, has_wrk, load, load_average, memory_mib, site

LINKS = 100


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal of the issue's section on figures, with what came out."""

    name: str
    value: float
    wanted: str
    met: bool


def main(*, short: bool = False) -> list[Goal]:
    """Print the figures; the goals with their outcome."""
    if not has_wrk():
        raise SystemExit("bench clicks needs wrk (Debian: apt-get install wrk)")
    seconds, rounds = (2, 1) if short else (6, 5)
    goals: list[Goal] = []
    with site() as place:
        asyncio.run(seed(place.engines.database_url))
        servers = {
            "bare": place.server("tests.bench.click_targets:bare"),
            "row": place.server("tests.bench.click_targets:row"),
            "ours, alone": place.server("tests.bench.click_targets:ours_alone"),
            "ours": place.server("app.main:create_asgi", factory=True),
        }
        for server in servers.values():
            server.start()
        try:
            for connections in (32, 128):
                goals += _compare(place, servers, connections, seconds, rounds)
            goals.append(_hot_link(place, servers["ours"], seconds, rounds))
            megabytes = memory_mib(servers["ours"].pids[1:])
            goals.append(Goal("web worker after the runs, MiB", megabytes, "<= 120", megabytes <= 120))
        finally:
            for server in servers.values():
                server.stop()
    return goals


async def seed(database_url: str) -> None:
    """A program with partners and links, through the services."""
    from app import db
    from app.tracking.links import NewLink, create_link
    from tests.factories import make_partner, make_program

    await db.connect(database_url)
    try:
        program_id = await make_program("bench")
        for number in range(10):
            partner_id = await make_partner(program_id, f"partner{number}")
            for link in range(LINKS // 10):
                await create_link(
                    program_id, partner_id, NewLink("https://shop.example/case", code=f"link-{number}-{link}")
                )
    finally:
        await db.close()


def paths(count: int) -> list[str]:
    return [f"/r/link-{number % 10}-{number // 10}" for number in range(count)]


def _compare(
    place: Site, servers: dict[str, Server], connections: int, seconds: int, rounds: int
) -> list[Goal]:
    print(f"\n{connections} connections, {rounds} x {seconds} s, load {load_average()}")
    runs = {name: Runs(name) for name in servers}
    lost: list[int] = []
    for _round in range(rounds + 1):
        for name, server in servers.items():
            before = asyncio.run(count(place))
            one = load(place, server, paths(LINKS), connections=connections, seconds=seconds if _round else 1)
            recorded = asyncio.run(count(place)) - before
            if _round:  # the first round only warms up
                runs[name].runs.append(one)
            if name == "ours":
                lost.append(one.requests - one.errors - recorded)
    _table(runs)
    ours, bare = runs["ours"], runs["bare"]
    rate = ours.median("per_second")
    excess = max(-one for one in lost)
    return [
        _least(f"clicks / bare redirect, {connections}", rate / bare.median("per_second"), 1.0),
        _least(f"clicks / one INSERT each, {connections}", rate / runs["row"].median("per_second"), 3.5),
        _least(
            f"clicks / our handler alone, {connections}", rate / runs["ours, alone"].median("per_second"), 3.5
        ),
        _most(f"p99 / bare p99, {connections}", ours.median("p99_ms") / bare.median("p99_ms"), 4.0),
        Goal(f"answered and not recorded, {connections}", max(lost), "<= 0", max(lost) <= 0),
        Goal(f"recorded beyond answered, {connections}", excess, f"<= {connections}", excess <= connections),
    ]


def _hot_link(place: Site, server: Server, seconds: int, rounds: int) -> Goal:
    hot, many = Runs("hot"), Runs("many")
    for _round in range(rounds):
        for runs, chosen in ((hot, paths(1)), (many, paths(LINKS))):
            runs.runs.append(load(place, server, chosen, connections=32, seconds=seconds))
    _table({"one link": hot, "100 links": many})
    return _least("one hot link / many links", hot.median("per_second") / many.median("per_second"), 0.9)


async def count(place: Site) -> int:
    """Clicks in the table, once nothing is under way any more."""
    connection = await asyncpg.connect(place.engines.database_owner_url)
    try:
        before = -1
        while True:
            now: int = await connection.fetchval("SELECT count(*) FROM clicks")
            if now == before:
                return now
            before = now
            await asyncio.sleep(0.2)
    finally:
        await connection.close()


def _table(runs: dict[str, Runs]) -> None:
    print(f"{'':14}{'req/s':>9}{'min..max':>17}{'p50 ms':>9}{'p99 ms':>9}{'CPU us':>9}{'errors':>8}")
    for name, one in runs.items():
        rates = [run.per_second for run in one.runs]
        print(
            f"{name:14}{one.median('per_second'):9.0f}{f'{min(rates):.0f}..{max(rates):.0f}':>17}"
            f"{one.median('p50_ms'):9.2f}{one.median('p99_ms'):9.2f}{one.median('cpu_us'):9.0f}"
            f"{sum(run.errors for run in one.runs):8}"
        )


def _least(name: str, value: float, wanted: float) -> Goal:
    return Goal(name, value, f">= {wanted}", value >= wanted)


def _most(name: str, value: float, wanted: float) -> Goal:
    return Goal(name, value, f"<= {wanted}", value <= wanted)


def told(goals: Sequence[Goal]) -> str:
    """The goals as lines of text."""
    return "\n".join(
        f"{'met   ' if goal.met else 'MISSED'} {goal.name}: {goal.value:.2f} (goal {goal.wanted})"
        for goal in goals
    )


__all__ = ["Goal", "Run", "main", "told"]

if __name__ == "__main__":
    import sys

    outcome = main(short="--short" in sys.argv)
    print("\n" + told(outcome))
    sys.exit(any(not goal.met for goal in outcome))
