"""An application's way: sent → e-mail confirmed → decided. Each step once, whatever is pressed twice."""

import re
import secrets
from dataclasses import dataclass

import msgspec

from app import clock, db
from app.errors import Conflict, DomainError, NotFound
from app.events.service import NewEvent, emit_in_transaction
from app.ledger.service import open_partner_accounts_in_transaction
from app.partners import payout_details
from app.partners.forms import Answers as Answers  # part of what callers need
from app.partners.queries import Partner
from app.partners.service import change_state_in_transaction, lock_in_transaction
from app.programs.queries import latest_terms
from app.rules.contacts import email_key, phone_key
from app.users import audit
from app.users.service import (
    NewSession,
    confirm_email_in_transaction,
    create_user_in_transaction,
    find_user,
    start_session_in_transaction,
)
from app.users.sessions import Browser

CODE_PATTERN = r"[A-Za-z0-9][A-Za-z0-9_-]{2,31}"
CONFIRMATION_WANTED = "application.confirmation_wanted"
"""Event: send (again) the letter that proves the address."""
ADDRESS_KNOWN = "application.address_known"
"""Event: somebody applied with the address of an existing user; tell him by mail, not the page's reader."""


@dataclass(frozen=True, slots=True)
class NewUser:
    """Who applies without being signed in; the password is hashed already."""

    email: str
    password_hash: str
    locale: str


@dataclass(frozen=True, slots=True)
class Approved:
    """What an approval made."""

    partner_id: int
    program_id: int
    code: str
    level: str


async def apply_as_new_user(program_id: int, answers: Answers, user: NewUser) -> None:
    """Take an application of somebody who is not signed in. The answer never tells whether the address is known."""
    known = await find_user(user.email)
    if known is not None:
        async with db.transaction():
            await emit_in_transaction(
                [NewEvent(ADDRESS_KNOWN, program_id, f"user:{known}", {"user_id": known})]
            )
        return
    try:
        async with db.transaction():
            user_id = await create_user_in_transaction(
                user.email,
                password_hash=user.password_hash,
                locale=user.locale,
                name=answers.name,
                phone=answers.phone,
            )
            await _insert(program_id, user_id, user.email, answers, confirmed=False)
    except Conflict as error:
        # The same form sent twice at once: the other request has made the user, and its letter is on the way.
        if error.code != "email_taken":
            raise


async def apply_as_user(program_id: int, answers: Answers, *, user_id: int) -> None:
    """Take an application of a signed-in user. Conflict where he is or was a partner of the program already."""
    async with db.transaction():
        row = await db.fetchrow(
            "SELECT email, email_confirmed_at IS NOT NULL AS confirmed FROM users WHERE id = $1 FOR NO KEY UPDATE",
            user_id,
        )
        assert row is not None
        await db.execute("UPDATE users SET phone = $2 WHERE id = $1 AND phone = ''", user_id, answers.phone)
        await _insert(program_id, user_id, row["email"], answers, confirmed=row["confirmed"])


async def confirm(token: str, browser: Browser) -> NewSession:
    """The address is proved: send the user's applications to review and sign him in. 422 when the link is dead."""
    async with db.transaction():
        user_id = await confirm_email_in_transaction(token)
        rows = await db.fetch(
            """
            UPDATE partner_applications AS application SET state = 'submitted'
            FROM partners
            WHERE partners.id = application.partner_id AND partners.user_id = $1
                AND application.state = 'unconfirmed'
            RETURNING application.id, application.program_id, application.partner_id
            """,
            user_id,
        )
        await emit_in_transaction([_applied(row["program_id"], row["id"], row["partner_id"]) for row in rows])
        return await start_session_in_transaction(user_id, browser)


async def resend_confirmation(partner_id: int) -> None:
    """Have the letter that proves the address sent again, while the application waits for it."""
    async with db.transaction():
        row = await db.fetchrow(
            """
            SELECT id, program_id FROM partner_applications
            WHERE partner_id = $1 AND state = 'unconfirmed'
            ORDER BY id DESC LIMIT 1
            """,
            partner_id,
        )
        if row is None:
            raise Conflict("The address is confirmed already.", code="already_confirmed")
        await emit_in_transaction([_confirmation_wanted(row["program_id"], row["id"], partner_id)])


