"""The overview of a partner with 10,000 and with 10,000,000 clicks in the table, a tenth of them his.

    python -m tests.bench.bench_overview [--small N] [--large N] [--requests N]

Two databases, each behind the real app in a server of its own; requests go to them in turn, one at a time, so that
whatever else the machine does falls on both. Prints p50 and p95 of each, their ratios, the servers' CPU per request,
and how long a click through `/r/…` takes to stand in the figures of the page.
Goal: p95 within ±20 % of one another, a click visible within 2 s.
"""

import argparse
import asyncio
import io
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlsplit, urlunsplit

SECRET = "only-for-benchmarks-" + "0" * 32
os.environ.setdefault("TANDEM_SECRET_KEY", SECRET)

import asyncpg  # noqa: E402
import httpx  # noqa: E402

from app import db, migrations  # noqa: E402
from app.config import settings  # noqa: E402
from app.embedded import Engines, temporary  # noqa: E402
from app.users import service, sessions  # noqa: E402
from app.users.sessions import Browser  # noqa: E402
from tests.bench.bench_clicks import Goal, told  # noqa: E402
from tests.factories import make_partner, make_program, make_user  # noqa: E402
from tests.sales import sell  # noqa: E402

PARTNERS = 10
DAYS = 365
SALES = 200
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
FIGURE = re.compile(r'Clicks</a></dt>\s*<dd class="kpi__value">([\d,]+)')


@dataclass(slots=True)
class Target:
    """One database with its server."""

    name: str
    clicks: int
    url: str
    cookie: str
    link: str
    seeded_seconds: float
    client: httpx.AsyncClient | None = None
    pid: int = 0
    milliseconds: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0

    @property
    def http(self) -> httpx.AsyncClient:
        assert self.client is not None, "the server runs"
        return self.client


def main(*, short: bool = False) -> list[Goal]:
    """Print the figures; the goals with their outcome. `short` takes a tenth of the clicks."""
    return asyncio.run(compare(10_000, 1_000_000 if short else 10_000_000, 50 if short else 200))


async def compare(small: int, large: int, requests: int) -> list[Goal]:
    """Seed both databases, serve them, ask in turn."""
    with temporary() as engines, tempfile.TemporaryDirectory() as folder:
        targets = [await seed(engines, "small", small), await seed(engines, "large", large)]
        async with AsyncExitStack() as stack:
            for target in targets:
                await stack.enter_async_context(serving(target, engines.redis_url, Path(folder)))
            await measure(targets, requests)
            fresh = [await freshness(target) for target in targets]
    return tell(targets, fresh)


async def seed(engines: Engines, name: str, clicks: int) -> Target:
    """A migrated database with `clicks` clicks of the last year spread over the partners, Alice's a tenth."""
    started = time.monotonic()
    owner_url = _named(engines.database_owner_url, name)
    owner = await asyncpg.connect(_named(engines.database_owner_url, "postgres"))
    await owner.execute(f"CREATE DATABASE {name}")
    await owner.close()
    with redirect_stdout(io.StringIO()):  # Piccolo tells about every migration
        await migrations.migrate(owner_url)
    await db.connect(owner_url)
    try:
        program_id = await make_program("north")
        user_id = await make_user("alice@example.com", name="Alice", locale="en")
        partner_ids = [await make_partner(program_id, "alice", user_id=user_id)]
        partner_ids += [await make_partner(program_id) for _ in range(PARTNERS - 1)]
        now = datetime.now(UTC)
        for number in range(SALES):
            await sell(
                program_id, "alice", f"N{number}", now - timedelta(days=1 + number % 300, minutes=number)
            )
        await fill(program_id, partner_ids, clicks)
        link = await db.fetchval("SELECT code FROM links WHERE partner_id = $1", partner_ids[0])
        if link is None:
            link = "alice-main"
            await db.execute(
                "INSERT INTO links (program_id, partner_id, code, destination, main, created_at) "
                "VALUES ($1, $2, $3, 'https://shop.example/', true, $4)",
                program_id,
                partner_ids[0],
                link,
                now,
            )
        async with db.transaction():
            made = await service.start_session_in_transaction(user_id, Browser("127.0.0.1", "bench"))
    finally:
        await db.close()
    seconds = time.monotonic() - started
    app_url = _named(engines.database_url, name)
    return Target(name, clicks, app_url, made.token, link, seconds)


async def fill(program_id: int, partner_ids: list[int], clicks: int) -> None:
    """Clicks in one statement, their indexes made afterwards, and the daily counts that tracking would have kept."""
    indexes = await db.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'clicks' AND indexdef NOT LIKE '%UNIQUE%'"
    )
    async with db.connection() as connection:
        await connection.execute("SET statement_timeout = 0")
        for index in indexes:
            await connection.execute(f"DROP INDEX {index['indexname']}")
        await connection.execute(
            """
            INSERT INTO clicks (public_id, program_id, partner_id, link_id, visitor_id, clicked_at, recorded_at,
                counted, reason, landing_url, user_agent)
            SELECT gen_random_uuid(), $1, ($2::bigint[])[1 + number % $3], 0, 'v' || number / 3, at, at, true, '',
                'https://shop.example/?page=' || number % 100, $6
            FROM generate_series(1, $4::bigint) AS number
            CROSS JOIN LATERAL (SELECT now() - interval '1 day' * ($5 * number / $4::float8) AS at) AS moment
            """,
            program_id,
            partner_ids,
            len(partner_ids),
            clicks,
            float(DAYS),
            BROWSER,
            timeout=3600,
        )
        for index in indexes:
            await connection.execute(index["indexdef"], timeout=3600)
        await connection.execute(
            """
            INSERT INTO daily_counts AS kept (program_id, partner_id, link_id, day, clicks, clicks_not_counted, orders,
                base_minor, earned_minor)
            SELECT program_id, partner_id, link_id, (clicked_at AT TIME ZONE 'Europe/Moscow')::date, count(*), 0, 0, 0, 0
            FROM clicks
            GROUP BY 1, 2, 3, 4
            ON CONFLICT (partner_id, day, link_id) DO UPDATE SET clicks = kept.clicks + excluded.clicks
            """,
            timeout=3600,
        )
        await connection.execute("ANALYZE", timeout=3600)


