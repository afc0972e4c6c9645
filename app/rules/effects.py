"""What judging leads to, as frozen data that the service writes set by set and `apply` lays on the state.

What comes many times per order is a named tuple, which is made several times faster than a frozen dataclass.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from app.rules.facts import Cause
from app.rules.judgement import Judgement
from app.rules.state import CustomerOrder, OrderRecord, Purchase


class CommissionKind(StrEnum):
    """The kinds of rules.md §8 that orders give."""

    DIRECT = "direct"
    """The credited partner's own."""
    TIER = "tier"
    """A parent's, of the credited partner's sale."""
    SELLER = "seller"
    """A1: of the partner who brought the marketplace's seller."""
    SELLER_PARENT = "seller_parent"
    """A2: of that partner's parent, where A1 was due."""


class AccountKind(StrEnum):
    """The ledger's accounts. A partner's carry his id, a customer's the customer's, the program's own carry none."""

    EXPENSE = "expense"
    """The program's cost of commissions (debit)."""
    PENDING = "pending"
    """Owed to the partner, not yet claimable (credit)."""
    AVAILABLE = "available"
    """Claimable (credit)."""
    RESERVED = "reserved"
    """Inside a payout request (credit)."""
    DEBT = "debt"
    """Owed back by the partner (debit)."""
    PAID = "paid"
    """Paid out to the partner so far (credit)."""
    INTERNAL = "internal"
    """The partner's internal account in the shop: paid out to him there, his to spend (credit)."""
    DEPOSIT = "deposit"
    """What is left of the money that the merchant has put down for commissions (credit)."""
    MERCHANT = "merchant"
    """The merchant's side of the deposit: what he put down less what was paid for him (debit)."""
    FEE = "fee"
    """The portal's fee on what was paid from the deposit (credit)."""
    CASHBACK_EXPENSE = "cashback_expense"
    """The program's cost of cashback (debit)."""
    CASHBACK_PENDING = "cashback_pending"
    """Owed to the customer, not yet to be spent (credit)."""
    CASHBACK_AVAILABLE = "cashback_available"
    """The customer's to spend (credit)."""
    CASHBACK_RESERVED = "cashback_reserved"
    """Set aside for an order that is not paid yet (credit)."""
    CASHBACK_SPENT = "cashback_spent"
    """Spent by the customer so far (credit)."""
    CASHBACK_EXPIRED = "cashback_expired"
    """Lapsed unspent (credit)."""


class Account(NamedTuple):
    """One account of the ledger, by meaning."""

    kind: AccountKind
    owner_id: int | None = None
    """Our id of the partner or customer; None: the program's own."""


class Posting(NamedTuple):
    """One debit-credit row; the amount is above zero."""

    debit: Account
    credit: Account
    amount_minor: int


class CommissionChange(NamedTuple):
    """One commission's step by one fact, with the postings that book it.

    A parent's commission has one change per child (`from_partner`); his commission is their sum. Direct changes
    are there for every credited partner of the step, also when nothing changed in money: a 0 is stored, too.
    """

    order_id: int
    partner_id: int
    kind: CommissionKind
    tier: int
    """0 for `direct`."""
    from_partner: int | None
    """The credited partner whose sale this tier comes of; None for other kinds, and for a tier of several partners'
    shares of the base or of the platform commission, which is rounded over them."""
    at: datetime
    cause: Cause
    cause_ref: str
    rate_ppm: int | None
    """None: several rates, or fixed sums."""
    base_before_minor: int
    """`direct`: the partner's share of the base. `tier` of earnings: the child's direct commission."""
    base_after_minor: int
    amount_before_minor: int
    amount_after_minor: int
    postings: tuple[Posting, ...] = ()
    quantity_delta_micro: int = 0
    """`direct`: what the fact added to the partner's pieces, or took from them."""
    orders_delta: int = 0
    """`direct`: 1: the order begins to count as one; -1: it ceases to."""

    @property
    def base_delta_minor(self) -> int:
        """What the fact added to the base, or took from it."""
        return self.base_after_minor - self.base_before_minor

    @property
    def amount_delta_minor(self) -> int:
        """What the fact added to the commission, or took from it."""
        return self.amount_after_minor - self.amount_before_minor


class TurnoverEntry(NamedTuple):
    """A change of a partner's turnover; `at` decides the period it counts in."""

    partner_id: int
    at: datetime
    month: int
    """`periods.month_index` of `at` in the program's zone."""
    delta_minor: int


class SalesEntry(NamedTuple):
    """A change of what a partner has sold; it counts in the month in which the order was paid, whenever it came."""

    partner_id: int
    at: datetime
    month: int
    """`periods.month_index` of the order's `paid_at` in the program's zone."""
    paid_at: datetime
    base_minor: int
    quantity_micro: int
    earned_minor: int
    """Of the direct commission."""
    orders: int = 0
    """1: from now on the order counts as one; -1: nothing is left of it any more."""


class Deactivation(NamedTuple):
    """A partner whose order no plan fitted (rules.md §6 `none_fits`): from `at` on he is not active."""

    partner_id: int
    at: datetime
    order_id: int


@dataclass(frozen=True, slots=True)
class LevelChange:
    """A partner's level went from one to another. `reason`: `turnover`, `period` or `setting`."""

    partner_id: int
    at: datetime
    before: str
    after: str
    turnover_minor: int
    reason: str


class NoticeKind(StrEnum):
    """What a partner is told of."""

    COMMISSION_CREATED = "commission_created"
    COMMISSION_AVAILABLE = "commission_available"
    COMMISSION_PAID = "commission_paid"
    COMMISSION_CLAWED_BACK = "commission_clawed_back"
    LEVEL_CHANGED = "level_changed"
    DEACTIVATED = "deactivated"


class Notice(NamedTuple):
    """One thing to tell a partner."""

    kind: NoticeKind
    partner_id: int
    at: datetime
    order_id: int | None = None
    amount_minor: int = 0
    level: str = ""


class Waiting(StrEnum):
    """Why an order is not judged yet."""

    NOT_PAID = "not_paid"
    """Its payment is not known; nothing is wrong."""
    NO_TERMS = "no_terms"
    """No terms were in force at its `paid_at`."""
    OTHER_CURRENCY = "other_currency"
    """It is in another currency than the program's, and the rate of its day is not known."""
    NOT_JUDGED = "not_judged"
    """Judging it failed, or it was never tried."""


@dataclass(frozen=True, slots=True)
class Effects:
    """All that follows from one fact (or one recalculation, or one release)."""

    order_id: int | None = None
    waiting: Waiting | None = None
    judgement: Judgement | None = None
    """New decisions; None where the recorded ones hold."""
    record: OrderRecord | None = None
    """The order as it is recorded after this fact; None where nothing is recorded."""
    changes: tuple[CommissionChange, ...] = ()
    turnover: tuple[TurnoverEntry, ...] = ()
    sales: tuple[SalesEntry, ...] = ()
    purchase: Purchase | None = None
    """The order as a purchase of its customer; None: he or its payment is not known."""
    customer_id: str = ""
    """Whose purchase it is."""
    deactivated: tuple[Deactivation, ...] = ()
    levels: tuple[LevelChange, ...] = ()
    postings: tuple[Posting, ...] = ()
    """All of this effect in order: those of the changes, or of a release."""
    bound: tuple[str, CustomerOrder] | None = None
    """With a judgement: whose order it is and who is credited, for the customer's later orders."""
    notices: tuple[Notice, ...] = ()


NO_EFFECTS = Effects()
"""Nothing follows."""
