"""What shops read beside orders: partners, commissions, payouts, statements and events, a page at a time."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import asyncpg
import msgspec

from app import clock, db
from app.errors import FieldError, Malformed, NotFound
from app.ledger.queries import balance_rows
from app.shops.reading import is_plain

LIMIT_MAX = 200
SETTLED_AFTER = timedelta(seconds=60)
"""No transaction is open for longer; a hole among events' numbers is final after it."""

EVENT_KINDS = (
    "partner.applied",
    "partner.approved",
    "partner.rejected",
    "partner.level_changed",
    "partner.deactivated",
    "order.card_changed",
    "commission.created",
    "commission.available",
    "commission.clawed_back",
    "payout.requested",
    "payout.approved",
    "payout.sent",
    "payout.paid",
    "payout.rejected",
    "payout.returned",
    "payout.cancelled",
    "promo_code.created",
    "promo_code.disabled",
    "cashback.changed",
)
"""What a shop is told of (api.md, webhooks out)."""

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of a list."""

    items: Sequence[Any]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Balances:
    """A partner's money in minor units of the program's currency."""

    pending_minor: int
    available_minor: int
    reserved_minor: int
    debt_minor: int
    paid_minor: int


@dataclass(frozen=True, slots=True)
class ListedPartner:
    """A partner as the shop sees him."""

    code: str
    name: str
    kind: str
    state: str
    level: str
    parent: str | None
    joined_at: datetime | None
    balances: Balances


@dataclass(frozen=True, slots=True)
class ListedCommission:
    """One commission."""

    id: int
    order: str | None
    partner: str
    kind: str
    tier: int
    state: str
    base_minor: int
    amount_minor: int
    earned_at: datetime
    release_at: datetime | None
    released_at: datetime | None


@dataclass(frozen=True, slots=True)
class ListedPayout:
    """One payout."""

    id: int
    number: int
    partner: str
    state: str
    requested_minor: int
    amount_minor: int
    method: str
    requested_at: datetime
    approved_at: datetime | None
    sent_at: datetime | None
    """When the bank was given it; null: it was not, or not in a batch."""
    paid_at: datetime | None
    rejected_at: datetime | None
    returned_at: datetime | None
    """When the bank sent it back; the state of one that was paid by then stays `paid`."""
    cancelled_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class ListedEvent:
    """Something that happened."""

    id: int
    type: str
    timestamp: datetime
    subject: str
    data: dict[str, Any]


def limit_of(text: str | None) -> int:
    """`?limit=`: 1 to 200, default 50."""
    if text is None:
        return 50
    if not re.fullmatch(r"[0-9]{1,3}", text, re.ASCII) or not 1 <= int(text) <= LIMIT_MAX:
        raise _wrong("limit", "A limit is a number from 1 to 200.")
    return int(text)


def number_of(name: str, text: str | None) -> int:
    """A cursor that is a number; 0: from the start."""
    if not text:
        return 0
    if not re.fullmatch(r"[0-9]{1,18}", text, re.ASCII):
        raise _wrong(name, "This cursor is not one of ours.")
    return int(text)


def text_of(name: str, text: str | None) -> str:
    """A filter; empty: none."""
    if text is not None and (len(text) > 200 or not is_plain(text)):
        raise _wrong(name, "This text is too long, or holds control characters.")
    return text or ""


def moment_of(name: str, text: str | None) -> datetime | None:
    """A moment in the query. A bare `+` there means a space, which no moment has."""
    if not text:
        return None
    try:
        moment = msgspec.convert(text.replace(" ", "+"), datetime)
        if moment.tzinfo is None:
            raise _wrong(name, "A moment needs an offset.")
        return moment.astimezone(UTC)
    except (msgspec.ValidationError, OverflowError) as error:
        raise _wrong(name, "Write a moment as RFC 3339 with an offset.") from error


def page(rows: Sequence[Row], limit: int, cursor: Callable[[Row], str], item: Callable[[Row], Any]) -> Listed:
    """Cut the one row too many that the query read."""
    shown = rows[:limit]
    return Listed([item(row) for row in shown], cursor(shown[-1]) if len(rows) > limit else None)


async def partners(program_id: int, after: int, limit: int) -> Listed:
    """The program's partners, oldest first."""
    rows = await db.fetch(_PARTNER + " AND p.id > $2 ORDER BY p.id LIMIT $3", program_id, after, limit + 1)
    balances = await balance_rows([row["id"] for row in rows])

    def item(row: asyncpg.Record) -> ListedPartner:
        return _partner(row, balances[row["id"]])

    return page(rows, limit, lambda row: str(row["id"]), item)


