"""The customers whom levels count (rules.md §7 `count = "customers"`), loaded only where the terms ask for them.

Of the batch's customers, and of those who began or ceased to count since its earliest moment, all orders with these
partners are read, so that late facts find everything at its moment; of all others how many count in each period.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from app import db
from app.commissions.partner_sales import versions_in
from app.rules.counting import Period, asks_for_customers, first_counted, place_count
from app.rules.facts import Fact
from app.rules.periods import local_midnight, month_index, month_start, period_first_month
from app.rules.state import CountedOrder, MonthTurnover, State
from app.rules.terms import Terms


async def load_customers(
    state: State, program_id: int, span: tuple[datetime, datetime], facts: Sequence[Fact] = ()
) -> None:
    """The customers of the state's partners; `span`: earliest and latest moment of what will be judged."""
    asking = [
        version.terms for version in versions_in(state.terms, span) if asks_for_customers(version.terms)
    ]
    state.counts_customers = bool(asking)
    ids = list(state.partners)
    if not asking or not ids:
        return
    zone = asking[-1].zone
    daily = any(terms.levels_policy.recalculate == "daily" for terms in asking)
    since = local_midnight(span[0], zone) if daily else span[0]
    near = await _near(program_id, ids, since, facts)
    for period in sorted(set(_periods(asking, (since, span[1]))), key=str):
        await _load_far(state, ids, near, period)
    await _load_near(state, ids, near)


def _periods(asking: Iterable[Terms], span: tuple[datetime, datetime]) -> Iterable[Period]:
    """The level periods that the span lies in, and the one before each."""
    for terms in asking:
        kind = terms.levels_policy.period
        number = first_counted(span[0], terms)
        if number is None:
            yield kind, None
            continue
        while number <= month_index(span[1], terms.zone):
            yield kind, period_first_month(number, kind)
            number += 1


async def _near(program_id: int, ids: Sequence[int], since: datetime, facts: Sequence[Fact]) -> list[int]:
    rows = await db.fetch(
        """
        SELECT id FROM customers WHERE program_id = $1 AND external_id = ANY($2::text[])
        UNION
        SELECT customer_id FROM orders WHERE id = ANY($3::bigint[]) AND customer_id IS NOT NULL
        UNION
        SELECT orders.customer_id FROM commission_entries AS entry JOIN orders ON orders.id = entry.order_id
        WHERE entry.partner_id = ANY($4::bigint[]) AND entry.kind = 'direct' AND entry.at >= $5
            AND entry.orders <> 0 AND orders.customer_id IS NOT NULL
        """,
        program_id,
        sorted({fact.order.state.customer_id for fact in facts if fact.order.state.customer_id}),
        sorted({fact.order.order_id for fact in facts}),
        ids,
        since,
    )
    return [row["id"] for row in rows]


async def _load_far(state: State, ids: Sequence[int], near: Sequence[int], period: Period) -> None:
    """How many other customers count in a period."""
    zone = state.terms[-1].terms.zone
    kind, first = period
    start = end = None
    if first is not None:
        following = first + 1
        while period_first_month(following, kind) == first:
            following += 1
        start, end = month_start(first, zone), month_start(following, zone)
    rows = await db.fetch(
        """
        SELECT sold.partner_id, count(DISTINCT orders.customer_id) AS customers
        FROM commissions AS sold JOIN orders ON orders.id = sold.order_id
        WHERE sold.partner_id = ANY($1::bigint[]) AND sold.kind = 'direct' AND sold.orders > 0
            AND ($2::timestamptz IS NULL OR sold.earned_at >= $2) AND ($3::timestamptz IS NULL OR sold.earned_at < $3)
            AND orders.customer_id <> ALL($4::bigint[])
        GROUP BY sold.partner_id
        """,
        ids,
        start,
        end,
        near,
    )
    for row in rows:
        state.partners[row["partner_id"]].customers[period] = MonthTurnover(opening_minor=row["customers"])


async def _load_near(state: State, ids: Sequence[int], near: Sequence[int]) -> None:
    """All that these customers' orders with the partners came to, moment by moment."""
    zone = state.terms[-1].terms.zone
    rows = await db.fetch(
        """
        SELECT entry.partner_id, entry.order_id, customer.external_id, sold.earned_at,
            array_agg(entry.at ORDER BY entry.id) AS moments, array_agg(entry.orders ORDER BY entry.id) AS orders
        FROM customers AS customer JOIN orders ON orders.customer_id = customer.id
        JOIN commissions AS sold ON sold.order_id = orders.id AND sold.kind = 'direct'
        JOIN commission_entries AS entry ON entry.commission_id = sold.id AND entry.orders <> 0
        WHERE customer.id = ANY($1::bigint[]) AND sold.partner_id = ANY($2::bigint[])
        GROUP BY entry.partner_id, entry.order_id, customer.external_id, sold.earned_at
        UNION ALL
        SELECT entry.partner_id, entry.order_id, '', sold.earned_at,
            array_agg(entry.at ORDER BY entry.id), array_agg(entry.orders ORDER BY entry.id)
        FROM orders JOIN commissions AS sold ON sold.order_id = orders.id AND sold.kind = 'direct'
        JOIN commission_entries AS entry ON entry.commission_id = sold.id AND entry.orders <> 0
        WHERE orders.id = ANY($3::bigint[]) AND orders.customer_id IS NULL AND sold.partner_id = ANY($2::bigint[])
        GROUP BY entry.partner_id, entry.order_id, sold.earned_at
        """,
        near,
        ids,
        list(state.orders),
    )
    for row in rows:
        points = tuple(zip(row["moments"], row["orders"], strict=True))
        counted = CountedOrder(row["external_id"], month_index(row["earned_at"], zone), points)
        place_count(state.partners[row["partner_id"]], row["order_id"], counted)
