"""What a shop says about an order, parsed and checked for form: the input of `commissions/intake.py`.

The API, connectors, scenarios and the import of a history all speak in these. Amounts are minor units of the order's
currency, moments aware. What needs the stored order to be judged (refunds above the order, a changed currency, an
unknown partner or line) is refused by `orders/service.py`, with a pointer into the message.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from msgspec import UNSET, UnsetType

from app.rules.facts import Channel, OrderStatus


@dataclass(frozen=True, slots=True)
class CustomerMessage:
    """The buyer, by the shop's own id."""

    external_id: str
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class LineMessage:
    """One line; `total_minor` is its amount after its own discount (api.md)."""

    external_id: str
    quantity_micro: int
    total_minor: int
    tax_minor: int = 0
    discount_minor: int = 0
    """The line's own discount, already taken off `total_minor`."""
    product: str = ""
    name: str = ""
    categories: tuple[str, ...] = ()
    brand: str = ""


@dataclass(frozen=True, slots=True)
class RefundLineMessage:
    """What a refund gives back of one line."""

    line: str
    quantity_micro: int | None = None
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True)
class RefundMessage:
    """`POST /orders/{order}/refunds`, or one of an order's `refunds`; unique in its order by `external_id`."""

    order: str
    external_id: str
    at: datetime
    amount_minor: int | None = None
    lines: tuple[RefundLineMessage, ...] = ()


@dataclass(frozen=True, slots=True)
class OrderMessage:
    """`PUT /orders/{external_id}`: the order's whole present state."""

    external_id: str
    status: OrderStatus
    updated_at: datetime
    placed_at: datetime
    number: str = ""
    currency: str = ""
    """Empty: the program's."""
    paid_at: datetime | None = None
    fulfilled_at: datetime | None = None
    cancelled_at: datetime | None = None
    customer: CustomerMessage | None = None
    visitor_id: str = ""
    click_id: str = ""
    partner: str = ""
    """A partner's code, named by the shop's operator; empty: nobody."""
    promo_code: str = ""
    channel: Channel = Channel.EXTERNAL
    site: str = ""
    sale_kind: str = "sale"
    platform_commission_minor: int = 0
    shipping_minor: int = 0
    discount_minor: int = 0
    tax_minor: int = 0
    cashback_spent_minor: int = 0
    total_minor: int | None = None
    """The goods' money of an order without lines; None where there are lines."""
    lines: tuple[LineMessage, ...] = ()
    refunds: tuple[RefundMessage, ...] = ()
    seller: str | UnsetType = UNSET
    """The marketplace's seller, by the shop's id; not there: none."""


@dataclass(frozen=True, slots=True)
class CardMessage:
    """`PATCH /orders/{order}/card`: the operator's choice; None leaves a field as it is. Staff say more by the desk."""

    order: str
    at: datetime
    promo_code: str | None = None
    partner: str | None = None
    by_staff: bool = False
    nobody: bool | UnsetType = UNSET
    """By staff: nobody is credited."""
    rejected: bool | UnsetType = UNSET
    """By staff: the order earns nothing (True), or does again; says nothing of the partner."""
    author_id: int | UnsetType = UNSET
    """The member of staff; kept with the choice and its reason."""
    reason: str | UnsetType = UNSET


Message: TypeAlias = OrderMessage | RefundMessage | CardMessage
