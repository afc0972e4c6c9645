"""Which programs there are and who is a partner in which: asked once per request, before any page."""

import asyncpg

from app import db
from app.users.identity import Membership, ProgramRef

_PROGRAM = """
    p.id AS program_id, p.code AS program_code, p.name AS program_name,
    coalesce(t.document->>'currency', 'RUB') AS currency,
    coalesce(t.document->>'time_zone', 'UTC') AS zone
"""
# Currency and zone never change between versions; the newest one has them.
_TERMS = """
    LEFT JOIN LATERAL (
         SELECT v.document FROM program_terms v WHERE v.program_id = p.id ORDER BY v.number DESC LIMIT 1
    ) t ON TRUE
"""


async def memberships_of(user_id: int) -> tuple[Membership, ...]:
    """All memberships of the user, active ones first."""
    rows = await db.fetch(
        f"""
        SELECT m.id, m.code, m.name, m.state, m.level, {_PROGRAM}
          FROM partners m
          JOIN programs p ON p.id = m.program_id
          {_TERMS}
         WHERE m.user_id = $1
         ORDER BY m.state <> 'active', m.id
         LIMIT 100
        """,  # noqa: S608 - only constants of this file
        user_id,
    )
    return tuple(
        Membership(row["id"], _program(row), row["code"], row["name"], row["state"], row["level"])
        for row in rows
    )


async def active_programs() -> tuple[ProgramRef, ...]:
    """All active programs, oldest first."""
    rows = await db.fetch(
        f"SELECT {_PROGRAM} FROM programs p {_TERMS} WHERE p.active ORDER BY p.id LIMIT 100"  # noqa: S608
    )
    return tuple(_program(row) for row in rows)


def _program(row: asyncpg.Record) -> ProgramRef:
    return ProgramRef(
        row["program_id"], row["program_code"], row["program_name"], row["currency"], row["zone"]
    )
