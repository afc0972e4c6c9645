"""From messages to facts: what is new, what is refused, and what each order comes to.

A batch of messages is read against what is stored of their orders. Messages that say nothing new are repetitions;
messages that cannot be true (refunds above the order, another currency, an unknown partner) are refused and change
nothing; the rest become facts in the order in which they are judged: by the shop's moment, equal ones by arrival.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain

import msgspec

from app.errors import DomainError, FieldError, NotFound, invalid
from app.orders.messages import CardMessage, CustomerMessage, Message, OrderMessage, RefundMessage
from app.orders.outcomes import Outcome
from app.rules.clawback import refund_problem
from app.rules.contacts import email_key, phone_key
from app.rules.facts import (
    CardChange,
    Cause,
    Fact,
    Line,
    Order,
    OrderState,
    OrderStatus,
    Refund,
    RefundLine,
    merge,
)

encode = msgspec.json.Encoder().encode
DECODERS: dict[str, Callable[[bytes | str], Message]] = {
    "state": msgspec.json.Decoder(OrderMessage).decode,
    "refund": msgspec.json.Decoder(RefundMessage).decode,
    "card": msgspec.json.Decoder(CardMessage).decode,
}
"""How the bodies of stored order events are read back."""


@dataclass(slots=True)
class KnownOrder:
    """An order while its messages are read: every fact stored or new, by kind."""

    order_id: int
    external_id: str
    is_new: bool
    currency: str = ""
    states: list[OrderState] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    cards: list[CardChange] = field(default_factory=list)
    digests: set[bytes] = field(default_factory=set)
    messages: dict[str, OrderMessage] = field(default_factory=dict)
    """By the hexadecimal digest of the state that each made."""
    stored: OrderState | None = None
    """The state in force before this batch."""
    touched: bool = False

    def merged(self) -> Order | None:
        """The order as all its facts make it."""
        if len(self.states) == 1 and not self.refunds and not self.cards:
            return Order(self.order_id, self.states[0])
        return merge(self.order_id, self.states, self.refunds, self.cards)


@dataclass(slots=True)
class NewFact:
    """One fact to store and to judge. `fact` is made once all earlier ones are in place."""

    known: KnownOrder
    kind: str
    digest: bytes
    at: datetime
    body: bytes
    arrival: int
    item: OrderState | Refund | CardChange
    fact: Fact | None = None


@dataclass(slots=True)
class Plan:
    """What a batch comes to: facts in the order of judging, and an outcome for each message."""

    program_id: int
    orders: dict[str, KnownOrder]
    facts: list[NewFact] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    customers: dict[str, CustomerMessage] = field(default_factory=dict)


def order_key(message: Message) -> str:
    """The shop's id of the order that a message is about."""
    return message.external_id if isinstance(message, OrderMessage) else message.order


def is_state(message: Message, digest: bytes) -> bool:
    """Whether a message tells the state of this digest."""
    return isinstance(message, OrderMessage) and hashlib.sha256(encode(_alone(message))).digest() == digest


def _alone(message: OrderMessage) -> OrderMessage:
    """Its state without the refunds, which are facts of their own."""
    return replace(message, refunds=()) if message.refunds else message


