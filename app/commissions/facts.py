"""Loading the part of the state that a batch of orders touches: a fixed number of queries, whatever its size.

What must be loaded is said at the top of `rules/state.py`. Here partners and their balances are locked, in the order
of their ids, so that two batches which share a partner are judged one after the other; the program's own accounts
have nothing to lock. Turnover comes from running totals kept beside the entries: a partner's history is not read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from app import db
from app.commissions.order_state import load_currency_rates, load_purchases
from app.commissions.partner_customers import load_customers
from app.commissions.partner_state import load_partners
from app.orders.plan import Plan
from app.orders.service import lock_customers_in_transaction
from app.rules.facts import Fact
from app.rules.judgement import Judgement, Verdict
from app.rules.state import (
    Click,
    CommissionRecord,
    Customer,
    CustomerOrder,
    OrderRecord,
    PromoCode,
    Seller,
    State,
    TermsVersion,
)
from app.tracking.codes import code_key


@dataclass(slots=True)
class Loaded:
    """The state, and what the writes need to know beside it."""

    state: State
    commission_ids: dict[tuple[int, int, str, int], int] = field(default_factory=dict)
    """By (order, partner, kind, tier)."""
    accrued: dict[tuple[int, int, str, int], int] = field(default_factory=dict)
    paid: set[tuple[int, int, str, int]] = field(default_factory=set)
    """Commissions that were paid without a payout request."""


async def load_in_transaction(plan: Plan, terms: Sequence[TermsVersion]) -> Loaded:
    """State for all facts of a plan; partners and balances stay locked until the end of the transaction.

    `terms`: all versions of the program, as they are in this transaction.
    """
    facts = [new.fact for new in plan.facts if new.fact is not None]
    loaded = Loaded(State(terms=list(terms)))
    if not facts:
        return loaded
    known = [new.known.order_id for new in plan.facts if not new.known.is_new]
    await load_records(loaded, known)
    await _load_sellers(loaded.state, plan.program_id, facts)
    await load_bindings(loaded.state, plan.program_id, facts)
    await load_purchases(loaded.state, plan.program_id, facts)
    await load_currency_rates(loaded.state, plan.program_id, facts)
    await load_chains(loaded.state, plan.program_id, facts)
    await _load_promo_codes(loaded.state, plan.program_id, facts)
    moments = [_moment(fact) for fact in facts]
    await load_partners(
        loaded.state, plan.program_id, _candidates(loaded.state, facts), (min(moments), max(moments))
    )
    await load_customers(loaded.state, plan.program_id, (min(moments), max(moments)), facts)
    return loaded


def _moment(fact: Fact) -> datetime:
    """The earliest moment at which a fact asks for a turnover."""
    paid_at = fact.order.state.paid_at
    moments = [fact.at, *(refund.at for refund in fact.order.refunds)]
    return min([*moments, paid_at] if paid_at is not None else moments)


def _candidates(state: State, facts: Iterable[Fact]) -> set[int]:
    """Everybody who may be credited; parents are added by the query."""
    found = {click.partner_id for chain in state.clicks.values() for click in chain}
    found.update(code.partner_id for code in state.promo_codes.values())
    found.update(seller.partner_id for seller in state.sellers.values() if seller.partner_id is not None)
    for bound in state.customer_orders.values():
        found.update(partner_id for one in bound.values() for partner_id, _ in one.credits)
    for record in state.orders.values():
        found.update(partner_id for partner_id, _, _ in record.commissions)
    for fact in facts:
        order = fact.order
        named = (order.state.partner_id, order.card.partner_id if order.card is not None else None)
        found.update(partner_id for partner_id in named if partner_id is not None)
    return found


async def _load_sellers(state: State, program_id: int, facts: Sequence[Fact]) -> None:
    """The sellers whom the orders name, where any terms pay for sellers."""
    named = {fact.order.state.seller_id for fact in facts if fact.order.state.seller_id}
    if not named or not any(version.terms.sellers for version in state.terms):
        return
    rows = await db.fetch(
        """
        SELECT external_id, partner_id, registered_at FROM sellers
        WHERE program_id = $1 AND external_id = ANY($2::text[])
        """,
        program_id,
        sorted(named),
    )
    for row in rows:
        state.sellers[row["external_id"]] = Seller(row["partner_id"], row["registered_at"])


async def load_bindings(state: State, program_id: int, facts: Sequence[Fact]) -> None:
    """The earliest orders of the batch's customers that had a partner, where any terms bind customers.

    Customers are locked in order: of two first orders of one customer at a time the second is to know the first.
    One order more than the batch holds is read of each, since an order is not bound to itself.
    """
    customers = sorted({fact.order.state.customer_id for fact in facts if fact.order.state.customer_id})
    if not customers or not any(version.terms.attribution.bind_customer_days for version in state.terms):
        return
    await lock_customers_in_transaction(program_id, customers)
    rows = await db.fetch(
        """
        SELECT customer.external_id, first.id, first.placed_at, attribution.recorded -> 'shares' AS shares
        FROM customers AS customer
        CROSS JOIN LATERAL (
            SELECT id, placed_at FROM orders
            WHERE customer_id = customer.id AND card_partner_id IS NOT NULL
            ORDER BY placed_at, id LIMIT $3
        ) AS first
        JOIN attributions AS attribution ON attribution.order_id = first.id
        WHERE customer.program_id = $1 AND customer.external_id = ANY($2::text[])
        """,
        program_id,
        customers,
        len(facts) + 1,
    )
    for row in rows:
        shares = msgspec.json.decode(row["shares"])
        credits = tuple((share["partner"], share["weight"]) for share in shares)
        state.bind(row["id"], (row["external_id"], CustomerOrder(row["id"], row["placed_at"], credits)))


async def load_records(loaded: Loaded, order_ids: Sequence[int]) -> None:
    """What is recorded of orders judged before."""
    if not order_ids:
        return
    judged = await db.fetch(
        "SELECT order_id, recorded FROM attributions WHERE order_id = ANY($1::bigint[])", order_ids
    )
    if not judged:
        return
    rows = await db.fetch(
        """
        SELECT id, order_id, partner_id, kind, tier, state, base_minor, amount_minor, accrued_minor, pending_minor,
            quantity_micro, orders, release_at
        FROM commissions WHERE order_id = ANY($1::bigint[])
        ORDER BY order_id, id
        """,
        order_ids,
    )
    commissions: dict[int, dict[tuple[int, str, int], CommissionRecord]] = {}
    release_at: dict[int, datetime | None] = {}
    for row in rows:
        key = (row["partner_id"], row["kind"], row["tier"])
        record = CommissionRecord(
            row["base_minor"], row["amount_minor"], row["pending_minor"], row["quantity_micro"], row["orders"]
        )
        commissions.setdefault(row["order_id"], {})[key] = record
        release_at[row["order_id"]] = row["release_at"]
        loaded.commission_ids[row["order_id"], *key] = row["id"]
        loaded.accrued[row["order_id"], *key] = row["accrued_minor"]
        if row["state"] == "paid":
            loaded.paid.add((row["order_id"], *key))
    for row in judged:
        order_id = row["order_id"]
        loaded.state.orders[order_id] = OrderRecord(
            Judgement.from_json(msgspec.json.decode(row["recorded"])),
            commissions.get(order_id, {}),
            release_at.get(order_id),
        )


VERDICTS = {
    "": Verdict.COUNTED,
    "bot": Verdict.BOT,
    "prefetch": Verdict.PREFETCH,
    "repeat": Verdict.REPEAT,
    "inactive": Verdict.PARTNER_INACTIVE_AT_CLICK,
}


async def load_chains(state: State, program_id: int, facts: Sequence[Fact]) -> None:
    """Clicks of the visitors that the orders, their clicks and their customers name, inside the widest window."""
    visitors = {fact.order.state.visitor_id for fact in facts if fact.order.state.visitor_id}
    click_ids = {fact.order.state.click_id for fact in facts if fact.order.state.click_id}
    customers = {fact.order.state.customer_id for fact in facts if fact.order.state.customer_id}
    if click_ids or customers:
        visitors |= await _load_buyers(state, program_id, click_ids, customers)
    if not visitors:
        return
    window = max((version.terms.attribution.window_days for version in state.terms), default=30)
    placed = [fact.order.state.placed_at for fact in facts]
    # One day more than the window, so that the explanation can name clicks that came just too early.
    # The join goes visitor by visitor down the index, whatever the planner knows of a table that is being filled.
    rows = await db.fetch(
        """
        SELECT click.* FROM unnest($2::text[]) AS wanted (visitor_id)
        CROSS JOIN LATERAL (
            SELECT id, public_id::text AS public_id, partner_id, link_id, visitor_id, clicked_at, counted, reason
            FROM clicks
            WHERE program_id = $1 AND visitor_id = wanted.visitor_id AND clicked_at >= $3 AND clicked_at <= $4
            ORDER BY clicked_at, id
        ) AS click
        """,
        program_id,
        list(visitors),
        min(placed) - timedelta(days=window + 1),
        max(placed),
    )
    for row in rows:
        reason = VERDICTS.get(row["reason"], Verdict.NOT_COUNTED)
        click = Click(
            row["public_id"],
            row["id"],
            row["clicked_at"],
            row["partner_id"],
            row["counted"],
            reason,
            row["link_id"],
        )
        state.clicks.setdefault(row["visitor_id"], []).append(click)


async def _load_buyers(
    state: State, program_id: int, click_ids: Iterable[str], customers: Iterable[str]
) -> set[str]:
    """Whose the named clicks were, and what is known of the customers; the visitors whom both lead to."""
    visitors: set[str] = set()
    rows = await db.fetch(
        """
        SELECT 'click' AS source, public_id::text AS ref, visitor_id, '' AS email_key, '' AS phone_key FROM clicks
        WHERE program_id = $1 AND public_id = ANY($2::uuid[])
        UNION ALL
        SELECT 'customer', customer.external_id, visitor.visitor_id, customer.email_key, customer.phone_key
        FROM customers AS customer LEFT JOIN customer_visitors AS visitor ON visitor.customer_id = customer.id
        WHERE customer.program_id = $1 AND customer.external_id = ANY($3::text[])
        ORDER BY 1, 2, 3
        """,
        program_id,
        [one for one in click_ids if _is_uuid(one)],
        list(customers),
    )
    for row in rows:
        if row["visitor_id"] is not None:
            visitors.add(row["visitor_id"])
        if row["source"] == "click":
            state.click_visitors[row["ref"]] = row["visitor_id"]
        else:
            before = state.customers.get(row["ref"], Customer())
            more = () if row["visitor_id"] is None else (row["visitor_id"],)
            keys = frozenset(key for key in (row["email_key"], row["phone_key"]) if key)
            state.customers[row["ref"]] = Customer((*before.visitors, *more), keys=keys)
    return visitors


def _is_uuid(text: str) -> bool:
    return len(text) == 36 and text.count("-") == 4 and all(c in "0123456789abcdef-" for c in text.lower())


async def _load_promo_codes(state: State, program_id: int, facts: Sequence[Fact]) -> None:
    texts = {fact.order.state.promo_code for fact in facts if fact.order.state.promo_code}
    texts |= {fact.order.card.promo_code for fact in facts if fact.order.card and fact.order.card.promo_code}
    if not texts:
        return
    keys = {code_key(text): text for text in sorted(texts)}
    rows = await db.fetch(
        """
        SELECT code, code_key, partner_id, valid_from, valid_to FROM promo_codes
        WHERE program_id = $1 AND code_key = ANY($2::text[])
        """,
        program_id,
        list(keys),
    )
    by_key = {row["code_key"]: row for row in rows}
    for text in texts:
        row = by_key.get(code_key(text))
        if row is not None:
            code = PromoCode(row["code"], row["partner_id"], row["valid_from"], row["valid_to"])
            state.promo_codes[text.casefold()] = code
