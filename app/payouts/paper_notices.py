"""Who is told of acts, receipts and the yearly limit: the partner of what waits for him, staff of what waits for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from app import db
from app.events.service import Event, Handler
from app.notices.service import NewNotice, tell
from app.partners.notices import Told, staff_of, told
from app.payouts.receipts import LIMIT_MINOR
from app.ui.filters import long_date
from app.ui.i18n import LOCALES, use_locale


@dataclass(frozen=True, slots=True)
class _Way:
    """Who is told of a kind of event, and with which letter."""

    to_partner: bool
    staff: tuple[str, ...] = ()
    letter: str = ""
    """Empty: in the portal only."""


ACTS = {
    "act.made": _Way(True, letter="act_made"),
    "act.scanned": _Way(False, ("accountant", "manager"), "act_scanned"),
    "act.scan_refused": _Way(True, letter="act_scan_refused"),
    "act.signed": _Way(False, ("accountant",)),
    "act.cancelled": _Way(True),
}

RECEIPTS = {
    "receipt.wanted": _Way(True, letter="receipt_wanted"),
    "receipt.reminder": _Way(True, letter="receipt_reminder"),
    "receipt.refused": _Way(True, letter="receipt_refused"),
    "receipt.waived": _Way(True),
    "receipt.given": _Way(False, ("accountant",)),
}

LIMIT = _Way(True, ("accountant", "manager"), "limit_near")


async def tell_about_acts(events: Sequence[Event]) -> None:
    """act.made, act.scanned, act.scan_refused, act.signed, act.cancelled."""
    partners = await told(events)
    for event in events:
        partner = partners.get(event.payload["partner_id"])
        if partner is None:
            continue
        row = await db.fetchrow(
            "SELECT year, number, amount_minor, currency, scan_refusal, cancel_reason FROM payout_acts WHERE id = $1",
            event.payload["act_id"],
        )
        assert row is not None, "an event of an act that does not exist"
        values = _names(partner) | {
            "number": row["number"],
            "year": row["year"],
            "amount_minor": row["amount_minor"],
            "currency": row["currency"],
            "reason": row["scan_refusal"] or row["cancel_reason"],
        }
        way = ACTS[event.kind]
        await _tell(event, partner, way, values, f"/acts/{event.payload['act_id']}", "/desk/papers")


async def tell_about_receipts(events: Sequence[Event]) -> None:
    """receipt.wanted, receipt.reminder, receipt.refused, receipt.waived, receipt.given."""
    partners = await told(events)
    for event in events:
        partner = partners.get(event.payload["partner_id"])
        if partner is None:
            continue
        row = await db.fetchrow(
            """
            SELECT payout.number, receipt.amount_minor, receipt.currency, receipt.due_on, receipt.refusal
            FROM payout_receipts AS receipt JOIN payouts AS payout ON payout.id = receipt.payout_id
            WHERE receipt.payout_id = $1
            """,
            event.payload["payout_id"],
        )
        assert row is not None, "an event of a receipt that does not exist"
        values = _names(partner) | {
            "number": row["number"],
            "amount_minor": row["amount_minor"],
            "currency": row["currency"],
            "due_on": {code: _day(row["due_on"], code) for code in LOCALES},
            "reason": row["refusal"],
        }
        way = RECEIPTS[event.kind]
        await _tell(
            event,
            partner,
            way,
            values,
            f"/receipts/{event.payload['payout_id']}",
            "/desk/papers?show=receipts",
        )


async def tell_about_limits(events: Sequence[Event]) -> None:
    """limit.near."""
    partners = await told(events)
    for event in events:
        partner = partners.get(event.payload["partner_id"])
        if partner is None:
            continue
        values = _names(partner) | {
            "percent": event.payload["percent"],
            "year": event.payload["year"],
            "amount_minor": event.payload["amount_minor"],
            "left_minor": event.payload["left_minor"],
            "limit_minor": LIMIT_MINOR,
            "currency": "RUB",
        }
        await _tell(event, partner, LIMIT, values, "/papers", "/desk/payouts")


def _day(day: date, code: str) -> str:
    with use_locale(code):
        return long_date(day)


def _names(partner: Told) -> dict[str, object]:
    return {"name": partner.name, "partner": partner.name}


async def _tell(
    event: Event, partner: Told, way: _Way, values: dict[str, object], own_url: str, desk_url: str
) -> None:
    notices = []
    if way.to_partner:
        notices.append((partner.user_id, own_url))
    if way.staff:
        notices += [(user_id, desk_url) for user_id in await staff_of(partner.program_id, *way.staff)]
    await tell(
        [
            NewNotice(reader, event.kind, event.id, partner.program_id, values, url=url, letter=way.letter)
            for reader, url in notices
        ]
    )


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(ACTS, tell_about_acts),
    **dict.fromkeys(RECEIPTS, tell_about_receipts),
    "limit.near": tell_about_limits,
}
