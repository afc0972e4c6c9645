"""Orders as they stand, read from their stored facts, to be judged again or calculated."""

from collections.abc import Sequence

from app import db
from app.orders.plan import NewFact, Plan
from app.orders.service import lock_known_orders
from app.rules.facts import Cause, Fact


async def stored_orders(plan: Plan, currency: str, external_ids: Sequence[str]) -> list[NewFact]:
    """A fact for each order as it stands; put into the plan so that its state is loaded.

    What an order judged before still owes is booked at the moment of its last event.
    """
    known_orders = await lock_known_orders(plan.program_id, currency, external_ids)
    told = await db.fetch(
        "SELECT id, occurred_at FROM order_events WHERE id = ANY($1::bigint[])",
        [event_id for _, event_id in known_orders],
    )
    moments = {row["id"]: row["occurred_at"] for row in told}
    for known, event_id in known_orders:
        order = known.merged()
        if order is not None:
            at = moments[event_id]
            fact = Fact(order, Cause.PAID, order.state.digest, at, event_id)
            plan.facts.append(NewFact(known, "state", b"", at, b"", event_id, order.state, fact))
    plan.facts.sort(
        key=lambda new: (new.fact.order.state.paid_at or new.at if new.fact else new.at, new.arrival)
    )
    return plan.facts
