"""Sessions in PostgreSQL: 256 random bits in the cookie, their SHA-256 in the table, a new one at every sign-in.

Staff are signed out after 30 idle minutes and 12 hours in any case, partners after 30 days. Whether somebody is staff
is asked at each request, so a role that is given makes an old session short at once.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from app import clock, db
from app.config import Settings
from app.users.identity import Grant, Session, SignedIn, StaffRole

STAFF_IDLE = timedelta(minutes=30)
STAFF_LIFE = timedelta(hours=12)
PARTNER_LIFE = timedelta(days=30)
SEEN_EVERY = timedelta(minutes=1)
"""`seen_at` is written at most this often: a page is not worth a write."""


@dataclass(frozen=True, slots=True)
class Browser:
    """Where a sign-in comes from, kept beside the session so that its owner can recognise it."""

    ip: str = ""
    user_agent: str = ""


def cookie_name(config: Settings) -> str:
    """`__Host-` binds the cookie to this very host and to https; browsers refuse it on http."""
    return "__Host-tandem" if config.secure else "tandem"


def digest(token: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).digest()


def new_token() -> str:
    return secrets.token_urlsafe(32)


async def start_in_transaction(user_id: int, browser: Browser, *, staff: bool) -> tuple[str, datetime]:
    """A new session of the user: its token for the cookie, and when it ends at the latest."""
    token = new_token()
    now = clock.now()
    expires_at = now + (STAFF_LIFE if staff else PARTNER_LIFE)
    await db.execute(
        """
        INSERT INTO user_sessions (token_digest, user_id, created_at, seen_at, expires_at, ip, user_agent)
        VALUES ($1, $2, $3, $3, $4, $5, $6)
        """,
        digest(token),
        user_id,
        now,
        expires_at,
        browser.ip[:45],
        browser.user_agent[:400],
    )
    return token, expires_at


async def find(token: str) -> tuple[Session, SignedIn] | None:
    """The live session of `token` and its user; None: unknown, revoked, expired, or the user is not active."""
    if not 20 <= len(token) <= 100:
        return None
    now = clock.now()
    row = await db.fetchrow(
        """
        SELECT s.id, s.created_at, s.seen_at, s.expires_at,
               u.id AS user_id, u.email, u.first_name, u.last_name, u.locale, u.theme, u.time_zone,
               u.email_confirmed_at IS NOT NULL AS email_confirmed,
               ARRAY(SELECT r.role || ':' || coalesce(r.program_id::text, '')
                       FROM user_roles r WHERE r.user_id = u.id ORDER BY r.id) AS grants
          FROM user_sessions s
          JOIN users u ON u.id = s.user_id
         WHERE s.token_digest = $1 AND s.revoked_at IS NULL AND s.expires_at > $2 AND u.active
        """,
        digest(token),
        now,
    )
    if row is None:
        return None
    user = _user(row)
    if user.is_staff and (now - row["seen_at"] > STAFF_IDLE or now - row["created_at"] > STAFF_LIFE):
        return None
    if now - row["seen_at"] > SEEN_EVERY:
        await db.execute(
            "UPDATE user_sessions SET seen_at = $2 WHERE id = $1 AND seen_at < $2", row["id"], now
        )
    return Session(row["id"], row["created_at"], row["seen_at"], row["expires_at"]), user


def _user(row: asyncpg.Record) -> SignedIn:
    grants = []
    for text in row["grants"]:
        role, _colon, program_id = text.partition(":")
        grants.append(Grant(StaffRole(role), int(program_id) if program_id else None))
    return SignedIn(
        id=row["user_id"],
        email=row["email"],
        name=" ".join(part for part in (row["first_name"], row["last_name"]) if part) or row["email"],
        locale=row["locale"],
        theme=row["theme"],
        time_zone=row["time_zone"],
        email_confirmed=row["email_confirmed"],
        grants=tuple(grants),
    )


async def revoke_in_transaction(session_id: int) -> None:
    """End one session."""
    await db.execute(
        "UPDATE user_sessions SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL",
        session_id,
        clock.now(),
    )


async def revoke_all_in_transaction(user_id: int, *, but: int | None = None) -> None:
    """End every session of the user, save the one with id `but`."""
    await db.execute(
        """
        UPDATE user_sessions SET revoked_at = $2
         WHERE user_id = $1 AND revoked_at IS NULL AND id IS DISTINCT FROM $3
        """,
        user_id,
        clock.now(),
        but,
    )


async def sweep() -> int:
    """Delete sessions and one-time links that ended a month ago; how many there were."""
    before = clock.now() - timedelta(days=30)
    ended = await db.execute("DELETE FROM user_sessions WHERE expires_at < $1 OR revoked_at < $1", before)
    used = await db.execute("DELETE FROM user_one_time_links WHERE expires_at < $1 OR used_at < $1", before)
    return int(ended.split()[-1]) + int(used.split()[-1])
