"""Writes: partners' promo codes."""

import re
from collections.abc import Sequence
from datetime import datetime

from app import clock, db
from app.errors import Conflict, DomainError, FieldError, NotFound, invalid
from app.events.service import NewEvent, emit_in_transaction
from app.programs.queries import terms_in_force
from app.tracking.codes import code_key, new_promo_code
from app.tracking.links import lock_partner

LENGTH_MAX = 20
_CODE = re.compile(r"[A-Z0-9](?:-?[A-Z0-9])*")


async def create_promo_code(
    program_id: int,
    partner_id: int,
    code: str = "",
    *,
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
) -> int:
    """Make a promo code of the partner, of his own choice or a random one; its id.

    `valid_from` is now by default. Raises a 422 that names the field, 409 when his level allows no more.
    """
    async with db.transaction():
        now = clock.now()
        terms = (await terms_in_force(program_id)).terms
        partner = await lock_partner(program_id, partner_id)
        limit = terms.level(partner["level"]).promo_codes_max
        used = await db.fetchval(
            "SELECT count(*) FROM promo_codes WHERE partner_id = $1 AND state = 'active'", partner_id
        )
        if used >= limit:
            raise Conflict(
                "Your level allows %(limit)s active promo codes, and you have them.",
                code="too_many_promo_codes",
                limit=limit,
            )
        code = code.strip().upper()
        _check(code, terms.promo_codes.length_min, valid_from or now, valid_to)
        id_ = await _insert(program_id, partner_id, code, valid_from or now, valid_to)
        await emit_in_transaction([NewEvent("promo_code.created", program_id, f"promo_code:{id_}")])
    return id_


async def disable_promo_code(partner_id: int, promo_code_id: int) -> None:
    """Orders placed from now on are no longer his by this code; earlier ones stay. Nobody else may take it."""
    async with db.transaction():
        row = await db.fetchrow(
            """
            UPDATE promo_codes SET state = 'disabled', valid_to = least(valid_to, $3)
            WHERE id = $1 AND partner_id = $2 AND state = 'active'
            RETURNING program_id
            """,
            promo_code_id,
            partner_id,
            clock.now(),
        )
        if row is None:
            raise NotFound("There is no such active promo code.")
        event = NewEvent("promo_code.disabled", row["program_id"], f"promo_code:{promo_code_id}")
        await emit_in_transaction([event])


async def add_promo_codes_in_transaction(
    program_id: int, promo_codes: Sequence[tuple[int, str]], valid_from: datetime
) -> None:
    """Codes that come from elsewhere, as (partner's id, code): no limits; one that is there already is left alone."""
    await db.execute(
        """
        INSERT INTO promo_codes (program_id, partner_id, code, code_key, state, valid_from, created_at)
        SELECT $1, partner_id, code, code_key, 'active', $5, $6
        FROM unnest($2::bigint[], $3::text[], $4::text[]) WITH ORDINALITY AS new (partner_id, code, code_key, place)
        ORDER BY place
        ON CONFLICT (program_id, code_key) DO NOTHING
        """,
        program_id,
        [partner_id for partner_id, _code in promo_codes],
        [code.strip().upper() for _partner_id, code in promo_codes],
        [code_key(code) for _partner_id, code in promo_codes],
        valid_from,
        clock.now(),
    )


def _check(code: str, length_min: int, valid_from: datetime, valid_to: datetime | None) -> None:
    if valid_to is not None and valid_to <= valid_from:
        raise invalid(
            FieldError("valid_to", "ends_before_it_begins", "The last moment lies before the first.")
        )
    if not code:
        return
    if not _CODE.fullmatch(code):
        raise invalid(
            FieldError(
                "code", "bad_code", "A code has Latin letters, digits and single hyphens between them."
            )
        )
    if not length_min <= len(code) <= LENGTH_MAX:
        limits = {"least": length_min, "most": LENGTH_MAX}
        raise invalid(
            FieldError("code", "bad_length", "A code has %(least)s to %(most)s characters.", limits)
        )


async def _insert(
    program_id: int, partner_id: int, code: str, valid_from: datetime, valid_to: datetime | None
) -> int:
    """The new code's id. One of his own choice that is taken is refused; a made one is made again."""
    for _attempt in range(1 if code else 5):
        written = code or new_promo_code()
        id_: int | None = await db.fetchval(
            """
            INSERT INTO promo_codes (
                program_id, partner_id, code, code_key, state, valid_from, valid_to, created_at
            )
            VALUES ($1, $2, $3, $4, 'active', $5, $6, $7)
            ON CONFLICT (program_id, code_key) DO NOTHING
            RETURNING id
            """,
            program_id,
            partner_id,
            written,
            code_key(written),
            valid_from,
            valid_to,
            clock.now(),
        )
        if id_ is not None:
            return id_
    raise _taken()


def _taken() -> DomainError:
    return invalid(FieldError("code", "taken", "This code is taken. Choose another one."))
