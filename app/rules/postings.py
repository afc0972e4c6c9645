"""From changes of commissions to postings, and from pending to available (rules.md §9, §10).

A commission is accrued as pending. A clawback takes from the same commission while it is pending, else from what
the partner can claim, and what is missing becomes debt; reserved money is not touched. Released money repays
debt first.

    100.00 paid out, half the order refunded: debt 50.00. The next 30.00 is released: debt 20.00, available 0.00.
"""

from datetime import datetime, timedelta

from app.rules.effects import Account, AccountKind, Effects, Notice, NoticeKind, Posting
from app.rules.facts import OrderState
from app.rules.state import Balances, OrderRecord, State
from app.rules.terms import HoldTerms

PENDING, AVAILABLE, DEBT = AccountKind.PENDING, AccountKind.AVAILABLE, AccountKind.DEBT
EXPENSE = Account(AccountKind.EXPENSE)


def accrue(partner_id: int, amount_minor: int) -> tuple[Posting, ...]:
    """More is owed to a partner, pending."""
    return (Posting(EXPENSE, Account(PENDING, partner_id), amount_minor),)


class Purse:
    """A partner's claimable money and debt while several postings of one fact take from them."""

    __slots__ = ("available_minor", "debt_minor", "partner_id")

    def __init__(self, partner_id: int, balances: Balances) -> None:
        self.partner_id = partner_id
        self.available_minor = balances.available_minor
        self.debt_minor = balances.debt_minor

    def claw_back(self, amount_minor: int, pending_minor: int) -> tuple[Posting, ...]:
        """Take back: first this commission's own pending part, then what is claimable, the rest as debt."""
        from_pending = min(amount_minor, pending_minor)
        from_available = min(amount_minor - from_pending, self.available_minor)
        from_debt = amount_minor - from_pending - from_available
        self.available_minor -= from_available
        self.debt_minor += from_debt
        taken = ((PENDING, from_pending), (AVAILABLE, from_available), (DEBT, from_debt))
        return tuple(
            Posting(Account(kind, self.partner_id), EXPENSE, amount) for kind, amount in taken if amount
        )

    def repay(self, amount_minor: int) -> int:
        """The part of released money that repays debt."""
        repaid = min(amount_minor, self.debt_minor)
        self.debt_minor -= repaid
        return repaid

    def release(self, amount_minor: int, source: Account | None = None) -> list[Posting]:
        """Pending becomes available; debt is repaid first. `source`: where it comes from, if not from pending."""
        repaid = self.repay(amount_minor)
        claimable = amount_minor - repaid
        self.available_minor += claimable
        pending = source or Account(PENDING, self.partner_id)
        given = ((DEBT, repaid), (AVAILABLE, claimable))
        return [Posting(pending, Account(kind, self.partner_id), amount) for kind, amount in given if amount]


def adjust(purse: Purse, amount_minor: int) -> tuple[Posting, ...]:
    """An adjustment by hand (rules.md §16 "Release"): given at once, after debt; taken from available, then debt."""
    if amount_minor > 0:
        return tuple(purse.release(amount_minor, EXPENSE))
    return purse.claw_back(-amount_minor, 0)


def release_moment(state: OrderState, hold: HoldTerms) -> datetime | None:
    """When an order's pending commissions become available; None: not before another fact."""
    after = state.paid_at if hold.release_on == "paid" else state.fulfilled_at
    return None if after is None else after + timedelta(days=hold.days)


def release(state: State, order_id: int, now: datetime) -> Effects:
    """Make an order's pending commissions available, if their moment has come and no flag holds them; else nothing."""
    record = state.orders.get(order_id)
    if record is None or order_id in state.held or record.release_at is None or record.release_at > now:
        return Effects(order_id=order_id)
    postings: list[Posting] = []
    notices: list[Notice] = []
    purses: dict[int, Purse] = {}
    commissions = dict(record.commissions)
    for key, commission in record.commissions.items():
        if not commission.pending_minor:
            continue
        partner_id = key[0]
        if partner_id not in purses:
            purses[partner_id] = Purse(partner_id, state.partners[partner_id].balances)
        postings.extend(purses[partner_id].release(commission.pending_minor))
        notices.append(
            Notice(NoticeKind.COMMISSION_AVAILABLE, partner_id, now, order_id, commission.pending_minor)
        )
        commissions[key] = commission._replace(pending_minor=0)
    if not postings:
        return Effects(order_id=order_id)
    return Effects(
        order_id=order_id,
        record=OrderRecord(record.judgement, commissions, record.release_at),
        postings=tuple(postings),
        notices=tuple(notices),
    )


def post(state: State, postings: tuple[Posting, ...]) -> None:
    """Lay postings on the balances in memory; a balance never goes below zero."""
    for posting in postings:
        for account, sign in ((posting.debit, -1), (posting.credit, 1)):
            if account.owner_id is None:
                continue
            balances = state.partners[account.owner_id].balances
            amount = sign * posting.amount_minor
            match account.kind:
                case AccountKind.PENDING:
                    balances.pending_minor += amount
                    assert balances.pending_minor >= 0, "pending below zero"
                case AccountKind.AVAILABLE:
                    balances.available_minor += amount
                    assert balances.available_minor >= 0, "available below zero"
                case AccountKind.RESERVED:
                    balances.reserved_minor += amount
                    assert balances.reserved_minor >= 0, "reserved below zero"
                case AccountKind.DEBT:
                    # Debt is what the partner owes: it grows by debits.
                    balances.debt_minor -= amount
                    assert balances.debt_minor >= 0, "debt below zero"
                case _:
                    pass  # No rule of judging asks for the other accounts.
