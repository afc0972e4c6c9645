"""Reads: partners and what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from app import db
from app.errors import NotFound


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


async def partner_of_user(program_id: int, user_id: int) -> Partner | None:
    """The user's membership in the program; None: he has none."""
    row = await db.fetchrow(_PARTNER + " WHERE program_id = $1 AND user_id = $2", program_id, user_id)
    return _partner(row) if row else None


async def level_changes(partner_id: int, *, limit: int = 100) -> list[LevelChange]:
    """The partner's level changes, newest first."""
    rows = await db.fetch(
        """
        SELECT id, partner_id, at, before, after, turnover_minor, reason, pinned
        FROM partner_level_changes
        WHERE partner_id = $1
        ORDER BY at DESC, id DESC
        LIMIT $2
        """,
        partner_id,
        limit,
    )
    return [LevelChange(**dict(row)) for row in rows]


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
