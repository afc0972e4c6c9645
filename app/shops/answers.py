"""The API's answer about an order: the order as it is stored, its commissions with their reasons, and its card."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from app.rules.explain import Change, Formats, explain, render
from app.rules.facts import MICRO, Cause, Channel, Line, OrderState, OrderStatus
from app.rules.money import currency_exponent, format_minor, format_rate
from app.rules.terms import Terms
from app.shops.queries import StoredOrder
from app.ui import filters


@dataclass(frozen=True, slots=True)
class CommissionAnswer:
    """One commission of an order."""

    partner: str
    kind: str
    tier: int
    amount_minor: int
    state: str
    why: list[str]


@dataclass(frozen=True, slots=True)
class PartnerAnswer:
    """A partner as the shop sees him."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class CardAnswer:
    """What the shop shows beside its order (rules.md §13)."""

    partner: PartnerAnswer | None
    promo_code: str | None
    ref_code: str | None
    terms: str | None
    """Level and rate, such as `Silver, 7 %`."""
    reward_minor: int
    status: str
    deal_id: str


@dataclass(frozen=True, slots=True)
class LineAnswer:
    """One line; `total_minor` is its amount after its own discount."""

    external_id: str
    product: str
    name: str
    categories: list[str]
    brand: str
    quantity: int | str
    total_minor: int
    tax_minor: int


@dataclass(frozen=True, slots=True)
class RefundLineAnswer:
    """What a refund gave back of one line."""

    line: str
    quantity: int | str | None
    amount_minor: int | None


@dataclass(frozen=True, slots=True)
class RefundAnswer:
    """One refund."""

    external_id: str
    at: datetime
    amount_minor: int | None
    lines: list[RefundLineAnswer]


@dataclass(frozen=True, slots=True)
class OrderAnswer:
    """An order as it stands."""

    external_id: str
    number: str
    status: str
    currency: str
    updated_at: datetime | None
    placed_at: datetime | None
    paid_at: datetime | None
    fulfilled_at: datetime | None
    cancelled_at: datetime | None
    customer: dict[str, str] | None
    visitor_id: str | None
    click_id: str | None
    partner: str | None
    promo_code: str | None
    channel: str
    site: str
    seller: dict[str, str] | None
    sale_kind: str
    platform_commission_minor: int
    shipping_minor: int
    discount_minor: int
    tax_minor: int
    cashback_spent_minor: int
    total_minor: int
    refunded_minor: int
    lines: list[LineAnswer]
    refunds: list[RefundAnswer]
    commissions: list[CommissionAnswer]
    partner_card: CardAnswer | None
    """None: the commission is not computed yet."""


def order_answer(stored: StoredOrder, language: str, *, for_page: bool = False) -> OrderAnswer:
    """The order as the shop gets it; `language` is that of the reasons and of the level's name.

    `for_page`: reasons say amounts and moments as pages do, not as programs read them.
    """
    row = stored.row
    return OrderAnswer(
        external_id=row["external_id"],
        number=row["number"],
        status=row["status"],
        currency=row["currency"],
        updated_at=row["updated_at"],
        placed_at=row["placed_at"],
        paid_at=row["paid_at"],
        fulfilled_at=row["fulfilled_at"],
        cancelled_at=row["cancelled_at"],
        customer={"external_id": row["customer"]} if row["customer"] is not None else None,
        visitor_id=row["visitor_id"] or None,
        click_id=row["click_id"] or None,
        partner=row["named_partner"],
        promo_code=row["promo_code"] or None,
        channel=row["channel"],
        site=row["site"],
        seller={"external_id": row["seller"]} if row["seller"] else None,
        sale_kind=row["sale_kind"],
        platform_commission_minor=row["platform_commission_minor"],
        shipping_minor=row["shipping_minor"],
        discount_minor=row["discount_minor"],
        tax_minor=row["tax_minor"],
        cashback_spent_minor=row["cashback_spent_minor"],
        total_minor=row["total_minor"],
        refunded_minor=row["refunded_minor"],
        lines=[_line(values) for values in stored.lines],
        refunds=[_refund(values) for values in stored.refunds],
        commissions=_commissions(stored, language, for_page),
        partner_card=None if row["judging_error"] else _card(stored, language),
    )


