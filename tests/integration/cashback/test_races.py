"""Two orders at once never spend the same lot, committed for real."""

import asyncio
from datetime import timedelta

from app import clock, db
from app.cashback import queries
from app.cashback.service import reserve
from app.errors import DomainError
from app.reports.checks import run_checks
from tests.buyers import MARCH, buy, jobs
from tests.factories import make_program

NOW = MARCH + timedelta(days=2)


async def test_orders_and_reservations_at_once_never_overspend(committing: object) -> None:
    """100.00 there; ten reservations and ten orders of 30.00 each at the same moment: three of them fit."""
    program_id = await make_program(
        "north", cashback={"max_share": "100%", "rules": [{"code": "all", "rate": "10%"}]}
    )
    with clock.at(NOW):
        await buy(program_id, "1", "c", 100_000)
        await jobs()
        outcomes = await asyncio.gather(
            *(reserve(program_id, "c", f"r{number}", 3_000) for number in range(10)),
            *(buy(program_id, f"o{number}", "c", 3_000, at=NOW, spent_minor=3_000) for number in range(10)),
            return_exceptions=True,
        )
    refused = [one for one in outcomes if isinstance(one, DomainError)]
    assert [one for one in outcomes if isinstance(one, BaseException) and one not in refused] == []
    assert len(refused) == 17
    customer = await queries.owner(program_id, "c")
    assert customer is not None
    sums = (await queries.sums([customer.customer_id]))[customer.customer_id]
    assert sums.available_minor == 1_000
    assert sums.reserved_minor + sums.spent_minor == 9_000
    assert [result for result in await run_checks(program_id) if result.count] == []


async def test_the_same_job_twice_at_once_burns_a_lot_once(committing: object) -> None:
    program_id = await make_program(
        "north", cashback={"lifetime_days": 1, "rules": [{"code": "all", "rate": "10%"}]}
    )
    await buy(program_id, "1", "c", 100_000)
    late = MARCH + timedelta(days=9)
    await asyncio.gather(*(jobs(late) for _ in range(6)))
    rows = await db.fetch("SELECT kind, amount_minor FROM cashback_entries ORDER BY id")
    assert [(row["kind"], row["amount_minor"]) for row in rows] == [
        ("earned", 10_000),
        ("released", 10_000),
        ("expired", 10_000),
    ]
