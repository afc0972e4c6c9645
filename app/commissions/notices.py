"""Partners are told when a commission becomes available and when one is taken back (`tasks/` registers this)."""

from collections.abc import Sequence

from app import db
from app.commissions.queries import masked
from app.events.service import Event, Handler
from app.ledger.queries import balance_rows
from app.notices.service import NewNotice, tell
from app.partners.notices import told


async def tell_partners(events: Sequence[Event]) -> None:
    """commission.available, commission.clawed_back."""
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


async def _order_numbers(events: Sequence[Event]) -> dict[int, str]:
    rows = await db.fetch(
        "SELECT id, coalesce(nullif(number, ''), external_id) AS number FROM orders WHERE id = ANY($1::bigint[])",
        sorted({event.payload["order_id"] for event in events if event.payload.get("order_id")}),
    )
    return {row["id"]: masked(row["number"]) for row in rows}


HANDLERS: dict[str, Handler] = {
    "commission.available": tell_partners,
    "commission.clawed_back": tell_partners,
}
