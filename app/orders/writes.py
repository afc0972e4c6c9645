"""Set-based writes of a plan: orders, lines, refunds and events, whatever the size of the batch."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from app import clock, db
from app.orders.messages import CustomerMessage, OrderMessage
from app.orders.plan import KnownOrder, NewFact, Plan
from app.rules.clawback import gone_at, money_back
from app.rules.contacts import email_key, phone_key
from app.rules.facts import Refund

ORDER_COLUMNS = {
    "id": "bigint",
    "program_id": "bigint",
    "external_id": "text",
    "number": "text",
    "status": "text",
    "currency": "text",
    "updated_at": "timestamptz",
    "placed_at": "timestamptz",
    "paid_at": "timestamptz",
    "fulfilled_at": "timestamptz",
    "cancelled_at": "timestamptz",
    "customer_id": "bigint",
    "visitor_id": "text",
    "click_id": "text",
    "named_partner_id": "bigint",
    "promo_code": "text",
    "channel": "text",
    "site": "text",
    "total_minor": "bigint",
    "shipping_minor": "bigint",
    "discount_minor": "bigint",
    "tax_minor": "bigint",
    "cashback_spent_minor": "bigint",
    "platform_commission_minor": "bigint",
    "sale_kind": "text",
    "seller": "text",
    "refunded_minor": "bigint",
    "gone_at": "timestamptz",
    "judged_at": "timestamptz",
    "judging_error": "text",
    "card_partner_id": "bigint",
    "card_status": "text",
    "reward_minor": "bigint",
    "created_at": "timestamptz",
    "changed_at": "timestamptz",
}
"""What a new order's row is made of; a later message rewrites all but KEPT."""

KEPT = (
    "id",
    "program_id",
    "external_id",
    "judged_at",
    "judging_error",
    "card_partner_id",
    "card_status",
    "reward_minor",
    "created_at",
)

UPDATED = tuple(name for name in ORDER_COLUMNS if name not in KEPT)

UPDATE_ORDERS = f"""
    UPDATE orders SET {", ".join(f"{name} = new.{name}" for name in UPDATED)}
    FROM unnest($1::bigint[], {", ".join(f"${place}::{ORDER_COLUMNS[name]}[]" for place, name in enumerate(UPDATED, 2))})
        AS new (id, {", ".join(UPDATED)})
    WHERE orders.id = new.id
"""  # noqa: S608 - made of our own column names


class Card(NamedTuple):
    """What judging has made of an order."""

    judged_at: datetime | None = None
    partner_id: int | None = None
    status: str = "none"
    reward_minor: int = 0


NOT_JUDGED = Card()


EVENT_COLUMNS = {
    "id": "bigint",
    "program_id": "bigint",
    "order_id": "bigint",
    "kind": "text",
    "digest": "bytea",
    "occurred_at": "timestamptz",
    "recorded_at": "timestamptz",
    "body": "jsonb",
}

LINE_COLUMNS = {
    "order_id": "bigint",
    "position": "integer",
    "external_id": "text",
    "product": "text",
    "name": "text",
    "categories": "text[]",
    "brand": "text",
    "quantity_micro": "bigint",
    "total_minor": "bigint",
    "tax_minor": "bigint",
}

REFUND_COLUMNS = {
    "order_id": "bigint",
    "external_id": "text",
    "at": "timestamptz",
    "amount_minor": "bigint",
    "lines": "jsonb",
    "created_at": "timestamptz",
}


async def write_plan(
    inserts: db.Inserts,
    plan: Plan,
    event_ids: Sequence[int],
    customer_ids: Mapping[str, int],
    cards: Mapping[int, Card],
) -> None:
    """Store everything new: what changes at once, new rows with `inserts`.

    `event_ids` are one for each fact, in the order of judging; `cards` those of new orders.
    """
    now = clock.now()
    touched: dict[int, KnownOrder] = {new.known.order_id: new.known for new in plan.facts}
    rows = {
        order_id: _row(plan, known, customer_ids, now, cards.get(order_id, NOT_JUDGED))
        for order_id, known in touched.items()
    }
    await _write_orders(inserts, touched, rows)
    await _write_lines(inserts, list(touched.values()))
    _add_refunds(inserts, [new for new in plan.facts if new.kind == "refund"], now)
    inserts.add(
        "order_events",
        EVENT_COLUMNS,
        [
            (
                event_id,
                plan.program_id,
                new.known.order_id,
                new.kind,
                new.digest,
                new.at,
                now,
                new.body.decode(),
            )
            for event_id, new in zip(event_ids, plan.facts, strict=True)
        ],
    )


async def _write_orders(
    inserts: db.Inserts, touched: Mapping[int, KnownOrder], rows: Mapping[int, tuple[Any, ...]]
) -> None:
    # Somebody else's order of the same id makes the INSERT fail; the whole batch is then taken again.
    made = [rows[order_id] for order_id, known in touched.items() if known.is_new]
    inserts.add("orders", ORDER_COLUMNS, made)
    changed = [rows[order_id] for order_id, known in touched.items() if not known.is_new]
    if changed:
        names = list(ORDER_COLUMNS)
        places = [names.index(name) for name in ("id", *UPDATED)]
        await db.execute(UPDATE_ORDERS, *([row[place] for row in changed] for place in places))


