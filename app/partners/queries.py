"""Reads: partners and what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from app import db
from app.errors import NotFound
from app.ui.paging import PAGE_SIZE, Cursor


@dataclass(frozen=True, slots=True)
class Partner:
    """One membership as it stands."""

    id: int
    program_id: int
    user_id: int | None
    """None: imported, cannot sign in."""
    code: str
    name: str
    kind: str
    """person, self_employed, sole_trader or company."""
    state: str
    """applied, active, inactive, rejected or closed."""
    parent_id: int | None
    level: str
    """Code of the level; empty before approval."""
    own_rate: int | None
    own_rate_direct: int | None
    plan: str
    """Code of the fixed plan; empty: none."""
    joined_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class LevelChange:
    """One change of a level."""

    id: int
    partner_id: int
    at: datetime
    before: str
    after: str
    turnover_minor: int | None
    reason: str
    """approved, turnover, by_hand or unpinned."""
    pinned: bool
    pinned_until: datetime | None
    author: str
    """Empty: the rules."""
    note: str
    """A person's reason; of the rules: turnover, period or setting."""


@dataclass(frozen=True, slots=True)
class HistoryChange:
    """One change of a parent or a state."""

    at: datetime
    after: str
    """The parent's code (empty: nobody), or the state."""
    author: str
    """Empty: the system."""
    reason: str


@dataclass(frozen=True, slots=True)
class PartnerRow:
    """One partner in a list."""

    id: int
    code: str
    name: str
    state: str
    level: str
    parent: str
    """The parent's code; empty: nobody."""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Pin:
    """A level that stays whatever the turnover says."""

    level: str
    until: datetime | None


async def partner(partner_id: int) -> Partner:
    """The partner; NotFound where there is none."""
    row = await db.fetchrow(_PARTNER + " WHERE id = $1", partner_id)
    if row is None:
        raise NotFound("There is no such partner.")
    return _partner(row)


async def partner_by_code(program_id: int, code: str) -> Partner | None:
    """The program's partner of this code, compared without case; None: there is none."""
    row = await db.fetchrow(_PARTNER + " WHERE program_id = $1 AND lower(code) = lower($2)", program_id, code)
    return _partner(row) if row else None


async def partners_by_code(program_id: int, codes: Sequence[str]) -> dict[str, Partner]:
    """The program's partners of these codes, by lower-case code; unknown ones are left out."""
    rows = await db.fetch(
        _PARTNER + " WHERE program_id = $1 AND lower(code) = ANY($2::text[]) ORDER BY id",
        program_id,
        [code.lower() for code in codes],
    )
    return {row["code"].lower(): _partner(row) for row in rows}


async def partner_codes(program_id: int, partner_ids: Sequence[int]) -> dict[int, str]:
    """Codes by id; who is not of this program is left out."""
    rows = await db.fetch(
        "SELECT id, code FROM partners WHERE program_id = $1 AND id = ANY($2::bigint[])",
        program_id,
        list(partner_ids),
    )
    return {row["id"]: row["code"] for row in rows}


async def partner_of_user(program_id: int, user_id: int) -> Partner | None:
    """The user's membership in the program; None: he has none."""
    row = await db.fetchrow(_PARTNER + " WHERE program_id = $1 AND user_id = $2", program_id, user_id)
    return _partner(row) if row else None


async def level_changes(partner_id: int, *, limit: int = 100) -> list[LevelChange]:
    """The partner's level changes, newest first."""
    rows = await db.fetch(
        """
        SELECT change.id, partner_id, at, before, after, turnover_minor, reason, pinned, pinned_until,
            coalesce(nullif(author.first_name, ''), author.email, '') AS author, note
        FROM partner_level_changes AS change
        LEFT JOIN users AS author ON author.id = change.author_id
        WHERE partner_id = $1
        ORDER BY at DESC, change.id DESC
        LIMIT $2
        """,
        partner_id,
        limit,
    )
    return [LevelChange(**dict(row)) for row in rows]


async def pin_of(partner_id: int, now: datetime) -> Pin | None:
    """The pin that holds the partner's level now; None: the turnover decides."""
    row = await db.fetchrow(
        """
        SELECT after, pinned, pinned_until FROM partner_level_changes
        WHERE partner_id = $1 AND reason <> 'turnover' AND at <= $2
        ORDER BY at DESC, id DESC LIMIT 1
        """,
        partner_id,
        now,
    )
    if row is None or not row["pinned"] or (row["pinned_until"] is not None and row["pinned_until"] <= now):
        return None
    return Pin(row["after"], row["pinned_until"])


async def parent_changes(partner_id: int, *, limit: int = 100) -> list[HistoryChange]:
    """Every parent the partner had, newest first."""
    rows = await db.fetch(
        """
        SELECT change.at, coalesce(parent.code, '') AS after,
            coalesce(nullif(author.first_name, ''), author.email, '') AS author, change.note AS reason
        FROM partner_parent_changes AS change
        LEFT JOIN partners AS parent ON parent.id = change.parent_id
        LEFT JOIN users AS author ON author.id = change.author_id
        WHERE change.partner_id = $1
        ORDER BY change.at DESC, change.id DESC LIMIT $2
        """,
        partner_id,
        limit,
    )
    return [HistoryChange(**dict(row)) for row in rows]


async def state_changes(partner_id: int, *, limit: int = 100) -> list[HistoryChange]:
    """Every state the partner was in, newest first."""
    rows = await db.fetch(
        """
        SELECT change.at, change.after,
            coalesce(nullif(author.first_name, ''), author.email, '') AS author, change.reason
        FROM partner_state_changes AS change
        LEFT JOIN users AS author ON author.id = change.author_id
        WHERE change.partner_id = $1
        ORDER BY change.at DESC, change.id DESC LIMIT $2
        """,
        partner_id,
        limit,
    )
    return [HistoryChange(**dict(row)) for row in rows]


async def find_partners(
    program_id: int, words: str, *, after: Cursor | None = None, size: int = PAGE_SIZE
) -> list[PartnerRow]:
    """Partners whose code, name or e-mail holds `words`, newest first; one more than `size` where there are more."""
    rows = await db.fetch(
        """
        SELECT one.id, one.code, one.name, one.state, one.level, coalesce(parent.code, '') AS parent, one.created_at
        FROM partners AS one
        LEFT JOIN partners AS parent ON parent.id = one.parent_id
        WHERE one.program_id = $1 AND one.joined_at IS NOT NULL
            AND ($2 = '' OR position(lower($2) IN lower(one.code)) > 0 OR position(lower($2) IN lower(one.name)) > 0
                OR one.email_key = lower($2))
            AND ($3::timestamptz IS NULL OR (one.created_at, one.id) < ($3, $4::bigint))
        ORDER BY one.created_at DESC, one.id DESC
        LIMIT $5
        """,
        program_id,
        words,
        after.moment if after else None,
        after.id if after else None,
        size + 1,
    )
    return [PartnerRow(**dict(row)) for row in rows]


async def agreed_terms_version(partner_id: int) -> int | None:
    """Version of the program's conditions that the partner agreed to; None: he never applied."""
    version: int | None = await db.fetchval(
        """
        SELECT (consents -> 'terms' ->> 'version')::int FROM partner_applications
        WHERE partner_id = $1
        ORDER BY id DESC
        LIMIT 1
        """,
        partner_id,
    )
    return version


_PARTNER = """
SELECT id, program_id, user_id, code, name, kind, state, parent_id, level, own_rate, own_rate_direct, plan,
    joined_at, created_at
FROM partners
"""


def _partner(row: asyncpg.Record) -> Partner:
    return Partner(**dict(row))