async def approve_in_transaction(
    application_id: int, *, level: str, author_id: int | None, code: str = ""
) -> Approved:
    """Make the applicant a partner: code, level, ledger accounts, histories.

    Who calls it makes his first link in the same transaction and then calls `tell_approved_in_transaction`.

    `code`: empty keeps the one that was made from his name. Conflict where the application is decided already.
    """
    found, program_id = await _lock_waiting(application_id)
    terms = await latest_terms(program_id)
    if terms is None or level not in {one.code for one in terms.terms.levels}:
        raise DomainError("The terms have no level %(level)s.", code="unknown_level", level=level)
    if code and code.lower() != found.code.lower():
        await _rename(found, code)
    now = clock.now()
    await db.execute("UPDATE partners SET joined_at = $2, level = $3 WHERE id = $1", found.id, now, level)
    await change_state_in_transaction(found, "active", at=now, reason="", author_id=author_id)
    await db.execute(
        """
        INSERT INTO partner_level_changes
            (program_id, partner_id, at, before, after, reason, pinned, author_id, note, recorded_at)
        VALUES ($1, $2, $3, '', $4, 'approved', false, $5, '', $3)
        """,
        program_id,
        found.id,
        now,
        level,
        author_id,
    )
    await payout_details.verify_details_in_transaction(found.id)
    await open_partner_accounts_in_transaction(program_id, [found.id])
    await _decide(application_id, "approved", "", author_id)
    await audit.write_in_transaction(
        "partner.approved", f"application:{application_id}", user_id=author_id, program_id=program_id
    )
    return Approved(found.id, program_id, code or found.code, level)


async def tell_approved_in_transaction(approved: Approved, *, link_code: str) -> None:
    """Emit the event of an approval, once the partner's first link is made."""
    payload = {"partner_id": approved.partner_id, "level": approved.level, "link": link_code}
    await emit_in_transaction(
        [NewEvent("partner.approved", approved.program_id, f"partner:{approved.partner_id}", payload)]
    )


async def reject(application_id: int, *, reason: str, author_id: int | None) -> None:
    """Refuse the application with a reason that the applicant reads. Conflict where it is decided already."""
    async with db.transaction():
        found, program_id = await _lock_waiting(application_id)
        await change_state_in_transaction(
            found, "rejected", at=clock.now(), reason=reason, author_id=author_id
        )
        await _decide(application_id, "rejected", reason, author_id)
        await audit.write_in_transaction(
            "partner.rejected",
            f"application:{application_id}",
            user_id=author_id,
            program_id=program_id,
            reason=reason,
        )
        payload = {"partner_id": found.id, "application_id": application_id}
        await emit_in_transaction([NewEvent("partner.rejected", program_id, f"partner:{found.id}", payload)])


async def _insert(program_id: int, user_id: int, email: str, answers: Answers, *, confirmed: bool) -> None:
    now = clock.now()
    partner_id = await _insert_partner(program_id, user_id, email, answers)
    await db.execute(
        """
        INSERT INTO partner_state_changes (partner_id, at, before, after, reason)
        VALUES ($1, $2, '', 'applied', '')
        """,
        partner_id,
        now,
    )
    given = {"version": answers.terms_version, "at": now}
    application_id: int = await db.fetchval(
        """
        INSERT INTO partner_applications (program_id, partner_id, state, tax_number, sector, channels,
            channel_urls, comment, consents, submitted_at, reason)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10, '')
        RETURNING id
        """,
        program_id,
        partner_id,
        "submitted" if confirmed else "unconfirmed",
        answers.tax_number,
        answers.sector,
        list(answers.channels),
        answers.channel_urls,
        answers.comment,
        msgspec.json.encode({"terms": given, "privacy": given}).decode(),
        now,
    )
    await payout_details.give_details_in_transaction(partner_id, answers.payout)
    event = _applied if confirmed else _confirmation_wanted
    await emit_in_transaction([event(program_id, application_id, partner_id)])


