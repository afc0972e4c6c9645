"""What a partner has sold: the sums that plans' thresholds and a partner's cap ask for (rules.md §6, §16).

A threshold counts all the partner's credited orders of the period, of all products, net of their refunds and without
cancelled ones, and the order itself. An order belongs to the month in which it was paid, and so does what is taken
back of it later. As with levels an order is judged by what had happened by its `paid_at`: refunds of neighbours that
came later do not count. Pieces of an order with several partners are divided over the credits like its base.

A cap has as much room as it has when the order is judged: everything known of the level period counts.
"""

from collections.abc import Sequence
from datetime import datetime

from app.rules.counting import asks_for_orders
from app.rules.effects import SalesEntry
from app.rules.money import split_by_weights
from app.rules.periods import month_index, period_first_month
from app.rules.state import MonthSales, PartnerState
from app.rules.terms import Terms


def asks_for_sales(terms: Terms) -> bool:
    """Whether what partners have sold is asked for at all; else it is not loaded."""
    return asks_for_reach(terms) or bool(terms.calculation.partner_period_cap_minor) or asks_for_orders(terms)


def asks_for_reach(terms: Terms) -> bool:
    """Whether a plan has a threshold over more than the order itself."""
    return terms.plan_choice.period != "order" and any(plan.active and plan.threshold for plan in terms.plans)


def asks_for_buyers(terms: Terms) -> bool:
    """Whether a plan tells first orders from repeat ones."""
    return any(plan.active and plan.customer != "any" for plan in terms.plans)


def reached_before(partner: PartnerState, paid_at: datetime, terms: Terms) -> int | None:
    """What thresholds count of a partner before an order paid at `paid_at`; None: no plan asks."""
    if not asks_for_reach(terms):
        return None
    month = month_index(paid_at, terms.zone)
    first = period_first_month(month, terms.plan_choice.period)
    pieces = terms.plan_choice.measure == "quantity"
    total = 0
    for number, sales in partner.sales.items():
        if number <= month and (first is None or number >= first):
            total += (sales.pieces if pieces else sales.base).until(paid_at)
    return total


def own_part(total: int, weights: Sequence[int], index: int) -> int:
    """A partner's part of an order's base or pieces, by his place among the credits."""
    return split_by_weights(total, weights)[index]


def room(partner: PartnerState, paid_at: datetime, terms: Terms) -> int | None:
    """What `partner_period_cap_minor` still leaves of the level period of `paid_at`; None: no cap."""
    cap = terms.calculation.partner_period_cap_minor
    if not cap:
        return None
    first, last = period_months(paid_at, terms, terms.levels_policy.period)
    earned = sum(
        sales.earned_minor
        for number, sales in partner.sales.items()
        if (first is None or number >= first) and (last is None or number <= last)
    )
    return max(0, cap - earned)


def period_months(moment: datetime, terms: Terms, period: str) -> tuple[int | None, int | None]:
    """The first and last month of the period that holds a moment; None: no border."""
    first = period_first_month(month_index(moment, terms.zone), period)
    if first is None:
        return None, None
    last = first
    while period_first_month(last + 1, period) == first:
        last += 1
    return first, last


def add_sales(partner: PartnerState, entry: SalesEntry) -> None:
    """Lay one entry on the state in memory."""
    sales = partner.sales.get(entry.month)
    if sales is None:
        sales = partner.sales[entry.month] = MonthSales()
    if entry.orders:
        sales.orders.add(entry.at, entry.orders)
    if entry.base_minor:
        sales.base.add(entry.at, entry.base_minor)
    if entry.quantity_micro:
        sales.pieces.add(entry.at, entry.quantity_micro)
    sales.earned_minor += entry.earned_minor
