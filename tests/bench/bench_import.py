"""A year of a real shop's history (../shared/data) through `tandem import history`, and through the rules alone.

The command runs as a shop would run it, in a process of its own; afterwards the books are checked, the whole history
is folded again, and a second import must find nothing to do. `--short` imports to the end of January only.
"""

import asyncio
import re
import subprocess
import sys
import time
from datetime import UTC, datetime

from rich.table import Table

from tests.bench.bench_clicks import Goal, told
from tests.bench.measure import ROOT, Site, cpu, database_pids, load_average, site, tree
from tests.bench.tables import console

DATA = ROOT.parent / "shared" / "data"
TERMS = "last.daily_qtd"
SHORT_UNTIL = datetime(2011, 2, 1, tzinfo=UTC)

WORK = """
import asyncio, sys, time, tomllib
from datetime import UTC, datetime
from pathlib import Path
import uvloop
from app import db
from app.config import settings
from app.commissions.history import HistoryFolder
from app.commissions.history_import import import_history
from app.programs.queries import program_by_code
from app.programs.service import NewProgram, create_program
from app.rules.terms_document import parse_terms

async def main(data, name, until):
    await db.connect(settings().database_url)
    document = tomllib.loads((Path(data) / "terms" / f"{name}.toml").read_text())
    if await program_by_code("past") is None:
        new = NewProgram("past", "Past", "https://shop.example/", ("shop.example",))
        await create_program(new, document, from_moment=datetime(1970, 1, 1, tzinfo=UTC))
    found = await program_by_code("past")
    terms = parse_terms(document)
    folder = HistoryFolder(Path(data) / "orders", terms.zone, terms.currency)
    moments = {}
    begun = time.perf_counter()
    done = await import_history(
        found.id, folder, progress=lambda what, _count: moments.setdefault(what, time.perf_counter()),
        until=datetime.fromisoformat(until) if until else None,
    )
    ended = time.perf_counter()
    assert not done.refused, done.refused[:3]
    print(f"clicks={done.clicks} events={done.events} all={ended - begun:.2f} orders={ended - moments['events']:.2f}")
    await db.close()

uvloop.run(main(*sys.argv[1:]))
"""


def main(*, short: bool = False) -> list[Goal]:
    """Print the figures; the goals with their outcome."""
    if not DATA.is_dir():
        raise SystemExit(f"bench import needs the history in {DATA}")
    until = SHORT_UNTIL if short else None
    goals = [_rules_alone()]
    with site() as place:
        goals += _import(place, until)
        goals += asyncio.run(proved(place))
    return goals


def _rules_alone() -> Goal:
    command = [sys.executable, "-m", "tests.unit.rules.history", TERMS]
    rates = []
    for _round in range(3):
        said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        found = re.search(r"([\d]+) orders/s", said)
        assert found, said
        rates.append(int(found[1]))
    console.print(f"rules alone, orders per second of one core: {sorted(rates)}, load {load_average()}")
    rate = sorted(rates)[1]
    return Goal("rules alone, orders per second of a core", rate, ">= 5000", rate >= 5000)


def _import(place: Site, until: datetime | None) -> list[Goal]:
    first = _run(place, until)
    orders = asyncio.run(_orders(place))
    table = Table("", "orders", "orders/s", "seconds", "of it clicks", "CPU s import", "CPU s PostgreSQL")
    rate = orders / first["orders"]
    table.add_row(
        "import",
        f"{orders:,}",
        f"{rate:,.0f}",
        f"{first['all']:.1f}",
        f"{first['all'] - first['orders']:.1f}",
        f"{first['cpu']:.1f}",
        f"{first['database']:.1f}",
    )
    console.print(table)
    again = _run(place, until)
    changed = again["clicks"] + again["events"] + abs(asyncio.run(_orders(place)) - orders)
    return [
        Goal("import, orders per second", rate, ">= 1500", rate >= 1500),
        Goal("import, seconds for all of it", first["all"], "< 60", first["all"] < 60),
        Goal("done by a second import", changed, "0", not changed),
    ]


def _run(place: Site, until: datetime | None) -> dict[str, float]:
    """One import in a process of its own; what it said, and the processor time of it and of the database."""
    script = place.var_dir / "import.py"
    script.write_text(WORK)
    before = cpu(database_pids(place))
    command = [sys.executable, str(script), str(DATA), TERMS, until.isoformat() if until else ""]
    with subprocess.Popen(command, cwd=ROOT, env=place.environ, stdout=subprocess.PIPE, text=True) as process:
        used = database = 0.0
        while process.poll() is None:
            used = max(used, cpu(tree(process.pid)))
            database = max(database, cpu(database_pids(place)) - before)
            time.sleep(0.05)
        assert process.stdout is not None
        said = process.stdout.read()
    assert process.returncode == 0, said
    told_by_it = {name: float(value) for name, value in re.findall(r"(\w+)=([\d.]+)", said)}
    return told_by_it | {"cpu": used, "database": database}


async def _orders(place: Site) -> int:
    from app import db

    await db.connect(place.engines.database_url)
    try:
        return int(await db.fetchval("SELECT count(*) FROM orders"))
    finally:
        await db.close()


async def proved(place: Site) -> list[Goal]:
    """Checks and replay after the import."""
    from app import db
    from app.commissions.replay import replay
    from app.ledger.chain import seal
    from app.reports.checks import run_checks

    await db.connect(place.engines.database_url)
    try:
        program_id = await db.fetchval("SELECT id FROM programs WHERE code = 'past'")
        begun = time.perf_counter()
        blocks = await seal(program_id)
        sealed = time.perf_counter()
        broken = [result for result in await run_checks() if result.count]
        checked = time.perf_counter()
        replayed = await replay(program_id)
        ended = time.perf_counter()
    finally:
        await db.close()
    console.print(
        f"{blocks} blocks sealed in {sealed - begun:.1f} s, checked in {checked - sealed:.1f} s, "
        f"{replayed.facts} facts replayed in {ended - checked:.1f} s"
    )
    differences = len(replayed.differences)
    return [
        Goal("checks that do not hold", len(broken), "0", not broken),
        Goal(f"differences after replay of {replayed.facts} facts", differences, "0", not differences),
    ]


if __name__ == "__main__":
    outcome = main(short="--short" in sys.argv)
    print("\n" + told(outcome))
    sys.exit(any(not goal.met for goal in outcome))
