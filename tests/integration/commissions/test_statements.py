"""How many statements a batch takes: as many for two orders as for forty."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import asyncpg

from app import db
from app.commissions.intake import take
from app.orders.messages import CustomerMessage, LineMessage, Message, OrderMessage, RefundMessage
from app.rules.facts import MICRO, OrderStatus
from app.tracking.messages import ClickMessage
from app.tracking.service import record_clicks
from tests.factories import make_partner, make_program

NOON = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
FIRST = 17
"""Statements of a batch of new orders: 10 that read and lock, 2 that give ids, 5 that write."""


@asynccontextmanager
async def statements() -> AsyncIterator[list[str]]:
    """What is sent to the database meanwhile, without what begins and ends transactions."""
    sent: list[str] = []

    def note(record: object) -> None:
        assert isinstance(record, asyncpg.connection.LoggedQuery)
        if not record.query.startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")):
            sent.append(record.query)

    async with db.connection() as held:
        with held.query_logger(note):
            yield sent


async def program(buyers: int) -> int:
    """A program whose buyers clicked, each on one of ten partners' links."""
    program_id = await make_program()
    for number in range(10):
        await make_partner(program_id, f"p{number}", **({"parent": "p0"} if number else {}))
    clicks = [
        ClickMessage(partner=f"p{number % 10}", visitor_id=f"v{number}", at=NOON - timedelta(days=1))
        for number in range(buyers)
    ]
    await record_clicks(program_id, clicks)
    return program_id


def order(number: int) -> OrderMessage:
    return OrderMessage(
        external_id=str(number),
        status=OrderStatus.PAID,
        updated_at=NOON,
        placed_at=NOON,
        paid_at=NOON,
        visitor_id=f"v{number}",
        customer=CustomerMessage(f"c{number}"),
        lines=(LineMessage(external_id="1", product="coat", quantity_micro=MICRO, total_minor=10_000),),
    )


async def sent_for(program_id: int, messages: list[Message]) -> list[str]:
    async with statements() as sent:
        outcomes = await take(program_id, messages)
    assert all(outcome.changed for outcome in outcomes)
    return sent


async def test_a_batch_takes_the_same_statements_whatever_its_size(transaction: None) -> None:
    program_id = await program(70)
    await take(program_id, [order(69)])  # the program's own accounts are made by its first order
    few = await sent_for(program_id, [order(number) for number in range(2)])
    many = await sent_for(program_id, [order(number) for number in range(2, 42)])
    assert many == few
    assert len(few) <= FIRST
    assert (
        await db.fetchval("SELECT count(*) FROM commission_entries WHERE program_id = $1", program_id)
        >= 43 * 2 - 5
    )


async def test_refunds_take_the_same_statements_whatever_their_number(transaction: None) -> None:
    program_id = await program(70)
    await take(program_id, [order(number) for number in range(42)])
    refunds = [
        RefundMessage(order=str(number), external_id="r", at=NOON + timedelta(hours=1), amount_minor=1_000)
        for number in range(42)
    ]
    await take(
        program_id, list(refunds[:1])
    )  # the driver asks once for the types that refunds are written with
    few = await sent_for(program_id, list(refunds[1:3]))
    many = await sent_for(program_id, list(refunds[3:]))
    assert many == few
