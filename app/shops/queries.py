"""Orders with everything that is recorded of them, as the API answers them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from app import db
from app.programs.versions import terms_of_rows
from app.rules.judgement import Judgement
from app.rules.terms import Terms


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """One order as it is recorded; `answers.py` makes the API's answer of it."""

    row: asyncpg.Record
    lines: list[Any]
    refunds: list[Any]
    commissions: list[Any]
    entries: list[Any]
    judgement: Judgement | None
    """None: not judged, or nothing to judge yet."""
    terms: Terms | None
    """The version that judged it."""
    codes: dict[int, str]
    """Codes of all partners that its judgement names, by their ids."""


async def known_moments(
    program_id: int, external_ids: Sequence[str]
) -> dict[str, dict[str, datetime | None]]:
    """When each order was placed, paid, fulfilled and cancelled, as far as the shop has told."""
    rows = await db.fetch(
        """
        SELECT external_id, placed_at, paid_at, fulfilled_at, cancelled_at
        FROM orders
        WHERE program_id = $1 AND external_id = ANY($2::text[])
        """,
        program_id,
        list(external_ids),
    )
    names = ("placed_at", "paid_at", "fulfilled_at", "cancelled_at")
    return {row["external_id"]: {name: row[name] for name in names} for row in rows}


_ORDER = """
    SELECT o.id, o.external_id, o.number, o.status, o.currency, o.updated_at, o.placed_at, o.paid_at,
        o.fulfilled_at, o.cancelled_at, c.external_id AS customer, o.visitor_id, o.click_id,
        named.code AS named_partner, o.promo_code, o.channel, o.site, o.sale_kind, o.seller, o.platform_commission_minor,
        o.shipping_minor, o.discount_minor, o.tax_minor, o.cashback_spent_minor, o.total_minor,
        o.refunded_minor, o.judged_at, o.judging_error, o.card_status, o.reward_minor,
        holder.code AS card_code, holder.name AS card_name, o.card_partner_id, o.program_id,
        version.id AS terms_id, judged.recorded AS judgement,
        (
            SELECT json_agg(json_build_array(l.external_id, l.product, l.name, l.categories, l.brand,
                l.quantity_micro, l.total_minor, l.tax_minor) ORDER BY l.position)
            FROM order_lines AS l
            WHERE l.order_id = o.id
        ) AS lines,
        (
            SELECT json_agg(json_build_array(r.external_id, r.at, r.amount_minor, r.lines) ORDER BY r.at, r.id)
            FROM order_refunds AS r
            WHERE r.order_id = o.id
        ) AS refunds,
        (
            SELECT json_agg(json_build_array(m.id, m.partner_id, m.kind, m.tier, m.amount_minor, m.state,
                m.rate, m.level) ORDER BY m.id)
            FROM commissions AS m
            WHERE m.order_id = o.id
        ) AS commissions,
        (
            SELECT json_agg(json_build_array(n.commission_id, n.at, n.cause, n.cause_ref, n.base_minor,
                n.amount_minor, n.from_partner_id) ORDER BY n.id)
            FROM commission_entries AS n
            WHERE n.order_id = o.id
        ) AS entries,
        (
            SELECT e.body ->> 'promo_code'
            FROM order_events AS e
            WHERE e.order_id = o.id AND e.kind = 'card'
            ORDER BY e.occurred_at DESC, e.id DESC
            LIMIT 1
        ) AS card_promo_code
    FROM orders AS o
    LEFT JOIN customers AS c ON c.id = o.customer_id
    LEFT JOIN partners AS named ON named.id = o.named_partner_id
    LEFT JOIN partners AS holder ON holder.id = o.card_partner_id
    LEFT JOIN attributions AS judged ON judged.order_id = o.id
    LEFT JOIN program_terms AS version
        ON version.program_id = o.program_id AND version.number = judged.terms_number
"""


async def stored_orders(program_id: int, order_ids: Sequence[int]) -> dict[int, StoredOrder]:
    """Orders by our id: one query for all of them, and one each for terms and partners not heard of before."""
    if not order_ids:
        return {}
    rows = await db.fetch(
        _ORDER + " WHERE o.program_id = $1 AND o.id = ANY($2::bigint[])", program_id, list(order_ids)
    )
    return await _stored(rows)


async def stored_order(program_id: int, external_id: str) -> StoredOrder | None:
    """One order of the program by the shop's id; None: there is none."""
    rows = await db.fetch(_ORDER + " WHERE o.program_id = $1 AND o.external_id = $2", program_id, external_id)
    return next(iter((await _stored(rows)).values()), None)


async def orders_changed(
    program_id: int, since: datetime | None, after: tuple[datetime, int] | None, limit: int
) -> list[tuple[tuple[datetime, int], StoredOrder]]:
    """Orders in order of their last change, with the place of each."""
    rows = await db.fetch(
        """
        SELECT id, changed_at
        FROM orders
        WHERE program_id = $1
          AND ($2::timestamptz IS NULL OR changed_at >= $2)
          AND ($3::timestamptz IS NULL OR (changed_at, id) > ($3, $4))
        ORDER BY changed_at, id
        LIMIT $5
        """,
        program_id,
        since,
        after[0] if after else None,
        after[1] if after else 0,
        limit,
    )
    stored = await stored_orders(program_id, [row["id"] for row in rows])
    return [((row["changed_at"], row["id"]), stored[row["id"]]) for row in rows if row["id"] in stored]


async def _stored(rows: Sequence[asyncpg.Record]) -> dict[int, StoredOrder]:
    terms = await terms_of_rows(row["terms_id"] for row in rows if row["terms_id"] is not None)
    judgements = {
        row["id"]: Judgement.from_json(msgspec.json.decode(row["judgement"]))
        for row in rows
        if row["judgement"] is not None
    }
    commissions = {row["id"]: _array(row["commissions"]) for row in rows}
    # Who lost an order to another partner has a commission, but the judgement does not name him any more.
    paid = {partner_id for told in commissions.values() for _number, partner_id, *_rest in told}
    codes = await _codes(judgements.values(), paid)
    return {
        row["id"]: StoredOrder(
            row,
            _array(row["lines"]),
            _array(row["refunds"]),
            commissions[row["id"]],
            _array(row["entries"]),
            judgements.get(row["id"]),
            terms.get(row["terms_id"]),
            codes,
        )
        for row in rows
    }


_known_codes: dict[int, str] = {}
"""Codes by partner's id: they go into printed links and are not changed. Emptied when it gets large."""


async def _codes(judgements: Iterable[Judgement], more: Iterable[int]) -> dict[int, str]:
    """Codes of everybody whom the judgements name, and of `more`."""
    named = set(more)
    for judgement in judgements:
        for share in (*judgement.shares, *judgement.former):
            named.add(share.partner_id)
            named.update(tier.partner_id for tier in share.tiers)
        named.update(one.partner_id for one in judgement.considered if one.partner_id is not None)
        if judgement.seller is not None and judgement.seller.partner_id is not None:
            named.add(judgement.seller.partner_id)
    missing = [partner_id for partner_id in named if partner_id not in _known_codes]
    if missing:
        if len(_known_codes) > 50_000:
            _known_codes.clear()
            missing = list(named)
        rows = await db.fetch("SELECT id, code FROM partners WHERE id = ANY($1::bigint[])", missing)
        _known_codes.update((row["id"], row["code"]) for row in rows)
    return {partner_id: _known_codes[partner_id] for partner_id in named}


def _array(text: str | None) -> list[Any]:
    return msgspec.json.decode(text) if text else []
