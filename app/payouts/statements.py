"""A partner's statement: opening, every booking, closing — from the ledger's postings alone, so it always adds up.

What counts is the moment at which an entry was booked (`recorded_at`), not the shop's moment of its cause: a refund
that the shop tells in December of an order of November stands in December's statement, and a month that is over never
changes. Where the two differ, the line shows both.

    owed to the partner = pending + available + reserved − debt

Commissions and clawbacks change it, payouts lower it; releases, requests and rejections only move money inside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import asyncpg

from app import clock, db
from app.ledger.queries import PARTNER_KINDS
from app.programs import queries as programs
from app.ui.paging import Cursor


@dataclass(frozen=True, slots=True)
class Sums:
    """What each of a partner's accounts holds, or how an entry changed it."""

    pending_minor: int = 0
    available_minor: int = 0
    reserved_minor: int = 0
    debt_minor: int = 0
    paid_minor: int = 0
    internal_minor: int = 0
    """Credited to his account in the shop; paid as well, but not sent."""

    @property
    def owed_minor(self) -> int:
        """What the program owes the partner, whether or not he may ask for it yet."""
        return self.pending_minor + self.available_minor + self.reserved_minor - self.debt_minor

    def plus(self, other: "Sums") -> "Sums":
        """Account by account."""
        return Sums(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(Sums)))


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of the journal as far as it touches the partner's accounts."""

    entry_id: int
    kind: str
    """accrual, clawback, release, payout_requested, payout_paid, payout_rejected, …"""
    booked_at: datetime
    occurred_at: datetime
    note: str
    change: Sums
    after: Sums
    commission_id: int | None
    """The commission it belongs to; None: a payout, or an entry of several commissions of his."""
    order_number: str
    """Empty where no order is behind it."""


@dataclass(frozen=True, slots=True)
class Statement:
    """Both moments' balances and what lies between: opening + lines = closing, account by account."""

    start: datetime
    end: datetime
    """Exclusive."""
    currency: str
    opening: Sums
    closing: Sums
    earned_minor: int
    """Commissions and other gains of the period."""
    taken_back_minor: int
    """Clawbacks, above zero."""
    paid_minor: int
    """Paid out in the period, to his account in the shop as well."""
    lines: Sequence[Line]
    next_cursor: str | None
    """None: these are all lines of the period."""


MAX_LINES = 10_000
"""Of one answer; more are fetched by cursor."""


async def statement(
    program_id: int,
    partner_id: int,
    start: datetime,
    end: datetime,
    *,
    after: Cursor | None = None,
    size: int = MAX_LINES,
) -> Statement:
    """The partner's statement of [start, end), read in one snapshot of the database.

    Lines are in the order of booking; with more than `size` of them `next_cursor` leads on, and opening, closing and
    the sums are those of the whole period all the same.
    """
    assert start <= end, "a statement's period has a beginning before its end"
    rows = await db.fetch(
        _STATEMENT,
        program_id,
        partner_id,
        start,
        end,
        after.moment if after is not None else None,
        after.id if after is not None else None,
        size + 1,
    )
    first = rows[0]
    lines = [row for row in rows if row["entry_id"] is not None]
    shown = lines[:size]
    causes = await _causes(partner_id, shown)
    published = await programs.latest_terms(program_id)
    assert published is not None, "a program whose partners have accounts has terms"
    last = shown[-1] if len(lines) > size else None
    return Statement(
        start=start,
        end=end,
        currency=published.terms.currency,
        opening=_sums(first, "opening"),
        closing=_sums(first, "closing"),
        earned_minor=first["earned_minor"],
        taken_back_minor=first["taken_back_minor"],
        paid_minor=sum(first[f"closing_{kind}"] - first[f"opening_{kind}"] for kind in ("paid", "internal")),
        lines=[_line(row, causes) for row in shown],
        next_cursor=Cursor(last["recorded_at"], last["entry_id"]).encode() if last is not None else None,
    )


