"""Who is told of what happens to partners, and with which words; handlers of the outbox (`tasks/` registers them).

`told()` is shared by the slices above, whose events concern a partner too: it finds the partners of a batch of events
in one query. Who cannot sign in (imported partners) is told nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app import db, mail
from app.config import settings
from app.events.service import Event, Handler
from app.notices.service import NewNotice, tell
from app.partners.applications import ADDRESS_KNOWN, CONFIRMATION_WANTED
from app.partners.payout_details import CHANGED
from app.partners.words import KINDS, SECTORS
from app.programs.queries import PublishedTerms, terms_in_force
from app.rules.terms import Level
from app.ui.i18n import LOCALES, LazyText, use_locale
from app.users.service import LIVES, Purpose, make_one_time_link


@dataclass(frozen=True, slots=True)
class Told:
    """A partner who is to be told of an event."""

    partner_id: int
    user_id: int
    program_id: int
    code: str
    name: str
    currency: str


async def told(events: Sequence[Event]) -> dict[int, Told]:
    """By partner id: the partners that the events' `partner_id` name, if they can sign in."""
    rows = await db.fetch(
        """
        SELECT partners.id AS partner_id, partners.user_id, partners.program_id, partners.code, partners.name,
            terms.document ->> 'currency' AS currency
        FROM partners
        JOIN program_terms AS terms ON terms.program_id = partners.program_id AND terms.number = 1
        WHERE partners.id = ANY($1::bigint[]) AND partners.user_id IS NOT NULL
        """,
        sorted({event.payload["partner_id"] for event in events}),
    )
    return {row["partner_id"]: Told(**dict(row)) for row in rows}


async def staff_of(program_id: int, *roles: str) -> list[int]:
    """Users with one of `roles` in the program; where nobody has one, its owners."""
    rows = await db.fetch(
        """
        SELECT DISTINCT roles.user_id, roles.role FROM user_roles AS roles
        JOIN users ON users.id = roles.user_id
        WHERE users.active AND (roles.program_id IS NULL OR roles.program_id = $1)
            AND (roles.role = ANY($2::text[]) OR roles.role = 'owner')
        ORDER BY roles.user_id
        LIMIT 1000
        """,
        program_id,
        list(roles),
    )
    fitting = {row["user_id"] for row in rows if row["role"] in roles}
    return sorted(fitting or {row["user_id"] for row in rows})


async def tell_managers(events: Sequence[Event]) -> None:
    """partner.applied: an application waits for a decision."""
    notices = []
    for event in events:
        row = await db.fetchrow(
            """
            SELECT partners.name, partners.kind, application.sector
            FROM partner_applications AS application
            JOIN partners ON partners.id = application.partner_id
            WHERE application.id = $1
            """,
            event.payload["application_id"],
        )
        if row is None or event.program_id is None:
            continue
        values = {
            "applicant": row["name"],
            "kind_label": in_all(KINDS[row["kind"]][0]),
            "sector_label": in_all(SECTORS[row["sector"]]),
        }
        notices += [
            NewNotice(
                user_id,
                event.kind,
                event.id,
                event.program_id,
                values,
                url=f"/desk/applications/{event.payload['application_id']}",
                letter="application_received",
            )
            for user_id in await staff_of(event.program_id, "manager")
        ]
    await tell(notices)


async def tell_details(events: Sequence[Event]) -> None:
    """payout_details.changed: the partner, who notices a thief by it, and the accountants, who check them."""
    partners = await told(events)
    notices = []
    for event in events:
        partner = partners.get(event.payload["partner_id"])
        if partner is None:
            continue
        values = {"name": partner.name, "partner": partner.name}
        notices.append(
            NewNotice(
                partner.user_id,
                event.kind,
                event.id,
                partner.program_id,
                values,
                url="/payout-details",
                letter="payout_details_changed",
            )
        )
        notices += [
            NewNotice(
                user_id,
                "payout_details.to_check",
                event.id,
                partner.program_id,
                values,
                url="/desk/payout-details",
            )
            for user_id in await staff_of(partner.program_id, "accountant")
            if user_id != partner.user_id
        ]
    await tell(notices)


async def tell_decision(events: Sequence[Event]) -> None:
    """partner.approved, partner.rejected."""
    partners = await told(events)
    notices = []
    for event in events:
        partner = partners.get(event.payload["partner_id"])
        if partner is None:
            continue
        values: dict[str, Any] = {"name": partner.name}
        if event.kind == "partner.approved":
            level = (await terms_of(event)).terms.level(event.payload["level"])
            values |= {"level_name": name_of(level), "rate": level.rate_ppm}
            values["link_url"] = f"{settings().base_url}/r/{event.payload['link']}"
        else:
            values["reason"] = await db.fetchval(
                "SELECT reason FROM partner_applications WHERE id = $1", event.payload["application_id"]
            )
        approved = event.kind == "partner.approved"
        notices.append(
            NewNotice(
                partner.user_id,
                event.kind,
                event.id,
                partner.program_id,
                values,
                url="/overview" if approved else "/apply/status",
                letter="application_approved" if approved else "application_rejected",
            )
        )
    await tell(notices)


