"""From changes of commissions to postings, and from pending to available (rules.md §9, §10).

A commission is accrued as pending. A clawback takes from the same commission while it is pending, else from what
the partner can claim, and what is missing becomes debt; reserved money is not touched. Released money repays
debt first.

    100.00 paid out, half the order refunded: debt 50.00. The next 30.00 is released: debt 20.00, available 0.00.
"""

from datetime import datetime, timedelta

from app.rules.effects import Account, AccountKind, Effects, Notice, NoticeKind, Posting
from app.rules.facts import OrderState
from app.rules.state import Balances, CommissionRecord, OrderRecord, State
from app.rules.terms import HoldTerms

EXPENSE = Account(AccountKind.EXPENSE)


class Purse:
    """A partner's claimable money and debt while one fact is being booked, and his accounts."""

    __slots__ = ("available", "available_minor", "debt", "debt_minor", "pending")

    def __init__(self, partner_id: int, balances: Balances) -> None:
        self.pending = Account(AccountKind.PENDING, partner_id)
        self.available = Account(AccountKind.AVAILABLE, partner_id)
        self.debt = Account(AccountKind.DEBT, partner_id)
        self.available_minor = balances.available_minor
        self.debt_minor = balances.debt_minor

    def accrue(self, amount_minor: int) -> tuple[Posting, ...]:
        """More is owed to the partner, pending."""
        return (Posting(EXPENSE, self.pending, amount_minor),)

    def claw_back(self, amount_minor: int, pending_minor: int) -> tuple[Posting, ...]:
        """Take back, first from this commission's own pending part."""
        postings = []
        from_pending = min(amount_minor, pending_minor)
        if from_pending:
            postings.append(Posting(self.pending, EXPENSE, from_pending))
        rest = amount_minor - from_pending
        from_available = min(rest, self.available_minor)
        if from_available:
            self.available_minor -= from_available
            postings.append(Posting(self.available, EXPENSE, from_available))
        rest -= from_available
        if rest:
            self.debt_minor += rest
            postings.append(Posting(self.debt, EXPENSE, rest))
        return tuple(postings)

    def release(self, amount_minor: int) -> list[Posting]:
        """Pending becomes available; debt is repaid first."""
        postings = []
        repaid = min(amount_minor, self.debt_minor)
        if repaid:
            self.debt_minor -= repaid
            postings.append(Posting(self.pending, self.debt, repaid))
        if amount_minor > repaid:
            self.available_minor += amount_minor - repaid
            postings.append(Posting(self.pending, self.available, amount_minor - repaid))
        return postings


def release_moment(state: OrderState, hold: HoldTerms) -> datetime | None:
    """When an order's pending commissions become available; None: not before another fact."""
    after = state.paid_at if hold.release_on == "paid" else state.fulfilled_at
    return None if after is None else after + timedelta(days=hold.days)


def release(state: State, order_id: int, now: datetime) -> Effects:
    """Make an order's pending commissions available, if their moment has come; else nothing."""
    record = state.orders.get(order_id)
    if record is None or record.release_at is None or record.release_at > now:
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
        commissions[key] = CommissionRecord(commission.base_minor, commission.amount_minor, 0)
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
            if account.partner_id is None:
                continue
            balances = state.partners[account.partner_id].balances
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
                case AccountKind.EXPENSE | AccountKind.PAID:
                    pass
