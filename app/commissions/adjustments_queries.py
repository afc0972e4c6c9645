"""Reads of adjustments made by hand."""

from dataclasses import dataclass
from datetime import datetime

from app import db
from app.ui.paging import PAGE_SIZE, Cursor, Page, page


@dataclass(frozen=True, slots=True)
class AdjustmentRow:
    """One adjustment as staff see it."""

    id: int
    at: datetime
    partner_name: str
    partner_code: str
    amount_minor: int
    reason: str
    author: str
    """Empty: by command."""
    state: str
    """The commission's: pending (waits for the deposit), available or paid."""


async def adjustments(
    program_id: int, *, after: Cursor | None = None, size: int = PAGE_SIZE
) -> Page[AdjustmentRow]:
    """A program's adjustments, the newest first."""
    rows = await db.fetch(
        """
        SELECT adjustment.id, adjustment.at, partner.name AS partner_name, partner.code AS partner_code,
            adjustment.amount_minor, adjustment.reason, coalesce(users.email, '') AS author, commission.state
        FROM adjustments AS adjustment
        JOIN partners AS partner ON partner.id = adjustment.partner_id
        JOIN commissions AS commission ON commission.id = adjustment.commission_id
        LEFT JOIN users ON users.id = adjustment.author_id
        WHERE adjustment.program_id = $1
            AND ($2::timestamptz IS NULL OR (adjustment.at, adjustment.id) < ($2, $3::bigint))
        ORDER BY adjustment.at DESC, adjustment.id DESC
        LIMIT $4
        """,
        program_id,
        after.moment if after is not None else None,
        after.id if after is not None else None,
        size + 1,
    )
    return page([AdjustmentRow(**dict(row)) for row in rows], lambda row: (row.at, row.id), size=size)


async def partner_by_code(program_id: int, code: str) -> int | None:
    """The partner of this code, compared without case; None: nobody."""
    found: int | None = await db.fetchval(
        "SELECT id FROM partners WHERE program_id = $1 AND lower(code) = lower($2)", program_id, code
    )
    return found


async def adjustment_reason(commission_id: int) -> str:
    """Why a commission was given or taken by hand; empty: it was not."""
    return (await db.fetchval("SELECT reason FROM adjustments WHERE commission_id = $1", commission_id)) or ""