async def _insert_partner(program_id: int, user_id: int, email: str, answers: Answers) -> int:
    """The membership, under a free code made of the address. Conflict where the user has one in the program."""
    if await _is_member(program_id, user_id):
        raise Conflict("You have applied to this program already.", code="already_applied")
    for code in _codes_from(email):
        partner_id: int | None = await db.fetchval(
            """
            INSERT INTO partners (program_id, user_id, code, name, kind, state, level, plan, email_key, phone_key,
                created_at)
            VALUES ($1, $2, $3, $4, $5, 'applied', '', '', $6, $7, $8)
            ON CONFLICT (program_id, lower(code)) DO NOTHING
            RETURNING id
            """,
            program_id,
            user_id,
            code,
            answers.name,
            answers.kind,
            email_key(email),
            phone_key(answers.phone),
            clock.now(),
        )
        if partner_id is not None:
            return partner_id
    raise AssertionError("ten random codes were all taken")


def _codes_from(email: str) -> list[str]:
    """Codes to try: the local part of the address, then with random ends."""
    base = re.sub(
        r"[^a-z0-9-]", "", email.partition("@")[0].lower().replace(".", "-").replace("_", "-")
    ).strip("-")
    base = base[:20] if len(base) >= 3 else "partner"
    ends = [secrets.token_hex(3) for _ in range(10)]
    return [*([base] if base != "partner" else []), *(f"{base}-{end}" for end in ends)]


async def _is_member(program_id: int, user_id: int) -> bool:
    found = await db.fetchval(
        "SELECT 1 FROM partners WHERE program_id = $1 AND user_id = $2", program_id, user_id
    )
    return found is not None


async def _rename(found: Partner, code: str) -> None:
    if re.fullmatch(CODE_PATTERN, code) is None:
        raise DomainError("A code has 3 to 32 Latin letters, digits and hyphens.", code="bad_code")
    taken = await db.fetchval(
        "SELECT 1 FROM partners WHERE program_id = $1 AND lower(code) = lower($2)", found.program_id, code
    )
    if taken is not None:
        raise Conflict("Another partner has the code %(partner)s.", code="code_taken", partner=code)
    await db.execute("UPDATE partners SET code = $2 WHERE id = $1", found.id, code)


async def _lock_waiting(application_id: int) -> tuple[Partner, int]:
    """The applicant and his program, both rows locked, while nobody has decided yet."""
    row = await db.fetchrow(
        "SELECT partner_id, program_id, state FROM partner_applications WHERE id = $1 FOR NO KEY UPDATE",
        application_id,
    )
    if row is None:
        raise NotFound("There is no such application.")
    if row["state"] == "unconfirmed":
        raise Conflict("The applicant has not confirmed his e-mail yet.", code="unconfirmed")
    if row["state"] != "submitted":
        raise Conflict("This application is decided already.", code="already_decided")
    return await lock_in_transaction(row["partner_id"]), row["program_id"]


async def _decide(application_id: int, state: str, reason: str, author_id: int | None) -> None:
    await db.execute(
        """
        UPDATE partner_applications SET state = $2, decided_at = $3, decided_by_id = $4, reason = $5
        WHERE id = $1
        """,
        application_id,
        state,
        clock.now(),
        author_id,
        reason,
    )


def _applied(program_id: int, application_id: int, partner_id: int) -> NewEvent:
    payload = {"partner_id": partner_id, "application_id": application_id}
    return NewEvent("partner.applied", program_id, f"partner:{partner_id}", payload)


def _confirmation_wanted(program_id: int, application_id: int, partner_id: int) -> NewEvent:
    payload = {"partner_id": partner_id, "application_id": application_id}
    return NewEvent(CONFIRMATION_WANTED, program_id, f"partner:{partner_id}", payload)
