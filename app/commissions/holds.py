"""Orders that judging itself puts on review (rules.md §16 "Partners' states")."""

from typing import TYPE_CHECKING

from app.fraud.service import SelfReferral, hold_self_referrals_in_transaction

if TYPE_CHECKING:
    from app.commissions.writes import Written


async def hold_self_referrals(written: "Written") -> None:
    """Flags on the orders of partners who are the buyer himself, where any terms ask staff about it."""
    if not any(version.terms.attribution.self_referral == "hold" for version in written.loaded.state.terms):
        return
    found = [
        SelfReferral(order_id, partner_id)
        for order_id, judgement in written.judgements.items()
        for partner_id in judgement.held
    ]
    if written.judgements:
        await hold_self_referrals_in_transaction(written.program_id, list(written.judgements), found)
