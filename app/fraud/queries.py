"""Reads of flags: what waits for a decision, and what an order's flags are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from app import db
from app.ui.paging import PAGE_SIZE, Cursor


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag with the names of those it concerns."""

    id: int
    order_id: int
    order_number: str
    kind: str
    """self_referral or staff."""
    state: str
    """open, cleared or confirmed."""
    partner: str
    """Code of the partner whom it is about; empty: the order as a whole."""
    reason: str
    raised_at: datetime
    raised_by: str
    """Empty: the rules."""
    decided_at: datetime | None
    decided_by: str
    """Empty: open, or the rules took it back."""
    decision: str
    reward_minor: int
    """All commissions of the order."""


async def held_orders(order_ids: Sequence[int]) -> set[int]:
    """Those of the orders that have an open flag."""
    rows = await db.fetch(
        "SELECT DISTINCT order_id FROM order_flags WHERE order_id = ANY($1::bigint[]) AND state = 'open'",
        order_ids,
    )
    return {row["order_id"] for row in rows}


async def flags_of(order_id: int) -> list[Flag]:
    """All flags of an order, the newest first."""
    rows = await db.fetch(
        _FLAG + " WHERE flag.order_id = $1 ORDER BY flag.raised_at DESC, flag.id DESC LIMIT 100", order_id
    )
    return [_flag(row) for row in rows]


async def flags(
    program_id: int, *, is_open: bool, after: Cursor | None = None, size: int = PAGE_SIZE
) -> list[Flag]:
    """The program's open flags, or the decided ones, newest first; one more than `size` where there are more."""
    rows = await db.fetch(
        _FLAG
        + """
        WHERE flag.program_id = $1 AND (flag.state = 'open') = $2
            AND ($3::timestamptz IS NULL OR (flag.raised_at, flag.id) < ($3, $4::bigint))
        ORDER BY flag.raised_at DESC, flag.id DESC
        LIMIT $5
        """,
        program_id,
        is_open,
        after.moment if after else None,
        after.id if after else None,
        size + 1,
    )
    return [_flag(row) for row in rows]


_FLAG = """
SELECT flag.id, flag.order_id, coalesce(nullif(orders.number, ''), orders.external_id) AS order_number,
    flag.kind, flag.state, coalesce(partner.code, '') AS partner, flag.reason, flag.raised_at,
    coalesce(nullif(raiser.first_name, ''), raiser.email, '') AS raised_by, flag.decided_at,
    coalesce(nullif(decider.first_name, ''), decider.email, '') AS decided_by, flag.decision,
    orders.reward_minor
FROM order_flags AS flag
JOIN orders ON orders.id = flag.order_id
LEFT JOIN partners AS partner ON partner.id = flag.partner_id
LEFT JOIN users AS raiser ON raiser.id = flag.raised_by_id
LEFT JOIN users AS decider ON decider.id = flag.decided_by_id
"""


def _flag(row: asyncpg.Record) -> Flag:
    return Flag(**dict(row))
