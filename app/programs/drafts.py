"""The draft of a program's next terms: one document that its managers share, saved section by section.

Every save names the revision that its form was made from. Who saves an older one than is stored is refused
(`Conflict` with the code `draft_changed`), so two people who edit at once never overwrite each other unseen.
The draft remembers the version it was begun from; when another version was published meanwhile, it cannot be
published before it was laid over that one (`rebase`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from app import clock, db
from app.errors import Conflict, NotFound
from app.programs.queries import latest_terms, terms_version
from app.programs.service import checked, lock_program_in_transaction, publish_in_transaction
from app.rules.terms_shape import SHAPE
from app.users import audit

Document = Mapping[str, Any]
CHANGED = "draft_changed"
OUTDATED = "draft_outdated"


@dataclass(frozen=True, slots=True)
class Draft:
    """The draft as it is stored, or the newest version where nobody has begun one."""

    begun: bool
    revision: int
    """Rises with every save, and where there is no draft with every version; never used twice."""
    based_on: int
    document: dict[str, Any]
    author: str = ""
    """Who saved it last, by name or e-mail."""
    updated_at: datetime | None = None


async def draft_of(program_id: int) -> Draft:
    """The program's draft, or one that begins with the newest version of its terms; NotFound without any."""
    row = await db.fetchrow(
        """
        SELECT draft.revision, draft.based_on, draft.document, draft.updated_at,
            coalesce(nullif(author.first_name, ''), author.email, '') AS author
        FROM program_terms_drafts AS draft LEFT JOIN users AS author ON author.id = draft.author_id
        WHERE draft.program_id = $1
        """,
        program_id,
    )
    if row is not None and row["document"] is not None:
        return Draft(
            True,
            row["revision"],
            row["based_on"],
            msgspec.json.decode(row["document"]),
            row["author"],
            row["updated_at"],
        )
    newest = await latest_terms(program_id)
    if newest is None:
        raise NotFound("The program has no terms yet.")
    return Draft(False, row["revision"] if row else 0, newest.number, dict(newest.terms.document))


async def save_sections(
    program_id: int, sections: Mapping[str, Any], *, revision: int, author_id: int | None
) -> int:
    """Put these sections into the draft, None taking one away; its new revision.

    Raises Conflict where the stored draft is no longer the one of `revision`.
    """
    async with db.transaction():
        await lock_program_in_transaction(program_id)
        draft = await _the_same(program_id, revision)
        document = {key: value for key, value in {**draft.document, **sections}.items() if value is not None}
        return await _store(program_id, draft, document, draft.based_on, author_id)


async def rebase(program_id: int, *, revision: int, author_id: int | None) -> int:
    """Lay the draft's changes over the version published last; its new revision.

    Whole sections: those that the draft left as they were become the new version's, the others stay the draft's.
    """
    async with db.transaction():
        await lock_program_in_transaction(program_id)
        draft = await _the_same(program_id, revision)
        newest = await latest_terms(program_id)
        assert newest is not None, "a draft is begun from a version"
        begun = (await terms_version(program_id, draft.based_on)).terms.document
        document = {
            key: (draft.document if draft.document.get(key) != begun.get(key) else newest.terms.document).get(
                key
            )
            for key in SHAPE.keys
        }
        stored = {key: value for key, value in document.items() if value is not None}
        return await _store(program_id, draft, stored, newest.number, author_id)


async def discard(program_id: int, *, revision: int, author_id: int | None) -> None:
    """Throw the draft away."""
    async with db.transaction():
        await lock_program_in_transaction(program_id)
        await _the_same(program_id, revision)
        await _clear(program_id)
        await audit.write_in_transaction(
            "terms.draft_discarded", f"draft:{revision}", program_id=program_id, user_id=author_id
        )


async def publish_draft(
    program_id: int,
    *,
    revision: int,
    from_moment: datetime | None,
    author_id: int | None,
    note: str = "",
) -> int:
    """Publish the draft as the next version and clear the desk for another one; the version's number.

    Raises Conflict where the draft was changed, or another version published, since the reader looked at it.
    """
    async with db.transaction():
        await lock_program_in_transaction(program_id)
        draft = await _the_same(program_id, revision)
        newest = await latest_terms(program_id)
        if newest is None or newest.number != draft.based_on:
            raise Conflict(
                "Version %(number)s was published after this draft was begun.",
                code=OUTDATED,
                number=newest.number if newest else 0,
            )
        number = await publish_in_transaction(
            program_id, checked(draft.document), from_moment, author_id, note
        )
        await _clear(program_id)
    return number


async def _the_same(program_id: int, revision: int) -> Draft:
    draft = await draft_of(program_id)
    if draft.revision != revision:
        raise Conflict(
            "Somebody has changed the draft meanwhile. Nothing was overwritten.",
            code=CHANGED,
            revision=draft.revision,
        )
    return draft


async def _clear(program_id: int) -> None:
    """No draft any more; the revision goes on, so that a form made before is told from one made after."""
    await db.execute(
        """
        UPDATE program_terms_drafts SET document = NULL, revision = revision + 1, updated_at = $2
        WHERE program_id = $1
        """,
        program_id,
        clock.now(),
    )


async def _store(
    program_id: int, draft: Draft, document: Document, based_on: int, author_id: int | None
) -> int:
    revision = draft.revision + 1
    await db.execute(
        """
        INSERT INTO program_terms_drafts (program_id, revision, based_on, document, author_id, updated_at)
        VALUES ($1, $2, $3, $4::jsonb, $5, $6)
        ON CONFLICT (program_id) DO UPDATE SET revision = excluded.revision, based_on = excluded.based_on,
            document = excluded.document, author_id = excluded.author_id, updated_at = excluded.updated_at
        """,
        program_id,
        revision,
        based_on,
        msgspec.json.encode(document).decode(),
        author_id,
        clock.now(),
    )
    await audit.write_in_transaction(
        "terms.draft_saved", f"draft:{revision}", program_id=program_id, user_id=author_id
    )
    return revision