def _commissions(stored: StoredOrder, language: str, for_page: bool) -> list[CommissionAnswer]:
    if not stored.commissions or stored.judgement is None or stored.terms is None:
        return []
    state = _state(stored)
    changes = _changes(stored.entries)
    formats = _formats(stored, stored.terms, language)
    if for_page:
        formats = _as_pages_do(formats, stored.terms.currency)
    answers = []
    for number, partner_id, kind, tier, amount, standing, _rate, _level in stored.commissions:
        key = (partner_id, kind, tier)
        sentences = explain(stored.judgement, state, stored.terms, key, changes.get(number, []))
        answers.append(
            CommissionAnswer(
                stored.codes[partner_id], kind, tier, amount, standing, render(sentences, formats)
            )
        )
    return answers


def _card(stored: StoredOrder, language: str) -> CardAnswer:
    row = stored.row
    terms = None
    for _number, partner_id, kind, _tier, _amount, _standing, rate, level in stored.commissions:
        if partner_id == row["card_partner_id"] and kind == "direct":
            terms = _terms(stored.terms, level, rate, language)
    code = row["card_code"]
    return CardAnswer(
        partner=PartnerAnswer(code, row["card_name"]) if code is not None else None,
        promo_code=row["card_promo_code"] or row["promo_code"] or None,
        ref_code=code,
        terms=terms,
        reward_minor=row["reward_minor"],
        status=row["card_status"],
        deal_id=str(row["id"]),
    )


def _terms(terms: Terms | None, level: str, rate: int | None, language: str) -> str:
    """`Silver, 7 %`; the rate alone where it is the partner's own, the level alone where lines have several."""
    parts = []
    if level and terms is not None:
        parts.append(_level_name(terms, level, language))
    if rate is not None:
        parts.append(f"{format_rate(rate)[:-1]} %")
    return ", ".join(parts)


def _level_name(terms: Terms, level: str, language: str) -> str:
    return terms.level(level).name.get(language) or level


def _formats(stored: StoredOrder, terms: Terms, language: str) -> Formats:
    exponent = currency_exponent(terms.currency)
    return Formats(
        language=language,
        money=lambda amount: f"{format_minor(amount, exponent)} {terms.currency}",
        moment=lambda moment: moment.astimezone(terms.zone).isoformat(sep=" ", timespec="seconds"),
        partner=lambda partner_id: stored.codes.get(partner_id, str(partner_id)),
        level=lambda level: _level_name(terms, level, language),
    )


def _as_pages_do(formats: Formats, currency: str) -> Formats:
    return replace(
        formats,
        money=lambda amount: filters.money(amount, currency),
        moment=filters.moment,
        foreign=filters.money,
    )


def _changes(entries: list[Any]) -> dict[int, list[Change]]:
    """Changes by commission, each with what was booked before it; a parent's per child."""
    changes: dict[int, list[Change]] = {}
    booked: dict[tuple[int, int | None], tuple[int, int]] = {}
    for number, at, cause, ref, base_delta, amount_delta, child in entries:
        base, amount = booked.get((number, child), (0, 0))
        after = booked[number, child] = (base + base_delta, amount + amount_delta)
        changes.setdefault(number, []).append(
            Change(datetime.fromisoformat(at), Cause(cause), ref, base, after[0], amount, after[1], child)
        )
    return changes


def _state(stored: StoredOrder) -> OrderState:
    """The order as explanations read it: what was sold, and when it was paid and fulfilled."""
    row = stored.row
    return OrderState(
        status=OrderStatus(row["status"]),
        updated_at=row["updated_at"],
        digest="",
        placed_at=row["placed_at"],
        paid_at=row["paid_at"],
        fulfilled_at=row["fulfilled_at"],
        cancelled_at=row["cancelled_at"],
        channel=Channel(row["channel"]),
        total_minor=row["total_minor"],
        lines=tuple(
            Line(external_id, micro, total, tax, product=product)
            for external_id, product, _name, _categories, _brand, micro, total, tax in stored.lines
        ),
    )


def quantity(micro: int) -> int | str:
    """Pieces as the shop writes them: an integer, else a decimal string."""
    whole, fraction = divmod(micro, MICRO)
    return f"{whole}.{fraction:06d}".rstrip("0") if fraction else whole


def _line(values: list[Any]) -> LineAnswer:
    external_id, product, name, categories, brand, micro, total, tax = values
    return LineAnswer(external_id, product, name, categories, brand, quantity(micro), total, tax)


def _refund(values: list[Any]) -> RefundAnswer:
    external_id, at, amount, lines = values
    parts = [
        RefundLineAnswer(line, quantity(micro) if micro is not None else None, part)
        for line, micro, part in lines
    ]
    return RefundAnswer(external_id, datetime.fromisoformat(at).astimezone(UTC), amount, parts)
