"""Accountants are told of requests, partners of what became of them (`tasks/` registers this)."""

from collections.abc import Sequence

from app import db
from app.events.service import Event, Handler
from app.notices.service import NewNotice, tell
from app.partners.notices import Told, staff_of, told
from app.payouts import paper_notices


async def tell_about_payouts(events: Sequence[Event]) -> None:
    """What became of a payout; that he cancelled it himself nobody is told."""
    partners = await told(events)
    notices = []
    for event in events:
        partner = partners.get(event.payload["partner_id"])
        if partner is None:
            continue
        values = await _values(event, partner)
        if event.kind == "payout.requested":
            readers = await staff_of(partner.program_id, "accountant")
            url = "/desk/payouts"
        else:
            readers = [partner.user_id]
            url = "/payouts"
        letter = "" if event.kind == "payout.sent" else event.kind.replace(".", "_")
        notices += [
            NewNotice(reader, event.kind, event.id, partner.program_id, values, url=url, letter=letter)
            for reader in readers
        ]
    await tell(notices)


async def _values(event: Event, partner: Told) -> dict[str, object]:
    row = await db.fetchrow(
        """
        SELECT payout.details_masked, coalesce(back.reason, payout.reason) AS reason
        FROM payouts AS payout LEFT JOIN payout_returns AS back ON back.payout_id = payout.id
        WHERE payout.id = $1
        """,
        event.payload["payout_id"],
    )
    assert row is not None, "an event of a payout that does not exist"
    return {
        "name": partner.name,
        "partner": partner.name,
        "number": event.payload["number"],
        "amount_minor": event.payload["amount_minor"],
        "cut_minor": event.payload["debt_repaid_minor"],
        "currency": partner.currency,
        "account_text": row["details_masked"],
        "reason": row["reason"],
    }


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(
        (
            "payout.requested",
            "payout.approved",
            "payout.sent",
            "payout.paid",
            "payout.rejected",
            "payout.returned",
        ),
        tell_about_payouts,
    ),
    **paper_notices.HANDLERS,
}