async def partner(program_id: int, code: str) -> tuple[int, ListedPartner]:
    """One partner by his code, compared without case, with our id of him."""
    row = await db.fetchrow(_PARTNER + " AND lower(p.code) = lower($2)", program_id, text_of("code", code))
    if row is None:
        raise NotFound("There is no such partner.")
    return row["id"], _partner(row, (await balance_rows([row["id"]]))[row["id"]])


async def commissions(program_id: int, partner_code: str, order: str, after: int, limit: int) -> Listed:
    """Commissions, oldest first, of one partner or order if asked."""
    rows = await db.fetch(
        """
        SELECT m.id, o.external_id AS order, p.code AS partner, m.kind, m.tier, m.state, m.base_minor,
            m.amount_minor, m.earned_at, m.release_at, m.released_at
        FROM commissions AS m
        JOIN partners AS p ON p.id = m.partner_id
        LEFT JOIN orders AS o ON o.id = m.order_id
        WHERE m.program_id = $1
          AND m.id > $2
          AND ($3 = '' OR m.partner_id = (
              SELECT id FROM partners WHERE program_id = $1 AND lower(code) = lower($3)))
          AND ($4 = '' OR m.order_id = (SELECT id FROM orders WHERE program_id = $1 AND external_id = $4))
        ORDER BY m.id
        LIMIT $5
        """,
        program_id,
        after,
        partner_code,
        order,
        limit + 1,
    )
    return page(rows, limit, lambda row: str(row["id"]), lambda row: ListedCommission(**dict(row)))


async def payouts(program_id: int, partner_code: str, after: int, limit: int) -> Listed:
    """Payouts, oldest first, of one partner if asked."""
    rows = await db.fetch(
        """
        SELECT y.id, y.number, p.code AS partner, y.state, y.requested_minor, y.amount_minor, y.method,
            y.requested_at, y.approved_at, y.sent_at, y.paid_at, y.rejected_at,
            coalesce(r.returned_at, y.returned_at) AS returned_at, y.cancelled_at, coalesce(r.reason, y.reason) AS reason
        FROM payouts AS y
        LEFT JOIN payout_returns AS r ON r.payout_id = y.id
        JOIN partners AS p ON p.id = y.partner_id
        WHERE y.program_id = $1
          AND y.id > $2
          AND ($3 = '' OR lower(p.code) = lower($3))
        ORDER BY y.id
        LIMIT $4
        """,
        program_id,
        after,
        partner_code,
        limit + 1,
    )
    return page(rows, limit, lambda row: str(row["id"]), lambda row: ListedPayout(**dict(row)))


async def events(program_id: int, after: int, limit: int) -> Listed:
    """What happened after the cursor, oldest first; the cursor to go on from is always given.

    Numbers are given out before the commit, so a lower one may appear after a higher one. We stop before a hole
    that a transaction still open could fill; what is behind it comes with the next request.
    """
    rows = await db.fetch(
        """
        SELECT id, program_id, kind, subject, payload, occurred_at, due_at
        FROM events
        WHERE id > $1
        ORDER BY id
        LIMIT 2000
        """,
        after,
    )
    settled = clock.now() - SETTLED_AFTER
    items: list[ListedEvent] = []
    last = after
    for row in rows:
        if last and row["id"] != last + 1 and row["due_at"] > settled:
            break
        last = row["id"]
        if row["program_id"] == program_id and row["kind"] in EVENT_KINDS:
            data = msgspec.json.decode(row["payload"])
            items.append(ListedEvent(row["id"], row["kind"], row["occurred_at"], row["subject"], data))
            if len(items) == limit:
                break
    return Listed(items, str(last))


def _partner(row: asyncpg.Record, balances: Any) -> ListedPartner:
    return ListedPartner(
        code=row["code"],
        name=row["name"],
        kind=row["kind"],
        state=row["state"],
        level=row["level"],
        parent=row["parent"],
        joined_at=row["joined_at"],
        balances=Balances(
            balances.pending_minor,
            balances.available_minor,
            balances.reserved_minor,
            balances.debt_minor,
            balances.paid_minor,
        ),
    )


_PARTNER = """
    SELECT p.id, p.code, p.name, p.kind, p.state, p.level, parent.code AS parent, p.joined_at
    FROM partners AS p
    LEFT JOIN partners AS parent ON parent.id = p.parent_id
    WHERE p.program_id = $1
"""


def _wrong(name: str, detail: str) -> Malformed:
    field = FieldError(name, "wrong_form", detail)
    return Malformed("A parameter of the address cannot be read.", fields=[field])
