"""Cards of orders: what judging has made of them, and what other things than the shop's messages change (§13)."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from app import clock, db
from app.events.service import NewEvent, emit_in_transaction
from app.orders.writes import Card
from app.rules.state import OrderRecord

if TYPE_CHECKING:
    from app.commissions.facts import Loaded
    from app.commissions.writes import Written


CARD_STATUS = {"placed": "agreed", "paid": "agreed", "fulfilled": "approved", "cancelled": "cancelled"}
"""The shop's statuses on the partner card (rules.md §13)."""


def cards_of(written: "Written") -> dict[int, Card]:
    """What judging has made of each order: when it was judged, and its card."""
    now = clock.now()
    cards = {}
    for order_id, record in written.records.items():
        shares = record.judgement.shares
        order = written.orders[order_id]
        status = "cancelled" if order.rejected_at is not None else CARD_STATUS[order.state.status.value]
        if status != "cancelled" and _all_paid(written.loaded, order_id, record):
            status = "paid"
        cards[order_id] = Card(
            now,
            max(shares, key=lambda share: share.weight).partner_id if shares else None,
            status if record.commissions else "none",
            sum(commission.amount_minor for commission in record.commissions.values()),
        )
    return cards


def _all_paid(loaded: "Loaded", order_id: int, record: OrderRecord) -> bool:
    """Whether everything the order earns has been paid to its partners already, without payout requests."""
    if not loaded.paid:
        return False
    earned = [(key, one) for key, one in record.commissions.items() if one.amount_minor]
    return bool(earned) and all(
        not one.pending_minor and (order_id, *key) in loaded.paid for key, one in earned
    )


async def refresh_cards_in_transaction(program_id: int, order_ids: Sequence[int], at: datetime) -> None:
    """Say `paid` on the cards of orders all of whose commissions are paid; the shop is told by `order.card_changed`.

    The orders are locked by the caller.
    """
    if not order_ids:
        return
    rows = await db.fetch(
        """
        UPDATE orders SET card_status = 'paid', changed_at = $2
        WHERE id = ANY($1::bigint[]) AND card_status IN ('agreed', 'approved')
            AND NOT EXISTS (
                SELECT FROM commissions AS commission
                WHERE commission.order_id = orders.id AND commission.amount_minor > 0
                    AND (commission.state <> 'paid' OR commission.pending_minor > 0)
            )
        RETURNING id, external_id
        """,
        list(order_ids),
        clock.now(),
    )
    await emit_in_transaction(card_events(program_id, [(row["id"], row["external_id"]) for row in rows], at))


def card_events(program_id: int, orders: Sequence[tuple[int, str]], at: datetime) -> list[NewEvent]:
    """What the shop is told of: the cards of these orders (our id, the shop's) are other ones now."""
    return [
        NewEvent("order.card_changed", program_id, f"order:{number}", {"order": external_id}, at)
        for number, external_id in orders
    ]
