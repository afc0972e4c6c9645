"""Loading and locking the part of the customers' cashback that a batch touches.

A fixed number of statements, whatever the size of the batch. Of a new order nothing but its customer's account is
asked for; lots are loaded only where money may be taken from them or go back to them. The accounts of the customers
are locked in the order of their ids, after the orders and before partners and balances.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from app import db
from app.rules.cashback_moves import Lot
from app.rules.wallet import Earning, Spending, Taken, Wallets


@dataclass(slots=True)
class Held:
    """What is loaded and locked, with what the writes need to know beside it."""

    program_id: int
    wallets: Wallets = field(default_factory=Wallets)
    customer_ids: dict[str, int] = field(default_factory=dict)
    """Of customers who have an account, by the shop's id."""
    earning_ids: dict[tuple[int, str], int] = field(default_factory=dict)
    spending_ids: dict[str, int] = field(default_factory=dict)
    takings: list[tuple[int, Taken]] = field(default_factory=list)
    """With the id of its row."""
    before: dict[tuple[str, int], tuple[Any, ...]] = field(default_factory=dict)
    """What rows held when they were loaded, by table and id, so that only what changed is written."""


async def hold_in_transaction(
    program_id: int,
    *,
    customers: Collection[str] = (),
    order_ids: Sequence[int] = (),
    order_keys: Sequence[str] = (),
    spenders: Collection[str] = (),
    lots: Sequence[int] = (),
    may_take: bool = True,
) -> Held:
    """Lock everybody whom the orders and customers concern, then read earnings, spendings and lots.

    `spenders`: customers whose lots are wanted in any case; `lots`: ids of lots that are. `may_take` False: no money
    is taken from lots or given back to them, so that only these are loaded.
    """
    held = Held(program_id)
    await _lock(held, {*customers, *spenders}, order_ids, order_keys)
    spendings = await db.fetch(
        """
        SELECT spending.*, customer.external_id AS customer
        FROM cashback_spendings AS spending JOIN customers AS customer ON customer.id = spending.customer_id
        WHERE spending.program_id = $1 AND spending.order_key = ANY($2::text[])
        ORDER BY spending.id
        """,
        program_id,
        list(order_keys),
    )
    wanted = {held.customer_ids[one] for one in spenders if one in held.customer_ids}
    wanted.update(row["customer_id"] for row in spendings)
    if order_ids or wanted:
        wanted.update(await _load_earnings(held, order_ids, wanted))
    takings = await _load_spendings(held, spendings)
    if (may_take and wanted) or takings or lots:
        await _load_lots(held, wanted, takings, lots)
    return held


async def _lock(
    held: Held, customers: Collection[str], order_ids: Sequence[int], order_keys: Sequence[str]
) -> None:
    """The accounts of these customers, and of those who have earned or spent on these orders."""
    rows = await db.fetch(
        """
        SELECT account.customer_id, customer.external_id
        FROM cashback_accounts AS account JOIN customers AS customer ON customer.id = account.customer_id
        WHERE account.customer_id IN (
            SELECT id FROM customers WHERE program_id = $1 AND external_id = ANY($2::text[])
            UNION ALL SELECT customer_id FROM cashback_earnings WHERE order_id = ANY($3::bigint[])
            UNION ALL SELECT customer_id FROM cashback_spendings
            WHERE program_id = $1 AND order_key = ANY($4::text[])
        )
        ORDER BY account.customer_id FOR NO KEY UPDATE OF account
        """,
        held.program_id,
        list(customers),
        list(order_ids),
        list(order_keys),
    )
    held.customer_ids = {row["external_id"]: row["customer_id"] for row in rows}


async def _load_earnings(held: Held, order_ids: Sequence[int], customers: Collection[int]) -> set[int]:
    """Those of the orders, and those of the customers that something was written off of. Who has earned."""
    rows = await db.fetch(
        """
        SELECT earning.*, customer.external_id AS customer
        FROM cashback_earnings AS earning JOIN customers AS customer ON customer.id = earning.customer_id
        WHERE earning.order_id = ANY($1::bigint[])
            OR (earning.written_off_minor > 0 AND earning.customer_id IN (
                SELECT unnest($2::bigint[])
                UNION ALL SELECT customer_id FROM cashback_earnings WHERE order_id = ANY($1::bigint[])
            ))
        ORDER BY earning.id
        """,
        list(order_ids),
        list(customers),
    )
    for row in rows:
        key = (row["order_id"], row["customer"])
        earning = Earning(
            row["customer"],
            row["terms_number"],
            row["amount_minor"],
            row["pending_minor"],
            row["written_off_minor"],
            row["due_at"],
            row["released"],
            row["again_at"],
        )
        held.wallets.earnings[key] = earning
        held.earning_ids[key] = row["id"]
        held.before["earning", row["id"]] = earning_values(earning)
    return {row["customer_id"] for row in rows}


async def _load_spendings(held: Held, rows: Sequence[asyncpg.Record]) -> list[asyncpg.Record]:
    """The spendings themselves; returns their takings, whose lots are still to come."""
    for row in rows:
        spending = Spending(row["customer"], row["wished_minor"], row["granted_minor"], row["spent"])
        held.wallets.spendings[row["order_key"]] = spending
        held.spending_ids[row["order_key"]] = row["id"]
        held.before["spending", row["id"]] = spending_values(spending)
    if not rows:
        return []
    return await db.fetch(
        """
        SELECT taking.id, taking.lot_id, taking.amount_minor, spending.order_key
        FROM cashback_takings AS taking JOIN cashback_spendings AS spending ON spending.id = taking.spending_id
        WHERE taking.spending_id = ANY($1::bigint[]) AND taking.amount_minor > 0
        ORDER BY taking.id
        """,
        [row["id"] for row in rows],
    )


async def _load_lots(
    held: Held, customers: Collection[int], takings: Sequence[asyncpg.Record], lots: Sequence[int]
) -> None:
    rows = await db.fetch(
        """
        SELECT lot.*, customer.external_id AS customer
        FROM cashback_lots AS lot JOIN customers AS customer ON customer.id = lot.customer_id
        WHERE (lot.customer_id = ANY($1::bigint[]) AND lot.left_minor > 0) OR lot.id = ANY($2::bigint[])
        ORDER BY lot.id
        """,
        list(customers),
        [*lots, *(row["lot_id"] for row in takings)],
    )
    by_id: dict[int, Lot] = {}
    for row in rows:
        lot = Lot(
            row["id"],
            row["customer"],
            row["order_id"],
            row["amount_minor"],
            row["left_minor"],
            row["available_at"],
            row["expires_at"],
        )
        by_id[lot.lot_id] = lot
        held.wallets.lots.setdefault(lot.customer, []).append(lot)
        held.before["lot", lot.lot_id] = (lot.left_minor,)
    for row in takings:
        taken = Taken(by_id[row["lot_id"]], row["amount_minor"])
        held.wallets.spendings[row["order_key"]].taken.append(taken)
        held.takings.append((row["id"], taken))
        held.before["taking", row["id"]] = (taken.minor,)


def earning_values(earning: Earning) -> tuple[Any, ...]:
    """The columns that change."""
    return (
        earning.amount_minor,
        earning.pending_minor,
        earning.written_off_minor,
        earning.due_at,
        earning.released,
        earning.again_at,
    )


def spending_values(spending: Spending) -> tuple[Any, ...]:
    """The columns that change."""
    return spending.wished_minor, spending.granted_minor, spending.spent
