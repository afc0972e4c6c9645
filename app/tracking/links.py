"""Writes: partners' links."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg
import msgspec

from app import clock, db
from app.errors import Conflict, FieldError, NotFound, invalid
from app.tracking import codes
from app.tracking.destinations import within
from app.tracking.directory import DIRECTORY, Program, load_program_by_id
from app.tracking.visitors import clean

LINKS_MAX = 1000
"""Links of one partner."""

MARKS = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
SUBS = ("sub1", "sub2", "sub3", "sub4", "sub5")


@dataclass(frozen=True, slots=True)
class NewLink:
    """What a partner asks for."""

    target: str
    """The shop's page; empty: its home page."""
    name: str = ""
    code: str = ""
    """Empty: we make one."""
    utm: Mapping[str, str] = field(default_factory=dict)
    """Of `MARKS`; over the program's template."""
    sub: Mapping[str, str] = field(default_factory=dict)
    """Of `SUBS`."""


async def create_link(program_id: int, partner_id: int, new: NewLink) -> int:
    """Make a link of the partner; its id. Raises a 422 that names the wrong fields, 409 at the limit."""
    async with db.transaction():
        program = await load_program_by_id(program_id, clock.now())
        if program is None:
            raise NotFound
        await lock_partner(program_id, partner_id)
        _check_link(program, new)
        made = await db.fetchval("SELECT count(*) FROM links WHERE partner_id = $1", partner_id)
        if made >= LINKS_MAX:
            raise Conflict(
                "You have %(count)s links, more are not possible.", code="too_many_links", count=made
            )
        target = within(new.target, program.hosts) if new.target else program.home
        return await _insert_link(program_id, partner_id, new, str(target))


def _check_link(program: Program, new: NewLink) -> None:
    wrong: list[FieldError] = []
    if new.target and within(new.target, program.hosts) is None:
        hosts = ", ".join(sorted(program.hosts))
        wrong.append(
            FieldError(
                "target",
                "foreign_host",
                "Only pages of these sites can be used: %(hosts)s.",
                {"hosts": hosts},
            )
        )
    if new.code and not codes.LINK_CODE.fullmatch(new.code.lower()):
        wrong.append(
            FieldError(
                "code",
                "bad_code",
                "A code has 4 to 32 Latin letters, digits and hyphens, and begins and ends with no hyphen.",
            )
        )
    if len(new.name) > 100:
        wrong.append(FieldError("name", "too_long", "At most 100 characters fit here."))
    for allowed, given in ((MARKS, new.utm), (SUBS, new.sub)):
        for name, value in given.items():
            if name not in allowed:
                wrong.append(FieldError(name, "unknown_field", "There is no such mark."))
            elif len(value.encode()) > 255 or clean(value, 255) != value:
                wrong.append(FieldError(name, "bad_value", "At most 255 bytes of plain text fit here."))
    if wrong:
        raise invalid(*wrong)


async def _insert_link(
    program_id: int, partner_id: int, new: NewLink, target: str, *, main: bool = False
) -> int:
    """The id of the new link. An own code that is taken is refused; a made one is made again."""
    for _attempt in range(1 if new.code else 5):
        code = new.code.lower() or codes.new_link_code()
        link_id: int | None = await db.fetchval(
            """
            INSERT INTO links (
                program_id, partner_id, code, name, destination, utm, sub1, sub2, sub3, sub4, sub5, main, created_at
            )
            VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7, $8, $9, $10, $11, $12, $13)
            ON CONFLICT (code) DO NOTHING
            RETURNING id
            """,
            program_id,
            partner_id,
            code,
            new.name,
            target,
            msgspec.json.encode({name: value for name, value in new.utm.items() if value}).decode(),
            *(new.sub.get(name, "") for name in SUBS),
            main,
            clock.now(),
        )
        if link_id is not None:
            _forget(code)
            return link_id
    raise invalid(FieldError("code", "taken", "This code is taken. Choose another one."))


async def archive_link(partner_id: int, link_id: int, *, archived: bool) -> None:
    """Put a link out of the partner's sight, or back. It works all the same. NotFound for others' links."""
    async with db.transaction():
        changed = await db.fetchval(
            """
            UPDATE links SET archived_at = CASE WHEN $3 THEN coalesce(archived_at, $4) END
            WHERE id = $1 AND partner_id = $2
            RETURNING id
            """,
            link_id,
            partner_id,
            archived,
            clock.now(),
        )
        if changed is None:
            raise NotFound("There is no such link.")


async def disable_link(program_id: int, link_id: int, *, disabled: bool) -> None:
    """Staff switch a link off: it leads to the home page and counts nothing. Or on again."""
    async with db.transaction():
        code = await db.fetchval(
            """
            UPDATE links SET disabled_at = CASE WHEN $3 THEN coalesce(disabled_at, $4) END
            WHERE id = $1 AND program_id = $2
            RETURNING code
            """,
            link_id,
            program_id,
            disabled,
            clock.now(),
        )
        if code is None:
            raise NotFound("There is no such link.")
        _forget(code)


async def ensure_main_link(program_id: int, partner_id: int) -> None:
    """Give the partner his main link, unless he has it."""
    async with db.transaction():
        await ensure_main_links_in_transaction(program_id, [partner_id])


async def ensure_main_links_in_transaction(program_id: int, partner_ids: Sequence[int]) -> dict[int, str]:
    """Give partners their main link to the home page, if they have none; all their codes, by partner.

    The code is the partner's own where that is free.
    """
    await db.execute(
        "SELECT id FROM partners WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE", sorted(partner_ids)
    )
    home = await db.fetchval("SELECT home_url FROM programs WHERE id = $1", program_id)
    rows = await db.fetch(
        """
        INSERT INTO links (program_id, partner_id, code, destination, main, created_at)
        SELECT program_id, id, lower(code), $3, true, $4
        FROM partners AS partner
        WHERE program_id = $1 AND id = ANY($2::bigint[]) AND lower(code) ~ '^[a-z0-9](-?[a-z0-9]){1,31}$'
            AND NOT EXISTS (SELECT FROM links WHERE partner_id = partner.id AND main)
        ORDER BY id
        ON CONFLICT (code) DO NOTHING
        RETURNING code
        """,
        program_id,
        sorted(partner_ids),
        home,
        clock.now(),
    )
    for row in rows:
        _forget(row["code"])
    without = await db.fetch(
        """
        SELECT id FROM partners AS partner
        WHERE program_id = $1 AND id = ANY($2::bigint[])
            AND NOT EXISTS (SELECT FROM links WHERE partner_id = partner.id AND main)
        ORDER BY id
        """,
        program_id,
        sorted(partner_ids),
    )
    for row in without:
        await _insert_link(program_id, row["id"], NewLink(target=home), home, main=True)
    main = await db.fetch(
        "SELECT partner_id, code FROM links WHERE partner_id = ANY($1::bigint[]) AND main ORDER BY id",
        sorted(partner_ids),
    )
    return {row["partner_id"]: row["code"] for row in main}


async def lock_partner(program_id: int, partner_id: int) -> asyncpg.Record:
    """The partner's row, locked; only an active partner may make links and codes."""
    row = await db.fetchrow(
        "SELECT id, code, level, state FROM partners WHERE id = $1 AND program_id = $2 FOR UPDATE",
        partner_id,
        program_id,
    )
    if row is None:
        raise NotFound
    if row["state"] != "active":
        raise Conflict("Only an active partner can do this.", code="partner_inactive")
    return row


def _forget(code: str) -> None:
    async def forget() -> None:
        DIRECTORY.forget([code])

    db.after_commit(forget)
