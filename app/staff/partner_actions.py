"""What staff do with chosen partners beside runs: pay what is pending, clear what is reserved, switch on and off (§11)."""

from collections.abc import Sequence

from app import clock
from app.commissions.handing_over import refuse_by_deposit, refuse_own_account, release_pending
from app.errors import DomainError
from app.partners.service import set_state
from app.payouts import queries, service
from app.payouts.decisions import PayoutState
from app.programs.queries import terms_in_force

PARTNER_ACTIONS = ("release_paid", "release_internal", "clear_reserved", "activate", "deactivate")


async def act(program_id: int, action: str, partner_ids: Sequence[int], *, user_id: int) -> None:
    """Do it for each, one transaction at a time; doing it again changes nothing more."""
    if action in ("release_paid", "release_internal", "clear_reserved"):
        await refuse_own_account(partner_ids, user_id)
    if action in ("release_paid", "release_internal"):
        terms = (await terms_in_force(program_id, clock.now())).terms
        refuse_by_deposit(by_deposit=terms.payout.by_deposit)
    for partner_id in partner_ids:
        match action:
            case "release_paid":
                await release_pending(program_id, partner_id, "paid", author_id=user_id)
            case "release_internal":
                await release_pending(program_id, partner_id, "internal", author_id=user_id)
            case "clear_reserved":
                await _clear(program_id, partner_id, user_id)
            case "activate":
                await set_state(partner_id, "active", reason="", author_id=user_id)
            case "deactivate":
                await set_state(partner_id, "inactive", reason="", author_id=user_id)
            case _:
                raise DomainError("Choose one of the options.", code="unknown_action")


async def _clear(program_id: int, partner_id: int, user_id: int) -> None:
    """Open payouts were handed over in cash: approved if they are not yet, then marked as paid, by their own rules."""
    while (payout := await queries.oldest(program_id, partner_id, PayoutState.REQUESTED)) is not None:
        await service.approve(program_id, payout, user_id=user_id)
    while (payout := await queries.oldest(program_id, partner_id, PayoutState.APPROVED)) is not None:
        await service.mark_paid(program_id, payout, user_id=user_id)
