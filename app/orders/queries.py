"""Reads of orders: one order as its stored facts make it."""

from app import db
from app.orders.messages import OrderMessage, RefundMessage
from app.orders.plan import DECODERS, refund_of, state_of
from app.rules.facts import Order, OrderState, Refund, merge


async def stored_order(order_id: int, currency: str) -> Order | None:
    """The order merged of all its facts, without locking; None while only refunds are known of it.

    Whom the shop or staff named is left out: who is credited is told by the judgement.
    """
    rows = await db.fetch(
        "SELECT kind, digest, body FROM order_events WHERE order_id = $1 ORDER BY id LIMIT 10000", order_id
    )
    states: list[OrderState] = []
    refunds: list[Refund] = []
    for row in rows:
        message = DECODERS[row["kind"]](row["body"])
        if isinstance(message, OrderMessage):
            states.append(state_of(message, row["digest"], None, currency))
        elif isinstance(message, RefundMessage):
            refunds.append(refund_of(message))
    return merge(order_id, states, refunds)
