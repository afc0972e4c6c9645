"""Orders and customers as levels count them (rules.md §7 `count`, §16 "Levels").

An order counts for each partner credited for it, from its `paid_at` on, in the level period of its `paid_at`, until
the moment at which nothing is left of it; cancelled and back, it counts again. Part of a refund changes nothing, and
what the order is worth neither. A customer counts while one of his orders of the period does; customers without id
never. Whose an order is, is what the shop says of it now: told late, its customer counts from the payment on.

    two orders of one customer: 1 customer.  The first refunded in full: still 1.  The second, too: 0
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TypeAlias

from app.rules.effects import SalesEntry, TurnoverEntry
from app.rules.periods import PERIOD_MONTHS, month_index, period_first_month
from app.rules.state import CountedOrder, MonthTurnover, PartnerState
from app.rules.terms import Terms

Period: TypeAlias = tuple[str, int | None]
"""A level period's length and first month; None: the lifetime."""

PERIODS = (*PERIOD_MONTHS, "lifetime")


def asks_for_orders(terms: Terms) -> bool:
    """Whether levels go by the number of orders."""
    return terms.levels_policy.count == "orders" and len(terms.levels) > 1


def asks_for_customers(terms: Terms) -> bool:
    """Whether levels go by the number of customers; else they are not loaded."""
    return terms.levels_policy.count == "customers" and len(terms.levels) > 1


def first_counted(moment: datetime, terms: Terms) -> int | None:
    """The first month of the level period before that of a moment; None: all of time counts."""
    first = period_first_month(month_index(moment, terms.zone), terms.levels_policy.period)
    return None if first is None else period_first_month(first - 1, terms.levels_policy.period)


def count_orders(partner: PartnerState, first: int | None, last: int, cut: datetime, *, daily: bool) -> int:
    """Orders paid in these months that counted at `cut`; `daily`: strictly before it."""
    return sum(
        _at(sales.orders, cut, daily=daily)
        for number, sales in partner.sales.items()
        if number <= last and (first is None or number >= first)
    )


def count_customers(partner: PartnerState, period: Period, cut: datetime, *, daily: bool) -> int:
    """Customers of a level period that counted at `cut`; `daily`: strictly before it."""
    found = partner.customers.get(period)
    return _at(found, cut, daily=daily) if found is not None else 0


def moves_of(partner: PartnerState, order_id: int, changed: CountedOrder) -> Counter[tuple[Period, datetime]]:
    """How the numbers of customers move, by period and moment, where one of the partner's orders is now this."""
    former = partner.counted.get(order_id, changed)
    moves: Counter[tuple[Period, datetime]] = Counter()
    for name in {changed.customer, former.customer} - {""}:
        before = [partner.counted[one] for one in partner.orders_of.get(name, ())]
        after = [partner.counted[one] for one in partner.orders_of.get(name, ()) if one != order_id]
        if name == changed.customer:
            after.append(changed)
        for kind in PERIODS:
            moves.subtract(_steps(before, kind, changed.month))
            moves.update(_steps(after, kind, changed.month))
    return moves


def place_count(partner: PartnerState, order_id: int, changed: CountedOrder) -> None:
    """Lay an order, as it is counted, on the state in memory."""
    for (period, at), delta in moves_of(partner, order_id, changed).items():
        if delta:
            partner.customers.setdefault(period, MonthTurnover()).add(at, delta)
    former = partner.counted.get(order_id)
    if former is not None:
        partner.orders_of[former.customer].discard(order_id)
    partner.counted[order_id] = changed
    partner.orders_of.setdefault(changed.customer, set()).add(order_id)


def add_count(partner: PartnerState, order_id: int, customer: str, entries: Iterable[SalesEntry]) -> None:
    """Lay an order's changes on the state in memory."""
    changed = _changed(partner, order_id, customer, entries)
    if changed is not None:
        place_count(partner, order_id, changed)


def _changed(
    partner: PartnerState, order_id: int, customer: str, entries: Iterable[SalesEntry]
) -> CountedOrder | None:
    """The order with these changes; None: nothing of it changed that counts."""
    former = partner.counted.get(order_id)
    counting = [entry for entry in entries if entry.orders]
    if former is None:
        if not counting:
            return None
        former = CountedOrder(customer, counting[0].month, ())
    elif not counting and former.customer == customer:
        return None
    return former._replace(
        customer=customer, points=(*former.points, *((entry.at, entry.orders) for entry in counting))
    )


def entries_of(
    partner: PartnerState, order_id: int, customer: str, sales: Iterable[SalesEntry], terms: Terms
) -> Iterator[TurnoverEntry]:
    """What a fact adds to what these terms count orders or customers by, as entries that a level can be asked with."""
    if terms.levels_policy.count == "orders":
        for entry in sales:
            if entry.orders:
                yield TurnoverEntry(partner.partner_id, entry.at, entry.month, entry.orders)
        return
    changed = _changed(partner, order_id, customer, sales)
    if changed is not None:
        for (period, at), delta in moves_of(partner, order_id, changed).items():
            if delta and period[0] == terms.levels_policy.period:
                yield TurnoverEntry(partner.partner_id, at, changed.month, delta)


def _at(numbers: MonthTurnover, cut: datetime, *, daily: bool) -> int:
    return numbers.before(cut) if daily else numbers.until(cut)


def _steps(orders: Iterable[CountedOrder], kind: str, month: int) -> Counter[tuple[Period, datetime]]:
    """When a customer begins and ceases to count in the period of a month, by his orders there."""
    first = period_first_month(month, kind)
    points = sorted(
        (at, delta)
        for order in orders
        if period_first_month(order.month, kind) == first
        for at, delta in order.points
    )
    steps: Counter[tuple[Period, datetime]] = Counter()
    live = 0
    for at, delta in points:
        was, live = live, live + delta
        if (was > 0) != (live > 0):
            steps[(kind, first), at] += 1 if live > 0 else -1
    return steps