async def tell_level(events: Sequence[Event]) -> None:
    """partner.level_changed."""
    partners = await told(events)
    notices = []
    for event in events:
        partner = partners.get(event.payload["partner_id"])
        if partner is None:
            continue
        terms = (await terms_of(event)).terms
        change = await _level_change(event)
        after, before = terms.level(event.payload["level"]), terms.level(change["before"])
        values = {
            "name": partner.name,
            "level_name": name_of(after),
            "before_name": name_of(before),
            "rate": after.rate_ppm,
            "risen": after.from_minor > before.from_minor,
            "turnover_minor": change["turnover_minor"],
            "count": terms.levels_policy.count,
            "currency": partner.currency,
        }
        notices.append(
            NewNotice(
                partner.user_id,
                event.kind,
                event.id,
                partner.program_id,
                values,
                url="/overview",
                letter="level_changed",
            )
        )
    await tell(notices)


async def tell_terms(events: Sequence[Event]) -> None:
    """terms.published: everybody who can sign in learns of new terms before they hold; nobody of the first ones."""
    notices = []
    for event in events:
        if event.payload["number"] == 1 or event.program_id is None:
            continue
        rows = await db.fetch(
            """
            SELECT DISTINCT partners.user_id, programs.code FROM partners
            JOIN programs ON programs.id = partners.program_id
            WHERE partners.program_id = $1 AND partners.user_id IS NOT NULL AND partners.state = 'active'
            """,
            event.program_id,
        )
        values = {"number": event.payload["number"], "from": event.occurred_at.isoformat()}
        notices += [
            NewNotice(
                row["user_id"], event.kind, event.id, event.program_id, values, url=f"/p/{row['code']}/terms"
            )
            for row in rows
        ]
    await tell(notices)


async def send_confirmation(events: Sequence[Event]) -> None:
    """application.confirmation_wanted: a letter with a link. The link is made here, so no token is ever stored."""
    for event in events:
        row = await db.fetchrow(
            """
            SELECT users.id, users.email, users.locale, users.first_name AS name, programs.name AS program_name
            FROM partner_applications AS application
            JOIN partners ON partners.id = application.partner_id
            JOIN users ON users.id = partners.user_id
            JOIN programs ON programs.id = application.program_id
            WHERE application.id = $1 AND application.state = 'unconfirmed'
            """,
            event.payload["application_id"],
        )
        if row is not None:
            await mail.send(
                "confirm_email",
                row["email"],
                locale=row["locale"],
                program_name=row["program_name"],
                name=row["name"],
                url=await make_one_time_link(row["id"], Purpose.CONFIRM_EMAIL),
                hours=int(LIVES[Purpose.CONFIRM_EMAIL].total_seconds()) // 3600,
            )


async def send_address_known(events: Sequence[Event]) -> None:
    """application.address_known: only the owner of the mailbox learns that he is a user already."""
    for event in events:
        row = await db.fetchrow(
            """
            SELECT users.email, users.locale, users.first_name AS name, programs.name AS program_name
            FROM users JOIN programs ON programs.id = $2
            WHERE users.id = $1 AND users.active
            """,
            event.payload["user_id"],
            event.program_id,
        )
        if row is not None:
            await mail.send(
                "address_known",
                row["email"],
                locale=row["locale"],
                program_name=row["program_name"],
                name=row["name"],
                url=f"{settings().base_url}/sign-in",
            )


HANDLERS: dict[str, Handler] = {
    CONFIRMATION_WANTED: send_confirmation,
    ADDRESS_KNOWN: send_address_known,
    "partner.applied": tell_managers,
    "partner.approved": tell_decision,
    "partner.rejected": tell_decision,
    "partner.level_changed": tell_level,
    "terms.published": tell_terms,
    CHANGED: tell_details,
}


async def terms_of(event: Event) -> PublishedTerms:
    """The terms in force when the event happened."""
    assert event.program_id is not None, "events of partners belong to a program"
    return await terms_in_force(event.program_id, event.occurred_at)


def name_of(level: Level) -> dict[str, str]:
    """The level's name by language; its code where there is none."""
    return {code: level.name.get(code) or level.code for code in LOCALES}


def in_all(word: LazyText) -> dict[str, str]:
    """A word in every language, to be stored with a notice."""
    said = {}
    for code in LOCALES:
        with use_locale(code):
            said[code] = str(word)
    return said


async def _level_change(event: Event) -> dict[str, Any]:
    """Level before and turnover, of the row of history that the event tells of."""
    row = await db.fetchrow(
        """
        SELECT before, turnover_minor FROM partner_level_changes
        WHERE partner_id = $1 AND at = $2 AND after = $3
        ORDER BY id DESC
        LIMIT 1
        """,
        event.payload["partner_id"],
        event.occurred_at,
        event.payload["level"],
    )
    return {
        "before": row["before"] if row else "",
        "turnover_minor": (row["turnover_minor"] if row else None) or 0,
    }
