"""What the shop told us, as frozen data: lines, refunds, states of an order, and the order they make together.

An order is never a row that is overwritten. It is a *set* of facts: whole states, each with the shop's own
`updated_at`, and refunds, each with its own `external_id`. `merge` computes the order from that set, so that
facts that come twice, late or in the wrong order lead to the same order (rules.md §10, §16, api.md "Orders").

Moments are aware UTC and the shop's own. Amounts are integers of minor units. Ids of partners are ours.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

MICRO = 1_000_000
"""Quantities are integers of a millionth of a piece, so that `"0.375"` kg is exact."""


class OrderStatus(StrEnum):
    """Where an order stands in the shop; each status implies the earlier ones except `cancelled`."""

    PLACED = "placed"
    PAID = "paid"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"


class Channel(StrEnum):
    """How the sale came about; a partner may have another own rate for each."""

    EXTERNAL = "external"
    DIRECT = "direct"


class Cause(StrEnum):
    """Why a commission changed; one word per change, kept with it."""

    PAID = "paid"
    """The order's payment became known."""
    REFUND = "refund"
    """Part of the order was given back; `cause_ref` is the refund's external id."""
    CANCELLED = "cancelled"
    """All that was left was given back."""
    CHANGED = "changed"
    """The shop told another state of an order already judged (lines, amounts, taken back cancellation)."""
    CARD = "card"
    """An operator or staff named another partner or promo code."""
    REVIEW = "review"
    """Staff took the order's commissions back after a review, or gave them again."""
    SHARED = "shared"
    """Another partner of the order was calculated later: the order's cap and a parent's rounding are for all together."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an order. `total_minor` is its money after its own discount, tax inside (api.md)."""

    external_id: str
    quantity_micro: int
    total_minor: int
    tax_minor: int = 0
    discount_minor: int = 0
    """The line's own discount, already taken off `total_minor`; added back where the base keeps discounts."""
    product: str = ""
    categories: tuple[str, ...] = ()
    """From the root to the leaf."""
    brand: str = ""


@dataclass(frozen=True, slots=True)
class RefundLine:
    """What a refund gives back of one line; the amount decides where both are given (rules.md §10)."""

    line: str
    """The line's external id."""
    quantity_micro: int | None = None
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """One refund, unique in its order by `external_id`. An amount without lines goes over what is left."""

    external_id: str
    at: datetime
    amount_minor: int | None = None
    lines: tuple[RefundLine, ...] = ()


@dataclass(frozen=True, slots=True)
class OrderState:
    """One message of the shop: the order's whole state as it stood at `updated_at`."""

    status: OrderStatus
    updated_at: datetime
    digest: str
    """Of the message's facts; settles two states of one moment, the same way for everybody."""
    placed_at: datetime
    paid_at: datetime | None = None
    fulfilled_at: datetime | None = None
    cancelled_at: datetime | None = None
    currency: str = ""
    """Empty: the program's."""
    customer_id: str | None = None
    customer_keys: tuple[str, ...] = ()
    """Who the buyer is, for self-referrals: `email_key`, `phone_key`, `user_key`, `account_key`."""
    visitor_id: str | None = None
    click_id: str | None = None
    partner_id: int | None = None
    """Named by the shop's operator."""
    promo_code: str | None = None
    channel: Channel = Channel.EXTERNAL
    site: str = ""
    shipping_minor: int = 0
    discount_minor: int = 0
    """Of the whole order, beside the lines' own discounts."""
    tax_minor: int = 0
    """Of the whole order, in addition to the lines' own."""
    cashback_spent_minor: int = 0
    platform_commission_minor: int = 0
    seller_id: str | None = None
    """The marketplace's seller, by the shop's id."""
    sale_kind: str = "sale"
    """sale | placement: at which rate the seller's partner earns (rules.md §8)."""
    total_minor: int = 0
    """The goods' money of an order without lines; ignored where there are lines."""
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class CardChange:
    """An operator's or staff member's choice of the partner; the latest beats all messages of the shop.

    Staff's latest choice beats every operator's, earlier or later (rules.md §4.1).
    """

    at: datetime
    sequence: int
    partner_id: int | None = None
    promo_code: str | None = None
    by_staff: bool = False
    """Staff's choice is not refused as a self-referral (rules.md §4.1: it beats everything)."""
    nobody: bool = False
    """Staff's choice is that nobody is credited."""
    rejected: bool | None = None
    """A word of staff about the order and not about the partner: it earns nothing for anybody (True), or does again."""


