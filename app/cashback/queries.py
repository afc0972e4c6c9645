"""Reads of customers' cashback: balances, lots, what waits, history with the balance after each row."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

import asyncpg

from app import db
from app.rules.cashback_moves import MoveKind

HISTORY_ROWS = 100


@dataclass(frozen=True, slots=True)
class Owner:
    """A customer with or without cashback."""

    customer_id: int
    program_id: int
    external_id: str
    link_number: int
    """Of the links to his page that hold; 0: he has no account yet."""


@dataclass(frozen=True, slots=True)
class Sums:
    """A customer's cashback, in minor units of the program's currency."""

    pending_minor: int = 0
    available_minor: int = 0
    reserved_minor: int = 0
    spent_minor: int = 0
    expired_minor: int = 0
    written_off_minor: int = 0


@dataclass(frozen=True, slots=True)
class LotRow:
    """A lot with something left."""

    order: str
    amount_minor: int
    left_minor: int
    available_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """What an order has earned and cannot be spent yet."""

    order: str
    amount_minor: int
    available_at: datetime | None
    """None: when the order is fulfilled."""


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One step, with what was available after it."""

    id: int
    at: datetime
    kind: MoveKind
    order: str
    amount_minor: int
    """Without a sign; what it does to the balance is told by `kind` and `available_delta_minor`."""
    available_delta_minor: int
    available_minor: int
    """After this row."""
    pending_minor: int
    """After this row."""


async def owner(program_id: int, external_id: str) -> Owner | None:
    """The customer by the shop's id; None: nobody has it."""
    row = await db.fetchrow(
        """
        SELECT customer.id, customer.program_id, customer.external_id, coalesce(account.link_number, 0) AS link_number
        FROM customers AS customer LEFT JOIN cashback_accounts AS account ON account.customer_id = customer.id
        WHERE customer.program_id = $1 AND customer.external_id = $2
        """,
        program_id,
        external_id,
    )
    return None if row is None else Owner(*row)


async def owner_by_id(customer_id: int) -> Owner | None:
    """The same by our id; only one who has an account."""
    row = await db.fetchrow(
        """
        SELECT customer.id, customer.program_id, customer.external_id, account.link_number
        FROM customers AS customer JOIN cashback_accounts AS account ON account.customer_id = customer.id
        WHERE customer.id = $1
        """,
        customer_id,
    )
    return None if row is None else Owner(*row)


async def sums(customer_ids: Sequence[int]) -> dict[int, Sums]:
    """What each customer has, by the ledger; written off by his orders."""
    rows = await db.fetch(
        """
        SELECT account.owner_id, account.kind, balance.balance_minor
        FROM ledger_accounts AS account JOIN ledger_balances AS balance ON balance.account_id = account.id
        WHERE account.owner_id = ANY($1::bigint[]) AND account.kind LIKE 'cashback\\_%'
        UNION ALL
        SELECT customer_id, 'cashback_written_off', sum(written_off_minor)::bigint FROM cashback_earnings
        WHERE customer_id = ANY($1::bigint[]) GROUP BY customer_id
        """,
        list(customer_ids),
    )
    found: dict[int, dict[str, int]] = {customer_id: {} for customer_id in customer_ids}
    for row in rows:
        found[row["owner_id"]][f"{row['kind'].removeprefix('cashback_')}_minor"] = row["balance_minor"]
    return {customer_id: Sums(**values) for customer_id, values in found.items()}


async def lots(customer_id: int) -> list[LotRow]:
    """Lots with something left, the one that expires first at the front: that is the order of spending."""
    rows = await db.fetch(
        """
        SELECT orders.external_id, lot.amount_minor, lot.left_minor, lot.available_at, lot.expires_at
        FROM cashback_lots AS lot JOIN orders ON orders.id = lot.order_id
        WHERE lot.customer_id = $1 AND lot.left_minor > 0
        ORDER BY lot.expires_at NULLS LAST, lot.available_at, lot.id
        LIMIT 1000
        """,
        customer_id,
    )
    return [LotRow(*row) for row in rows]


async def spendable(customer_id: int, at: datetime) -> int:
    """What can be spent at a moment: what is left of lots whose day has not come."""
    found = await db.fetchval(
        """
        SELECT coalesce(sum(left_minor), 0)::bigint FROM cashback_lots
        WHERE customer_id = $1 AND left_minor > 0 AND (expires_at IS NULL OR expires_at > $2)
        """,
        customer_id,
        at,
    )
    return int(found)


async def waiting(customer_id: int) -> list[WaitingRow]:
    """What is pending, order by order, the next to become available at the front."""
    rows = await db.fetch(
        """
        SELECT orders.external_id, earning.pending_minor, earning.due_at
        FROM cashback_earnings AS earning JOIN orders ON orders.id = earning.order_id
        WHERE earning.customer_id = $1 AND earning.pending_minor > 0
        ORDER BY earning.due_at NULLS LAST, earning.id
        LIMIT 1000
        """,
        customer_id,
    )
    return [WaitingRow(*row) for row in rows]


async def history(
    customer_id: int, *, before: int | None = None, rows: int = HISTORY_ROWS
) -> list[HistoryRow]:
    """The latest steps at the front, each with the balances after it; `before`: only steps of lower ids.

    Steps of one cause that differ only in their lot are one row. The newest `rows` steps are read, and what they
    add up to is taken off the sum of all, so that a long history costs no more than its first page.
    """
    found = await db.fetch(
        """
        SELECT id, at, recorded_at, kind, order_key, cause_ref, amount_minor, available_minor, pending_minor
        FROM cashback_entries
        WHERE customer_id = $1 AND ($2::bigint IS NULL OR id < $2)
        ORDER BY id DESC LIMIT $3
        """,
        customer_id,
        before,
        rows,
    )
    after = await db.fetchrow(
        """
        SELECT coalesce(sum(available_minor), 0)::bigint AS available, coalesce(sum(pending_minor), 0)::bigint AS pending
        FROM cashback_entries WHERE customer_id = $1 AND ($2::bigint IS NULL OR id < $2)
        """,
        customer_id,
        before,
    )
    assert after is not None, "sums always have a row"
    available, pending = after["available"], after["pending"]
    made = []
    for _key, group in groupby(found, key=_cause):
        steps = list(group)
        change = sum(step["available_minor"] for step in steps)
        made.append(
            HistoryRow(
                id=steps[-1]["id"],
                at=steps[0]["at"],
                kind=MoveKind(steps[0]["kind"]),
                order=steps[0]["order_key"],
                amount_minor=sum(step["amount_minor"] for step in steps),
                available_delta_minor=change,
                available_minor=available,
                pending_minor=pending,
            )
        )
        available -= change
        pending -= sum(step["pending_minor"] for step in steps)
    return made


def _cause(row: asyncpg.Record) -> tuple[object, ...]:
    return row["kind"], row["order_key"], row["cause_ref"], row["at"], row["recorded_at"]
