"""Reads of the merchant's deposit: what is left, what waits for it, and what moved it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app import clock, db
from app.commissions.deposit import LOOK_AHEAD
from app.ledger.queries import deposit_balance
from app.programs.queries import terms_in_force
from app.ui.paging import PAGE_SIZE, Cursor, Page, page

SHOWN = 50
"""So many waiting commissions are listed; all are counted."""


@dataclass(frozen=True, slots=True)
class Deposit:
    """The deposit at this moment."""

    balance_minor: int
    is_used: bool
    """Whether the terms in force pay by deposit."""
    fee_ppm: int
    waiting_count: int
    waiting_minor: int
    """Commissions whose moment has come; the fee is beside them."""
    soon_minor: int
    """What falls due within a week, waiting ones included, with the fee."""

    @property
    def is_low(self) -> bool:
        """It does not cover what falls due within a week."""
        return self.soon_minor > self.balance_minor


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """One commission that waits, the oldest first."""

    order_number: str
    partner_name: str
    partner_code: str
    kind: str
    due_at: datetime
    amount_minor: int


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One movement: a top-up, or a commission with its fee."""

    id: int
    at: datetime
    kind: str
    """top_up or deposit."""
    text: str
    """The bank's document, or the partner's name."""
    order_number: str
    author: str
    note: str
    amount_minor: int
    """Above zero: put down; below: paid, without the fee."""
    fee_minor: int
    balance_minor: int
    """After it."""


async def deposit(program_id: int) -> Deposit:
    """The deposit with what waits for it."""
    now = clock.now()
    terms = (await terms_in_force(program_id, now)).terms.payout
    row = await db.fetchrow(
        """
        SELECT count(*) FILTER (WHERE release_at <= $2) AS count,
            coalesce(sum(pending_minor) FILTER (WHERE release_at <= $2), 0)::bigint AS waiting,
            coalesce(sum(pending_minor), 0)::bigint AS soon
        FROM commissions AS commission
        WHERE program_id = $1 AND settle = 'deposit' AND pending_minor > 0 AND release_at <= $3
        AND NOT EXISTS (
            SELECT FROM order_flags AS flag WHERE flag.order_id = commission.order_id AND flag.state = 'open'
        )
        """,
        program_id,
        now,
        now + LOOK_AHEAD,
    )
    assert row is not None
    return Deposit(
        balance_minor=await deposit_balance(program_id),
        is_used=terms.by_deposit,
        fee_ppm=terms.deposit_fee_ppm,
        waiting_count=row["count"],
        waiting_minor=row["waiting"],
        soon_minor=row["soon"] + row["soon"] * terms.deposit_fee_ppm // 1_000_000,
    )


async def waiting(program_id: int) -> Sequence[WaitingRow]:
    """The oldest commissions that wait, in the order in which they will be paid."""
    rows = await db.fetch(
        """
        SELECT coalesce(nullif(orders.number, ''), orders.external_id, '') AS order_number,
            partner.name AS partner_name, partner.code AS partner_code, commission.kind,
            commission.release_at AS due_at, commission.pending_minor AS amount_minor
        FROM commissions AS commission
        JOIN partners AS partner ON partner.id = commission.partner_id
        LEFT JOIN orders ON orders.id = commission.order_id
        WHERE commission.program_id = $1 AND commission.settle = 'deposit' AND commission.pending_minor > 0
            AND commission.release_at <= $2
        AND NOT EXISTS (
            SELECT FROM order_flags AS flag WHERE flag.order_id = commission.order_id AND flag.state = 'open'
        )
        ORDER BY commission.release_at, commission.id
        LIMIT $3
        """,
        program_id,
        clock.now(),
        SHOWN,
    )
    return [WaitingRow(**dict(row)) for row in rows]


async def history(program_id: int, *, after: Cursor | None = None, size: int = PAGE_SIZE) -> Page[HistoryRow]:
    """Everything that moved the deposit, the newest first, each with the balance after it."""
    rows = await db.fetch(
        """
        WITH moved AS (
            SELECT top_up.entry_id AS id, top_up.at, 'top_up' AS kind, top_up.reference AS text, '' AS order_number,
                coalesce(users.email, '') AS author, top_up.note, top_up.amount_minor, 0::bigint AS fee_minor
            FROM deposit_top_ups AS top_up LEFT JOIN users ON users.id = top_up.author_id
            WHERE top_up.program_id = $1
            UNION ALL
            SELECT settlement.entry_id, settlement.at, 'deposit', partner.name,
                coalesce(nullif(orders.number, ''), orders.external_id, ''), '', '', -settlement.paid_minor,
                settlement.fee_minor
            FROM commission_settlements AS settlement
            JOIN commissions AS commission ON commission.id = settlement.commission_id
            JOIN partners AS partner ON partner.id = settlement.partner_id
            LEFT JOIN orders ON orders.id = commission.order_id
            WHERE settlement.program_id = $1 AND settlement.way = 'deposit'
        )
        SELECT * FROM (
            SELECT *, (sum(amount_minor - fee_minor) OVER (ORDER BY id))::bigint AS balance_minor FROM moved
        ) AS summed
        WHERE $2::timestamptz IS NULL OR id < $3
        ORDER BY id DESC
        LIMIT $4
        """,
        program_id,
        after.moment if after is not None else None,
        after.id if after is not None else None,
        size + 1,
    )
    return page([HistoryRow(**dict(row)) for row in rows], lambda row: (row.at, row.id), size=size)
