"""Where papers follow the steps of payouts: acts of legal entities, receipts of the self-employed (rules.md §12).

The steps call these four and know nothing else of papers. Each joins the step's transaction, with the payouts and
their partners locked.
"""

from collections.abc import Sequence


async def approved_in_transaction(program_id: int, payout_ids: Sequence[int]) -> None:
    """Payouts were approved: acts are drawn for those of `decisions.SIGNS_ACTS`."""


async def unsigned(payout_ids: Sequence[int]) -> frozenset[int]:
    """Those of the payouts that may not be paid or sent, because their act is not signed."""
    return frozenset()


async def paid_in_transaction(program_id: int, payout_ids: Sequence[int]) -> None:
    """Payouts were marked paid: the self-employed owe a receipt for them."""


async def undone_in_transaction(program_id: int, payout_ids: Sequence[int], reason: str) -> None:
    """Payouts were rejected, or sent back by the bank: their papers hold no more."""
