"""A partner's statement: what moved his money from one moment to another, and what he had before and after."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from app import clock, db
from app.errors import FieldError, invalid
from app.shops.listing import Balances

ROWS_MAX = 10_000
KINDS = ("pending", "available", "reserved", "debt", "paid")


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One entry of the journal, with what it changed."""

    at: datetime
    kind: str
    """accrual, clawback, release, payout_request and the like."""
    reference: str
    note: str
    change: Balances


@dataclass(frozen=True, slots=True)
class StatementAnswer:
    """[from, to): opening balances plus all changes are the closing balances."""

    since: datetime
    to: datetime
    opening: Balances
    rows: list[StatementRow]
    closing: Balances


async def statement(partner_id: int, since: datetime | None, to: datetime | None) -> StatementAnswer:
    """The partner's entries of a period; by default the last thirty days."""
    end = to or clock.now()
    start = since or end - timedelta(days=30)
    if start > end:
        raise invalid(FieldError("from", "out_of_range", "The period ends before it begins."))
    before = await db.fetch(f"SELECT {_CHANGES} {_FROM} AND entry.occurred_at < $2", partner_id, start)
    rows = await db.fetch(
        f"""
        SELECT entry.occurred_at, entry.kind, entry.source_key, entry.note, {_CHANGES}
        {_FROM} AND entry.occurred_at >= $2 AND entry.occurred_at < $3
        GROUP BY entry.id
        ORDER BY entry.occurred_at, entry.id
        LIMIT {ROWS_MAX + 1}
        """,
        partner_id,
        start,
        end,
    )
    if len(rows) > ROWS_MAX:
        raise invalid(FieldError("from", "too_long", "More than 10,000 entries: ask for a shorter period."))
    shown = [
        StatementRow(row["occurred_at"], row["kind"], row["source_key"], row["note"], _balances(row))
        for row in rows
    ]
    opening = _balances(before[0])
    return StatementAnswer(start, end, opening, shown, _sum(opening, shown))


def _balances(row: asyncpg.Record) -> Balances:
    return Balances(*(int(row[kind] or 0) for kind in KINDS))


def _sum(opening: Balances, rows: list[StatementRow]) -> Balances:
    names = [f"{kind}_minor" for kind in KINDS]
    totals = {name: getattr(opening, name) + sum(getattr(row.change, name) for row in rows) for name in names}
    return Balances(**totals)


def _change(kind: str) -> str:
    credit, debit = ("-1", "1") if kind == "debt" else ("1", "-1")
    return f"""
        sum(posting.amount_minor * CASE WHEN credit.kind = '{kind}' AND credit.owner_id = $1 THEN {credit}
            WHEN debit.kind = '{kind}' AND debit.owner_id = $1 THEN {debit} ELSE 0 END) AS {kind}"""


_CHANGES = ", ".join(_change(kind) for kind in KINDS)

_FROM = """
    FROM postings AS posting
    JOIN journal_entries AS entry ON entry.id = posting.entry_id
    JOIN ledger_accounts AS credit ON credit.id = posting.credit_account_id
    JOIN ledger_accounts AS debit ON debit.id = posting.debit_account_id
    WHERE posting.id IN (
        SELECT id FROM postings
        WHERE credit_account_id IN (SELECT id FROM ledger_accounts WHERE owner_id = $1 AND owner_id <> 0)
        UNION
        SELECT id FROM postings
        WHERE debit_account_id IN (SELECT id FROM ledger_accounts WHERE owner_id = $1 AND owner_id <> 0)
    )
"""
