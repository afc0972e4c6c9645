"""Writes: a program, its terms, the documents that applicants agree to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from app import clock, db
from app.errors import Conflict, DomainError, FieldError, NotFound, invalid
from app.events.service import NewEvent, emit_in_transaction
from app.programs.queries import latest_terms, terms_in_force
from app.rules.terms import Terms
from app.rules.terms_document import check_successor, merge_document, parse_terms
from app.rules.terms_messages import TermsError
from app.ui.i18n import gettext as _
from app.ui.i18n import locale


@dataclass(frozen=True, slots=True)
class NewProgram:
    """What a program is made of, beside its terms."""

    code: str
    name: str
    home_url: str
    hosts: Sequence[str]
    """The shop's verified hosts; links may lead to these only."""
    partner_parameter: str = "ref"
    utm: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)
    """What the public page says, by language."""


async def create_program(
    new: NewProgram, document: Mapping[str, Any], *, from_moment: datetime, author_id: int | None = None
) -> int:
    """Make a program with the first version of its terms, in force from `from_moment`; its id.

    Raises a DomainError whose `fields` name wrong keys of the document, and Conflict for a code that is taken.
    """
    terms = checked(document)
    async with db.transaction():
        program_id = await create_program_in_transaction(new)
        await _insert_version(program_id, 1, terms, from_moment, author_id, "")
    return program_id


async def create_program_in_transaction(new: NewProgram) -> int:
    """Make a program that has no terms yet; its id."""
    program_id: int | None = await db.fetchval(
        """
        INSERT INTO programs
            (code, name, home_url, hosts, partner_parameter, utm, about_ru, about_en, active, created_at)
        VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7, $8, true, $9)
        ON CONFLICT (code) DO NOTHING
        RETURNING id
        """,
        new.code,
        new.name,
        new.home_url,
        [host.lower() for host in new.hosts],
        new.partner_parameter,
        msgspec.json.encode(dict(new.utm)).decode(),
        new.about.get("ru", ""),
        new.about.get("en", ""),
        clock.now(),
    )
    if program_id is None:
        raise Conflict(
            "There is a program with the code %(taken)s already.", code="program_exists", taken=new.code
        )
    return program_id


async def publish_terms(
    program_id: int,
    document: Mapping[str, Any],
    *,
    from_moment: datetime | None = None,
    author_id: int | None = None,
    note: str = "",
) -> int:
    """Publish a whole document as the next version, in force from `from_moment` (default: now); its number.

    Raises a DomainError whose `fields` name every wrong key by its path.
    """
    terms = checked(document)
    async with db.transaction():
        return await publish_in_transaction(program_id, terms, from_moment, author_id, note)


async def publish_changes(
    program_id: int,
    changes: Mapping[str, Any],
    *,
    from_moment: datetime | None = None,
    author_id: int | None = None,
    note: str = "",
) -> int:
    """Lay `changes` over the version published last and publish the result; its number.

    Tables are merged, values and whole lists replaced.
    """
    async with db.transaction():
        await lock_program_in_transaction(program_id)
        present = await latest_terms(program_id)
        merged = merge_document(present.terms.document, changes) if present else changes
        return await publish_in_transaction(program_id, checked(merged), from_moment, author_id, note)


async def publish_consent_text(program_id: int, kind: str, *, ru: str, en: str) -> int:
    """Publish the next version of a document that applicants agree to; its number."""
    async with db.transaction():
        await lock_program_in_transaction(program_id)
        version: int = await db.fetchval(
            """
            INSERT INTO program_consent_documents (program_id, kind, version, text_ru, text_en, published_at)
            SELECT $1, $2::text, coalesce(max(version), 0) + 1, $3, $4, $5
            FROM program_consent_documents
            WHERE program_id = $1 AND kind = $2::text
            RETURNING version
            """,
            program_id,
            kind,
            ru,
            en,
            clock.now(),
        )
    return version


def checked(document: Mapping[str, Any]) -> Terms:
    """The typed terms, or a 422 that names every mistake by the path of its key, in the reader's language."""
    try:
        return parse_terms(document)
    except TermsError as error:
        raise terms_refused(error) from error


