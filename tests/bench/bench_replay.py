"""Replay of a history and simulation of a draft on it: orders per second of one core.

    python -m tests.bench.bench_replay [--orders N] [--profile]

A program with promo codes, clicks, tiers, levels and refunds gets so many orders through the intake. Then its history
is replayed, and simulated with the terms in force and with others; processor time is measured, since other work on
the machine is none of ours. Goal: 5,000 orders per second of one core; replay and simulation find no difference.
"""

import argparse
import asyncio
import cProfile
import io
import os
import pstats
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from typing import Any

os.environ.setdefault("TANDEM_SECRET_KEY", "only-for-benchmarks-" + "0" * 32)

from app import clock, db, migrations
from app.commissions.intake import take
from app.commissions.replay import replay
from app.commissions.simulation import simulate
from app.embedded import temporary
from app.orders.messages import LineMessage, Message, OrderMessage, RefundMessage
from app.programs.queries import latest_terms
from app.rules.facts import MICRO, OrderStatus
from app.rules.terms_document import merge_document, parse_terms
from app.tracking.links import NewLink, create_link
from app.tracking.messages import ClickMessage
from app.tracking.service import record_clicks
from tests.bench.bench_clicks import Goal, told
from tests.factories import make_partner, make_program

BEGINS = datetime(2025, 1, 10, tzinfo=UTC)
SPAN = (BEGINS - timedelta(days=9), datetime(2027, 1, 1, tzinfo=UTC))
PARTNERS, BATCH, GOAL = 50, 500, 5_000


async def measure(orders: int, *, profile: bool) -> list[Goal]:
    """Make the history, then fold it three times."""
    with temporary() as engines:
        with redirect_stdout(io.StringIO()):  # Piccolo tells about every migration
            await migrations.migrate(engines.database_owner_url)
        await db.connect(engines.database_owner_url)
        try:
            program_id = await seed(orders)
            present = await latest_terms(program_id)
            assert present is not None
            other = parse_terms(
                merge_document(
                    present.terms.document, {"attribution": {"model": "first_click", "window_days": 60}}
                )
            )
            replayed, rate = await timed(lambda: replay(program_id), orders, profile=profile)
            same, same_rate = await timed(lambda: simulate(program_id, present.terms, *SPAN), orders)
            tried, tried_rate = await timed(lambda: simulate(program_id, other, *SPAN), orders)
        finally:
            await db.close()
    found = len(replayed.differences) + same.orders_changed
    assert (replayed.orders, same.orders, tried.orders) == (orders, orders, orders), "orders are missing"
    return [
        Goal("replay, orders per second of a core", rate, f">= {GOAL}", rate >= GOAL),
        Goal("simulation with the terms in force, the same", same_rate, f">= {GOAL}", same_rate >= GOAL),
        Goal("simulation with other attribution, the same", tried_rate, f">= {GOAL}", tried_rate >= GOAL),
        Goal("differences", found, "0", not found),
    ]


async def timed(
    work: Callable[[], Awaitable[Any]], orders: int, *, profile: bool = False
) -> tuple[Any, float]:
    """The result, and orders per second of this process's time."""
    profiler = cProfile.Profile() if profile else None
    begun = time.process_time()
    if profiler is not None:
        profiler.enable()
    result = await work()
    if profiler is not None:
        profiler.disable()
        pstats.Stats(profiler).sort_stats("tottime").print_stats(30)
    return result, orders / (time.process_time() - begun)


async def seed(orders: int) -> int:
    """One click for every order, one order in three with two lines, one in ten with a refund."""
    program_id = await make_program(
        "bench-replay", levels_policy={"period": "quarter"}, tiers={"rates": ["10%", "5%"]}
    )
    for number in range(PARTNERS):
        code = f"p{number}"
        partner_id = await make_partner(program_id, code, parent=f"p{number // 3}" if number else "")
        await create_link(program_id, partner_id, NewLink("https://shop.example/", code=f"link-{code}"))
    for start in range(0, orders, BATCH):
        numbers = range(start, min(start + BATCH, orders))
        await record_clicks(program_id, [_click(number) for number in numbers])
        with clock.at(_paid_at(numbers[-1]) + timedelta(hours=1)):
            await take(program_id, [message for number in numbers for message in _messages(number)])
    await db.execute("ANALYZE")
    return program_id


def _paid_at(number: int) -> datetime:
    return BEGINS + timedelta(minutes=number * 7)


def _click(number: int) -> ClickMessage:
    at = _paid_at(number) - timedelta(hours=5)
    return ClickMessage(link=f"link-p{number % PARTNERS}", visitor_id=f"visitor-{number // 2:015}", at=at)


def _messages(number: int) -> list[Message]:
    paid_at = _paid_at(number)
    lines = tuple(
        LineMessage(str(line), MICRO, 100_000 + number, product="coat")
        for line in range(1 + (number % 3 == 0))
    )
    order = OrderMessage(
        external_id=str(number),
        status=OrderStatus.PAID,
        updated_at=paid_at,
        placed_at=paid_at - timedelta(minutes=5),
        paid_at=paid_at,
        visitor_id=f"visitor-{number // 2:015}",
        lines=lines,
    )
    refund = RefundMessage(str(number), "r", paid_at + timedelta(minutes=30), 50_000)
    return [order, refund] if number % 10 == 0 else [order]


def main() -> int:
    """Measure, tell, and say by the exit code whether the goals were met."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--profile", action="store_true", help="show where the time of the replay goes")
    asked = parser.parse_args()
    outcome = asyncio.run(measure(asked.orders, profile=asked.profile))
    print("\n" + told(outcome))
    return int(any(not goal.met for goal in outcome))


if __name__ == "__main__":
    sys.exit(main())
