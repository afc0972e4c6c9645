"""What an applicant sees of his own application."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app import db
from app.errors import NotFound
from app.partners.words import CHANNELS, KINDS, PAYOUT_METHODS, SECTORS
from app.ui.i18n import gettext as _


@dataclass(frozen=True, slots=True)
class OwnApplication:
    """The last application of a partner, in his language."""

    state: str
    """unconfirmed, submitted, approved or rejected."""
    sent_at: datetime
    confirmed_at: datetime | None
    """None: the address is not proved yet."""
    decided_at: datetime | None
    """None: nobody has decided yet."""
    reason: str
    email: str
    answers: list[tuple[str, str]]


async def own_application(partner_id: int) -> OwnApplication:
    """The partner's last application; NotFound for one who never applied (imported)."""
    row = await db.fetchrow(
        """
        SELECT application.state, application.submitted_at, application.decided_at, application.reason,
            application.tax_number, application.sector, application.channels, application.channel_urls,
            application.comment, partners.name, partners.kind, users.email, users.phone, users.email_confirmed_at,
            details.method, details.masked
        FROM partner_applications AS application
        JOIN partners ON partners.id = application.partner_id
        JOIN users ON users.id = partners.user_id
        LEFT JOIN partner_payout_details AS details
            ON details.partner_id = partners.id AND details.superseded_at IS NULL
        WHERE application.partner_id = $1
        ORDER BY application.id DESC
        LIMIT 1
        """,
        partner_id,
    )
    if row is None:
        raise NotFound("There is no application of yours.")
    answers = [
        (_("Name or company"), row["name"]),
        (_("Who you are"), str(KINDS[row["kind"]][0])),
        (_("Phone"), row["phone"]),
        (_("Tax number (INN)"), row["tax_number"]),
        (_("Business sector"), word(SECTORS, row["sector"])),
        (_("Where you will recommend us"), ", ".join(word(CHANNELS, one) for one in row["channels"])),
        (_("Addresses of your sites and channels"), row["channel_urls"]),
        (_("About your audience"), row["comment"]),
        (_("How to pay you"), payout_text(row["method"], row["masked"])),
    ]
    return OwnApplication(
        state=row["state"],
        sent_at=row["submitted_at"],
        confirmed_at=row["email_confirmed_at"] if row["state"] != "unconfirmed" else None,
        decided_at=row["decided_at"],
        reason=row["reason"],
        email=row["email"],
        answers=answers,
    )


def word(words: Mapping[str, object], code: str) -> str:
    """The word for a stored code; the code itself where a later version has dropped it."""
    return str(words.get(code, code))


def payout_text(method: str | None, masked: str | None) -> str:
    """`Bank account, •••• 0001`; empty without details."""
    if method is None:
        return ""
    return ", ".join(part for part in (word(PAYOUT_METHODS, method), masked or "") if part)
