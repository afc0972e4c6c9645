"""What a payout may be, decided without the database: who may ask, how much is paid, which postings book it.

    requested → approved ─────────────→ paid        `sent`: in a batch whose file is with the bank. The amount is
        │  │        │ └─→ sent ─────────┘           fixed when the file is made; a batch that was not sent after all
        │  │        │      │ └─→ returned           is dissolved and its payouts are approved again.
        │  └─→ rejected ←──┘ (approved only)
        └─→ cancelled (by the partner)

**Paid is one-way** (rules.md §12): nothing leads out of `paid`, nor out of the other three ends. What the bank sends
back before a payout is marked paid makes it `returned`. What it sends back afterwards is a new fact: the payout stays
paid, a return is written beside it (`payout_returns`) and books the money back, with its reason.

A request reserves its money at once. While it waits, refunds may overtake it: a clawback takes what is available
and turns the rest into debt, but never touches reserved money (rules.md §10). So a payout is never paid above

    available + reserved − debt

where `reserved` is the money of *all* open requests of the partner that is still in our hands, this one included:
what is with the bank already has left. What is above the limit is cut from the payout being paid (or sent) and repays
the debt. Each payout is looked at when it is paid, in whatever order staff take them, and the balances are locked
then; together they can therefore never pay more than the partner is owed.

Worked: 150.00 are available; the partner asks for 100.00 (No. 1) and for 50.00 (No. 2), so available 0.00, reserved
150.00. Orders worth 80.00 of commission are refunded: debt 80.00.
- No. 1 is paid first: at most 0.00 + 150.00 − 80.00 = 70.00, so 30.00 of its 100.00 are cut and repay debt.
  Now reserved 50.00, debt 50.00.
- No. 2: at most 0.00 + 50.00 − 50.00 = 0.00. It is closed with 0.00 paid, its 50.00 repay the debt.
  Paid 70.00 = 150.00 − 80.00. Taken in the other order: No. 2 pays its whole 50.00 (limit 70.00), No. 1 then pays
  20.00 and its 80.00 repay the debt. Again 70.00 in all.
Were the debt 30.00, No. 1 would be paid whole (limit 120.00) and No. 2 would be cut to 20.00.
Were No. 1 with the bank when the orders were refunded, it would be paid whole, whatever was taken back since: the bank
has been told. No. 2: at most 0.00 + (150.00 − 100.00) − 80.00, so it is closed with 0.00 and a debt of 30.00 stays.

The cut is never above the debt: amount ≤ reserved − sent, so amount − (available + reserved − sent − debt) ≤ debt.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from app.ledger.queries import PartnerBalances
from app.rules.effects import Account, AccountKind, Posting
from app.rules.terms import PayoutTerms

COOLING = timedelta(hours=72)
"""How old payout details must be: who steals a sign-in cannot send money elsewhere before the partner has noticed."""

MAY_ASK = frozenset({"active"})
"""Partner states that may ask; a paused partner turns to the manager, as for everything that he may not do himself."""


class PayoutState(StrEnum):
    """Where a payout is; the last four are ends, which the database refuses to leave."""

    REQUESTED = "requested"
    """Its money is reserved; the accountant has not looked at it."""
    APPROVED = "approved"
    """The accountant agreed; from the terms' limit on a second person has to agree, too."""
    SENT = "sent"
    """In a batch whose file is with the bank; its amount is fixed."""
    PAID = "paid"
    """Sent, for good."""
    REJECTED = "rejected"
    """Refused by staff: its money is available again; the reason is kept."""
    RETURNED = "returned"
    """The bank did not carry it out: its money is available again; the reason is kept."""
    CANCELLED = "cancelled"
    """The partner took his request back before anybody had agreed to it."""


class Approval(StrEnum):
    """What an approval came to."""

    FIRST = "first"
    """The request is approved; above the limit a second person has to agree."""
    SECOND = "second"
    """The second person agreed."""
    PAID = "paid"
    """Nobody has to send anything: it is paid."""


OPEN = (PayoutState.REQUESTED, PayoutState.APPROVED, PayoutState.SENT)
"""Their money is reserved."""

SIGNS_ACTS = frozenset({"company", "sole_trader"})
"""Kinds of partners who invoice: their act must be signed before the money is sent (rules.md §12)."""


class Obstacle(StrEnum):
    """Why a partner cannot ask for a payout now."""

    PARTNER_STATE = "partner_state"
    """He is not (or no longer) a partner of the program."""
    BY_DEPOSIT = "by_deposit"
    """The terms pay from the merchant's deposit; nobody asks (rules.md §13)."""
    DEBT = "debt"
    """He owes money back; what is released repays it first."""
    DETAILS_MISSING = "details_missing"
    """Nobody knows where to send the money."""
    METHOD_OFF = "method_off"
    """The terms no longer allow the method of his details."""
    DETAILS_UNVERIFIED = "details_unverified"
    """Staff have not proved his details yet."""
    DETAILS_COOLING = "details_cooling"
    """His details are newer than 72 hours."""
    RECEIPT_OVERDUE = "receipt_overdue"
    """He is self-employed, and the receipt of a payout is missing after its last day."""
    BELOW_MINIMUM = "below_minimum"
    """Less is available than the smallest payout."""


