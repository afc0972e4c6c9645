"""The levels of a whole program at a midnight, for 100,000, 1,000,000 and 10,000,000 orders.

    python -m tests.bench.bench_levels [--orders N …] [--rounds N]

Each size is a program of its own with a partner for every thousand orders of one year. In turn are measured: our
recalculation, which goes by the running totals kept beside the entries; one hand-written statement over the same
totals; and one over the entries themselves, which is what a portal without running totals has to do. All three must
leave the same levels. Goals: ours within 2 × the statement over the entries, and its time grows no faster than orders.
"""

import argparse
import asyncio
import io
import os
import sys
import time
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median

os.environ.setdefault("TANDEM_SECRET_KEY", "only-for-benchmarks-" + "0" * 32)

from app import db, migrations
from app.commissions.service import recalculate_program_levels
from app.embedded import temporary
from tests.bench.bench_clicks import Goal, told
from tests.factories import SINCE, make_program

ORDERS_PER_PARTNER = 1_000
YEAR_BEGINS = datetime(2024, 12, 31, 21, tzinfo=UTC)
"""2025 in Moscow."""
MIDNIGHT = datetime(2025, 11, 14, 21, tzinfo=UTC)

LEVELS = """
    level (position, code, reached) AS (VALUES (1, 'starter', 0::bigint), (2, 'silver', 10000000), (3, 'gold', 50000000))
"""
DECIDE = """
    decided AS (
        SELECT partner.id, partner.level AS before, greatest(now_is.position, was.position) AS position
        FROM partners AS partner
        LEFT JOIN turnover ON turnover.partner_id = partner.id
        CROSS JOIN LATERAL (
            SELECT max(position) AS position FROM level
            WHERE reached <= greatest(coalesce(turnover.present, 0), 0)
        ) AS now_is
        CROSS JOIN LATERAL (
            SELECT max(position) AS position FROM level
            WHERE reached <= greatest(coalesce(turnover.previous, 0), 0)
        ) AS was
        WHERE partner.program_id = $1
    ), changed AS (
        SELECT decided.id, decided.before, level.code FROM decided JOIN level USING (position)
        WHERE level.code <> decided.before
    ), told AS (
        INSERT INTO partner_level_changes
            (program_id, partner_id, at, before, after, turnover_minor, reason, pinned, note, recorded_at)
        SELECT $1, id, $2, before, code, 0, 'turnover', false, '', $2 FROM changed
    )
    UPDATE partners SET level = changed.code FROM changed WHERE partners.id = changed.id
"""
FROM_TOTALS = f"""
    WITH {LEVELS}, turnover AS (
        SELECT partner_id,
            sum(base_minor) FILTER (WHERE starts_on >= $3::date) AS present,
            sum(base_minor) FILTER (WHERE starts_on < $3::date) AS previous
        FROM partner_turnovers
        WHERE grain = 'day' AND starts_on >= $4::date AND starts_on < ($2::timestamptz AT TIME ZONE 'Europe/Moscow')::date
            AND partner_id IN (SELECT id FROM partners WHERE program_id = $1)
        GROUP BY partner_id
    ), {DECIDE}
"""
FROM_ENTRIES = f"""
    WITH {LEVELS}, turnover AS (
        SELECT partner_id,
            sum(base_minor) FILTER (WHERE at >= $3::timestamp AT TIME ZONE 'Europe/Moscow') AS present,
            sum(base_minor) FILTER (WHERE at < $3::timestamp AT TIME ZONE 'Europe/Moscow') AS previous
        FROM commission_entries
        WHERE program_id = $1 AND kind = 'direct' AND at >= $4::timestamp AT TIME ZONE 'Europe/Moscow' AND at < $2
        GROUP BY partner_id
    ), {DECIDE}
"""
QUARTER, QUARTER_BEFORE = datetime(2025, 10, 1), datetime(2025, 7, 1)  # noqa: DTZ001 - local days for SQL


@dataclass(slots=True)
class Size:
    """One program and what its recalculations took."""

    orders: int
    program_id: int
    partners: int
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def took(self, way: str) -> float:
        return median(self.seconds[way])


async def compare(sizes: list[int], rounds: int) -> list[Goal]:
    """Seed a program of each size, then measure the three ways in turn."""
    with temporary() as engines:
        with redirect_stdout(io.StringIO()):  # Piccolo tells about every migration
            await migrations.migrate(engines.database_owner_url)
        await db.connect(engines.database_owner_url)
        try:
            programs = [await seed(orders) for orders in sizes]
            for _round in range(rounds):
                for size in programs:
                    await measure(size)
        finally:
            await db.close()
    return tell(programs)


