"""`Idempotency-Key` on POST: the same key and body get the stored answer, another body is refused.

The key is written down before the work begins, so that of two requests at the same moment one works and the other
is told to come again. Only good answers are kept: a refusal changed nothing and may be sent again, mended. A worker
that dies leaves its key behind as being worked on; after a minute the next request takes it over, which is safe,
since what it does is unique in the database by its own id.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from app import clock, db
from app.errors import Conflict, DomainError, Malformed
from app.shops.reading import is_plain

TAKEN_OVER_AFTER = timedelta(seconds=60)
KEPT_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a JSON body."""

    status: int
    body: bytes
    replayed: bool = False


async def once(
    program_id: int, route: str, key: str | None, body: bytes, work: Callable[[], Awaitable[Answer]]
) -> Answer:
    """The answer of `work`, or the stored one of an earlier request with the same key and body."""
    if key is None:
        return await work()
    if not 0 < len(key) <= 255 or not is_plain(key):
        raise Malformed(
            "An Idempotency-Key has 1 to 255 characters, no control characters.", code="idempotency_key"
        )
    digest = hashlib.sha256(body).digest()
    claimed = await _claim(program_id, route, key, digest)
    if isinstance(claimed, Answer):
        return claimed
    kept = False
    try:
        answer = await work()
        if answer.status < 300:
            await db.execute(
                "UPDATE api_idempotent_answers SET status = $2, body = $3 WHERE id = $1",
                claimed,
                answer.status,
                answer.body,
            )
            kept = True
        return answer
    finally:
        if not kept:
            await db.execute("DELETE FROM api_idempotent_answers WHERE id = $1 AND status IS NULL", claimed)


async def forget_old_answers() -> int:
    """Delete answers that are older than thirty days; how many."""
    tag = await db.execute("DELETE FROM api_idempotent_answers WHERE created_at < $1", clock.now() - KEPT_FOR)
    return int(tag.rpartition(" ")[2])


async def _claim(program_id: int, route: str, key: str, digest: bytes) -> int | Answer:
    """The row to fill in, or the answer that is there already."""
    now = clock.now()
    claimed: int | None = await db.fetchval(
        """
        INSERT INTO api_idempotent_answers (program_id, route, key, body_digest, created_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (program_id, route, key) DO UPDATE
            SET created_at = excluded.created_at
            WHERE api_idempotent_answers.status IS NULL
              AND api_idempotent_answers.body_digest = excluded.body_digest
              AND api_idempotent_answers.created_at < $6
        RETURNING id
        """,
        program_id,
        route,
        key,
        digest,
        now,
        now - TAKEN_OVER_AFTER,
    )
    if claimed is not None:
        return claimed
    row = await db.fetchrow(
        """
        SELECT body_digest, status, body
        FROM api_idempotent_answers
        WHERE program_id = $1 AND route = $2 AND key = $3
        """,
        program_id,
        route,
        key,
    )
    if row is not None and row["body_digest"] != digest:
        raise DomainError(
            "This Idempotency-Key was used with another body (SHA-256 %(stored)s, now %(sent)s).",
            code="idempotency_key_reused",
            stored=row["body_digest"].hex(),
            sent=digest.hex(),
        )
    if row is None or row["status"] is None:
        raise Conflict(
            "The first request with this key is being worked on.", code="in_progress", retry_after=1
        )
    return Answer(row["status"], row["body"], replayed=True)
