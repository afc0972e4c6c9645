"""Cashback at checkout, as the API tells it (api.md "Promo codes and cashback at checkout")."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import msgspec

from app import clock
from app.cashback import links, queries
from app.cashback.queries import Owner
from app.cashback.service import Redemption, give_up, reserve
from app.errors import NotFound
from app.programs.queries import terms_in_force
from app.rules.cashback import most_to_spend
from app.shops.bodies import MONEY_MAX, Amount, Body, Check, Id
from app.shops.reading import is_plain, read


class CashbackQuoteBody(Body):
    """A basket: its goods after discounts, without shipping."""

    order_total_minor: Amount


class RedemptionBody(Body):
    """Cashback to set aside for an order."""

    order: Id
    amount_minor: Annotated[int, msgspec.Meta(ge=1, le=MONEY_MAX, description="Minor units.")]


@dataclass(frozen=True, slots=True)
class CashbackLotAnswer:
    """A lot with something left; the first of the list is spent first."""

    order: str
    amount_minor: int
    left_minor: int
    available_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class CashbackWaitingAnswer:
    """What an order has earned and cannot be spent yet."""

    order: str
    amount_minor: int
    available_at: datetime | None
    """null: when the order is fulfilled."""


@dataclass(frozen=True, slots=True)
class CashbackHistoryAnswer:
    """One step, the latest first; what was available and pending after it."""

    id: int
    at: datetime
    kind: str
    order: str
    amount_minor: int
    available_minor: int
    pending_minor: int


@dataclass(frozen=True, slots=True)
class CashbackAnswer:
    """A customer's cashback. `page_url`: his own page, for him alone; null until he has had cashback."""

    customer: str
    currency: str
    available_minor: int
    pending_minor: int
    reserved_minor: int
    spent_minor: int
    expired_minor: int
    written_off_minor: int
    """To be taken back after refunds, but spent already: the program bears it."""
    lots: list[CashbackLotAnswer]
    waiting: list[CashbackWaitingAnswer]
    history: list[CashbackHistoryAnswer]
    page_url: str | None


@dataclass(frozen=True, slots=True)
class CashbackQuoteAnswer:
    """How much of a basket can be paid with cashback now."""

    spendable_minor: int
    """The least of the next two."""
    available_minor: int
    most_minor: int
    """The greatest part of the basket that the program lets be paid so."""


@dataclass(frozen=True, slots=True)
class RedemptionAnswer:
    """A reservation."""

    id: int
    order: str
    amount_minor: int
    state: str
    """reserved, spent or returned."""


_quote = msgspec.json.Decoder(CashbackQuoteBody)
_redemption = msgspec.json.Decoder(RedemptionBody)


async def cashback(program_id: int, external_id: str) -> CashbackAnswer:
    """Balances, lots and the last hundred steps of one customer."""
    owner = await _owner(program_id, external_id)
    currency = (await terms_in_force(program_id)).terms.currency
    sums = (await queries.sums([owner.customer_id]))[owner.customer_id]
    return CashbackAnswer(
        customer=owner.external_id,
        currency=currency,
        available_minor=sums.available_minor,
        pending_minor=sums.pending_minor,
        reserved_minor=sums.reserved_minor,
        spent_minor=sums.spent_minor,
        expired_minor=sums.expired_minor,
        written_off_minor=sums.written_off_minor,
        lots=[
            CashbackLotAnswer(lot.order, lot.amount_minor, lot.left_minor, lot.available_at, lot.expires_at)
            for lot in await queries.lots(owner.customer_id)
        ],
        waiting=[
            CashbackWaitingAnswer(row.order, row.amount_minor, row.available_at)
            for row in await queries.waiting(owner.customer_id)
        ],
        history=[
            CashbackHistoryAnswer(
                row.id,
                row.at,
                row.kind.value,
                row.order,
                row.amount_minor,
                row.available_minor,
                row.pending_minor,
            )
            for row in await queries.history(owner.customer_id)
        ],
        page_url=links.page_url(owner) if owner.link_number else None,
    )


async def quote(program_id: int, external_id: str, raw: bytes) -> CashbackQuoteAnswer:
    """What of a basket could be paid with cashback at this moment."""
    body = read(raw, _quote)
    owner = await _owner(program_id, external_id)
    available = await queries.spendable(owner.customer_id, clock.now())
    terms = (await terms_in_force(program_id)).terms.cashback
    most = most_to_spend(body.order_total_minor, terms) if terms is not None else 0
    return CashbackQuoteAnswer(min(available, most), available, most)


async def redeem(program_id: int, external_id: str, raw: bytes) -> RedemptionAnswer:
    """Set cashback aside for an order."""
    body = read(raw, _redemption)
    check = Check(clock.now())
    check.external_id(external_id)
    check.finish()
    return _answer(await reserve(program_id, external_id, body.order, body.amount_minor))


async def take_back(program_id: int, external_id: str, redemption_id: int) -> RedemptionAnswer:
    """Return a reservation to its lots."""
    return _answer(await give_up(program_id, external_id, redemption_id))


def _answer(redemption: Redemption) -> RedemptionAnswer:
    return RedemptionAnswer(redemption.id, redemption.order, redemption.amount_minor, redemption.state)


async def _owner(program_id: int, external_id: str) -> Owner:
    if not is_plain(external_id):
        raise NotFound("There is no such customer.")
    found = await queries.owner(program_id, external_id)
    if found is None:
        raise NotFound("There is no such customer.")
    return found
