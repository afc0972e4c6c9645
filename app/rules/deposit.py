"""The merchant's deposit (rules.md §13, §16 "Card and deposit"): what is released is paid from it, oldest first.

A commission whose moment has come is not made available but paid at once, if the deposit covers it and the fee on it;
else it waits, pending, and nothing overtakes it. A top-up pays what waits.

    deposit 114.99, fee 15 %; 100.00 are released: 100.00 + 15.00 = 115.00 is one kopeck too much, it waits.
    Top-up of 0.01: 100.00 are paid to the partner, 15.00 are the fee, the deposit holds 0.00.

Released money repays the partner's debt first, as everywhere (§10): the merchant paid that part once already, for an
order that was refunded. So the deposit is asked only for the rest, and the fee is of the rest, rounded once (§2.3).
The fee is never returned.

    paid 100.00 and 15.00 fee; half the order is refunded: debt 50.00. The next 80.00 repay 50.00; the deposit pays
    30.00 and 4.50 fee.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from app.rules.effects import Account, AccountKind, Posting
from app.rules.money import at_rate
from app.rules.postings import Purse

MERCHANT, DEPOSIT, FEE = (
    Account(kind) for kind in (AccountKind.MERCHANT, AccountKind.DEPOSIT, AccountKind.FEE)
)


class Due(NamedTuple):
    """A commission whose moment has come, with what of it is pending."""

    commission_id: int
    partner_id: int
    amount_minor: int


class Settled(NamedTuple):
    """What became of one: `amount_minor` = `repaid_minor` (of debt) + `paid_minor`; the fee is beside them."""

    due: Due
    repaid_minor: int
    paid_minor: int
    fee_minor: int
    postings: tuple[Posting, ...]


def fee_on(paid_minor: int, fee_ppm: int) -> int:
    """The portal's fee on what the deposit pays to a partner."""
    return at_rate(paid_minor, fee_ppm)


def cost_of(due: Due, debt_minor: int, fee_ppm: int) -> int:
    """What the deposit must cover before this commission is paid."""
    paid_minor = due.amount_minor - min(due.amount_minor, debt_minor)
    return paid_minor + fee_on(paid_minor, fee_ppm)


def settle(
    waiting: Iterable[tuple[Due, int]], deposit_minor: int, purses: Mapping[int, Purse]
) -> list[Settled]:
    """Pay what waits, in the given order (oldest first), while the deposit covers it.

    `waiting`: each with the fee's rate of its terms. The first that is not covered stops all behind it.
    """
    settled = []
    for due, fee_ppm in waiting:
        purse = purses[due.partner_id]
        cost_minor = cost_of(due, purse.debt_minor, fee_ppm)
        if cost_minor > deposit_minor:
            break
        deposit_minor -= cost_minor
        settled.append(_pay(due, purse, fee_ppm))
    return settled


def top_up(amount_minor: int) -> tuple[Posting, ...]:
    """The merchant puts money down."""
    return (Posting(MERCHANT, DEPOSIT, amount_minor),)


def _pay(due: Due, purse: Purse, fee_ppm: int) -> Settled:
    repaid_minor = purse.repay(due.amount_minor)
    paid_minor = due.amount_minor - repaid_minor
    fee_minor = fee_on(paid_minor, fee_ppm)
    pending = Account(AccountKind.PENDING, due.partner_id)
    moves = (
        (pending, Account(AccountKind.DEBT, due.partner_id), repaid_minor),
        (pending, Account(AccountKind.PAID, due.partner_id), paid_minor),
        (DEPOSIT, MERCHANT, paid_minor),
        (DEPOSIT, FEE, fee_minor),
    )
    postings = tuple(Posting(debit, credit, amount) for debit, credit, amount in moves if amount)
    return Settled(due, repaid_minor, paid_minor, fee_minor, postings)


def hand_over(due: Due, purse: Purse, kind: AccountKind) -> Settled:
    """Pending money paid by decision of staff or of a run (§11): debt is repaid first; no deposit, no fee.

    `kind`: paid (in money), or the partner's internal account.
    """
    repaid_minor = purse.repay(due.amount_minor)
    paid_minor = due.amount_minor - repaid_minor
    pending = Account(AccountKind.PENDING, due.partner_id)
    moves = (
        (pending, Account(AccountKind.DEBT, due.partner_id), repaid_minor),
        (pending, Account(kind, due.partner_id), paid_minor),
    )
    postings = tuple(Posting(debit, credit, amount) for debit, credit, amount in moves if amount)
    return Settled(due, repaid_minor, paid_minor, 0, postings)
