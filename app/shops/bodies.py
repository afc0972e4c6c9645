"""The bodies that shops send (api.md), and the messages that they become.

A body's form is in its types: unknown fields, wrong types and lengths are refused with 400. What is well-formed and
still cannot be (a line's amount that does not agree, a moment in the future) is refused with 422, all such fields at
once. What needs the stored order to be judged is refused by `orders/service.py`.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec

from app.errors import DomainError, FieldError, invalid
from app.orders.messages import (
    CardMessage,
    CustomerMessage,
    LineMessage,
    OrderMessage,
    RefundLineMessage,
    RefundMessage,
)
from app.rules.facts import MICRO, Channel, OrderStatus
from app.rules.money import round_minor
from app.shops.reading import decode, is_plain, read

MONEY_MAX = 10**15
"""Ten trillion roubles in kopecks; sums of them stay inside 64 bits."""
PIECES_MAX = 10**9
LINES_MAX = 1000
REFUNDS_MAX = 200
BATCH_MAX = 500
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)
"""So far may a shop's clock be ahead of ours."""

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Short = Annotated[str, msgspec.Meta(max_length=100)]
Amount = Annotated[int, msgspec.Meta(ge=0, le=MONEY_MAX, description="Minor units of the currency.")]
Moment = Annotated[datetime, msgspec.Meta(tz=True, description="RFC 3339 with an offset.")]
Quantity = Annotated[
    int | str, msgspec.Meta(description="Pieces: an integer, or a decimal string with up to six digits.")
]
_DECIMAL = re.compile(r"[0-9]{1,10}(\.[0-9]{1,6})?", re.ASCII)


class Body(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Every body refuses fields that it does not know."""


class CustomerBody(Body):
    """The buyer."""

    external_id: Id
    email: Annotated[str, msgspec.Meta(max_length=254)] | None = None
    phone: Annotated[str, msgspec.Meta(max_length=32)] | None = None


class LineBody(Body):
    """One line of an order."""

    external_id: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    quantity: Quantity = 1
    unit_price_minor: Amount | None = None
    discount_minor: Amount = 0
    total_minor: Amount | None = None
    tax_minor: Amount = 0
    product: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    name: Annotated[str, msgspec.Meta(max_length=300)] | None = None
    categories: Annotated[
        list[Short], msgspec.Meta(max_length=20, description="From the root to the leaf.")
    ] = []
    brand: Short | None = None


class RefundLineBody(Body):
    """What a refund gives back of one line: pieces, or money, which decides where both are given."""

    line: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    quantity: Quantity | None = None
    amount_minor: Amount | None = None


class RefundBody(Body):
    """A refund, unique in its order by `external_id`."""

    external_id: Id
    at: Moment
    amount_minor: Amount | None = None
    lines: Annotated[list[RefundLineBody], msgspec.Meta(max_length=LINES_MAX)] = []


class SellerBody(Body):
    """The marketplace's seller."""

    external_id: Id


class OrderBody(Body):
    """An order's whole present state."""

    status: OrderStatus
    number: Short | None = None
    currency: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}$")] | None = None
    updated_at: Moment | None = None
    placed_at: Moment | None = None
    paid_at: Moment | None = None
    fulfilled_at: Moment | None = None
    cancelled_at: Moment | None = None
    customer: CustomerBody | None = None
    visitor_id: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    click_id: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    partner: Annotated[str, msgspec.Meta(max_length=32)] | None = None
    promo_code: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    channel: Channel = Channel.EXTERNAL
    site: Annotated[str, msgspec.Meta(max_length=253)] | None = None
    seller: SellerBody | None = None
    platform_commission_minor: Amount = 0
    sale_kind: Literal["sale", "placement"] = "sale"
    shipping_minor: Amount = 0
    discount_minor: Amount = 0
    tax_minor: Amount = 0
    cashback_spent_minor: Amount = 0
    total_minor: Amount | None = None
    lines: Annotated[list[LineBody], msgspec.Meta(max_length=LINES_MAX)] = []
    refunds: Annotated[list[RefundBody], msgspec.Meta(max_length=REFUNDS_MAX)] = []


class NamedOrderBody(OrderBody, kw_only=True):
    """An order in a batch: it names itself."""

    external_id: Id


class BatchBody(Body):
    """Up to 500 orders; each is read by itself, so that a bad one does not spoil the rest."""

    orders: Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1, max_length=BATCH_MAX)]


class CardBody(Body):
    """The operator's change of an order's card; an empty text takes the choice back."""

    promo_code: Annotated[str, msgspec.Meta(max_length=64)] | msgspec.UnsetType = msgspec.UNSET
    partner: Annotated[str, msgspec.Meta(max_length=32)] | msgspec.UnsetType = msgspec.UNSET


@dataclass(frozen=True, slots=True)
class ParsedOrder:
    """An order's message, and which of its moments the shop left to us."""

    message: OrderMessage
    guessed: frozenset[str] = frozenset()
    """Names of moments that follow from the status but were not given: an earlier message may have told them."""


