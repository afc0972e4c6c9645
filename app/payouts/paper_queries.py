"""Reads of papers: acts, receipts, stored files."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import asyncpg
import msgspec

from app import db
from app.errors import NotFound
from app.ui.paging import PAGE_SIZE, Cursor, Page, page


@dataclass(frozen=True, slots=True)
class Act:
    """One act as pages show it."""

    id: int
    payout_id: int
    payout_number: int
    payout_state: str
    partner_id: int
    partner_code: str
    partner_name: str
    partner_kind: str
    year: int
    number: int
    drawn_on: date
    period_from: date
    period_to: date
    amount_minor: int
    currency: str
    document: dict[str, Any]
    state: str
    """made, scanned, signed or cancelled."""
    made_at: datetime
    paper_id: int | None
    """The PDF; None: not typeset yet."""
    sha256: str
    """Of the PDF; empty: not typeset yet."""
    scan_id: int | None
    scan_sha256: str
    scan_type: str
    scan_at: datetime | None
    scan_refusal: str
    signed_at: datetime | None
    signed_how: str
    """online or scan; empty: not signed."""
    signed_by: str
    """E-mail."""
    signed_ip: str
    signed_sha256: str
    cancelled_at: datetime | None
    cancel_reason: str

    @property
    def file_name(self) -> str:
        """Of the PDF: ASCII, without anything that a person typed."""
        return f"act-{self.year}-{self.number}.pdf"


@dataclass(frozen=True, slots=True)
class Receipt:
    """One receipt that is wanted, or was given."""

    payout_id: int
    payout_number: int
    partner_id: int
    partner_code: str
    partner_name: str
    amount_minor: int
    currency: str
    paid_at: datetime
    state: str
    """missing, given, waived or undone."""
    due_on: date
    url: str
    paper_id: int | None
    given_at: datetime | None
    refusal: str


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored file."""

    media_type: str
    sha256: str
    content: bytes


async def act(program_id: int, act_id: int, *, partner_id: int | None = None) -> Act:
    """The act; NotFound where it is another program's, or (with `partner_id`) another partner's."""
    row = await db.fetchrow(
        _ACT + " WHERE act.program_id = $1 AND act.id = $2 AND ($3::bigint IS NULL OR act.partner_id = $3)",
        program_id,
        act_id,
        partner_id,
    )
    if row is None:
        raise NotFound
    return _act(row)


async def acts_of_partner(partner_id: int, *, limit: int = 100) -> list[Act]:
    """A partner's acts, the newest first."""
    rows = await db.fetch(
        _ACT + " WHERE act.partner_id = $1 ORDER BY act.id DESC LIMIT $2", partner_id, limit
    )
    return [_act(row) for row in rows]


async def act_to_sign(partner_id: int) -> int | None:
    """The partner's oldest act that waits for him, else his newest valid one; None: he has none."""
    found: int | None = await db.fetchval(
        """
        SELECT id FROM payout_acts
        WHERE partner_id = $1 AND state <> 'cancelled'
        ORDER BY state = 'signed', CASE WHEN state = 'signed' THEN -id ELSE id END
        LIMIT 1
        """,
        partner_id,
    )
    return found


async def acts_of_payouts(payout_ids: Sequence[int]) -> dict[int, Act]:
    """The valid act of each payout that has one."""
    rows = await db.fetch(
        _ACT + " WHERE act.payout_id = ANY($1::bigint[]) AND act.state <> 'cancelled' ORDER BY act.id",
        list(payout_ids),
    )
    return {row["payout_id"]: _act(row) for row in rows}


async def acts_of_program(
    program_id: int, states: Sequence[str], *, after: Cursor | None = None, size: int = PAGE_SIZE
) -> Page[Act]:
    """A program's acts in any of `states`, the newest first."""
    rows = await db.fetch(
        _ACT
        + """
        WHERE act.program_id = $1 AND act.state = ANY($2::text[])
            AND ($3::timestamptz IS NULL OR (act.made_at, act.id) < ($3, $4::bigint))
        ORDER BY act.made_at DESC, act.id DESC
        LIMIT $5
        """,
        program_id,
        list(states),
        after.moment if after is not None else None,
        after.id if after is not None else None,
        size + 1,
    )
    return page([_act(row) for row in rows], lambda one: (one.made_at, one.id), size=size)