class Reader:
    """Reads messages one by one into a plan. `partner_ids` are by lower-cased code."""

    def __init__(
        self, plan: Plan, currency: str, partner_ids: Mapping[str, int], first_sequence: int
    ) -> None:
        self.plan = plan
        self.currency = currency
        self.partner_ids = partner_ids
        self.sequence = first_sequence

    def read(self, message: Message) -> None:
        """Take one message in: facts and an outcome."""
        known = self.plan.orders[order_key(message)]
        before = len(self.plan.facts)
        created = known.is_new and not known.touched
        try:
            if isinstance(message, OrderMessage):
                self._read_state(known, message)
            elif isinstance(message, RefundMessage):
                self._read_refund(known, message, "")
            else:
                self._read_card(known, message)
        except DomainError as refusal:
            self._forget(known, before)
            self.plan.outcomes.append(Outcome(None if known.is_new else known.order_id, refused=refusal))
            return
        changed = len(self.plan.facts) > before
        known.touched = known.touched or changed
        self.plan.outcomes.append(Outcome(known.order_id, created=created, changed=changed))

    def _forget(self, known: KnownOrder, before: int) -> None:
        """A refused message leaves nothing behind, not even its first half."""
        for fact in self.plan.facts[before:]:
            known.digests.discard(fact.digest)
            places = {"state": known.states, "refund": known.refunds, "card": known.cards}
            places[fact.kind].remove(fact.item)  # type: ignore[attr-defined]
        del self.plan.facts[before:]

    def _add(
        self,
        known: KnownOrder,
        kind: str,
        body: bytes,
        digest: bytes,
        at: datetime,
        item: OrderState | Refund | CardChange,
    ) -> None:
        known.digests.add(digest)
        self.sequence += 1
        self.plan.facts.append(NewFact(known, kind, digest, at, body, self.sequence, item))

    def _read_state(self, known: KnownOrder, message: OrderMessage) -> None:
        currency = message.currency or self.currency
        if known.currency and known.currency != currency:
            raise invalid(FieldError("/currency", "currency_changed", "An order keeps its currency."))
        alone = _alone(message)
        body = encode(alone)
        digest = hashlib.sha256(body).digest()
        if digest not in known.digests:
            state = self.state_of(alone, digest)
            at = _moment(known, state)
            known.states.append(state)
            known.messages[state.digest] = alone
            known.currency = currency
            self._add(known, "state", body, digest, at, state)
            if message.customer is not None:
                self._know(message.customer)
        for number, refund in enumerate(message.refunds):
            self._read_refund(known, refund, f"/refunds/{number}")

    def _know(self, customer: CustomerMessage) -> None:
        """Of several messages of a batch, the latest e-mail and phone that are not empty."""
        before = self.plan.customers.get(customer.external_id, customer)
        self.plan.customers[customer.external_id] = CustomerMessage(
            customer.external_id, customer.email or before.email, customer.phone or before.phone
        )

    def state_of(self, message: OrderMessage, digest: bytes) -> OrderState:
        """The message as the rules read it."""
        partner_id = None
        if message.partner:
            partner_id = self.partner_ids.get(message.partner.lower())
            if partner_id is None:
                raise invalid(
                    FieldError("/partner", "unknown_partner", "There is no partner with this code.")
                )
        return state_of(message, digest, partner_id, self.currency)

    def _read_refund(self, known: KnownOrder, message: RefundMessage, pointer: str) -> None:
        body = encode(message)
        digest = hashlib.sha256(body).digest()
        if digest in known.digests:
            return
        refund = refund_of(message)
        told = next((one for one in known.refunds if one.external_id == message.external_id), None)
        if told is not None:
            # Unique by its id (api.md): told again it is a repetition, also with another moment; the first stands.
            if (told.amount_minor, told.lines) == (refund.amount_minor, refund.lines):
                return
            raise DomainError(
                "The refund %(refund)s is known with other facts.",
                code="refund_changed",
                fields=(FieldError(f"{pointer}/external_id", "refund_changed", "A refund is told once."),),
                refund=message.external_id,
            )
        order = known.merged()
        if order is not None:
            problem = refund_problem(order.state, known.refunds, refund)
            if problem is not None:
                raise invalid(
                    FieldError(f"{pointer}{problem.pointer}", problem.code, REFUND_PROBLEMS[problem.code])
                )
        known.refunds.append(refund)
        self._add(known, "refund", body, digest, refund.at, refund)

    def _read_card(self, known: KnownOrder, message: CardMessage) -> None:
        if not known.states:
            raise NotFound()
        partner_id = None
        if message.partner:
            partner_id = self.partner_ids.get(message.partner.lower())
            if partner_id is None:
                raise invalid(
                    FieldError("/partner", "unknown_partner", "There is no partner with this code.")
                )
        body = encode(message)
        digest = hashlib.sha256(body).digest()
        if digest in known.digests:
            return
        card = card_of(message, self.sequence + 1, partner_id)
        known.cards.append(card)
        self._add(known, "card", body, digest, message.at, card)


REFUND_PROBLEMS = {
    "unknown_line": "The order has no such line.",
    "too_many_pieces": "More pieces than are left of the line.",
    "above_order": "Refunds would exceed the order.",
}


