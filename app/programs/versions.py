"""A program's terms as the rules read them. Versions are immutable, so a parsed one is kept for the process."""

from collections.abc import Iterable
from functools import lru_cache

import msgspec

from app import db
from app.rules.state import TermsVersion
from app.rules.terms import Terms
from app.rules.terms_document import parse_terms


async def versions(program_id: int) -> list[TermsVersion]:
    """All versions in order of their moment; of equal moments the later number last."""
    rows = await db.fetch(
        """
        SELECT id, number, in_force_from FROM program_terms
        WHERE program_id = $1
        ORDER BY in_force_from, number
        """,
        program_id,
    )
    parsed = await terms_of_rows([row["id"] for row in rows])
    return [TermsVersion(row["number"], row["in_force_from"], parsed[row["id"]]) for row in rows]


async def terms_of_rows(row_ids: Iterable[int]) -> dict[int, Terms]:
    """Terms by the ids of their rows; those that this process has seen cost no query."""
    wanted = set(row_ids)
    missing = wanted - _parsed.keys()
    if missing:
        documents = await db.fetch(
            "SELECT id, document FROM program_terms WHERE id = ANY($1::bigint[])", sorted(missing)
        )
        for row in documents:
            _parsed[row["id"]] = _parse(row["document"])
    return {row_id: _parsed[row_id] for row_id in wanted}


_parsed: dict[int, Terms] = {}
"""By the row's id, which no other document ever gets."""


@lru_cache(maxsize=64)
def _parse(document: str) -> Terms:
    return parse_terms(msgspec.json.decode(document))
