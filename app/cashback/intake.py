"""Cashback of the orders of one batch, in the transaction that judges them (`commissions/intake.py`).

    fold_in_transaction(plan, terms)            lock, load, fold; names the messages that must be refused
    write_in_transaction(folded, event_ids)     after the orders are written

Nothing is loaded or written for a program none of whose terms gives cashback. An order may say how much of it was
paid with cashback (`cashback_spent_minor`) with or without a reservation before it; more than `max_share` of the
order or than the customer has is refused with the message, which then changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.cashback.refusals import refusal
from app.cashback.state import Held, hold_in_transaction
from app.cashback.writes import Step
from app.cashback.writes import write_in_transaction as write_steps
from app.errors import DomainError
from app.orders.plan import NewFact, Plan
from app.rules.cashback_moves import Move
from app.rules.facts import Order, OrderState, Refund
from app.rules.state import State, TermsVersion
from app.rules.wallet import TooMuchError, Wallets


@dataclass(slots=True)
class Folded:
    """What a batch comes to, not written yet."""

    held: Held
    moves: list[tuple[int, NewFact, tuple[Move, ...]]] = field(default_factory=list)
    """By the place of the fact in the plan."""
    refused: list[tuple[NewFact, DomainError]] = field(default_factory=list)
    """States that ask for more than may be; the batch is to be planned again without them."""


async def fold_in_transaction(plan: Plan, terms: Sequence[TermsVersion]) -> Folded | None:
    """What the facts of a plan come to; None where the program gives no cashback. Nothing is written."""
    if not plan.facts or all(version.terms.cashback is None for version in terms):
        return None
    orders = [new.fact.order for new in plan.facts if new.fact is not None]
    known = {new.known.order_id: new.known for new in plan.facts}
    held = await hold_in_transaction(
        plan.program_id,
        customers={order.state.customer_id for order in orders if order.state.customer_id},
        order_ids=[order_id for order_id, one in known.items() if not one.is_new],
        order_keys=[one.external_id for one in known.values()],
        spenders={
            order.state.customer_id
            for order in orders
            if order.state.customer_id and order.state.cashback_spent_minor
        },
    )
    folded = Folded(held)
    versions = State(terms=list(terms))
    wallets = held.wallets
    for place, new in enumerate(plan.facts):
        if new.fact is None:
            continue
        try:
            tell(wallets, new, versions)
        except TooMuchError as error:
            assert new.kind == "state", "only an order's own state can ask for more than may be"
            folded.refused.append((new, refusal(error, "/cashback_spent_minor")))
        moves, wallets.moves = tuple(wallets.moves), []
        if moves:
            folded.moves.append((place, new, moves))
    return folded


def tell(wallets: Wallets, new: NewFact, versions: State) -> None:
    """One fact: the order as it stands with it; a state that is not the latest is looked at by itself."""
    fact = new.fact
    assert fact is not None, "a refund that waits for its order has nothing to tell"
    state = new.item
    if isinstance(state, OrderState) and state.digest != fact.order.state.digest:
        stale = Order(fact.order.order_id, state, fact.order.refunds)
        wallets.check(stale, new.known.external_id, versions, fact.at)
    wallets.told(fact.order, new.known.external_id, versions, fact.at)


async def write_in_transaction(folded: Folded, event_ids: Sequence[int]) -> None:
    """Store and book; `event_ids` are one for each fact of the plan."""
    steps = [
        Step(
            f"cashback:order_event:{event_ids[place]}",
            "cashback",
            moves[-1].at,
            moves,
            new.item.external_id if isinstance(new.item, Refund) else "",
        )
        for place, new, moves in folded.moves
    ]
    await write_steps(folded.held, steps)
