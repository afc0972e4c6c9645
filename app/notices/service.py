"""Writes: notices of events, their letters, and that they were read.

Higher slices know who is to be told of what; they hand finished notices in. One user gets one notice of one event,
whatever number of times the event is worked off.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import asyncpg
import msgspec

from app import clock, db, mail
from app.config import settings
from app.notices.sentences import in_words
from app.ui.i18n import use_locale

SUMMED = frozenset({"commission_available"})
"""Letters that tell of many notices at once: amounts are added up, `count` says how many there were."""


@dataclass(frozen=True, slots=True)
class NewNotice:
    """Something to tell one user."""

    user_id: int
    kind: str
    """A key of `sentences.SENTENCES`."""
    event_id: int
    program_id: int | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    """What sentence and letter need: names (by language where they have one), numbers, amounts."""
    url: str = "/notices"
    """Where it leads: a path within the portal."""
    letter: str = ""
    """Name of the letter that goes with it, of templates/emails/; empty: none."""


async def tell(notices: Sequence[NewNotice]) -> None:
    """Write the notices that are not there yet, then send the letters that have not gone out yet.

    A letter that the server does not take raises, and the event is tried again; what was sent is not sent twice, save
    when we die between the server's answer and our note of it.
    """
    if not notices:
        return
    await db.execute(
        """
        INSERT INTO notices (user_id, program_id, event_id, kind, values, url, created_at)
        SELECT user_id, program_id, event_id, kind, data::jsonb, url, $7
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[])
            WITH ORDINALITY AS new (user_id, program_id, event_id, kind, data, url, place)
        ORDER BY place
        ON CONFLICT (user_id, event_id) DO NOTHING
        """,
        [notice.user_id for notice in notices],
        [notice.program_id for notice in notices],
        [notice.event_id for notice in notices],
        [notice.kind for notice in notices],
        [msgspec.json.encode(dict(notice.values)).decode() for notice in notices],
        [notice.url for notice in notices],
        clock.now(),
    )
    letters = {notice.event_id: notice.letter for notice in notices if notice.letter}
    if letters:
        await _send_letters(letters)


async def mark_read(user_id: int, notice_id: int | None = None) -> int:
    """Mark one of the user's notices as read, or all of them; how many were unread."""
    tag = await db.execute(
        """
        UPDATE notices SET read_at = $3
        WHERE user_id = $1 AND read_at IS NULL AND ($2::bigint IS NULL OR id = $2)
        """,
        user_id,
        notice_id,
        clock.now(),
    )
    return int(tag.split()[-1])


async def _send_letters(letters: Mapping[int, str]) -> None:
    """`letters`: the letter's name by event."""
    rows = await db.fetch(
        """
        SELECT notices.id, notices.event_id, notices.user_id, notices.values, notices.url,
            users.email, users.locale, users.time_zone, coalesce(programs.name, '') AS program_name
        FROM notices
        JOIN users ON users.id = notices.user_id
        LEFT JOIN programs ON programs.id = notices.program_id
        WHERE notices.event_id = ANY($1::bigint[]) AND notices.mailed_at IS NULL
            AND users.active AND users.email <> ''
        ORDER BY notices.user_id, notices.id
        """,
        list(letters),
    )
    for (_user, letter), group in groupby(rows, key=lambda row: (row["user_id"], letters[row["event_id"]])):
        together = list(group)
        for batch in [together] if letter in SUMMED else [[row] for row in together]:
            await _send(letter, batch)


async def _send(letter: str, rows: Sequence[asyncpg.Record]) -> None:
    last = rows[-1]
    values = [msgspec.json.decode(row["values"]) for row in rows]
    with use_locale(last["locale"]):
        said = in_words(values[-1])
    if letter in SUMMED:
        said |= {"amount_minor": sum(one["amount_minor"] for one in values), "count": len(rows)}
    await mail.send(
        letter,
        last["email"],
        locale=last["locale"],
        zone=last["time_zone"] or None,
        **said | {"program_name": last["program_name"], "url": settings().base_url + last["url"]},
    )
    await db.execute(
        "UPDATE notices SET mailed_at = $2 WHERE id = ANY($1::bigint[])",
        [row["id"] for row in rows],
        clock.now(),
    )
