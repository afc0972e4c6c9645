"""What judging asks about a batch's orders beside partners and clicks: their customers' purchases, currency rates.

Both are read only where something asks for them, each by one query whatever the size of the batch.
"""

from collections.abc import Sequence

from app import db
from app.orders.service import lock_customers_in_transaction
from app.rules.buyers import purchase_of
from app.rules.effects import Effects
from app.rules.facts import Fact
from app.rules.sales import asks_for_buyers
from app.rules.state import CurrencyRate, Purchase, State


async def load_purchases(state: State, program_id: int, facts: Sequence[Fact]) -> None:
    """Of each customer of the batch what `rules/state.py` names, where any terms tell first orders from repeat ones.

    Customers are locked in order: of two first orders of one customer at a time the second is to know the first.
    """
    customers = sorted({fact.order.state.customer_id for fact in facts if fact.order.state.customer_id})
    if not customers or not any(asks_for_buyers(version.terms) for version in state.terms):
        return
    await lock_customers_in_transaction(program_id, customers)
    paid = [made.paid_at for fact in facts if (made := purchase_of(fact.order)) is not None]
    rows = await db.fetch(
        """
        SELECT customer.external_id, bought.id, bought.paid_at, bought.gone_at
        FROM customers AS customer
        CROSS JOIN LATERAL (
            (
                SELECT id, paid_at, gone_at FROM orders
                WHERE customer_id = customer.id AND paid_at IS NOT NULL AND gone_at IS NULL
                    AND NOT id = ANY($3::bigint[])
                ORDER BY paid_at LIMIT 1
            )
            UNION ALL
            SELECT id, paid_at, gone_at FROM orders
            WHERE customer_id = customer.id AND paid_at <= $5 AND gone_at > $4
            UNION ALL
            SELECT id, paid_at, gone_at FROM orders
            WHERE customer_id = customer.id AND paid_at IS NOT NULL AND id = ANY($3::bigint[])
        ) AS bought
        WHERE customer.program_id = $1 AND customer.external_id = ANY($2::text[])
        """,
        program_id,
        customers,
        [fact.order.order_id for fact in facts],
        min(paid, default=None),
        max(paid, default=None),
    )
    for row in rows:
        bought = state.purchases.setdefault(row["external_id"], {})
        bought[row["id"]] = Purchase(row["paid_at"], row["gone_at"])


async def load_currency_rates(state: State, program_id: int, facts: Sequence[Fact]) -> None:
    """The rates of the foreign currencies of the batch, on the days of its payments."""
    if not state.terms:
        return
    own, zone = state.terms[-1].terms.currency, state.terms[-1].terms.zone
    wanted = {
        (fact.order.state.currency, fact.order.state.paid_at.astimezone(zone).date().isoformat())
        for fact in facts
        if fact.order.state.paid_at is not None and fact.order.state.currency not in ("", own)
    }
    if not wanted:
        return
    rows = await db.fetch(
        """
        SELECT known.currency, known.day, trim_scale(known.rate)::text AS rate, known.source
        FROM unnest($2::text[], $3::text[]) AS wanted (currency, day)
        JOIN program_currency_rates AS known
            ON known.program_id = $1 AND known.currency = wanted.currency AND known.day = wanted.day
        """,
        program_id,
        [currency for currency, _ in wanted],
        [day for _, day in wanted],
    )
    for row in rows:
        state.currency_rates[row["currency"], row["day"]] = CurrencyRate(row["rate"], row["source"])


def waited_for_rate(state: State, effects: Effects) -> bool:
    """Whether an order that was known before is judged for the first time, with its currency's rate."""
    judgement = effects.judgement
    return judgement is not None and judgement.conversion is not None and effects.order_id not in state.orders


async def waiting_with_rate(program_id: int, limit: int) -> list[str]:
    """Paid orders of another currency that were not judged though the rate of their day is known by now."""
    rows = await db.fetch(
        """
        SELECT orders.external_id
        FROM (
            SELECT DISTINCT ON (program_id) program_id, document ->> 'time_zone' AS zone
            FROM program_terms WHERE program_id = $1 ORDER BY program_id, number DESC
        ) AS terms
        JOIN orders ON orders.program_id = terms.program_id
        JOIN program_currency_rates AS known ON known.program_id = orders.program_id
            AND known.currency = orders.currency
            AND known.day = to_char(orders.paid_at AT TIME ZONE terms.zone, 'YYYY-MM-DD')
        WHERE orders.judged_at IS NULL AND orders.paid_at IS NOT NULL AND orders.judging_error = ''
        ORDER BY orders.paid_at, orders.id LIMIT $2
        """,
        program_id,
        limit,
    )
    return [row["external_id"] for row in rows]