def month_bounds(month: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Beginning and end (exclusive) of the local month that `month` lies in."""
    first = month.replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    return _midnight(first, zone), _midnight(following, zone)


async def months(program_id: int, partner_id: int, zone: ZoneInfo, *, most: int = 24) -> list[date]:
    """First days of the months since the partner's first booking, the present one first; at most `most`."""
    first = await db.fetchval(
        """
        WITH account AS (
            SELECT id FROM ledger_accounts WHERE program_id = $1 AND owner_id = $2 AND kind = ANY($3::text[])
        )
        SELECT min(recorded_at) FROM journal_entries
        WHERE id IN (
            SELECT posting.entry_id FROM account JOIN postings AS posting ON posting.credit_account_id = account.id
            UNION ALL
            SELECT posting.entry_id FROM account JOIN postings AS posting ON posting.debit_account_id = account.id
        )
        """,
        program_id,
        partner_id,
        PARTNER_KINDS,
    )
    month = clock.now().astimezone(zone).date().replace(day=1)
    found = [month]
    while first is not None and len(found) < most and month > first.astimezone(zone).date().replace(day=1):
        month = (month - timedelta(days=1)).replace(day=1)
        found.append(month)
    return found


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


_KINDS = ("pending", "available", "reserved", "debt", "paid", "internal")

# Debt is a debit account: it grows by debits, all others by credits.
_MOVES = """
account AS (
    SELECT id, kind FROM ledger_accounts
    WHERE program_id = $1 AND owner_id = $2
        AND kind IN ('pending', 'available', 'reserved', 'debt', 'paid', 'internal')
), move AS (
    SELECT posting.entry_id, account.kind,
        CASE WHEN account.kind = 'debt' THEN -posting.amount_minor ELSE posting.amount_minor END AS delta
    FROM account JOIN postings AS posting ON posting.credit_account_id = account.id
    UNION ALL
    SELECT posting.entry_id, account.kind,
        CASE WHEN account.kind = 'debt' THEN posting.amount_minor ELSE -posting.amount_minor END
    FROM account JOIN postings AS posting ON posting.debit_account_id = account.id
)
"""

_ENTRY = ", ".join(
    f"coalesce(sum(move.delta) FILTER (WHERE move.kind = '{kind}'), 0)::bigint AS {kind}" for kind in _KINDS
)
_OPENING = ", ".join(
    f"coalesce(sum({kind}) FILTER (WHERE recorded_at < $3), 0)::bigint AS opening_{kind}" for kind in _KINDS
)
_CLOSING = ", ".join(f"coalesce(sum({kind}), 0)::bigint AS closing_{kind}" for kind in _KINDS)
_RUNNING = ", ".join(f"sum({kind}) OVER booked AS running_{kind}" for kind in _KINDS)
_AFTER = ", ".join(f"(opening_{kind} + running_{kind})::bigint AS after_{kind}" for kind in _KINDS)

_STATEMENT = f"""
WITH {_MOVES}, entry AS (
    SELECT journal.id AS entry_id, journal.kind AS entry_kind, journal.source_key, journal.recorded_at,
        journal.occurred_at, journal.note, {_ENTRY}
    FROM move JOIN journal_entries AS journal ON journal.id = move.entry_id
    WHERE journal.recorded_at < $4
    GROUP BY journal.id
), total AS (
    SELECT {_OPENING}, {_CLOSING},
        coalesce(sum(greatest(change, 0)) FILTER (WHERE recorded_at >= $3), 0)::bigint AS earned_minor,
        coalesce(sum(greatest(-change, 0)) FILTER (WHERE recorded_at >= $3), 0)::bigint AS taken_back_minor
    FROM (SELECT entry.*, pending + available + reserved - debt + paid + internal AS change FROM entry) AS entry
), line AS (
    SELECT entry.*, {_RUNNING} FROM entry WHERE recorded_at >= $3
    WINDOW booked AS (ORDER BY recorded_at, entry_id)
)
SELECT total.*, line.*, {_AFTER}
FROM total LEFT JOIN line ON $5::timestamptz IS NULL OR (line.recorded_at, line.entry_id) > ($5, $6::bigint)
ORDER BY line.recorded_at, line.entry_id
LIMIT $7
"""  # noqa: S608 - only constants of this file
"""A payout lowers what is owed by what it pays, so gains and losses are told by what is owed plus what was paid."""


async def _causes(partner_id: int, rows: Sequence[asyncpg.Record]) -> dict[str, tuple[int | None, str]]:
    """The partner's commission and the order's number behind each entry's source key, where there are any."""
    keys = {row["source_key"]: row["source_key"].split(":") for row in rows}
    events = {key: int(parts[1]) for key, parts in keys.items() if parts[0] == "order_event"}
    orders = {key: int(parts[1]) for key, parts in keys.items() if parts[0] == "release"}
    settled = {key: int(parts[1]) for key, parts in keys.items() if parts[0] == "settlement"}
    runs = {row["source_key"]: row["entry_id"] for row in rows if keys[row["source_key"]][0] == "calculation"}
    if not (events or orders or settled or runs):
        return {}
    found = await db.fetch(
        """
        SELECT 'order_event' AS source, event.id AS ref, event.order_id FROM order_events AS event
        WHERE event.id = ANY($1::bigint[])
        UNION ALL
        SELECT 'release', order_id, order_id FROM unnest($2::bigint[]) AS order_id
        UNION ALL
        SELECT 'settlement', id, order_id FROM commissions WHERE id = ANY($3::bigint[]) AND order_id IS NOT NULL
        UNION ALL
        SELECT DISTINCT 'calculation', entry_id, order_id FROM commission_entries
        WHERE cardinality($4::bigint[]) > 0 AND partner_id = $5 AND entry_id = ANY($4::bigint[])
        """,
        list(events.values()),
        list(orders.values()),
        list(settled.values()),
        list(runs.values()),
        partner_id,
    )
    order_of = {(row["source"], row["ref"]): row["order_id"] for row in found}
    named = await db.fetch(
        """
        SELECT orders.id, coalesce(nullif(orders.number, ''), orders.external_id) AS number, (
            SELECT CASE WHEN count(*) = 1 THEN min(commission.id) END FROM commissions AS commission
            WHERE commission.order_id = orders.id AND commission.partner_id = $1
        ) AS commission_id
        FROM orders
        WHERE orders.id = ANY($2::bigint[])
        """,
        partner_id,
        list(set(order_of.values())),
    )
    about = {row["id"]: (row["commission_id"], row["number"]) for row in named}
    causes: dict[str, tuple[int | None, str]] = {}
    of_source = {"order_event": events, "release": orders, "settlement": settled, "calculation": runs}
    for source, refs in of_source.items():
        for key, ref in refs.items():
            order_id = order_of.get((source, ref))
            if order_id in about:
                causes[key] = about[order_id]
    return causes


def _line(row: asyncpg.Record, causes: dict[str, tuple[int | None, str]]) -> Line:
    commission_id, number = causes.get(row["source_key"], (None, ""))
    return Line(
        entry_id=row["entry_id"],
        kind=row["entry_kind"],
        booked_at=row["recorded_at"],
        occurred_at=row["occurred_at"],
        note=row["note"],
        change=Sums(*(row[kind] for kind in _KINDS)),
        after=_sums(row, "after"),
        commission_id=commission_id,
        order_number=number,
    )


def _sums(row: asyncpg.Record, prefix: str) -> Sums:
    return Sums(*(row[f"{prefix}_{kind}"] for kind in _KINDS))
