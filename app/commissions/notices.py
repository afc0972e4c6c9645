"""Partners are told what becomes of their commissions, staff of a low deposit (`tasks/` registers this)."""

from collections.abc import Sequence

from app import db
from app.commissions.queries import masked
from app.events.service import Event, Handler
from app.ledger.queries import balance_rows
from app.notices.service import NewNotice, tell
from app.partners.notices import staff_of, told


async def tell_partners(events: Sequence[Event]) -> None:
    """commission.available, paid, clawed_back and adjusted."""
    partners = await told(events)
    events = [event for event in events if event.payload["partner_id"] in partners]
    orders = await _order_numbers(events)
    balances = await balance_rows(list(partners))
    notices = []
    for event in events:
        partner = partners[event.payload["partner_id"]]
        available = event.kind == "commission.available"
        values = {
            "name": partner.name,
            "order": orders.get(event.payload.get("order_id") or 0, "—"),
            "amount_minor": event.payload["amount_minor"],
            "available_minor": balances[partner.partner_id].available_minor,
            "currency": partner.currency,
            "reason": event.payload.get("reason", ""),
        }
        notices.append(
            NewNotice(
                partner.user_id,
                event.kind,
                event.id,
                partner.program_id,
                values,
                url="/payouts" if available else "/earnings",
                letter="commission_available" if available else "",
            )
        )
    await tell(notices)


async def tell_staff(events: Sequence[Event]) -> None:
    """deposit.low."""
    notices = []
    for event in events:
        assert event.program_id is not None, "a deposit belongs to a program"
        notices += [
            NewNotice(
                user_id, event.kind, event.id, event.program_id, dict(event.payload), url="/desk/deposit"
            )
            for user_id in await staff_of(event.program_id, "accountant", "manager")
        ]
    await tell(notices)


async def tell_deactivated(events: Sequence[Event]) -> None:
    """partner.deactivated: no plan fitted an order of his; he is told, and so are the program's managers."""
    partners = await told(events)
    orders = await _order_numbers(events)
    rows = await db.fetch(
        "SELECT id, name, code FROM partners WHERE id = ANY($1::bigint[])",
        sorted({event.payload["partner_id"] for event in events}),
    )
    names = {row["id"]: f"{row['name']} ({row['code']})" for row in rows}
    notices = []
    for event in events:
        partner_id = event.payload["partner_id"]
        values = {"name": names[partner_id], "order": orders.get(event.payload.get("order_id") or 0, "—")}
        if partner_id in partners:
            partner = partners[partner_id]
            notices.append(
                NewNotice(partner.user_id, event.kind, event.id, event.program_id, values, url="/overview")
            )
        if event.program_id is not None:
            notices += [
                NewNotice(user_id, STAFF_DEACTIVATED, event.id, event.program_id, values, url="/desk")
                for user_id in await staff_of(event.program_id, "manager")
            ]
    await tell(notices)


STAFF_DEACTIVATED = "partner.deactivated_for_staff"
"""The kind of the managers' notice, which says more."""


async def _order_numbers(events: Sequence[Event]) -> dict[int, str]:
    rows = await db.fetch(
        "SELECT id, coalesce(nullif(number, ''), external_id) AS number FROM orders WHERE id = ANY($1::bigint[])",
        sorted({event.payload["order_id"] for event in events if event.payload.get("order_id")}),
    )
    return {row["id"]: masked(row["number"]) for row in rows}


HANDLERS: dict[str, Handler] = {
    "commission.available": tell_partners,
    "commission.paid": tell_partners,
    "commission.adjusted": tell_partners,
    "commission.clawed_back": tell_partners,
    "deposit.low": tell_staff,
    "partner.deactivated": tell_deactivated,
}