@dataclass(frozen=True, slots=True)
class Details:
    """Where a partner's money goes now, as far as it may be shown."""

    id: int
    method: str
    masked: str
    created_at: datetime
    verified_at: datetime | None

    @property
    def usable_from(self) -> datetime:
        """When the 72 hours are over."""
        return self.created_at + COOLING


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a partner may ask for a payout at a moment, and for how much."""

    obstacles: tuple[Obstacle, ...]
    """Empty: he may. The most important first."""
    min_minor: int
    max_minor: int
    """What is available."""
    missing_minor: int
    """How much is missing to the smallest payout; 0: nothing."""
    details: Details | None
    cooling_until: datetime | None
    """Set with DETAILS_COOLING."""

    def with_overdue_receipt(self, due: date | None) -> "Readiness":
        """The same with a receipt that was due on a day; None: none is overdue (`receipts.py`)."""
        if due is None:
            return self
        return replace(self, obstacles=(*self.obstacles, Obstacle.RECEIPT_OVERDUE))


def readiness(
    partner_state: str, balances: PartnerBalances, details: Details | None, terms: PayoutTerms, now: datetime
) -> Readiness:
    """Everything that stands in the way of a request (rules.md §12). Pages and the service ask this one function."""
    found: list[Obstacle] = []
    if partner_state not in MAY_ASK:
        found.append(Obstacle.PARTNER_STATE)
    if terms.by_deposit:
        found.append(Obstacle.BY_DEPOSIT)
    if balances.debt_minor:
        found.append(Obstacle.DEBT)
    cooling_until = None
    if details is None:
        found.append(Obstacle.DETAILS_MISSING)
    else:
        if details.method not in terms.methods:
            found.append(Obstacle.METHOD_OFF)
        if details.verified_at is None:
            found.append(Obstacle.DETAILS_UNVERIFIED)
        if now < details.usable_from:
            found.append(Obstacle.DETAILS_COOLING)
            cooling_until = details.usable_from
    least = max(terms.min_minor, 1)
    missing = max(0, least - balances.available_minor)
    if missing:
        found.append(Obstacle.BELOW_MINIMUM)
    return Readiness(tuple(found), least, balances.available_minor, missing, details, cooling_until)


def payable_minor(amount_minor: int, balances: PartnerBalances, sent_minor: int = 0) -> int:
    """How much of a payout of `amount_minor`, which is not with the bank yet, may be paid now.

    `balances` still hold its reserved money; `sent_minor` of what is reserved is with the bank.
    """
    in_hand = balances.reserved_minor - sent_minor
    assert 0 <= amount_minor <= in_hand, "an open payout's money is reserved"
    limit = balances.available_minor + in_hand - balances.debt_minor
    return min(amount_minor, max(0, limit))


def second_person_missing(requested_minor: int, limit_minor: int, second_approved_by_id: int | None) -> bool:
    """Whether a second person still has to agree (`approval_second_person_from_minor`; 0: nobody has to)."""
    return bool(limit_minor) and requested_minor >= limit_minor and second_approved_by_id is None


def request_postings(partner_id: int, amount_minor: int) -> tuple[Posting, ...]:
    """Reserve the amount."""
    return _posted(partner_id, [(AccountKind.AVAILABLE, AccountKind.RESERVED, amount_minor)])


def cut_postings(partner_id: int, cut_minor: int) -> tuple[Posting, ...]:
    """A payout goes to the bank: `cut_minor` of its reserved money repays debt."""
    return _posted(partner_id, [(AccountKind.RESERVED, AccountKind.DEBT, cut_minor)])


def paid_postings(
    partner_id: int, amount_minor: int, cut_minor: int, to: AccountKind = AccountKind.PAID
) -> tuple[Posting, ...]:
    """`amount_minor` was sent (or credited to the internal account), `cut_minor` of the reserved money repays debt."""
    return _posted(
        partner_id,
        [
            (AccountKind.RESERVED, AccountKind.DEBT, cut_minor),
            (AccountKind.RESERVED, to, amount_minor),
        ],
    )


def released_postings(
    partner_id: int,
    amount_minor: int,
    balances: PartnerBalances,
    source: AccountKind = AccountKind.RESERVED,
) -> tuple[Posting, ...]:
    """Rejected, returned or cancelled: the money comes back; debt is repaid first, the rest is available."""
    repaid = min(amount_minor, balances.debt_minor)
    return _posted(
        partner_id,
        [
            (source, AccountKind.DEBT, repaid),
            (source, AccountKind.AVAILABLE, amount_minor - repaid),
        ],
    )


def _posted(partner_id: int, moves: list[tuple[AccountKind, AccountKind, int]]) -> tuple[Posting, ...]:
    return tuple(
        Posting(Account(debit, partner_id), Account(credit, partner_id), amount)
        for debit, credit, amount in moves
        if amount
    )
