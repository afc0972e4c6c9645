"""Whether an order is its customer's first: what plans for first and repeat orders ask (rules.md §6, §16 "Rates").

All orders of the customer in the program count, with or without partner, by `paid_at`, that are not fully refunded at
this order's `paid_at`; of equal moments those that came earlier. The verdict is stored with the judgement.
"""

from datetime import datetime

from app.rules.clawback import gone_at
from app.rules.facts import Order
from app.rules.judgement import Buyer
from app.rules.state import Purchase, State


def buyer_of(state: State, order: Order, paid_at: datetime) -> Buyer | None:
    """The order's customer as the plans see him; None: the shop has not named him."""
    customer_id = order.state.customer_id
    if not customer_id:
        return None
    given = state.given.buyer if state.given is not None else None
    if given is not None and given.customer_id == customer_id:
        return given
    others = state.purchases.get(customer_id, {})
    repeat = any(
        other.paid_at <= paid_at and (other.gone_at is None or other.gone_at > paid_at)
        for order_id, other in others.items()
        if order_id != order.order_id
    )
    return Buyer(customer_id, not repeat)


def purchase_of(order: Order) -> Purchase | None:
    """The order as a purchase of its customer; None: it is not paid, or nobody knows whose it is."""
    paid_at = order.state.paid_at
    if paid_at is None or not order.state.customer_id:
        return None
    return Purchase(paid_at, gone_at(order))
