"""Writing down what shops say. Judging it is `commissions/intake.py`'s, in the same transaction."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from app import clock, db
from app.errors import FieldError, invalid
from app.orders.messages import CardMessage, Message, OrderMessage, RefundMessage
from app.orders.plan import (
    DECODERS,
    KnownOrder,
    Plan,
    Reader,
    card_of,
    finish,
    named_partners,
    order_key,
    refund_of,
    state_of,
)
from app.orders.writes import Card, write_customers, write_plan
from app.rules.contacts import email_key, phone_key

MANY = 1 << 60
"""Sequences of facts that are not stored yet: later than all stored ones."""


async def plan_in_transaction(program_id: int, currency: str, messages: Sequence[Message]) -> Plan:
    """Lock the orders that the messages are about and read the messages against what is stored of them."""
    keys = sorted({order_key(message) for message in messages})
    orders, stored = await _lock_orders(program_id, keys, make=True)
    partner_ids = await _partner_ids(program_id, named_partners([*messages, *(body for _, body in stored)]))
    plan = Plan(program_id, orders)
    _take_all_stored(orders.values(), stored, partner_ids, currency)
    reader = Reader(plan, currency, partner_ids, MANY)
    for message in messages:
        reader.read(message)
    finish(plan)
    return plan


async def lock_known_orders(
    program_id: int, currency: str, external_ids: Sequence[str]
) -> list[tuple[KnownOrder, int]]:
    """Orders with all their stored facts, locked, each with the id of its last event."""
    orders, stored = await _lock_orders(program_id, external_ids)
    partner_ids = await _partner_ids(program_id, named_partners([body for _, body in stored]))
    _take_all_stored(orders.values(), stored, partner_ids, currency)
    last = {order_id: event_id for (order_id, event_id, _), _ in stored}
    return [(known, last[known.order_id]) for known in orders.values()]


async def event_ids_in_transaction(plan: Plan) -> list[int]:
    """Ids for the order events of a plan, one for each fact in the order of judging.

    To be called when all locks of the batch are held: ids of events tell in which order facts were judged.
    """
    return await next_ids("order_events", len(plan.facts))


async def write_in_transaction(
    plan: Plan,
    event_ids: Sequence[int],
    cards: Mapping[int, Card] | None = None,
    *,
    inserts: db.Inserts | None = None,
) -> None:
    """Store a plan. `cards`: what judging has made of its new orders, by our ids of them.

    With `inserts` the caller writes the new rows, together with his own.
    """
    gathered = inserts or db.Inserts()
    customer_ids = await write_customers(plan.program_id, plan.customers)
    customer_ids |= await _stored_customers(plan)
    await write_plan(gathered, plan, event_ids, customer_ids, cards or {})
    if inserts is None:
        await gathered.run()


async def next_ids(table: str, count: int) -> list[int]:
    """Fresh ids of `table`, rising."""
    if not count:
        return []
    rows = await db.fetch(f"SELECT nextval('{table}_id_seq') FROM generate_series(1, $1)", count)  # noqa: S608
    return [row[0] for row in rows]


async def register_customer(
    program_id: int,
    external_id: str,
    *,
    registered_at: datetime,
    visitors: Sequence[str] = (),
    email: str = "",
    phone: str = "",
) -> int:
    """A buyer registered in the shop; clicks of these visitors join his chain. Returns our id of him."""
    async with db.transaction():
        return await register_customer_in_transaction(
            program_id, external_id, registered_at=registered_at, visitors=visitors, email=email, phone=phone
        )


async def register_customer_in_transaction(
    program_id: int,
    external_id: str,
    *,
    registered_at: datetime,
    visitors: Sequence[str] = (),
    email: str = "",
    phone: str = "",
) -> int:
    """As `register_customer`, inside the caller's transaction. The earliest registration stands."""
    if not external_id:
        raise invalid(FieldError("/external_id", "required", "The shop's id of the buyer is missing."))
    customer_id: int = await db.fetchval(
        """
        INSERT INTO customers AS known (program_id, external_id, email_key, phone_key, registered_at, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (program_id, external_id) DO UPDATE
        SET email_key = coalesce(nullif(excluded.email_key, ''), known.email_key),
            phone_key = coalesce(nullif(excluded.phone_key, ''), known.phone_key),
            registered_at = least(known.registered_at, excluded.registered_at)
        RETURNING id
        """,
        program_id,
        external_id,
        email_key(email),
        phone_key(phone),
        registered_at,
        clock.now(),
    )
    await db.execute(
        """
        INSERT INTO customer_visitors (customer_id, visitor_id, registered_at)
        SELECT $1, visitor_id, $2 FROM unnest($3::text[]) AS visitor_id ORDER BY visitor_id
        ON CONFLICT DO NOTHING
        """,
        customer_id,
        registered_at,
        list(visitors),
    )
    return customer_id


