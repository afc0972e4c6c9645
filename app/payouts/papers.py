"""Where papers follow the steps of payouts: acts of legal entities, receipts of the self-employed (rules.md §12).

The steps call these four and know nothing else of papers. Each joins the step's transaction, with the payouts and
their partners locked.
"""

from collections.abc import Sequence

from app.payouts import acts, receipts


async def approved_in_transaction(program_id: int, payout_ids: Sequence[int]) -> None:
    """Payouts were approved: acts are made for companies and sole traders, the limit of the self-employed is kept.

    Raises (422) where a self-employed partner would be paid more in this year than the law allows.
    """
    for payout_id in payout_ids:
        await receipts.refuse_above_limit_in_transaction(program_id, payout_id)
        await acts.make_in_transaction(program_id, payout_id)


async def unsigned(payout_ids: Sequence[int]) -> frozenset[int]:
    """Those of the payouts that may not be paid or sent, because their act is not signed."""
    return await acts.unsigned(payout_ids)


async def paid_in_transaction(program_id: int, payout_ids: Sequence[int]) -> None:
    """Payouts were marked paid: the self-employed owe a receipt for them."""
    for payout_id in payout_ids:
        await receipts.want_in_transaction(program_id, payout_id)


async def undone_in_transaction(program_id: int, payout_ids: Sequence[int], reason: str) -> None:
    """Payouts were rejected, or sent back by the bank: their papers hold no more."""
    for payout_id in payout_ids:
        await acts.cancel_in_transaction(program_id, payout_id, reason=reason)
        await receipts.undo_in_transaction(payout_id)
