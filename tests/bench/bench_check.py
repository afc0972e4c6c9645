"""All checks of the books over a million postings.

    python -m tests.bench.bench_check [--postings N]

A program gets so many postings: each order is accrued and released, with its commission, entry, balances and running
totals, written by SQL so that everything adds up. Then the checks run as `tandem check` runs them, the sealed chain
included where there is one. Goals: a million postings within 10 s, and every check holds.
"""

import argparse
import asyncio
import io
import os
import sys
import time
from contextlib import redirect_stdout

os.environ.setdefault("TANDEM_SECRET_KEY", "only-for-benchmarks-" + "0" * 32)

from app import db, migrations
from app.embedded import temporary
from app.reports.checks import run_checks
from tests.bench.bench_clicks import Goal, told
from tests.factories import make_partner, make_program

PARTNERS = 200
GOAL_SECONDS = 10

STATEMENTS = (
    "CREATE TEMP TABLE who AS SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM partners WHERE program_id = $1",
    """
    INSERT INTO orders (program_id, external_id, status, currency, updated_at, paid_at, created_at, changed_at, reward_minor)
    SELECT $1, number::text, 'paid', 'RUB', moment, moment, moment, moment, 7000
    FROM (SELECT number, timestamptz '2025-01-10' + interval '1 minute' * (number % 400000) AS moment
        FROM generate_series(1, $2::int) AS number) AS new
    """,
    """
    INSERT INTO commissions (program_id, order_id, partner_id, kind, tier, state, base_minor, rate, accrued_minor,
        amount_minor, pending_minor, earned_at, released_at)
    SELECT $1, orders.id, who.id, 'direct', 0, 'available', 100000, 70000, 7000, 7000, 0, orders.paid_at, orders.paid_at
    FROM orders JOIN who ON who.place = orders.id % $2::int WHERE orders.program_id = $1
    """,
    """
    INSERT INTO journal_entries (program_id, kind, source_key, occurred_at, recorded_at)
    SELECT $1, kinds.kind, kinds.kind || ':' || commission.id, earned_at, earned_at
    FROM commissions AS commission CROSS JOIN (VALUES ('accrual'), ('release')) AS kinds (kind)
    WHERE program_id = $1
    """,
    """
    INSERT INTO commission_entries (commission_id, program_id, partner_id, order_id, kind, tier, cause, cause_ref, at,
        base_minor, amount_minor, rate)
    SELECT id, program_id, partner_id, order_id, kind, tier, 'paid', '', earned_at, base_minor, amount_minor, rate
    FROM commissions WHERE program_id = $1
    """,
    """
    INSERT INTO ledger_accounts (program_id, kind, owner_id)
    SELECT $1, kind, coalesce(who.id, 0)
    FROM (VALUES ('expense'), ('pending'), ('available')) AS kinds (kind)
    LEFT JOIN who ON kinds.kind <> 'expense'
    ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO postings (entry_id, debit_account_id, credit_account_id, amount_minor)
    SELECT entry.id, debit.id, credit.id, commission.amount_minor
    FROM journal_entries AS entry
    JOIN commissions AS commission ON commission.id = split_part(entry.source_key, ':', 2)::bigint
    JOIN ledger_accounts AS debit ON debit.program_id = $1 AND (debit.kind, debit.owner_id) =
        (CASE WHEN entry.kind = 'accrual' THEN 'expense' ELSE 'pending' END,
            CASE WHEN entry.kind = 'accrual' THEN 0 ELSE commission.partner_id END)
    JOIN ledger_accounts AS credit ON credit.program_id = $1 AND credit.owner_id = commission.partner_id
        AND credit.kind = CASE WHEN entry.kind = 'accrual' THEN 'pending' ELSE 'available' END
    WHERE entry.program_id = $1
    """,
    """
    UPDATE ledger_balances AS balance SET balance_minor = moved.amount
    FROM (SELECT credit_account_id AS id, sum(amount_minor) AS amount FROM postings GROUP BY 1) AS moved
    JOIN ledger_accounts AS account ON account.id = moved.id AND account.kind = 'available'
    WHERE balance.account_id = moved.id
    """,
    """
    INSERT INTO partner_turnovers (partner_id, grain, starts_on, base_minor, sold_minor, sold_micro, earned_minor)
    SELECT partner_id, grain, date_trunc(grain, at AT TIME ZONE 'Europe/Moscow')::date, sum(base_minor),
        CASE WHEN grain = 'month' THEN sum(base_minor) ELSE 0 END, 0,
        CASE WHEN grain = 'month' THEN sum(amount_minor) ELSE 0 END
    FROM commission_entries CROSS JOIN (VALUES ('day'), ('month')) AS grains (grain)
    WHERE program_id = $1 GROUP BY 1, 2, 3
    """,
    """
    INSERT INTO daily_counts (program_id, partner_id, link_id, day, clicks, clicks_not_counted, orders, base_minor,
        earned_minor)
    SELECT $1, partner_id, 0, (at AT TIME ZONE 'Europe/Moscow')::date, 0, 0, count(*), sum(base_minor), sum(amount_minor)
    FROM commission_entries WHERE program_id = $1 GROUP BY 2, 4
    """,
)


async def measure(postings: int) -> list[Goal]:
    """Write so many postings, then prove them."""
    with temporary() as engines:
        with redirect_stdout(io.StringIO()):  # Piccolo tells about every migration
            await migrations.migrate(engines.database_owner_url)
        await db.connect(engines.database_owner_url)
        try:
            await seed(postings // 2)
            found = await db.fetchval("SELECT count(*) FROM postings")
            begun = time.perf_counter()
            results = await run_checks()
            seconds = time.perf_counter() - begun
        finally:
            await db.close()
    broken = [f"{result.name}: {result.count}, {result.rows[:2]}" for result in results if result.count]
    print("\n".join(broken))
    limit = GOAL_SECONDS * max(1, postings / 1_000_000)
    return [
        Goal(
            f"seconds for {len(results)} checks over {found:,} postings",
            seconds,
            f"< {limit:g}",
            seconds < limit,
        ),
        Goal("checks that do not hold", len(broken), "0", not broken),
    ]


async def seed(orders: int) -> None:
    """As many orders, each accrued and released."""
    program_id = await make_program("bench-check")
    for number in range(PARTNERS):
        await make_partner(program_id, f"p{number}")
    async with db.connection() as connection:
        # References have been kept by the way it is written; checking each would take most of the time.
        await connection.execute("SET statement_timeout = 0; SET session_replication_role = replica")
        for statement in STATEMENTS:
            wanted = orders if "generate_series" in statement else PARTNERS
            given = (program_id, wanted)
            values = given[: 2 if "$2" in statement else 1 if "$1" in statement else 0]
            if statement.startswith("CREATE"):
                statement, values = statement.replace("$1", str(program_id)), ()
            await connection.execute(statement, *values, timeout=3600)
        await connection.execute("RESET session_replication_role; ANALYZE", timeout=3600)


def main() -> int:
    """Measure, tell, and say by the exit code whether the goals were met."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--postings", type=int, default=1_000_000)
    outcome = asyncio.run(measure(parser.parse_args().postings))
    print("\n" + told(outcome))
    return int(any(not goal.met for goal in outcome))


if __name__ == "__main__":
    sys.exit(main())
