"""What a shop says, for tests of the desk."""

from datetime import UTC, datetime

from app.orders.messages import LineMessage, OrderMessage, RefundMessage
from app.rules.facts import OrderStatus

PAID = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def paid_order(external_id: str, *, partner: str = "", currency: str = "") -> OrderMessage:
    """An order of 1,000.00, paid in March."""
    return OrderMessage(
        external_id,
        OrderStatus.PAID,
        PAID,
        PAID,
        currency=currency,
        paid_at=PAID,
        partner=partner,
        lines=(LineMessage("1", 1_000_000, 100_000),),
    )


def refund(order: str, external_id: str) -> RefundMessage:
    """One thousandth of it comes back."""
    return RefundMessage(order, external_id, PAID, amount_minor=100)
