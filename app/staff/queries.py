"""Reads of the desk: applications, what waits, what was done."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from app import db
from app.errors import NotFound
from app.partners.own_application import payout_text, word
from app.partners.words import CHANNELS, KINDS, SECTORS
from app.staff.done_words import done_text
from app.ui.i18n import gettext as _
from app.ui.i18n import ngettext
from app.ui.paging import PAGE_SIZE, Cursor


@dataclass(frozen=True, slots=True)
class ApplicationRow:
    """One application in the list."""

    id: int
    name: str
    kind_label: str
    sector_label: str
    channels_text: str
    sent_at: datetime
    state: str
    """unconfirmed, submitted, approved or rejected."""


@dataclass(frozen=True, slots=True)
class AnswerGroup:
    """Some answers under a heading."""

    title: str
    answers: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Check:
    """Something looked up for the manager."""

    text: str
    ok: bool | None
    """None: cannot be said."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ApplicationDetail:
    """One application with everything a decision needs."""

    id: int
    partner_id: int
    name: str
    code: str
    email: str
    state: str
    sent_at: datetime
    confirmed_at: datetime | None
    """None: the address is not proved."""
    decided_at: datetime | None
    """None: nobody has decided yet."""
    decided_by: str
    reason: str
    groups: list[AnswerGroup]
    checks: list[Check]


async def applications(
    program_id: int, state: str, *, after: Cursor | None = None, size: int = PAGE_SIZE
) -> list[ApplicationRow]:
    """The program's applications in a state, newest first, one more than `size` where there are more."""
    rows = await db.fetch(
        """
        SELECT application.id, partners.name, partners.kind, application.sector, application.channels,
            application.submitted_at, application.state
        FROM partner_applications AS application
        JOIN partners ON partners.id = application.partner_id
        WHERE application.program_id = $1 AND application.state = $2
            AND ($3::timestamptz IS NULL OR (application.submitted_at, application.id) < ($3, $4))
        ORDER BY application.submitted_at DESC, application.id DESC
        LIMIT $5
        """,
        program_id,
        state,
        after.moment if after else None,
        after.id if after else None,
        size + 1,
    )
    return [
        ApplicationRow(
            id=row["id"],
            name=row["name"],
            kind_label=str(KINDS[row["kind"]][0]),
            sector_label=word(SECTORS, row["sector"]),
            channels_text=", ".join(word(CHANNELS, one) for one in row["channels"]),
            sent_at=row["submitted_at"],
            state=row["state"],
        )
        for row in rows
    ]


async def application(program_id: int, application_id: int) -> ApplicationDetail:
    """One application of the program; NotFound for another program's."""
    row = await db.fetchrow(_APPLICATION, program_id, application_id)
    if row is None:
        raise NotFound("There is no such application.")
    return ApplicationDetail(
        id=row["id"],
        partner_id=row["partner_id"],
        name=row["name"],
        code=row["code"],
        email=row["email"],
        state=row["state"],
        sent_at=row["submitted_at"],
        confirmed_at=row["email_confirmed_at"],
        decided_at=row["decided_at"],
        decided_by=row["decided_by"],
        reason=row["reason"],
        groups=_answers(row),
        checks=[
            Check(_("The address of the mail is proved"), row["email_confirmed_at"] is not None),
            Check(_("The check digits of the tax number are right"), True),
            *await _repeated(program_id, row["partner_id"], row["tax_number"], row["phone_key"]),
        ],
    )


_APPLICATION = """
SELECT application.id, application.partner_id, application.state, application.submitted_at,
    application.decided_at, application.reason, application.tax_number, application.sector,
    application.channels, application.channel_urls, application.comment,
    application.consents -> 'terms' ->> 'version' AS terms_version,
    partners.name, partners.code, partners.kind, partners.phone_key,
    users.email, users.phone, users.email_confirmed_at,
    details.method, details.masked,
    coalesce(nullif(author.first_name, ''), author.email, '') AS decided_by
FROM partner_applications AS application
JOIN partners ON partners.id = application.partner_id
JOIN users ON users.id = partners.user_id
LEFT JOIN users AS author ON author.id = application.decided_by_id
LEFT JOIN partner_payout_details AS details
    ON details.partner_id = partners.id AND details.superseded_at IS NULL
WHERE application.id = $2 AND application.program_id = $1
"""