async def receipt(program_id: int, payout_id: int, *, partner_id: int | None = None) -> Receipt:
    """The receipt of a payout; NotFound where none is wanted, or it is somebody else's."""
    row = await db.fetchrow(
        _RECEIPT
        + " WHERE receipt.program_id = $1 AND receipt.payout_id = $2"
        + " AND ($3::bigint IS NULL OR receipt.partner_id = $3)",
        program_id,
        payout_id,
        partner_id,
    )
    if row is None:
        raise NotFound
    return Receipt(**dict(row))


async def receipts_of_payouts(payout_ids: Sequence[int]) -> dict[int, Receipt]:
    """The receipt of each payout that wants one."""
    rows = await db.fetch(
        _RECEIPT + " WHERE receipt.payout_id = ANY($1::bigint[]) ORDER BY receipt.id", list(payout_ids)
    )
    return {row["payout_id"]: Receipt(**dict(row)) for row in rows}


async def receipts_of_partner(partner_id: int, *, limit: int = 100) -> list[Receipt]:
    """A partner's receipts, what is missing first, then the newest."""
    rows = await db.fetch(
        _RECEIPT
        + """
        WHERE receipt.partner_id = $1
        ORDER BY receipt.state = 'missing' DESC, receipt.id DESC
        LIMIT $2
        """,
        partner_id,
        limit,
    )
    return [Receipt(**dict(row)) for row in rows]


async def receipts_of_program(
    program_id: int, states: Sequence[str], *, after: Cursor | None = None, size: int = PAGE_SIZE
) -> Page[Receipt]:
    """A program's receipts in any of `states`, the newest payment first."""
    rows = await db.fetch(
        _RECEIPT
        + """
        WHERE receipt.program_id = $1 AND receipt.state = ANY($2::text[])
            AND ($3::timestamptz IS NULL OR (payout.paid_at, payout.id) < ($3, $4::bigint))
        ORDER BY payout.paid_at DESC, payout.id DESC
        LIMIT $5
        """,
        program_id,
        list(states),
        after.moment if after is not None else None,
        after.id if after is not None else None,
        size + 1,
    )
    found = [Receipt(**dict(row)) for row in rows]
    return page(found, lambda one: (one.paid_at, one.payout_id), size=size)


async def stored(paper_id: int) -> Stored:
    """A stored file, whoever asks: the caller has found it through an act or receipt that the reader may see."""
    row = await db.fetchrow("SELECT media_type, sha256, content FROM papers WHERE id = $1", paper_id)
    if row is None:
        raise NotFound
    return Stored(**dict(row))


_ACT = """
SELECT act.id, act.payout_id, payout.number AS payout_number, payout.state AS payout_state, act.partner_id,
    partner.code AS partner_code, partner.name AS partner_name, partner.kind AS partner_kind, act.year, act.number,
    act.drawn_on, act.period_from, act.period_to, act.amount_minor, act.currency, act.document, act.state, act.made_at,
    act.paper_id, coalesce(paper.sha256, '') AS sha256, act.scan_id, coalesce(scan.sha256, '') AS scan_sha256,
    coalesce(scan.media_type, '') AS scan_type, scan.made_at AS scan_at, act.scan_refusal, act.signed_at,
    act.signed_how, coalesce(signer.email, '') AS signed_by, act.signed_ip, act.signed_sha256, act.cancelled_at,
    act.cancel_reason
FROM payout_acts AS act
JOIN payouts AS payout ON payout.id = act.payout_id
JOIN partners AS partner ON partner.id = act.partner_id
LEFT JOIN papers AS paper ON paper.id = act.paper_id
LEFT JOIN papers AS scan ON scan.id = act.scan_id
LEFT JOIN users AS signer ON signer.id = act.signed_by_id
"""

_RECEIPT = """
SELECT receipt.payout_id, payout.number AS payout_number, receipt.partner_id, partner.code AS partner_code,
    partner.name AS partner_name, receipt.amount_minor, receipt.currency, payout.paid_at, receipt.state, receipt.due_on,
    receipt.url, receipt.paper_id, receipt.given_at, receipt.refusal
FROM payout_receipts AS receipt
JOIN payouts AS payout ON payout.id = receipt.payout_id
JOIN partners AS partner ON partner.id = receipt.partner_id
"""


def _act(row: asyncpg.Record) -> Act:
    return Act(**{**dict(row), "document": msgspec.json.decode(row["document"])})