@dataclass(frozen=True, slots=True)
class Order:
    """An order as its facts make it: the latest state, all refunds, the latest card change."""

    order_id: int
    state: OrderState
    refunds: tuple[Refund, ...] = ()
    """In order of (at, external_id)."""
    card: CardChange | None = None
    rejected_at: datetime | None = None
    """When staff decided that it earns nothing for anybody (rules.md §9, fraud); None: they did not."""

    @property
    def nothing_left(self) -> bool:
        """It earns nothing: cancelled, gone back to not paid, or rejected by staff."""
        state = self.state
        return state.status is OrderStatus.CANCELLED or state.paid_at is None or self.rejected_at is not None


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing to judge: the order merged with everything known of it, this fact included."""

    order: Order
    cause: Cause
    cause_ref: str
    """Refund: its external id; else the state's digest or the card change's number."""
    at: datetime
    """The shop's moment of this fact; differences on an order already judged are booked at it."""
    sequence: int
    """Arrival: rises with every fact of the program; settles equal moments."""


def merge(
    order_id: int,
    states: Iterable[OrderState],
    refunds: Iterable[Refund] = (),
    cards: Sequence[CardChange] = (),
) -> Order | None:
    """The order that a set of facts makes, whatever their order; None while no state is known.

    The latest `updated_at` wins, equal moments by digest. The visitor and the click are facts about the buyer's
    way and not about the order's state: a later message that leaves them out does not take them away.
    Refunds are united by external id; of two different ones with one id the smaller (at, repr) stands.
    """
    ordered = sorted(states, key=_state_order)
    if not ordered:
        return None
    state = ordered[-1]
    if len(ordered) > 1:
        state = _with_what_stays(state, ordered)
    chosen, rejected_at = _decisions(cards) if cards else (None, None)
    return Order(order_id, state, united(refunds), chosen, rejected_at)


def _decisions(cards: Iterable[CardChange]) -> tuple[CardChange | None, datetime | None]:
    """The choice that counts, and since when the order is rejected.

    Staff's latest choice beats every operator's; one that names neither a partner nor nobody takes staff's choices
    back.
    """
    ordered = sorted(cards, key=lambda card: (card.at, card.sequence))
    verdicts = [card for card in ordered if card.rejected is not None]
    choices = [card for card in ordered if card.rejected is None]
    by_staff = [card for card in choices if card.by_staff]
    chosen = by_staff[-1] if by_staff else None
    if chosen is None or (chosen.partner_id is None and not chosen.promo_code and not chosen.nobody):
        by_operators = [card for card in choices if not card.by_staff]
        chosen = by_operators[-1] if by_operators else None
    return chosen, verdicts[-1].at if verdicts and verdicts[-1].rejected else None


def united(refunds: Iterable[Refund]) -> tuple[Refund, ...]:
    """Refunds without repetitions, in order of (at, external_id)."""
    known: dict[str, Refund] = {}
    for refund in refunds:
        other = known.get(refund.external_id)
        if other is None or _refund_choice(refund) < _refund_choice(other):
            known[refund.external_id] = refund
    if len(known) < 2:
        return tuple(known.values())
    return tuple(sorted(known.values(), key=lambda refund: (refund.at, refund.external_id)))


def _state_order(state: OrderState) -> tuple[datetime, str]:
    return state.updated_at, state.digest


def _refund_choice(refund: Refund) -> tuple[datetime, str]:
    return refund.at, repr(refund)


def _with_what_stays(state: OrderState, ordered: list[OrderState]) -> OrderState:
    """The state with the visitor, click and customer of the latest message that named them.

    A cancellation does not undo the payment: one told without `paid_at` has that of the latest message with one,
    so that an order whose cancellation comes first is judged as if its facts had come in order.
    """
    visitor_id, click_id = state.visitor_id, state.click_id
    customer_id, customer_keys = state.customer_id, state.customer_keys
    paid_at, cancelled = state.paid_at, state.status is OrderStatus.CANCELLED
    for earlier in reversed(ordered):
        visitor_id = visitor_id or earlier.visitor_id
        click_id = click_id or earlier.click_id
        customer_id = customer_id or earlier.customer_id
        customer_keys = customer_keys or earlier.customer_keys
        paid_at = paid_at or (earlier.paid_at if cancelled else None)
    stays = (visitor_id, click_id, customer_id, customer_keys, paid_at)
    if stays == (state.visitor_id, state.click_id, state.customer_id, state.customer_keys, state.paid_at):
        return state
    values = {name: getattr(state, name) for name in OrderState.__slots__}
    values.update(
        visitor_id=visitor_id,
        click_id=click_id,
        customer_id=customer_id,
        customer_keys=customer_keys,
        paid_at=paid_at,
    )
    return OrderState(**values)
