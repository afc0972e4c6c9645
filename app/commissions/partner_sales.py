"""What partners have sold and earned by month of payment, where plans' thresholds or a cap ask (rules/sales.py).

The totals of the periods asked for are read, and the entries later than the batch's earliest fact: those of facts that
come in order are none. A partner's history is never read.
"""

from collections.abc import Sequence
from datetime import datetime

from app import db
from app.rules.counting import asks_for_orders, first_counted
from app.rules.periods import local_midnight, month_index, month_start
from app.rules.sales import asks_for_reach, asks_for_sales, period_months
from app.rules.state import MonthSales, MonthTurnover, State, TermsVersion
from app.rules.terms import Terms


async def load_sales(state: State, ids: Sequence[int], span: tuple[datetime, datetime]) -> None:
    """The partners' sales of the periods that the span touches; `span`: earliest and latest moment of a batch."""
    asking = [version.terms for version in versions_in(state.terms, span) if asks_for_sales(version.terms)]
    if not asking:
        return
    zone = asking[-1].zone
    daily = any(asks_for_orders(terms) and terms.levels_policy.recalculate == "daily" for terms in asking)
    since = local_midnight(span[0], zone) if daily else span[0]
    first = _first_month(asking, since)
    rows = await db.fetch(
        """
        SELECT partner_id, starts_on, sold_minor, sold_micro, earned_minor, sold_orders FROM partner_turnovers
        WHERE partner_id = ANY($1::bigint[]) AND grain = 'month' AND ($2::date IS NULL OR starts_on >= $2::date)
        """,
        ids,
        None if first is None else month_start(first, zone).astimezone(zone).date(),
    )
    for row in rows:
        number = row["starts_on"].year * 12 + row["starts_on"].month - 1
        state.partners[row["partner_id"]].sales[number] = MonthSales(
            MonthTurnover(opening_minor=row["sold_minor"]),
            MonthTurnover(opening_minor=row["sold_micro"]),
            row["earned_minor"],
            MonthTurnover(opening_minor=row["sold_orders"]),
        )
    if any(asks_for_reach(terms) or asks_for_orders(terms) for terms in asking):
        await _load_later(state, ids, since, first)


async def _load_later(state: State, ids: Sequence[int], since: datetime, first: int | None) -> None:
    """Take the entries from a moment on out of the totals and put them behind them, one by one."""
    zone = state.terms[-1].terms.zone
    entries = await db.fetch(
        """
        SELECT entry.partner_id, entry.at, commission.earned_at, entry.base_minor, entry.quantity_micro,
            entry.orders
        FROM commission_entries AS entry JOIN commissions AS commission ON commission.id = entry.commission_id
        WHERE entry.partner_id = ANY($1::bigint[]) AND entry.kind = 'direct' AND entry.at >= $2
        ORDER BY entry.partner_id, entry.at, entry.id
        """,
        ids,
        since,
    )
    later = []
    for row in entries:
        number = month_index(row["earned_at"], zone)
        if first is not None and number < first:
            continue
        sales = state.partners[row["partner_id"]].sales.setdefault(number, MonthSales())
        sales.base.opening_minor -= row["base_minor"]
        sales.pieces.opening_minor -= row["quantity_micro"]
        sales.orders.opening_minor -= row["orders"]
        later.append((sales, row))
    for sales, row in later:
        if row["base_minor"]:
            sales.base.add(row["at"], row["base_minor"])
        if row["quantity_micro"]:
            sales.pieces.add(row["at"], row["quantity_micro"])
        if row["orders"]:
            sales.orders.add(row["at"], row["orders"])


def _first_month(asking: Sequence[Terms], since: datetime) -> int | None:
    """The first month that any of the terms asks for; None: all of them."""
    firsts: list[int] = []
    for terms in asking:
        periods = [terms.plan_choice.period] if asks_for_reach(terms) else []
        if terms.calculation.partner_period_cap_minor:
            periods.append(terms.levels_policy.period)
        for period in periods:
            first, _ = period_months(since, terms, period)
            if first is None:
                return None
            firsts.append(first)
        if asks_for_orders(terms):
            first = first_counted(since, terms)
            if first is None:
                return None
            firsts.append(first)
    return min(firsts)


def versions_in(terms: Sequence[TermsVersion], span: tuple[datetime, datetime]) -> list[TermsVersion]:
    """The versions in force at some moment of the span."""
    begun = [version for version in terms if version.from_at <= span[1]]
    if not begun:
        return []
    return [
        version
        for version, following in zip(begun, [*begun[1:], None], strict=True)
        if following is None or following.from_at > span[0]
    ]