async def _write_lines(inserts: db.Inserts, touched: Sequence[KnownOrder]) -> None:
    fresh = []
    for known in touched:
        order = known.merged()
        if order is not None and (known.stored is None or known.stored.lines != order.state.lines):
            fresh.append((known, known.messages[order.state.digest]))
    replaced = [known.order_id for known, _ in fresh if known.stored is not None]
    if replaced:
        await db.execute("DELETE FROM order_lines WHERE order_id = ANY($1::bigint[])", replaced)
    rows = [
        (
            known.order_id,
            position,
            line.external_id,
            line.product,
            line.name,
            list(line.categories),
            line.brand,
            line.quantity_micro,
            line.total_minor,
            line.tax_minor,
        )
        for known, message in fresh
        for position, line in enumerate(message.lines, start=1)
    ]
    inserts.add("order_lines", LINE_COLUMNS, rows)


def _add_refunds(inserts: db.Inserts, facts: Sequence[NewFact], now: datetime) -> None:
    rows = []
    for new in facts:
        refund = new.item
        assert isinstance(refund, Refund)
        lines = [[part.line, part.quantity_micro, part.amount_minor] for part in refund.lines]
        rows.append(
            (new.known.order_id, refund.external_id, refund.at, refund.amount_minor, json.dumps(lines), now)
        )
    inserts.add("order_refunds", REFUND_COLUMNS, rows)


def _row(
    plan: Plan, known: KnownOrder, customer_ids: Mapping[str, int], now: datetime, card: Card
) -> tuple[Any, ...]:
    """The order's row, in the order of ORDER_COLUMNS; the last values are only those of a new row."""
    order = known.merged()
    if order is None:
        return _awaited_row(plan.program_id, known, now)
    state = order.state
    message: OrderMessage = known.messages[state.digest]
    lines = state.lines
    return (
        known.order_id,
        plan.program_id,
        known.external_id,
        message.number,
        state.status.value,
        state.currency,
        state.updated_at,
        state.placed_at,
        state.paid_at,
        state.fulfilled_at,
        state.cancelled_at,
        customer_ids.get(state.customer_id or ""),
        state.visitor_id or "",
        state.click_id or "",
        state.partner_id,
        state.promo_code or "",
        state.channel.value,
        state.site,
        sum(line.total_minor for line in lines) if lines else state.total_minor,
        state.shipping_minor,
        state.discount_minor,
        state.tax_minor,
        state.cashback_spent_minor,
        state.platform_commission_minor,
        message.sale_kind,
        state.seller_id or "",
        money_back(state, order.refunds),
        gone_at(order),
        card.judged_at,
        "",
        card.partner_id,
        card.status,
        card.reward_minor,
        now,
        now,
    )


def _awaited_row(program_id: int, known: KnownOrder, now: datetime) -> tuple[Any, ...]:
    """The row of an order of which only refunds are known yet."""
    values: dict[str, Any] = dict.fromkeys(ORDER_COLUMNS, "")
    values.update({name: 0 for name in ORDER_COLUMNS if ORDER_COLUMNS[name] == "bigint"})
    values.update({name: None for name in ORDER_COLUMNS if name.endswith("_at")})
    values.update(
        id=known.order_id,
        program_id=program_id,
        external_id=known.external_id,
        status="awaited",
        customer_id=None,
        named_partner_id=None,
        card_partner_id=None,
        channel="external",
        sale_kind="sale",
        card_status="none",
        created_at=now,
        changed_at=now,
    )
    return tuple(values[name] for name in ORDER_COLUMNS)


async def write_customers(program_id: int, customers: Mapping[str, CustomerMessage]) -> dict[str, int]:
    """Our ids of the buyers, by the shop's; new ones are made, new e-mails and phones replace the old."""
    if not customers:
        return {}
    external_ids = sorted(customers)
    rows = await db.fetch(
        """
        WITH given AS (
            SELECT * FROM unnest($3::text[], $4::text[], $5::text[]) AS given (external_id, email_key, phone_key)
        ),
        known AS (
            SELECT id, external_id, email_key, phone_key FROM customers
            WHERE program_id = $1 AND external_id = ANY($3::text[])
        ),
        written AS (
            INSERT INTO customers (program_id, external_id, email_key, phone_key, created_at)
            SELECT $1, external_id, given.email_key, given.phone_key, $2
            FROM given LEFT JOIN known USING (external_id)
            WHERE known.id IS NULL
                OR given.email_key NOT IN ('', known.email_key) OR given.phone_key NOT IN ('', known.phone_key)
            ORDER BY external_id
            ON CONFLICT (program_id, external_id) DO UPDATE
            SET email_key = coalesce(nullif(excluded.email_key, ''), customers.email_key),
                phone_key = coalesce(nullif(excluded.phone_key, ''), customers.phone_key)
            RETURNING id, external_id
        )
        SELECT id, external_id FROM known UNION SELECT id, external_id FROM written
        """,
        program_id,
        clock.now(),
        external_ids,
        [email_key(customers[one].email) for one in external_ids],
        [phone_key(customers[one].phone) for one in external_ids],
    )
    return {row["external_id"]: row["id"] for row in rows}
