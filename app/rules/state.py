"""The state that facts are folded over: terms, partners, chains, and what is recorded of the orders.

`judge` reads it and changes nothing; `apply` lays effects on it. Live work loads the part that a batch of orders
touches, replay and simulation hold all of it. What a caller must load for a batch:

- every terms version that may be in force at a `paid_at` of the batch;
- the partners credited in earlier judgements, of the chains, codes and names of the batch, and all their parents;
- for each of those partners the turnover by local month, of the level periods that the batch's facts and his
  `level_at` lie in and of the periods before those (of all months for `lifetime`): `opening` is the sum of the entries before a moment not
  later than the local midnight of the batch's earliest fact, and the entries from that moment on one by one;
- where plans have thresholds or partners a cap (`asks_for_sales`): their sales by local month of `paid_at`, of the
  periods that the batch's facts lie in (of all months for `lifetime`), opening and entries likewise;
- where levels count orders: the numbers of orders of the level periods that the batch's facts lie in and of those
  before; where they count customers, the same of customers, and all orders of the batch's customers with the partner
  and of those customers who began or ceased to count from the batch's earliest moment on (`counting.py`);
- where plans ask for first or repeat orders (`asks_for_buyers`): of each customer of the batch his orders in the
  batch, the earliest one outside it of which something is left, and those gone after the batch's earliest `paid_at`;
- the rates of the currencies and days of the batch's orders;
- the clicks of the visitors of the batch's orders, of their clicks, and of their customers' registered visitors;
- where terms bind customers, the earliest orders of the batch's customers that had a partner;
- the recorded orders themselves.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypeAlias

from app.rules.judgement import Judgement, Verdict
from app.rules.terms import Terms


@dataclass(frozen=True, slots=True)
class TermsVersion:
    """One published document; it holds for `paid_at` from `from_at` on, until the next version's."""

    number: int
    from_at: datetime
    terms: Terms


@dataclass(frozen=True, slots=True)
class Click:
    """One click as tracking wrote it down; `reason` says why it was not counted."""

    click_id: str
    number: int
    """Rises with time; settles clicks of one moment."""
    at: datetime
    partner_id: int
    counted: bool = True
    reason: Verdict = Verdict.COUNTED
    link_id: int | None = None


@dataclass(frozen=True, slots=True)
class PromoCode:
    """A partner's code; both ends inclusive of the start and exclusive of the end, None: open."""

    code: str
    partner_id: int
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    """What registration of a buyer told: his visitors, and clicks that join the chain."""

    visitors: tuple[str, ...] = ()
    clicks: tuple[Click, ...] = ()
    """A promo code given at registration is a click on its owner's first link (rules.md §16)."""
    keys: frozenset[str] = frozenset()
    """Of the e-mail and phone that the shop has told of him at any time, for self-referrals."""


class Seller(NamedTuple):
    """A marketplace's seller: who brought him, and since when the shop knows him."""

    partner_id: int | None
    registered_at: datetime


class CustomerOrder(NamedTuple):
    """An order of a known customer that had a partner: later ones may be bound to it (rules.md §16)."""

    order_id: int
    placed_at: datetime
    credits: tuple[tuple[int, int], ...]
    """(partner_id, weight), as they were divided."""


@dataclass(frozen=True, slots=True)
class Activity:
    """From `from_at` on the partner is active or not, until the next one. No activity at all: always active."""

    from_at: datetime
    active: bool


@dataclass(frozen=True, slots=True)
class ParentSince:
    """From `from_at` on this is the partner's parent; None: he is a root."""

    from_at: datetime | None
    """None: from the beginning."""
    parent_id: int | None


@dataclass(frozen=True, slots=True)
class OwnRates:
    """The rates set for the partner by hand from `from_at` on; None in a channel: no own rate there."""

    from_at: datetime | None
    external_ppm: int | None
    direct_ppm: int | None
    plan: str = ""
    """The fixed plan's code; empty: none."""


@dataclass(frozen=True, slots=True)
class LevelSetting:
    """A level given by hand. Pinned: until `until` or the next setting. Else: until the next recalculation."""

    at: datetime | None
    """None: from the beginning."""
    level: str
    """Empty: a pin is taken off and the turnover decides again."""
    pinned: bool = False
    until: datetime | None = None