@asynccontextmanager
async def serving(target: Target, redis_url: str, folder: Path) -> AsyncIterator[None]:
    """The real app on a unix socket, in a process of its own."""
    socket = folder / f"{target.name}.sock"
    environment = os.environ | {
        "DATABASE_URL": target.url,
        "REDIS_URL": redis_url,
        "TANDEM_VAR": str(folder / target.name),
        "TANDEM_BASE_URL": "http://portal.test",
    }
    command = [sys.executable, "-m", "uvicorn", "app.main:create_asgi", "--factory", "--uds", str(socket)]
    process = subprocess.Popen([*command, "--log-level", "warning"], env=environment)
    try:
        client = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(socket)),
            base_url="http://portal.test",
            headers={"User-Agent": BROWSER, "Accept-Language": "en"},
        )
        async with client:
            await _until_up(client, process)
            target.client, target.pid = client, process.pid
            yield
    finally:
        process.terminate()
        process.wait(timeout=20)


async def _until_up(client: httpx.AsyncClient, process: "subprocess.Popen[bytes]") -> None:
    for _try in range(300):
        if process.poll() is not None:
            raise RuntimeError("the server ended before it began")
        try:
            if (await client.get("/healthz")).status_code == 200:
                return
        except httpx.TransportError:
            await asyncio.sleep(0.1)
    raise RuntimeError("the server does not answer")


async def measure(targets: list[Target], requests: int) -> None:
    """One request at a time to each target in turn; the first twenty rounds only warm up."""
    for _round in range(20):
        for target in targets:
            await _overview(target)
    before = {target.name: _cpu_seconds(target.pid) for target in targets}
    for _round in range(requests):
        for target in targets:
            started = time.perf_counter()
            await _overview(target)
            target.milliseconds.append((time.perf_counter() - started) * 1000)
    for target in targets:
        target.cpu_seconds = _cpu_seconds(target.pid) - before[target.name]


async def _overview(target: Target) -> str:
    # Cookies are sent by hand: the jar would keep those of clicks, whose visitor must be new each time.
    name = sessions.cookie_name(settings())
    answer = await target.http.get("/overview", headers={"Cookie": f"{name}={target.cookie}"})
    assert answer.status_code == 200, (answer.status_code, answer.text[:300])
    return answer.text


async def freshness(target: Target) -> float:
    """Seconds from a click's answer until the page counts it."""
    before = _clicks(await _overview(target))
    target.http.cookies.clear()
    answer = await target.http.get(f"/r/{target.link}")
    assert answer.status_code == 302, answer.status_code
    started = time.perf_counter()
    while _clicks(await _overview(target)) == before:
        if time.perf_counter() - started > 10:
            break
        await asyncio.sleep(0.02)
    return time.perf_counter() - started


def _clicks(page: str) -> int:
    found = FIGURE.search(page)
    assert found is not None, "the page has no figure of clicks"
    return int(found[1].replace(",", ""))


def tell(targets: list[Target], fresh: list[float]) -> list[Goal]:
    """Print the figures; the goals with their outcome."""
    print(f"{'clicks':>12} {'p50 ms':>8} {'p95 ms':>8} {'CPU ms':>8} {'visible s':>10} {'seeded s':>9}")
    p95s = []
    for target, seconds in zip(targets, fresh, strict=True):
        cuts = quantiles(target.milliseconds, n=100)
        p95s.append(cuts[94])
        cpu = target.cpu_seconds * 1000 / len(target.milliseconds)
        print(
            f"{target.clicks:>12,} {cuts[49]:>8.1f} {cuts[94]:>8.1f} {cpu:>8.1f} {seconds:>10.3f} "
            f"{target.seeded_seconds:>9.0f}"
        )
    print(f"load {os.getloadavg()[0]:.1f}")
    ratio = p95s[1] / p95s[0]
    return [
        Goal("overview p95, many clicks to few", ratio, "0.80 to 1.20", 0.8 <= ratio <= 1.2),
        Goal("click in the figures, seconds", max(fresh), "<= 2", max(fresh) <= 2),
    ]


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _named(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def _command(arguments: list[str]) -> int:
    """0 when the goals are met, else 1."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--small", type=int, default=10_000, help="clicks of the small database")
    parser.add_argument("--large", type=int, default=10_000_000, help="clicks of the large one")
    parser.add_argument("--requests", type=int, default=200, help="measured requests to each")
    asked = parser.parse_args(arguments)
    goals = asyncio.run(compare(asked.small, asked.large, asked.requests))
    print(told(goals))
    return 0 if all(goal.met for goal in goals) else 1


if __name__ == "__main__":
    sys.exit(_command(sys.argv[1:]))