async def lock_customers_in_transaction(program_id: int, external_ids: Sequence[str]) -> None:
    """Let one transaction at a time judge by these buyers' histories; also of those who have no row yet.

    To be called after the orders are locked and before the partners.
    """
    keys = {
        int.from_bytes(
            hashlib.blake2b(f"{program_id}:{one}".encode(), digest_size=8, person=b"customer").digest(),
            "big",
            signed=True,
        )
        for one in external_ids
    }
    await db.execute("SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS key", sorted(keys))


StoredEvent = tuple[tuple[int, int, bytes], Message]
"""((order id, event id, digest), message)."""


async def _lock_orders(
    program_id: int, keys: Sequence[str], *, make: bool = False
) -> tuple[dict[str, KnownOrder], list[StoredEvent]]:
    """Known orders with their events; with `make` also new ones, which have an id and no row yet."""
    rows = await db.fetch(
        """
        WITH known AS (
            SELECT id, external_id FROM orders
            WHERE program_id = $1 AND external_id = ANY($2::text[])
            ORDER BY id FOR NO KEY UPDATE
        )
        SELECT id, external_id, false AS is_new FROM known
        UNION ALL
        SELECT nextval('orders_id_seq'), key, true FROM unnest($2::text[]) AS key
        WHERE $3 AND key NOT IN (SELECT external_id FROM known)
        """,
        program_id,
        keys,
        make,
    )
    orders = {row["external_id"]: KnownOrder(row["id"], row["external_id"], row["is_new"]) for row in rows}
    stored_ids = [known.order_id for known in orders.values() if not known.is_new]
    if not stored_ids:
        return orders, []
    events = await db.fetch(
        """
        SELECT id, order_id, kind, digest, body FROM order_events
        WHERE order_id = ANY($1::bigint[])
        ORDER BY id
        """,
        stored_ids,
    )
    stored = [
        ((row["order_id"], row["id"], row["digest"]), DECODERS[row["kind"]](row["body"])) for row in events
    ]
    return orders, stored


def _take_all_stored(
    orders: Iterable[KnownOrder], stored: Sequence[StoredEvent], partner_ids: dict[str, int], currency: str
) -> None:
    by_id = {known.order_id: known for known in orders}
    for (order_id, event_id, digest), body in stored:
        _take_stored(by_id[order_id], event_id, digest, body, partner_ids, currency)
    for known in by_id.values():
        order = known.merged() if known.states else None
        if order is not None:
            known.stored, known.currency = order.state, order.state.currency


def _take_stored(
    known: KnownOrder,
    event_id: int,
    digest: bytes,
    message: Message,
    partner_ids: dict[str, int],
    currency: str,
) -> None:
    known.digests.add(digest)
    if isinstance(message, OrderMessage):
        partner_id = partner_ids.get(message.partner.lower()) if message.partner else None
        state = state_of(message, digest, partner_id, currency)
        known.states.append(state)
        known.messages[state.digest] = message
    elif isinstance(message, RefundMessage):
        known.refunds.append(refund_of(message))
    elif isinstance(message, CardMessage):
        partner_id = partner_ids.get(message.partner.lower()) if message.partner else None
        known.cards.append(card_of(message, event_id, partner_id))


async def _partner_ids(program_id: int, codes: set[str]) -> dict[str, int]:
    if not codes:
        return {}
    rows = await db.fetch(
        "SELECT id, lower(code) AS code FROM partners WHERE program_id = $1 AND lower(code) = ANY($2::text[])",
        program_id,
        sorted(codes),
    )
    return {row["code"]: row["id"] for row in rows}


async def _stored_customers(plan: Plan) -> dict[str, int]:
    """Ids of buyers whom only earlier messages named."""
    named: set[str] = set()
    for new in plan.facts:
        order = new.known.merged()
        if order is not None and order.state.customer_id:
            named.add(order.state.customer_id)
    named -= plan.customers.keys()
    if not named:
        return {}
    rows = await db.fetch(
        "SELECT id, external_id FROM customers WHERE program_id = $1 AND external_id = ANY($2::text[])",
        plan.program_id,
        sorted(named),
    )
    return {row["external_id"]: row["id"] for row in rows}
