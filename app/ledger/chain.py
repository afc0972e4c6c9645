"""Sealing the journal: blocks of entries, each with a digest over their content and the digest of the block before.

A later edit, deletion, insertion or swap of a sealed entry changes the digest of its block and of all blocks after
it, so it shows when the chain is computed again. What can be cut off unseen is the end of the chain alone: keep the
head that `tandem check` prints somewhere else.

Ids of entries are given out before their transactions commit, so the newest ids may still have holes. Whoever writes
entries holds a shared lock; sealing takes it alone for a moment, and all ids up to the one it then sees are final.
"""

import hashlib
from dataclasses import dataclass

import asyncpg
import msgspec

from app import clock, db
from app.ledger.locks import WRITING

FORMAT = "sha256-json-1"
"""How digests are computed now. Blocks say which format they have, so that an old one can be verified for ever."""

PER_BLOCK = 5000


@dataclass(frozen=True, slots=True)
class ChainState:
    """What verifying a program's chain has shown."""

    blocks: int
    entries: int
    head: str
    """Digest of the last block; empty: nothing is sealed."""
    broken: tuple[int, ...]
    """Numbers of the blocks whose content is not what was sealed."""


async def seal(program_id: int) -> int:
    """Seal everything that is final; returns how many blocks that made."""
    async with db.transaction():
        await db.execute("SELECT pg_advisory_xact_lock($1, $2::bigint::int)", WRITING, program_id)
        last: int | None = await db.fetchval(
            "SELECT max(id) FROM journal_entries WHERE program_id = $1", program_id
        )
    made = 0
    while last is not None and await _seal_block(program_id, last):
        made += 1
    return made


async def seal_all() -> int:
    """Seal every program's journal; returns how many blocks that made."""
    rows = await db.fetch("SELECT id FROM programs ORDER BY id")
    return sum([await seal(row["id"]) for row in rows])


async def verify(program_id: int) -> ChainState:
    """Compute the whole chain again from what the journal holds now."""
    blocks = await db.fetch(
        """
        SELECT number, format, first_entry_id, last_entry_id, entries, digest FROM ledger_chain_blocks
        WHERE program_id = $1 ORDER BY number
        """,
        program_id,
    )
    previous, after = "", 0
    broken, entries = [], 0
    for place, block in enumerate(blocks, start=1):
        rows = await _entries(program_id, after, block["last_entry_id"], None)
        fits = (
            block["number"] == place
            and block["format"] == FORMAT
            and len(rows) == block["entries"]
            and bool(rows)
            and rows[0]["id"] == block["first_entry_id"]
            and digest(previous, rows) == block["digest"]
        )
        if not fits:
            broken.append(block["number"])
        previous, after = block["digest"], block["last_entry_id"]
        entries += len(rows)
    return ChainState(len(blocks), entries, previous, tuple(broken))


async def _seal_block(program_id: int, last: int) -> bool:
    async with db.transaction():
        await db.execute("SELECT pg_advisory_xact_lock($1, $2::bigint::int)", WRITING + 1, program_id)
        before = await db.fetchrow(
            """
            SELECT number, last_entry_id, digest FROM ledger_chain_blocks
            WHERE program_id = $1 ORDER BY number DESC LIMIT 1
            """,
            program_id,
        )
        number, after, previous = (before[0], before[1], before[2]) if before is not None else (0, 0, "")
        rows = await _entries(program_id, after, last, PER_BLOCK)
        if not rows:
            return False
        await db.execute(
            """
            INSERT INTO ledger_chain_blocks
                (program_id, number, format, first_entry_id, last_entry_id, entries, digest, sealed_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            """,
            program_id,
            number + 1,
            FORMAT,
            rows[0]["id"],
            rows[-1]["id"],
            len(rows),
            digest(previous, rows),
            clock.now(),
        )
        return True


async def _entries(program_id: int, after: int, last: int, limit: int | None) -> list[asyncpg.Record]:
    """Entries with their postings in the order of ids."""
    return await db.fetch(
        """
        SELECT entry.id, entry.kind, entry.source_key, entry.note, entry.occurred_at, entry.recorded_at,
            (SELECT coalesce(array_agg(ARRAY[id, debit_account_id, credit_account_id, amount_minor] ORDER BY id), '{}')
                FROM postings WHERE entry_id = entry.id) AS postings
        FROM journal_entries AS entry
        WHERE entry.program_id = $1 AND entry.id > $2 AND entry.id <= $3
        ORDER BY entry.id
        LIMIT $4
        """,
        program_id,
        after,
        last,
        limit,
    )


def digest(previous: str, rows: list[asyncpg.Record]) -> str:
    """The digest of a block: SHA-256 over the digest before and each entry as a line of JSON."""
    summed = hashlib.sha256(previous.encode())
    for row in rows:
        values = [
            row["id"],
            row["kind"],
            row["source_key"],
            row["note"],
            row["occurred_at"].isoformat(),
            row["recorded_at"].isoformat(),
            row["postings"],
        ]
        summed.update(msgspec.json.encode(values))
        summed.update(b"\n")
    return summed.hexdigest()
