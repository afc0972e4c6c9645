""" "Where is my order?": what became of an order that something of the partner's was in (rules.md §15).

An order is his to ask about when he earns from it, was credited or considered, or when his name, promo code or click
came with it. Of every other order, and of one that does not exist, the answer is the same: nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import msgspec

from app import db
from app.commissions.queries import Earning, earnings_of_order, masked
from app.rules.judgement import Judgement, RateRule
from app.tracking.codes import code_key

MOST = 10
"""So many orders may have one number; the newest count."""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """One order as a partner may know it."""

    order_number: str
    """Most of it hidden (`masked`)."""
    status: str
    placed_at: datetime
    paid_at: datetime | None
    foreign: str
    """The order's currency, where it is not the program's; else empty."""
    judging_failed: bool
    judgement: Judgement | None
    """None: not judged yet."""
    earnings: Sequence[Earning]
    sources: tuple[str, ...]
    """What of his came with the order, whether or not it counted: name, code, click."""
    waits: bool
    """His share waits for a periodic calculation."""

    @property
    def is_credited(self) -> bool:
        """Whether he has a part of the credit, or earns from the order otherwise."""
        return bool(self.earnings) or self.waits


@dataclass(frozen=True, slots=True)
class WaitingOrder:
    """One order that no periodic run has calculated yet."""

    order_number: str
    paid_at: datetime
    base_minor: int


@dataclass(frozen=True, slots=True)
class WaitingOrders:
    """All of a partner's orders that wait for a run, the latest of them one by one."""

    count: int
    base_minor: int
    rows: Sequence[WaitingOrder]


async def whereabouts(program_id: int, partner_id: int, number: str) -> list[Whereabouts]:
    """The orders of this number that something of the partner's was in, the newest first."""
    rows = await db.fetch(_ORDERS, program_id, partner_id, number, MOST)
    codes = await _own_codes(partner_id, [row["promo_code"] for row in rows if row["promo_code"]])
    found = [await _whereabouts(row, partner_id, codes) for row in rows]
    return [one for one in found if one is not None]


async def waiting_for_run(partner_id: int, *, limit: int = 25) -> WaitingOrders:
    """What waits for the next periodic run (rules.md §11); orders of which nothing is left are not told."""
    rows = await db.fetch(
        """
        SELECT coalesce(nullif(orders.number, ''), orders.external_id) AS number, waiting.paid_at, waiting.base_minor,
            count(*) OVER () AS count, sum(waiting.base_minor) OVER ()::bigint AS total
        FROM calculation_orders AS waiting JOIN orders ON orders.id = waiting.order_id
        WHERE waiting.partner_id = $1 AND waiting.item_id IS NULL AND waiting.base_minor > 0
        ORDER BY waiting.paid_at DESC, waiting.order_id DESC
        LIMIT $2
        """,
        partner_id,
        limit,
    )
    shown = [WaitingOrder(masked(row["number"]), row["paid_at"], row["base_minor"]) for row in rows]
    return WaitingOrders(rows[0]["count"], rows[0]["total"], shown) if rows else WaitingOrders(0, 0, ())


async def _own_codes(partner_id: int, texts: Sequence[str]) -> set[str]:
    """Keys of those promo codes that are the partner's."""
    rows = await db.fetch(
        "SELECT code_key FROM promo_codes WHERE partner_id = $1 AND code_key = ANY($2::text[])",
        partner_id,
        [code_key(text) for text in texts],
    )
    return {row["code_key"] for row in rows}


async def _whereabouts(row: asyncpg.Record, partner_id: int, codes: set[str]) -> Whereabouts | None:
    """None: nothing of the partner's was in it."""
    recorded = row["recorded"]
    judgement = Judgement.from_json(msgspec.json.decode(recorded)) if recorded is not None else None
    earned = await earnings_of_order(partner_id, row["id"])
    came = {
        "named": row["named"],
        "code": bool(row["promo_code"]) and code_key(row["promo_code"]) in codes,
        "clicked": row["clicked"],
    }
    sources = tuple(name for name, is_his in came.items() if is_his)
    if not (earned or sources or (judgement is not None and partner_id in _seen(judgement))):
        return None
    shares = judgement.shares if judgement is not None else ()
    return Whereabouts(
        order_number=masked(row["number"]),
        status=row["status"],
        placed_at=row["placed_at"],
        paid_at=row["paid_at"],
        foreign=row["currency"] if row["currency"] != row["program_currency"] else "",
        judging_failed=row["judging_error"] != "",
        judgement=judgement,
        earnings=earned,
        sources=sources,
        waits=any(one.partner_id == partner_id and one.rule is RateRule.WAITING for one in shares),
    )


def _seen(judgement: Judgement) -> set[int | None]:
    """Everybody whom the order's judgement has credited or looked at."""
    found: set[int | None] = {one.partner_id for one in judgement.considered}
    found.update(one.partner_id for one in (*judgement.shares, *judgement.former))
    return found


_ORDERS = """
    SELECT orders.id, coalesce(nullif(orders.number, ''), orders.external_id) AS number, orders.status,
        orders.placed_at, orders.paid_at, orders.currency, orders.judging_error, attribution.recorded,
        (SELECT document ->> 'currency' FROM program_terms WHERE program_id = $1 ORDER BY number DESC LIMIT 1)
            AS program_currency,
        coalesce(orders.named_partner_id = $2, false) AS named,
        orders.promo_code,
        EXISTS (
            SELECT FROM (
                SELECT orders.visitor_id WHERE orders.visitor_id <> ''
                UNION ALL
                SELECT visitor_id FROM customer_visitors WHERE customer_id = orders.customer_id
            ) AS mine
            JOIN clicks AS click ON click.program_id = $1 AND click.visitor_id = mine.visitor_id
            WHERE click.partner_id = $2 AND click.clicked_at <= orders.placed_at
        ) OR (orders.click_id <> '' AND EXISTS (
            SELECT FROM clicks AS click
            WHERE click.program_id = $1 AND click.partner_id = $2 AND click.public_id = CASE
                WHEN orders.click_id ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN orders.click_id::uuid END
        )) AS clicked
    FROM orders LEFT JOIN attributions AS attribution ON attribution.order_id = orders.id
    WHERE orders.program_id = $1 AND (orders.external_id = $3 OR (orders.number = $3 AND orders.number <> ''))
        AND orders.placed_at IS NOT NULL
    ORDER BY orders.id DESC
    LIMIT $4
"""
