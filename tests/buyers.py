"""Customers with cashback, made by the orders that give it."""

from datetime import UTC, datetime, timedelta

from app import clock, db
from app.cashback.service import expire_due, release_due
from app.commissions.intake import take
from app.orders.messages import CustomerMessage, LineMessage, OrderMessage
from app.rules.facts import MICRO, OrderStatus

MARCH = datetime(2026, 3, 1, 9, tzinfo=UTC)


async def account_of(program_id: int, customer: str = "buyer") -> int:
    """A customer who has an account and nothing on it; our id of him."""
    async with db.transaction():
        found: int = await db.fetchval(
            """
            INSERT INTO customers (program_id, external_id, email_key, phone_key, created_at)
            VALUES ($1, $2, '', '', $3) RETURNING id
            """,
            program_id,
            customer,
            clock.now(),
        )
        await db.execute(
            "INSERT INTO cashback_accounts (program_id, customer_id, link_number, created_at) VALUES ($1, $2, 1, $3)",
            program_id,
            found,
            clock.now(),
        )
    return found


async def buy(
    program_id: int,
    order: str,
    customer: str,
    total_minor: int,
    *,
    at: datetime = MARCH,
    spent_minor: int = 0,
) -> None:
    """A fulfilled order of one line; raises what refused it."""
    message = OrderMessage(
        external_id=order,
        status=OrderStatus.FULFILLED,
        updated_at=at,
        placed_at=at,
        paid_at=at,
        fulfilled_at=at,
        customer=CustomerMessage(customer),
        cashback_spent_minor=spent_minor,
        lines=(LineMessage("1", MICRO, total_minor),),
    )
    [outcome] = await take(program_id, [message])
    if outcome.refused is not None:
        raise outcome.refused


async def jobs(at: datetime = MARCH + timedelta(days=1)) -> None:
    """What time does to cashback, as at a moment."""
    with clock.at(at):
        await release_due(at)
        await expire_due(at)
