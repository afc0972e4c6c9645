"""Reads: a user's notices."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg
import msgspec

from app import db
from app.notices.sentences import sentence
from app.ui.paging import PAGE_SIZE, Cursor


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """One notice in the language of the reader at hand."""

    id: int
    at: datetime
    kind: str
    title: str
    text: str
    url: str
    """A path within the portal; empty: it leads nowhere."""
    unread: bool
    tone: str


async def notices(user_id: int, *, after: Cursor | None = None, size: int = PAGE_SIZE) -> list[NoticeRow]:
    """The user's notices, newest first, one more than `size` where there are more."""
    rows = await db.fetch(
        """
        SELECT id, kind, values, url, created_at, read_at FROM notices
        WHERE user_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3))
        ORDER BY created_at DESC, id DESC
        LIMIT $4
        """,
        user_id,
        after.moment if after else None,
        after.id if after else None,
        size + 1,
    )
    return [_row(row) for row in rows]


async def unread_count(user_id: int, *, at_most: int = 100) -> int:
    """How many notices the user has not read; counting ends at `at_most`."""
    count: int = await db.fetchval(
        "SELECT count(*) FROM (SELECT 1 FROM notices WHERE user_id = $1 AND read_at IS NULL LIMIT $2) AS unread",
        user_id,
        at_most,
    )
    return count


async def kinds_of(user_id: int, program_id: int) -> list[str]:
    """Kinds of all the user's notices in the program as scenarios name them, oldest first.

    `partner.level_changed` is `level_changed`, `payout.paid` is `payout_paid`.
    """
    rows = await db.fetch(
        "SELECT kind FROM notices WHERE user_id = $1 AND program_id = $2 ORDER BY id LIMIT 10000",
        user_id,
        program_id,
    )
    return [row["kind"].removeprefix("partner.").replace(".", "_") for row in rows]


def _row(row: asyncpg.Record) -> NoticeRow:
    said = sentence(row["kind"], msgspec.json.decode(row["values"]))
    return NoticeRow(
        id=row["id"],
        at=row["created_at"],
        kind=row["kind"],
        title=said.title,
        text=said.text,
        url=row["url"],
        unread=row["read_at"] is None,
        tone=said.tone,
    )
