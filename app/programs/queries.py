"""Reads: programs, their terms, their consent documents."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import msgspec

from app import clock, db
from app.errors import NotFound
from app.rules.terms import Terms
from app.rules.terms_document import parse_terms


@dataclass(frozen=True, slots=True)
class Program:
    """One program as it stands."""

    id: int
    code: str
    name: str
    home_url: str
    hosts: tuple[str, ...]
    partner_parameter: str
    utm: dict[str, str]
    about: dict[str, str]
    """What the public page says, by language."""
    active: bool


@dataclass(frozen=True, slots=True)
class PublishedTerms:
    """One version of a program's terms."""

    id: int
    program_id: int
    number: int
    in_force_from: datetime
    published_at: datetime
    author: str
    """Who published it, by e-mail; empty: by command."""
    note: str
    terms: Terms


@dataclass(frozen=True, slots=True)
class ConsentText:
    """A document that applicants agree to."""

    kind: str
    """terms or privacy."""
    version: int
    text: dict[str, str]
    """By language."""
    published_at: datetime


async def programs(*, active_only: bool = True) -> tuple[Program, ...]:
    """All programs, oldest first."""
    rows = await db.fetch(_PROGRAM + " WHERE active OR NOT $1 ORDER BY id LIMIT 1000", active_only)
    return tuple(_program(row) for row in rows)


async def program_by_code(code: str) -> Program | None:
    """The program of this code, active or not; None: there is none."""
    row = await db.fetchrow(_PROGRAM + " WHERE code = $1", code.lower())
    return _program(row) if row else None


async def program_by_id(program_id: int) -> Program:
    """The program; NotFound where there is none."""
    row = await db.fetchrow(_PROGRAM + " WHERE id = $1", program_id)
    if row is None:
        raise NotFound("There is no such program.")
    return _program(row)


async def terms_in_force(program_id: int, at: datetime | None = None) -> PublishedTerms:
    """The version that holds at a moment (default: now); NotFound before the first one."""
    row = await db.fetchrow(
        _TERMS
        + """
        WHERE version.program_id = $1 AND version.in_force_from <= $2
        ORDER BY version.in_force_from DESC, version.number DESC
        LIMIT 1
        """,
        program_id,
        at or clock.now(),
    )
    if row is None:
        raise NotFound("The program has no terms in force yet.")
    return await _published(row)


async def latest_terms(program_id: int) -> PublishedTerms | None:
    """The version published last, in force or not yet; None: there is none."""
    row = await db.fetchrow(
        _TERMS + " WHERE version.program_id = $1 ORDER BY version.number DESC LIMIT 1", program_id
    )
    return await _published(row) if row else None


async def terms_version(program_id: int, number: int) -> PublishedTerms:
    """The version of this number; NotFound where there is none."""
    row = await db.fetchrow(
        _TERMS + " WHERE version.program_id = $1 AND version.number = $2", program_id, number
    )
    if row is None:
        raise NotFound("There is no such version of the terms.")
    return await _published(row)


async def terms_versions(program_id: int) -> list[PublishedTerms]:
    """All versions in order of their numbers, which is also that of the moments from which they hold."""
    rows = await db.fetch(
        _TERMS + " WHERE version.program_id = $1 ORDER BY version.number LIMIT 10000", program_id
    )
    return [await _published(row) for row in rows]


async def consent_texts(program_id: int) -> dict[str, ConsentText]:
    """The newest document of each kind, by kind."""
    rows = await db.fetch(
        """
        SELECT DISTINCT ON (kind) kind, version, text_ru, text_en, published_at
        FROM program_consent_documents
        WHERE program_id = $1 AND published_at <= $2
        ORDER BY kind, version DESC
        """,
        program_id,
        clock.now(),
    )
    return {row["kind"]: _consent(row) for row in rows}


async def consent_text(program_id: int, kind: str, version: int) -> ConsentText:
    """One version of a document; NotFound where there is none."""
    row = await db.fetchrow(
        """
        SELECT kind, version, text_ru, text_en, published_at FROM program_consent_documents
        WHERE program_id = $1 AND kind = $2 AND version = $3
        """,
        program_id,
        kind,
        version,
    )
    if row is None:
        raise NotFound("There is no such document.")
    return _consent(row)


_PROGRAM = """
SELECT id, code, name, home_url, hosts, partner_parameter, utm, about_ru, about_en, active FROM programs
"""

# Without the document: it is read once per version, see `_published`.
_TERMS = """
SELECT version.id, version.program_id, version.number, version.in_force_from, version.published_at,
    coalesce(author.email, '') AS author, version.note
FROM program_terms AS version
LEFT JOIN users AS author ON author.id = version.author_id
"""

_PARSED_MAX = 256
_parsed: OrderedDict[int, Terms] = OrderedDict()
"""Parsed documents by row id. A version never changes and an id is never used again, so nothing gets stale."""


async def _published(row: asyncpg.Record) -> PublishedTerms:
    id_: int = row["id"]
    terms = _parsed.get(id_)
    if terms is None:
        document = await db.fetchval("SELECT document FROM program_terms WHERE id = $1", id_)
        terms = parse_terms(msgspec.json.decode(document))
        _parsed[id_] = terms
        while len(_parsed) > _PARSED_MAX:
            _parsed.popitem(last=False)
    else:
        _parsed.move_to_end(id_)
    return PublishedTerms(**dict(row), terms=terms)


def _program(row: asyncpg.Record) -> Program:
    return Program(
        id=row["id"],
        code=row["code"],
        name=row["name"],
        home_url=row["home_url"],
        hosts=tuple(row["hosts"]),
        partner_parameter=row["partner_parameter"],
        utm=msgspec.json.decode(row["utm"]),
        about={"ru": row["about_ru"], "en": row["about_en"]},
        active=row["active"],
    )


def _consent(row: asyncpg.Record) -> ConsentText:
    return ConsentText(
        kind=row["kind"],
        version=row["version"],
        text={"ru": row["text_ru"], "en": row["text_en"]},
        published_at=row["published_at"],
    )