def _answers(row: asyncpg.Record) -> list[AnswerGroup]:
    who = [
        (_("Name or company"), row["name"]),
        (_("Who he is"), str(KINDS[row["kind"]][0])),
        (_("Tax number (INN)"), row["tax_number"]),
        (_("E-mail"), row["email"]),
        (_("Phone"), row["phone"]),
    ]
    how = [
        (_("Business sector"), word(SECTORS, row["sector"])),
        (_("Channels"), ", ".join(word(CHANNELS, one) for one in row["channels"])),
        (_("Sites and channels"), row["channel_urls"]),
        (_("About the audience"), row["comment"]),
    ]
    money = [
        (_("How to pay him"), payout_text(row["method"], row["masked"])),
        (_("Accepted terms"), _("version %(version)s", version=row["terms_version"])),
        (_("Code for links"), row["code"]),
    ]
    return [
        AnswerGroup(_("Who"), who),
        AnswerGroup(_("How he will recommend us"), how),
        AnswerGroup(_("Payouts and consent"), money),
    ]


async def _repeated(program_id: int, partner_id: int, tax_number: str, phone_key: str) -> list[Check]:
    """Whether another partner or applicant of the program has the same tax number or phone."""
    row = await db.fetchrow(
        """
        SELECT
            (SELECT count(DISTINCT partner_id) FROM partner_applications
             WHERE program_id = $1 AND partner_id <> $2 AND tax_number = $3 AND tax_number <> '') AS tax_numbers,
            (SELECT count(*) FROM partners
             WHERE program_id = $1 AND id <> $2 AND phone_key = $4 AND phone_key <> '') AS phones
        """,
        program_id,
        partner_id,
        tax_number,
        phone_key,
    )
    assert row is not None
    return [
        Check(
            _("Nobody else has this tax number"),
            row["tax_numbers"] == 0,
            _others(row["tax_numbers"]),
        ),
        Check(_("Nobody else has this phone"), row["phones"] == 0, _others(row["phones"])),
    ]


def _others(number: int) -> str:
    return ngettext("%(num)s other has it", "%(num)s others have it", number) if number else ""


@dataclass(frozen=True, slots=True)
class Queue:
    """Something that waits for staff."""

    label: str
    count: int
    oldest_at: datetime | None
    """None: nothing waits."""
    url: str
    icon: str


@dataclass(frozen=True, slots=True)
class AuditRow:
    """Something that staff did."""

    at: datetime
    who: str
    text: str
    url: str
    """Empty: there is no page of it."""


async def queues(program_id: int, may_see: frozenset[str]) -> list[Queue]:
    """What waits, as far as the reader may open it."""
    row = await db.fetchrow(
        """
        SELECT applications.number AS applications, applications.oldest AS applications_since,
            payouts.number AS payouts, payouts.oldest AS payouts_since,
            orders.number AS orders, orders.oldest AS orders_since,
            reviews.number AS reviews, reviews.oldest AS reviews_since
        FROM (SELECT count(*) AS number, min(submitted_at) AS oldest FROM partner_applications
              WHERE program_id = $1 AND state = 'submitted') AS applications,
            (SELECT count(*) AS number, min(requested_at) AS oldest FROM payouts
             WHERE program_id = $1 AND state IN ('requested', 'approved')) AS payouts,
            (SELECT count(*) AS number, min(created_at) AS oldest FROM orders
             WHERE program_id = $1 AND (judging_error <> '' OR status = 'awaited'
                OR (paid_at IS NOT NULL AND judged_at IS NULL))) AS orders,
            (SELECT count(*) AS number, min(raised_at) AS oldest FROM order_flags
             WHERE program_id = $1 AND (state = 'open') = true) AS reviews
        """,
        program_id,
    )
    assert row is not None
    found = (
        ("applications", _("Applications"), "/desk/applications", "users-group"),
        ("payouts", _("Payouts"), "/desk/payouts", "wallet"),
        ("orders", _("Orders waiting"), "/desk/orders", "shopping-cart"),
        ("reviews", _("Orders on review"), "/desk/reviews", "eye"),
    )
    return [
        Queue(label, row[key], row[f"{key}_since"], url, icon)
        for key, label, url, icon in found
        if key in may_see
    ]


async def done_last(program_id: int, *, limit: int = 10) -> list[AuditRow]:
    """What staff did last in the program."""
    rows = await db.fetch(
        """
        SELECT record.at, record.action, record.subject, record.reason,
            coalesce(nullif(author.first_name, ''), author.email, '') AS who
        FROM audit_records AS record
        LEFT JOIN users AS author ON author.id = record.user_id
        WHERE record.program_id = $1
        ORDER BY record.id DESC
        LIMIT $2
        """,
        program_id,
        limit,
    )
    return [
        AuditRow(row["at"], row["who"] or _("by command"), *done_text(row["action"], row["subject"]))
        for row in rows
    ]