@dataclass(slots=True)
class MonthTurnover:
    """A partner's credited base of one local month: what was there before, then entry by entry."""

    opening_minor: int = 0
    opening_at: datetime | None = None
    """The latest entry inside `opening_minor`."""
    moments: list[datetime] = field(default_factory=list)
    """Rising."""
    totals: list[int] = field(default_factory=list)
    """The month's turnover after the entry of the same index."""

    @property
    def total_minor(self) -> int:
        """All entries known."""
        return self.totals[-1] if self.totals else self.opening_minor

    def before(self, moment: datetime) -> int:
        """Entries strictly earlier than `moment`; not to be asked before the opening's last entry."""
        index = bisect_left(self.moments, moment)
        return self.totals[index - 1] if index else self.opening_minor

    def until(self, moment: datetime) -> int:
        """Entries not later than `moment`."""
        index = bisect_right(self.moments, moment)
        return self.totals[index - 1] if index else self.opening_minor

    def latest(self, moment: datetime) -> datetime | None:
        """The latest entry's moment not later than `moment`."""
        index = bisect_right(self.moments, moment)
        return self.moments[index - 1] if index else self.opening_at

    def add(self, at: datetime, delta_minor: int) -> None:
        """Take one more entry in, at its place in time."""
        index = bisect_right(self.moments, at)
        previous = self.totals[index - 1] if index else self.opening_minor
        self.moments.insert(index, at)
        self.totals.insert(index, previous + delta_minor)
        for later in range(index + 1, len(self.totals)):
            self.totals[later] += delta_minor


@dataclass(slots=True)
class MonthSales:
    """A partner's credited orders paid in one local month, each net of its refunds, whenever those came."""

    base: MonthTurnover = field(default_factory=MonthTurnover)
    pieces: MonthTurnover = field(default_factory=MonthTurnover)
    """In millionths of a piece."""
    earned_minor: int = 0
    """Their direct commissions, as they stand."""
    orders: MonthTurnover = field(default_factory=MonthTurnover)
    """How many of them something is left of."""


class CountedOrder(NamedTuple):
    """A partner's order as his customers are counted (`counting.py`)."""

    customer: str
    """Empty: not known."""
    month: int
    """Of its `paid_at`."""
    points: tuple[tuple[datetime, int], ...]
    """When it began (1) and ceased (-1) to count."""


class Purchase(NamedTuple):
    """A paid order of a customer, with or without partner."""

    paid_at: datetime
    gone_at: datetime | None
    """When nothing was left of it; None: something is."""


class CurrencyRate(NamedTuple):
    """What one whole unit of a foreign currency is worth in the program's, exactly: `90.1234`."""

    rate: str
    source: str = ""


@dataclass(slots=True)
class Balances:
    """A partner's money as the ledger's accounts say it; never negative."""

    pending_minor: int = 0
    available_minor: int = 0
    reserved_minor: int = 0
    debt_minor: int = 0


@dataclass(slots=True)
class PartnerState:
    """A partner with the histories that judging asks about. Histories are in order of time, latest last."""

    partner_id: int
    code: str
    joined_at: datetime | None = None
    """None: before everything."""
    activities: tuple[Activity, ...] = ()
    parents: tuple[ParentSince, ...] = ()
    own_rates: tuple[OwnRates, ...] = ()
    level_settings: tuple[LevelSetting, ...] = ()
    keys: frozenset[str] = frozenset()
    """Of his e-mails, phones, payment accounts and users (`contacts.py`), for self-referrals."""
    months: dict[int, MonthTurnover] = field(default_factory=dict)
    """By `periods.month_index` of the program's zone."""
    sales: dict[int, MonthSales] = field(default_factory=dict)
    """By the local month of the orders' `paid_at`."""
    customers: dict[tuple[str, int | None], MonthTurnover] = field(default_factory=dict)
    """How many customers count, by the length and first month of a level period."""
    counted: dict[int, CountedOrder] = field(default_factory=dict)
    """His orders of the customers who are looked at."""
    orders_of: dict[str, set[int]] = field(default_factory=dict)
    """Those orders by customer."""
    level: str = ""
    """As last recorded; empty: the first one."""
    level_at: datetime | None = None
    """When the level was last looked at or changed."""
    balances: Balances = field(default_factory=Balances)

    def is_active(self, moment: datetime) -> bool:
        """Whether the partner had joined and was active at `moment`."""
        if self.joined_at is not None and moment < self.joined_at:
            return False
        if not self.activities:
            return True
        active = True
        for activity in self.activities:
            if activity.from_at > moment:
                break
            active = activity.active
        return active

    def parent_id(self, moment: datetime) -> int | None:
        """The parent at `moment`."""
        parent = None
        for since in self.parents:
            if since.from_at is not None and since.from_at > moment:
                break
            parent = since.parent_id
        return parent

    def rates_in_force(self, moment: datetime) -> OwnRates | None:
        """The own rates set for `moment`, if any were."""
        rates = None
        for setting in self.own_rates:
            if setting.from_at is not None and setting.from_at > moment:
                break
            rates = setting
        return rates