async def seed(orders: int) -> Size:
    """A program whose entries and running totals are those of so many orders of the year."""
    program_id = await make_program(
        f"levels-{orders}", levels_policy={"recalculate": "daily", "period": "quarter"}
    )
    partners = max(1, orders // ORDERS_PER_PARTNER)
    async with db.connection() as connection:
        # Only what recalculation reads is made, so references and triggers have nothing to check.
        await connection.execute("SET statement_timeout = 0; SET session_replication_role = replica")
        await connection.execute(
            """
            INSERT INTO partners (program_id, code, name, kind, state, level, joined_at, created_at)
            SELECT $1, 'p' || number, 'p' || number, 'person', 'active', 'starter', $3, $3
            FROM generate_series(1, $2::int) AS number
            """,
            program_id,
            partners,
            SINCE,
            timeout=3600,
        )
        await connection.execute(
            """
            INSERT INTO commission_entries (commission_id, program_id, partner_id, order_id, kind, tier, cause,
                cause_ref, at, base_minor, amount_minor, rate)
            SELECT number, $1, partner.id, number, 'direct', 0, 'paid', '', $4::timestamptz
                + interval '1 second' * (number * 31536000 / $3::bigint), 20000 + number % 300 * 1000, 1000, 70000
            FROM generate_series(1, $3::bigint) AS number
            JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM partners WHERE program_id = $1)
                AS partner ON partner.place = number % $2::int
            """,
            program_id,
            partners,
            orders,
            YEAR_BEGINS,
            timeout=3600,
        )
        for grain in ("day", "month"):
            await connection.execute(
                """
                INSERT INTO partner_turnovers (partner_id, grain, starts_on, base_minor)
                SELECT partner_id, $2::text, date_trunc($2::text, at AT TIME ZONE 'Europe/Moscow')::date, sum(base_minor)
                FROM commission_entries WHERE program_id = $1 GROUP BY 1, 3
                """,
                program_id,
                grain,
                timeout=3600,
            )
        await connection.execute("RESET session_replication_role")
        await connection.execute("ANALYZE", timeout=3600)
    return Size(orders, program_id, partners)


async def measure(size: Size) -> None:
    """Each way once, from the same start, with the same outcome."""
    found = {}
    for way in ("ours", "totals", "entries"):
        await _forget(size.program_id)
        started = time.perf_counter()
        if way == "ours":
            await recalculate_program_levels(size.program_id, MIDNIGHT)
        else:
            async with db.transaction():
                await db.execute(
                    FROM_TOTALS if way == "totals" else FROM_ENTRIES,
                    size.program_id,
                    MIDNIGHT,
                    QUARTER,
                    QUARTER_BEFORE,
                )
        size.seconds.setdefault(way, []).append(time.perf_counter() - started)
        found[way] = await db.fetch(
            "SELECT id, level FROM partners WHERE program_id = $1 ORDER BY id", size.program_id
        )
    assert found["ours"] == found["totals"] == found["entries"], "the three ways differ"
    assert {row["level"] for row in found["ours"]} - {"starter"}, "nobody's level changed"


async def _forget(program_id: int) -> None:
    await db.execute("UPDATE partners SET level = 'starter' WHERE program_id = $1", program_id)
    await db.execute("DELETE FROM partner_level_changes WHERE program_id = $1", program_id)
    await db.execute("DELETE FROM job_runs WHERE job = 'levels'")
    await db.execute("DELETE FROM events WHERE program_id = $1", program_id)


def tell(sizes: list[Size]) -> list[Goal]:
    """Print the figures; the goals with their outcome."""
    print(f"{'orders':>12} {'partners':>9} {'ours ms':>9} {'over totals ms':>15} {'over entries ms':>16}")
    for size in sizes:
        ours, totals, entries = (size.took(way) * 1000 for way in ("ours", "totals", "entries"))
        print(f"{size.orders:>12,} {size.partners:>9,} {ours:>9.0f} {totals:>15.0f} {entries:>16.0f}")
    print(f"load {os.getloadavg()[0]:.1f}")
    largest = sizes[-1]
    goals = [
        Goal(
            f"ours to the statement over entries, {largest.orders:,} orders",
            largest.took("ours") / largest.took("entries"),
            "<= 2",
            largest.took("ours") <= 2 * largest.took("entries"),
        )
    ]
    for smaller, larger in pairwise(sizes):
        growth = larger.took("ours") / smaller.took("ours")
        factor = larger.orders / smaller.orders
        goals.append(
            Goal(
                f"growth to {larger.orders:,} orders",
                growth,
                f"<= {factor * 1.2:.0f}",
                growth <= factor * 1.2,
            )
        )
    return goals


def _command(arguments: list[str]) -> int:
    """0 when the goals are met, else 1."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--orders", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args(arguments)
    goals = asyncio.run(compare(sorted(asked.orders), asked.rounds))
    print(told(goals))
    return 0 if all(goal.met for goal in goals) else 1


if __name__ == "__main__":
    sys.exit(_command(sys.argv[1:]))
