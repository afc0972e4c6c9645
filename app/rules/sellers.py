"""Who brought the seller of a marketplace's order, and his parent: A1 and A2 (rules.md §8, §16 "Partners' states").

Both are of the platform commission, whoever is credited for the order itself. The first is due for ever where the
seller registered before `unlimited_before`, else until the same day `limit_years` later, exclusive; the second only
where the first was due.

    registered 2025-04-06: for ever.  Registered 2025-04-07: until 2026-04-07.  Registered 29 February: until 1 March
"""

from datetime import date, datetime

from app.rules.effects import CommissionKind
from app.rules.facts import Order
from app.rules.judgement import SellerCredit, SellerShare
from app.rules.state import Seller, State
from app.rules.terms import SellersTerms, Terms

NOT_KNOWN, NOBODY, INACTIVE, OVER, NO_RATE = "not_known", "nobody", "inactive", "over", "no_rate"
"""Why the partner who brought the seller earns nothing."""


def credit_seller(
    state: State, order: Order, terms: Terms, former: SellerCredit | None
) -> SellerCredit | None:
    """Who earns from the order's seller; None: the order names none, or the program is not a marketplace.

    What was decided holds while the order names the same seller, kind of sale and moment of placing.
    """
    seller_id, placed_at = order.state.seller_id, order.state.placed_at
    if terms.sellers is None or not seller_id:
        return None
    asked = (seller_id, order.state.sale_kind, placed_at)
    if former is not None and (former.seller_id, former.sale_kind, former.placed_at) == asked:
        return former
    given = state.given.seller if state.given is not None else None
    if given is not None and given.seller_id == seller_id:
        seller = _seller_of(given)
    else:
        seller = state.sellers.get(seller_id)
    shares, stopped = _shares(state, seller, order, terms, terms.sellers)
    partner_id = seller.partner_id if seller is not None else None
    registered_at = seller.registered_at if seller is not None else None
    return SellerCredit(*asked, partner_id, registered_at, shares, stopped)


def due_until(registered_at: datetime, terms: Terms, sellers: SellersTerms) -> datetime | None:
    """The moment from which on the seller earns nothing for who brought him; None: never."""
    day = registered_at.astimezone(terms.zone).date()
    if day < sellers.unlimited_before:
        return None
    end = _years_later(day, sellers.limit_years)
    return datetime(end.year, end.month, end.day, tzinfo=terms.zone)


def _shares(
    state: State, seller: Seller | None, order: Order, terms: Terms, sellers: SellersTerms
) -> tuple[tuple[SellerShare, ...], str]:
    """Who earns at which rate, and why nobody (further) does."""
    placed_at = order.state.placed_at
    if seller is None:
        return (), NOT_KNOWN
    bringer = state.partners.get(seller.partner_id) if seller.partner_id is not None else None
    if bringer is None:
        return (), NOBODY
    until = due_until(seller.registered_at, terms, sellers)
    if until is not None and placed_at >= until:
        return (), OVER
    if not bringer.is_active(placed_at):
        return (), INACTIVE
    placement = order.state.sale_kind == "placement"
    rate_ppm = sellers.placement_rate_ppm if placement else sellers.sale_rate_ppm
    if not rate_ppm:
        return (), NO_RATE
    first = SellerShare(CommissionKind.SELLER.value, bringer.partner_id, rate_ppm)
    parent_id = bringer.parent_id(placed_at)
    parent = state.partners.get(parent_id) if parent_id is not None else None
    if parent is None or not sellers.parent_rate_ppm:
        return (first,), ""
    if not parent.is_active(placed_at):
        return (first,), INACTIVE
    second = SellerShare(CommissionKind.SELLER_PARENT.value, parent.partner_id, sellers.parent_rate_ppm)
    return (first, second), ""


def _seller_of(credit: SellerCredit) -> Seller | None:
    if credit.registered_at is None:
        return None
    return Seller(credit.partner_id, credit.registered_at)


def _years_later(day: date, years: int) -> date:
    """The same day so many years later; 1 March for a 29 February that the year does not have."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)