CommissionKey: TypeAlias = tuple[int, str, int]
"""(partner_id, kind, tier): one commission of an order; tier 0 for `direct`."""


class CommissionRecord(NamedTuple):
    """One commission as it is booked. `pending_minor` is the part that is not yet claimable."""

    base_minor: int
    amount_minor: int
    pending_minor: int
    quantity_micro: int = 0
    """`direct`: the partner's share of the pieces that are left, in millionths."""
    orders: int = 0
    """`direct`: 1 while anything is left of the order, so that it counts as one."""


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """What is recorded of one judged order. `base_minor` and commissions are those after its last fact."""

    judgement: Judgement
    commissions: dict[CommissionKey, CommissionRecord]
    release_at: datetime | None
    """When pending becomes available; None: not before another fact."""


@dataclass(slots=True)
class State:
    """Everything that judging reads; see the top of this file for what to load."""

    terms: list[TermsVersion] = field(default_factory=list)
    """In order of `from_at`; of equal moments the later version holds."""
    partners: dict[int, PartnerState] = field(default_factory=dict)
    clicks: dict[str, list[Click]] = field(default_factory=dict)
    """By visitor, in order of (at, number)."""
    click_visitors: dict[str, str] = field(default_factory=dict)
    """The visitor of each click that an order names."""
    customers: dict[str, Customer] = field(default_factory=dict)
    customer_orders: dict[str, dict[int, CustomerOrder]] = field(default_factory=dict)
    """Judged orders that had a partner, by customer and order: the earliest, where terms bind customers at all."""
    customer_of: dict[int, str] = field(default_factory=dict)
    """The customer under whom an order stands in `customer_orders`."""
    promo_codes: dict[str, PromoCode] = field(default_factory=dict)
    """By casefolded code."""
    orders: dict[int, OrderRecord] = field(default_factory=dict)
    purchases: dict[str, dict[int, Purchase]] = field(default_factory=dict)
    """By customer and order."""
    currency_rates: dict[tuple[str, str], CurrencyRate] = field(default_factory=dict)
    """By currency and day of the program's zone, `2026-03-10`."""
    calculating: dict[int, int] = field(default_factory=dict)
    """While a periodic run calculates: what each of its partners reached in the deciding period (rules.md §11)."""
    quiet: bool = False
    """While history is folded again: nobody is told of anything, so changes of levels and notices are not made."""
    given: Judgement | None = None
    """While history is folded again: what was decided about the order then, whose inputs are taken as they were."""
    sellers: dict[str, Seller] = field(default_factory=dict)
    """By the shop's id."""
    counts_customers: bool = True
    """Whether the partners' customers are kept count of; not where no terms of a batch ask."""
    held: set[int] = field(default_factory=set)
    """Orders with an open flag: what they earn stays pending until staff decide (rules.md §9)."""

    def bind(self, order_id: int, bound: tuple[str, CustomerOrder] | None) -> None:
        """Remember whose order it is and who is credited for it; None: nobody knows, or nobody is."""
        before = self.customer_of.pop(order_id, None)
        if before is not None:
            del self.customer_orders[before][order_id]
        if bound is not None:
            customer_id, order = bound
            self.customer_orders.setdefault(customer_id, {})[order_id] = order
            self.customer_of[order_id] = customer_id

    def version_at(self, moment: datetime) -> TermsVersion | None:
        """The terms in force at `moment`; None before the first version."""
        for version in reversed(self.terms):
            if version.from_at <= moment:
                return version
        return None

    def version(self, number: int) -> TermsVersion:
        """The version by its number; it must have been loaded."""
        for version in self.terms:
            if version.number == number:
                return version
        raise LookupError(f"terms version {number} is not in the state")