def finish(plan: Plan) -> None:
    """Bring the facts into the order of judging and give each the order as it is known with it."""
    plan.facts.sort(key=lambda new: (new.at, new.arrival))
    if all(count == 1 for count in _counts(plan.facts).values()):
        for new in plan.facts:
            new.fact = _fact(new, new.known.merged())
        return
    still_to_come: dict[int, list[NewFact]] = {}
    for new in plan.facts:
        still_to_come.setdefault(new.known.order_id, []).append(new)
    for new in plan.facts:
        later = still_to_come[new.known.order_id]
        later.remove(new)
        hidden = {id(other.item) for other in later}
        known = new.known
        order = merge(
            known.order_id,
            [state for state in known.states if id(state) not in hidden],
            [refund for refund in known.refunds if id(refund) not in hidden],
            [card for card in known.cards if id(card) not in hidden],
        )
        new.fact = _fact(new, order)


def _counts(facts: Iterable[NewFact]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for new in facts:
        counts[new.known.order_id] = counts.get(new.known.order_id, 0) + 1
    return counts


CAUSES = {"state": Cause.PAID, "refund": Cause.REFUND, "card": Cause.CARD}


def _fact(new: NewFact, order: Order | None) -> Fact | None:
    """None: a refund of an order that is not known yet; it waits."""
    if order is None:
        return None
    ref = new.item.external_id if isinstance(new.item, Refund) else new.digest.hex()
    return Fact(order, cause_of(new.kind, new.item), ref, new.at, new.arrival)


def cause_of(kind: str, item: OrderState | Refund | CardChange) -> Cause:
    """Why commissions change by a fact of this kind."""
    if isinstance(item, CardChange) and item.rejected is not None:
        return Cause.REVIEW
    return CAUSES[kind]


def _moment(known: KnownOrder, state: OrderState) -> datetime:
    """When a state is booked: its payment where that is news, else the moment of the change."""
    if state.paid_at is not None and all(one.paid_at is None for one in known.states):
        return state.paid_at
    if state.status is OrderStatus.CANCELLED:
        return state.cancelled_at or state.updated_at
    return state.updated_at


def state_of(message: OrderMessage, digest: bytes, partner_id: int | None, currency: str) -> OrderState:
    """The rules' form of an order message."""
    customer = message.customer
    keys: tuple[str, ...] = ()
    if customer is not None and (customer.email or customer.phone):
        keys = tuple(key for key in (email_key(customer.email), phone_key(customer.phone)) if key)
    return OrderState(
        status=message.status,
        updated_at=message.updated_at,
        digest=digest.hex(),
        placed_at=message.placed_at,
        paid_at=message.paid_at,
        fulfilled_at=message.fulfilled_at,
        cancelled_at=message.cancelled_at,
        currency=message.currency or currency,
        customer_id=customer.external_id if customer is not None else None,
        customer_keys=keys,
        visitor_id=message.visitor_id or None,
        click_id=message.click_id.lower() or None,
        partner_id=partner_id,
        promo_code=message.promo_code or None,
        channel=message.channel,
        site=message.site,
        shipping_minor=message.shipping_minor,
        discount_minor=message.discount_minor,
        tax_minor=message.tax_minor,
        cashback_spent_minor=message.cashback_spent_minor,
        platform_commission_minor=message.platform_commission_minor,
        seller_id=message.seller if isinstance(message.seller, str) else None,
        sale_kind=message.sale_kind,
        total_minor=message.total_minor or 0,
        lines=tuple(
            Line(
                line.external_id,
                line.quantity_micro,
                line.total_minor,
                line.tax_minor,
                line.discount_minor,
                line.product,
                line.categories,
                line.brand,
            )
            for line in message.lines
        ),
    )


def refund_of(message: RefundMessage) -> Refund:
    """The rules' form of a refund message."""
    lines = tuple(RefundLine(line.line, line.quantity_micro, line.amount_minor) for line in message.lines)
    return Refund(message.external_id, message.at, message.amount_minor, lines)


def card_of(message: CardMessage, sequence: int, partner_id: int | None) -> CardChange:
    """The rules' form of a card message."""
    return CardChange(
        message.at,
        sequence,
        partner_id,
        message.promo_code,
        message.by_staff,
        message.nobody is True,
        message.rejected if isinstance(message.rejected, bool) else None,
    )


def named_partners(messages: Sequence[Message]) -> set[str]:
    """Lower-cased codes of the partners that the messages name."""
    named = (message.partner for message in messages if isinstance(message, OrderMessage | CardMessage))
    return {code.lower() for code in chain(named) if code}
