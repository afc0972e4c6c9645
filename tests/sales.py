"""Orders of a shop, taken in through the service that the API calls."""

from datetime import datetime, timedelta

from app import clock
from app.commissions.intake import take
from app.orders.messages import LineMessage, OrderMessage, RefundMessage
from app.rules.facts import MICRO, OrderStatus


async def sell(
    program_id: int,
    partner: str,
    external_id: str,
    at: datetime,
    *,
    goods_minor: int = 100_000,
    fulfilled: bool = False,
    **fields: object,
) -> None:
    """An order of one coat paid at `at`, credited to the partner whom the shop names; refused messages fail."""
    lines = (LineMessage("1", MICRO, goods_minor, product="coat", name="Плащ, синий"),)
    message = OrderMessage(
        external_id=external_id,
        status=OrderStatus.FULFILLED if fulfilled else OrderStatus.PAID,
        updated_at=at + timedelta(minutes=1),
        placed_at=at - timedelta(minutes=5),
        paid_at=at,
        fulfilled_at=at if fulfilled else None,
        partner=partner,
        lines=lines,
        **fields,  # type: ignore[arg-type]
    )
    with clock.at(at):
        outcomes = await take(program_id, [message])
    assert outcomes[0].refused is None, outcomes


async def give_back(program_id: int, order: str, refund: str, at: datetime, amount_minor: int) -> None:
    """A refund without lines."""
    with clock.at(at):
        outcomes = await take(program_id, [RefundMessage(order, refund, at, amount_minor)])
    assert outcomes[0].refused is None, outcomes