@dataclass(slots=True)
class Check:
    """Gathers what is wrong, field by field."""

    now: datetime
    fields: list[FieldError] = field(default_factory=list)

    def wrong(self, pointer: str, code: str, detail: str) -> None:
        """Mark a field."""
        self.fields.append(FieldError(pointer, code, detail))

    def moment(self, pointer: str, moment: datetime) -> datetime:
        """The moment in UTC."""
        try:
            utc = moment.astimezone(UTC)
        except OverflowError:
            utc = EARLIEST - AHEAD
        if utc < EARLIEST:
            self.wrong(pointer, "out_of_range", "Moments before the year 2000 are not taken.")
        elif utc > self.now + AHEAD:
            self.wrong(pointer, "in_the_future", "This moment is more than a day ahead of our clock.")
        return utc

    def quantity(self, pointer: str, quantity: int | str) -> int:
        """Millionths of a piece; above zero."""
        if isinstance(quantity, str):
            if not _DECIMAL.fullmatch(quantity):
                self.wrong(
                    pointer, "not_a_number", "Write a decimal number with a point and up to six digits."
                )
                return MICRO
            whole, _, fraction = quantity.partition(".")
            micro = int(whole) * MICRO + int(fraction.ljust(6, "0"))
        else:
            micro = quantity * MICRO
        if not 0 < micro <= PIECES_MAX * MICRO:
            self.wrong(pointer, "out_of_range", "A quantity is above zero and at most 1,000,000,000.")
            return MICRO
        return micro

    def external_id(self, external_id: str) -> None:
        """The id in the address keeps the rules of one in a body."""
        if not 0 < len(external_id) <= 200 or not is_plain(external_id):
            self.wrong("/external_id", "wrong_form", "An id has 1 to 200 characters, no control characters.")

    def finish(self) -> None:
        """Raise when something was wrong."""
        if self.fields:
            raise invalid(
                *self.fields, message="The request is well-formed, but its content is not acceptable."
            )


_order_decoder = msgspec.json.Decoder(OrderBody)
_named_order_decoder = msgspec.json.Decoder(NamedOrderBody)
_batch_decoder = msgspec.json.Decoder(BatchBody)
_refund_decoder = msgspec.json.Decoder(RefundBody)
_card_decoder = msgspec.json.Decoder(CardBody)


def parse_order(raw: bytes, external_id: str, now: datetime) -> ParsedOrder:
    """The body of `PUT /orders/{external_id}`."""
    return _order(read(raw, _order_decoder), external_id, now)


def parse_batch(raw: bytes, now: datetime) -> list[ParsedOrder | DomainError]:
    """The body of `POST /orders/batch`: each order by itself, or why it is refused."""
    orders: list[ParsedOrder | DomainError] = []
    for one in decode(raw, _batch_decoder).orders:
        try:
            body = read(bytes(one), _named_order_decoder)
            orders.append(_order(body, body.external_id, now))
        except DomainError as error:
            orders.append(error)
    return orders


def parse_refund(raw: bytes, order: str, now: datetime) -> RefundMessage:
    """The body of `POST /orders/{order}/refunds`."""
    body = read(raw, _refund_decoder)
    check = Check(now)
    check.external_id(order)
    message = _refund(check, body, order, "")
    check.finish()
    return message


def parse_card(raw: bytes, order: str, now: datetime) -> CardMessage:
    """The body of `PATCH /orders/{order}/card`."""
    body = read(raw, _card_decoder)
    check = Check(now)
    check.external_id(order)
    code = None if isinstance(body.promo_code, msgspec.UnsetType) else body.promo_code
    partner = None if isinstance(body.partner, msgspec.UnsetType) else body.partner
    if code is None and partner is None:
        check.wrong("", "missing", "Name a promo_code or a partner.")
    check.finish()
    return CardMessage(order, now, promo_code=code, partner=partner)


def _order(body: OrderBody, external_id: str, now: datetime) -> ParsedOrder:
    check = Check(now)
    check.external_id(external_id)
    moments, guessed = _moments(check, body)
    lines = tuple(line_message(check, line, f"/lines/{index}") for index, line in enumerate(body.lines))
    if len({line.external_id for line in lines}) != len(lines):
        check.wrong("/lines", "repeated", "Two lines have the same external_id.")
    refunds = tuple(
        _refund(check, refund, external_id, f"/refunds/{index}") for index, refund in enumerate(body.refunds)
    )
    if len({refund.external_id for refund in refunds}) != len(refunds):
        check.wrong("/refunds", "repeated", "Two refunds have the same external_id.")
    _check_totals(check, body, lines)
    check.finish()
    customer = body.customer
    message = OrderMessage(
        external_id=external_id,
        status=body.status,
        updated_at=moments["updated_at"],
        placed_at=moments["placed_at"],
        number=body.number or "",
        currency=body.currency or "",
        paid_at=moments.get("paid_at"),
        fulfilled_at=moments.get("fulfilled_at"),
        cancelled_at=moments.get("cancelled_at"),
        customer=CustomerMessage(customer.external_id, customer.email or "", customer.phone or "")
        if customer
        else None,
        visitor_id=body.visitor_id or "",
        click_id=body.click_id or "",
        partner=body.partner or "",
        promo_code=body.promo_code or "",
        channel=body.channel,
        site=(body.site or "").lower(),
        sale_kind=body.sale_kind,
        platform_commission_minor=body.platform_commission_minor,
        shipping_minor=body.shipping_minor,
        discount_minor=body.discount_minor,
        tax_minor=body.tax_minor,
        cashback_spent_minor=body.cashback_spent_minor,
        total_minor=None if lines else body.total_minor,
        lines=lines,
        refunds=refunds,
        seller=body.seller.external_id if body.seller is not None else msgspec.UNSET,
    )
    return ParsedOrder(message, guessed)


