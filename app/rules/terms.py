"""The terms of a program as typed data: every rule that it pays by, in one immutable document (rules.md §3).

`terms_document.parse_terms` makes `Terms` of a document; the defaults, the checks and the refusals live there.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from app.rules.terms_cashback import CashbackTerms


@dataclass(frozen=True, slots=True)
class AttributionTerms:
    """Who is credited (rules.md §4)."""

    model: str = "last_click"
    """A key of `models.MODELS`."""
    window_days: int = 30
    repeat_minutes: int = 30
    """Asked by tracking, when a click is written down."""
    precedence: tuple[str, ...] = ("manual", "promo_code", "click", "customer")
    linear_per: str = "partner"
    """partner | click."""
    self_referral: str = "refuse"
    """refuse | hold | allow."""
    bind_customer_days: int = 0
    """0: never; -1: for ever; n: so many days from the customer's first attributed order, inclusive."""
    position_first_ppm: int = 400_000
    position_last_ppm: int = 400_000
    """`position`: the middle clicks share the rest."""
    half_life_days: int = 7
    """`time_decay`."""


@dataclass(frozen=True, slots=True)
class BaseTerms:
    """What rates apply to (rules.md §5); each switch says that the part is left out."""

    without_shipping: bool = True
    without_tax: bool = True
    without_discount: bool = True
    without_cashback_spent: bool = True
    of: str = "order"
    """order | platform_commission."""


@dataclass(frozen=True, slots=True)
class LevelsPolicy:
    """How levels are reached and kept (rules.md §7)."""

    period: str = "quarter"
    """month | quarter | year | lifetime."""
    recalculate: str = "on_paid"
    """on_paid | daily."""
    keep: str = "next_period"
    """none | next_period."""
    count: str = "base"
    """base | orders | customers: what a level's threshold is in."""


@dataclass(frozen=True, slots=True)
class Level:
    """One level; the document's order is that of rising thresholds."""

    code: str
    from_minor: int
    """Turnover of the period from which it is reached, inclusive; a number where orders or customers count."""
    rate_ppm: int
    name: dict[str, str] = field(default_factory=dict)
    """By language, `ru` and `en`; the code where a language is missing."""
    promo_codes_max: int = 1
    perks: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlanChoice:
    """How one of several plans is chosen (rules.md §6)."""

    measure: str = "amount"
    """amount | quantity: what thresholds are in."""
    period: str = "month"
    """order | month | quarter | lifetime: what they are counted over."""
    prefer: str = "highest_threshold"
    """highest_threshold | least_reward."""
    none_fits: str = "level"
    """level | deactivate."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One rate rule with its conditions; empty conditions fit everything."""

    code: str
    active: bool = True
    threshold: int = 0
    """In minor units or pieces, by `PlanChoice.measure`; inclusive."""
    rate_ppm: int | None = None
    """None: a fixed sum."""
    fixed_minor: int | None = None
    """None: a rate."""
    per: str = ""
    """order | item | line of a fixed sum; empty: a rate."""
    products: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    customer: str = "any"
    """any | first | repeat."""
    channel: str = "any"
    """any | external | direct."""
    levels: frozenset[str] = frozenset()
    partners: frozenset[str] = frozenset()
    """Casefolded codes."""
    sites: frozenset[str] = frozenset()
    """Casefolded hosts."""
    valid_from: date | None = None
    valid_to: date | None = None
    """Days of the program's zone, both inclusive."""


@dataclass(frozen=True, slots=True)
class TiersTerms:
    """What parents earn (rules.md §8)."""

    rates_ppm: tuple[int, ...] = ()
    inactive_parent: str = "stop"
    """stop | skip."""
    limit_days: int = -1
    """Days after the selling partner joined, inclusive; -1: for ever."""
    of: str = "earnings"
    """earnings | base | platform_commission."""


@dataclass(frozen=True, slots=True)
class SellersTerms:
    """What the partners who bring sellers to a marketplace earn of the platform commission (rules.md §8)."""

    placement_rate_ppm: int = 200_000
    sale_rate_ppm: int = 100_000
    parent_rate_ppm: int = 50_000
    unlimited_before: date = date(2025, 4, 7)
    """Sellers registered before this day of the program's zone: for ever."""
    limit_years: int = 1
    """Others: until the same day so many years later, exclusive."""