def terms_refused(error: TermsError) -> DomainError:
    """What a page, the command line or a test shows of a wrong document."""
    return invalid(
        *(FieldError(problem.path, problem.code, problem.message(locale())) for problem in error.problems),
        message="The terms cannot be published: see the marked keys.",
    )


async def publish_in_transaction(
    program_id: int, terms: Terms, from_moment: datetime | None, author_id: int | None, note: str
) -> int:
    """The next version of a program's terms, of checked ones; its number.

    Refused where it would begin before the version published last, or before an order that was judged already:
    publishing never touches earlier orders (rules.md §3).
    """
    await lock_program_in_transaction(program_id)
    moment = from_moment or clock.now()
    latest = await latest_terms(program_id)
    if latest is not None:
        if moment < latest.in_force_from:
            raise DomainError(
                "New terms cannot begin before %(moment)s, when version %(number)s begins.",
                code="terms_in_the_past",
                moment=latest.in_force_from.isoformat(timespec="minutes"),
                number=latest.number,
            )
        if moment < clock.now():
            await _nothing_judged_since(program_id, moment)
        try:
            check_successor(latest.terms, terms)
        except TermsError as error:
            raise terms_refused(error) from error
    number = latest.number + 1 if latest else 1
    await _insert_version(program_id, number, terms, moment, author_id, note)
    await db.execute(
        """
        INSERT INTO program_terms_drafts (program_id, revision, based_on, updated_at) VALUES ($1, 1, $2, $3)
        ON CONFLICT (program_id) DO UPDATE SET revision = program_terms_drafts.revision + 1
        WHERE program_terms_drafts.document IS NULL
        """,
        program_id,
        number,
        clock.now(),
    )
    return number


async def withdraw_scheduled(program_id: int, number: int, *, author_id: int | None) -> int:
    """Have a version that is not in force yet never come into force; the number of the one that takes its place.

    Versions are not deleted: another one with the terms in force now begins at the same moment, and the later holds.
    """
    async with db.transaction():
        await lock_program_in_transaction(program_id)
        latest = await latest_terms(program_id)
        if latest is None or latest.number != number or latest.in_force_from <= clock.now():
            raise Conflict(
                "Only the newest version can be withdrawn, and only before it comes into force.",
                code="terms_in_force",
            )
        present = await terms_in_force(program_id)
        note = _("Withdraws version %(number)s", number=number)
        return await publish_in_transaction(program_id, present.terms, latest.in_force_from, author_id, note)


async def _nothing_judged_since(program_id: int, moment: datetime) -> None:
    """A past moment is only possible while no order was judged since: before a history is imported."""
    judged = await db.fetchval(
        """
        SELECT min(orders.paid_at) FROM orders JOIN attributions ON attributions.order_id = orders.id
        WHERE orders.program_id = $1 AND orders.paid_at >= $2
        """,
        program_id,
        moment,
    )
    if judged is not None:
        raise DomainError(
            "Orders paid since %(moment)s are judged already: new terms begin now or later.",
            code="terms_in_the_past",
            moment=moment.isoformat(timespec="minutes"),
        )


async def lock_program_in_transaction(program_id: int) -> None:
    """Versions of one program are numbered one after the other."""
    if await db.fetchval("SELECT id FROM programs WHERE id = $1 FOR NO KEY UPDATE", program_id) is None:
        raise NotFound("There is no such program.")


async def _insert_version(
    program_id: int, number: int, terms: Terms, from_moment: datetime, author_id: int | None, note: str
) -> None:
    now = clock.now()
    await db.execute(
        """
        INSERT INTO program_terms (program_id, number, in_force_from, document, published_at, author_id, note)
        VALUES ($1, $2, $3, $4::jsonb, $5, $6, $7)
        """,
        program_id,
        number,
        from_moment,
        msgspec.json.encode(terms.document).decode(),
        now,
        author_id,
        note,
    )
    await db.execute(
        """
        INSERT INTO audit_records (at, user_id, program_id, action, subject, reason, request_id, automatic)
        VALUES ($1, $2, $3, 'terms.published', $4, $5, '', false)
        """,
        now,
        author_id,
        program_id,
        f"terms:{number}",
        note,
    )
    await emit_in_transaction(
        [NewEvent("terms.published", program_id, f"terms:{number}", {"number": number}, from_moment)]
    )
