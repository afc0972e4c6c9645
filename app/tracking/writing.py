"""Writing clicks down: a whole batch and its daily counts in one statement.

Repeats are decided here, since only here it is known what was counted before: a click is a repeat when the visitor's
last counted click on the same link is less than the program's `repeat_minutes` older (rules.md §16). Two processes
that get two clicks of one visitor at the same moment are kept in turn by a lock on (visitor, link); a visitor who
came without a cookie cannot have clicked before, so the usual click costs no look-up at all.
"""

from bisect import bisect_right, insort
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import blake2b
from typing import TypeAlias

import msgspec

from app.db import Connection
from app.stats import service as stats
from app.stats.service import Delta
from app.tracking.directory import Program
from app.tracking.messages import Reason

Key: TypeAlias = tuple[str, int, int]
"""(visitor, partner, link): whose repeats are told by."""


@dataclass(slots=True)
class NewClick:
    """One row to write. `reason` may still become REPEAT."""

    public_id: str
    """A UUID, written out."""
    program: Program
    partner_id: int
    link_id: int
    visitor_id: str
    known_visitor: bool
    """False: the visitor's id was made for this click, so nothing came before it."""
    clicked_at: datetime
    reason: Reason
    landing_url: str = ""
    referrer: str = ""
    user_agent: str = ""
    ip_digest: str = ""
    sub: bytes = b"{}"
    """utm_* and sub1 … sub5, as JSON."""

    @property
    def key(self) -> Key:
        return self.visitor_id, self.partner_id, self.link_id


_INSERT = """
WITH written AS (
    INSERT INTO clicks (
        program_id, public_id, partner_id, link_id, visitor_id, clicked_at, recorded_at, counted, reason,
        landing_url, referrer, user_agent, ip_digest, sub
    )
    SELECT program_id, public_id, partner_id, link_id, visitor_id, clicked_at, $10, reason = '', reason,
        landing_url, referrer, user_agent, ip_digest, sub
    FROM ROWS FROM (
        json_to_recordset($11::text::json) AS (
            program_id bigint, public_id uuid, partner_id bigint, link_id bigint, visitor_id text,
            clicked_at timestamptz, reason text, landing_url text, referrer text, user_agent text,
            ip_digest text, sub jsonb
        )
    ) WITH ORDINALITY AS given (
        program_id, public_id, partner_id, link_id, visitor_id, clicked_at, reason,
        landing_url, referrer, user_agent, ip_digest, sub, place
    )
    ORDER BY place
)
"""
_WRITE = _INSERT + stats.ADD
# One JSON text and not twelve arrays: asyncpg asks each element of an array twice what it is, which costs this
# process, the bottleneck, more than reading JSON costs the database.


class _Row(msgspec.Struct):
    """A click as the statement takes it."""

    program_id: int
    public_id: str
    partner_id: int
    link_id: int
    visitor_id: str
    clicked_at: datetime
    reason: str
    landing_url: str
    referrer: str
    user_agent: str
    ip_digest: str
    sub: msgspec.Raw


_LAST_COUNTED = """
SELECT key.place, last.clicked_at
FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::timestamptz[])
    WITH ORDINALITY AS key (program_id, visitor_id, partner_id, link_id, clicked_at, place)
CROSS JOIN LATERAL (
    SELECT click.clicked_at FROM clicks AS click
    WHERE click.program_id = key.program_id AND click.visitor_id = key.visitor_id
        AND click.partner_id = key.partner_id AND click.link_id = key.link_id
        AND click.counted AND click.clicked_at <= key.clicked_at
    ORDER BY click.clicked_at DESC
    LIMIT 1
) AS last
"""


async def write(held: Connection, clicks: Sequence[NewClick], recorded_at: datetime) -> None:
    """Write `clicks` in their order, with the counts of their days; sets REPEAT where it is due.

    All or nothing: without an open transaction the one statement is one. Raises UniqueViolationError when this batch
    is there already, which tells a caller who tries again that the first try did arrive.
    """
    candidates = [
        click
        for click in clicks
        if click.known_visitor and click.reason is Reason.COUNTED and click.program.repeat
    ]
    if not candidates:
        await held.execute(_WRITE, *_values(clicks, recorded_at))
        return
    async with held.transaction():
        await _mark_repeats(held, candidates)
        await held.execute(_WRITE, *_values(clicks, recorded_at))


async def is_written(held: Connection, clicks: Sequence[NewClick]) -> bool:
    """Whether this batch arrived, although its answer did not: all of it did, or nothing."""
    found = await held.fetchval("SELECT 1 FROM clicks WHERE public_id = $1::text::uuid", clicks[0].public_id)
    return found is not None


async def _mark_repeats(held: Connection, candidates: Sequence[NewClick]) -> None:
    # A statement of its own: the look-up's snapshot must be taken after the locks are held.
    await held.execute(
        "SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS key", _locks(candidates)
    )
    rows = await held.fetch(
        _LAST_COUNTED,
        [click.program.id for click in candidates],
        [click.visitor_id for click in candidates],
        [click.partner_id for click in candidates],
        [click.link_id for click in candidates],
        [click.clicked_at for click in candidates],
    )
    last = {row["place"] - 1: row["clicked_at"] for row in rows}
    mark_repeats(candidates, last)


def mark_repeats(candidates: Sequence[NewClick], last: dict[int, datetime]) -> None:
    """Decide over `candidates` in their order; `last`: by place, the last counted click that was known before."""
    counted: dict[Key, list[datetime]] = {}
    for place, click in enumerate(candidates):
        now_counted = counted.setdefault(click.key, [])
        earlier = last.get(place)
        among = bisect_right(now_counted, click.clicked_at)
        if among and (earlier is None or now_counted[among - 1] > earlier):
            earlier = now_counted[among - 1]
        if earlier is not None and click.clicked_at - earlier < click.program.repeat:
            click.reason = Reason.REPEAT
        else:
            insort(now_counted, click.clicked_at)


def _locks(candidates: Collection[NewClick]) -> list[int]:
    """One number per (visitor, link), sorted: two batches take their locks in the same order."""
    keys = {click.key for click in candidates}
    digests = (blake2b(repr(key).encode(), digest_size=8, person=b"click").digest() for key in keys)
    return sorted({int.from_bytes(digest, "big", signed=True) for digest in digests})


def _values(clicks: Sequence[NewClick], recorded_at: datetime) -> tuple[object, ...]:
    rows = [
        _Row(
            click.program.id,
            click.public_id,
            click.partner_id,
            click.link_id,
            click.visitor_id,
            click.clicked_at,
            click.reason.value,
            click.landing_url,
            click.referrer,
            click.user_agent,
            click.ip_digest,
            msgspec.Raw(click.sub),
        )
        for click in clicks
    ]
    return (*stats.values(_deltas(clicks)), recorded_at, msgspec.json.encode(rows).decode())


def _deltas(clicks: Sequence[NewClick]) -> list[tuple[int, Delta]]:
    """What the batch adds, one per (partner, link, day in the program's zone), with the program's id."""
    sums: dict[tuple[int, int, int, date], list[int]] = {}
    for click in clicks:
        day = click.clicked_at.astimezone(click.program.zone).date()
        key = (click.program.id, click.partner_id, click.link_id, day)
        sums.setdefault(key, [0, 0])[0 if click.reason is Reason.COUNTED else 1] += 1
    return [
        (key[0], Delta(key[1], key[2], key[3], clicks=counted, clicks_not_counted=not_counted))
        for key, (counted, not_counted) in sums.items()
    ]