@dataclass(frozen=True, slots=True)
class BonusTerms:
    """A fixed reward for what a partner has reached (rules.md §3, §16 "Bonuses")."""

    code: str
    reward_minor: int
    count: str = "customers"
    """customers | orders | base."""
    reach: int = 1
    every_period: bool = False
    """Once per level period; else once over all time."""


@dataclass(frozen=True, slots=True)
class VolumeBonusTerms:
    """A share of a level period's whole base, at its end."""

    rate_ppm: int
    level: str = ""
    """Held at the period's last moment; empty: any."""
    from_minor: int = 0


@dataclass(frozen=True, slots=True)
class CalculationTerms:
    """When and up to what commissions are computed (rules.md §11, §16 "Caps"); `Terms.round_per` is beside it."""

    mode: str = "per_order"
    """per_order | periodic."""
    order_cap_minor: int = 0
    """Of an order's direct commissions together; 0: none."""
    partner_period_cap_minor: int = 0
    """Of a partner's direct commissions within one level period; 0: none."""


@dataclass(frozen=True, slots=True)
class HoldTerms:
    """When pending becomes available (rules.md §9)."""

    release_on: str = "fulfilled"
    """paid | fulfilled."""
    days: int = 14


@dataclass(frozen=True, slots=True)
class PayoutTerms:
    """Limits of payout requests (rules.md §12)."""

    min_minor: int = 100_000
    methods: tuple[str, ...] = ("bank_account", "card", "e_wallet", "internal_account")
    second_person_from_minor: int = 0
    """0: one approval is enough."""
    settle: str = "merchant"
    """merchant: partners ask for payouts | deposit: what is released is paid from the merchant's deposit (§13)."""
    deposit_fee_ppm: int = 150_000
    """The portal's fee on what is paid from the deposit."""

    @property
    def by_deposit(self) -> bool:
        """Whether the merchant's deposit pays, and partners do not ask."""
        return self.settle == "deposit"


@dataclass(frozen=True, slots=True)
class PromoCodeTerms:
    """What partners' promo codes give and look like."""

    discount_ppm: int = 50_000
    length_min: int = 4


@dataclass(frozen=True, slots=True)
class Terms:
    """One complete, valid document. `document` is its canonical form, as stored, shown and compared."""

    currency: str
    zone: ZoneInfo
    attribution: AttributionTerms
    base: BaseTerms
    levels_policy: LevelsPolicy
    levels: tuple[Level, ...]
    tiers: TiersTerms
    round_per: str
    """order | line (rules.md §3 `calculation.round`)."""
    hold: HoldTerms
    payout: PayoutTerms
    promo_codes: PromoCodeTerms
    plan_choice: PlanChoice = field(default_factory=PlanChoice)
    plans: tuple[Plan, ...] = ()
    """In the document's order, inactive ones included."""
    sellers: SellersTerms | None = None
    """None: not a marketplace."""
    bonuses: tuple[BonusTerms, ...] = ()
    volume_bonuses: tuple[VolumeBonusTerms, ...] = ()
    calculation: CalculationTerms = field(default_factory=CalculationTerms)
    cashback: CashbackTerms | None = None
    """None: customers get none."""
    document: dict[str, Any] = field(default_factory=dict, compare=False)

    @property
    def per_click(self) -> bool:
        """Whether every click is paid for by itself: then splits and roundings differ (`commission.py` says how)."""
        return self.attribution.model == "linear" and self.attribution.linear_per == "click"

    @property
    def asks_for_platform(self) -> bool:
        """Whether anything but the base is of the platform commission."""
        return self.sellers is not None or (
            self.tiers.of == "platform_commission" and bool(self.tiers.rates_ppm)
        )

    def plan(self, code: str) -> Plan | None:
        """The plan of this code, active or not; None: these terms do not have it."""
        return next((plan for plan in self.plans if plan.code == code), None)

    def level(self, code: str) -> Level:
        """The level of this code; the first one for a code that these terms do not have."""
        for level in self.levels:
            if level.code == code:
                return level
        return self.levels[0]