_STAGES: dict[OrderStatus, tuple[str, ...]] = {
    OrderStatus.PLACED: ("placed_at",),
    OrderStatus.PAID: ("placed_at", "paid_at"),
    OrderStatus.FULFILLED: ("placed_at", "paid_at", "fulfilled_at"),
    OrderStatus.CANCELLED: ("placed_at", "cancelled_at"),
}
"""The moments that a status implies."""
_POSSIBLE = {**_STAGES, OrderStatus.CANCELLED: ("placed_at", "paid_at", "fulfilled_at", "cancelled_at")}
"""The moments that may be told with a status; those of later stages are not taken: the status decides."""


def _moments(check: Check, body: OrderBody) -> tuple[dict[str, datetime], frozenset[str]]:
    """Every moment that the status allows. What it implies and the shop left out is the moment of this state."""
    given = {
        name: check.moment(f"/{name}", moment)
        for name in ("updated_at", "placed_at", "paid_at", "fulfilled_at", "cancelled_at")
        if (moment := getattr(body, name)) is not None
    }
    updated_at = given.get("updated_at", check.now)
    moments = {name: given[name] for name in _POSSIBLE[body.status] if name in given}
    guessed = [name for name in _STAGES[body.status] if name not in moments]
    for name in guessed:
        moments[name] = updated_at
    moments["updated_at"] = updated_at
    return moments, frozenset(guessed)


def line_message(check: Check, body: LineBody, pointer: str) -> LineMessage:
    """One line, its amount computed or compared."""
    quantity_micro = check.quantity(f"{pointer}/quantity", body.quantity)
    total = body.total_minor
    if body.unit_price_minor is not None:
        product = quantity_micro * body.unit_price_minor
        computed = round_minor(product, MICRO) - body.discount_minor
        if computed < 0:
            check.wrong(
                f"{pointer}/discount_minor", "out_of_range", "The discount is above the line's amount."
            )
        elif computed > MONEY_MAX:
            check.wrong(f"{pointer}/unit_price_minor", "out_of_range", "The line's amount is too large.")
        if total is not None and total != computed:
            check.wrong(
                f"{pointer}/total_minor",
                "does_not_agree",
                "total_minor is not quantity × unit_price_minor − discount_minor.",
            )
        total = computed
    elif total is None:
        check.wrong(f"{pointer}/total_minor", "missing", "Give unit_price_minor or total_minor.")
    return LineMessage(
        external_id=body.external_id,
        quantity_micro=quantity_micro,
        total_minor=total or 0,
        tax_minor=body.tax_minor,
        discount_minor=body.discount_minor,
        product=body.product or "",
        name=body.name or "",
        categories=tuple(body.categories),
        brand=body.brand or "",
    )


def _refund(check: Check, body: RefundBody, order: str, pointer: str) -> RefundMessage:
    at = check.moment(f"{pointer}/at", body.at)
    if body.amount_minor is None and not body.lines:
        check.wrong(f"{pointer}/amount_minor", "missing", "Give amount_minor or lines.")
    lines = []
    for index, line in enumerate(body.lines):
        place = f"{pointer}/lines/{index}"
        if line.quantity is None and line.amount_minor is None:
            check.wrong(f"{place}/quantity", "missing", "Give quantity or amount_minor.")
        pieces = None if line.quantity is None else check.quantity(f"{place}/quantity", line.quantity)
        lines.append(RefundLineMessage(line.line, pieces, line.amount_minor))
    if len({line.line for line in lines}) != len(lines):
        check.wrong(f"{pointer}/lines", "repeated", "A line is named twice.")
    return RefundMessage(order, body.external_id, at, body.amount_minor, tuple(lines))


def _check_totals(check: Check, body: OrderBody, lines: tuple[LineMessage, ...]) -> None:
    goods = sum(line.total_minor for line in lines)
    if not lines and body.total_minor is None:
        check.wrong("/lines", "missing", "Give lines, or total_minor for an order without lines.")
    elif lines and body.total_minor is not None and body.total_minor != goods:
        check.wrong("/total_minor", "does_not_agree", "total_minor is not the sum of the lines.")
    if goods > MONEY_MAX:
        check.wrong("/lines", "out_of_range", "The order's amount is too large.")
