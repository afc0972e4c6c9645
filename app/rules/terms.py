"""The terms of a program as typed data: every rule that it pays by, in one immutable document (rules.md §3).

`terms_document.parse_terms` makes `Terms` of a document; the defaults, the checks and the refusals live there.
These classes hold only what this release acts on. A document that asks for more is refused with the path of the
key, so nothing that a merchant wrote is silently left out of a calculation.
"""

from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from app.rules.terms_cashback import CashbackTerms


@dataclass(frozen=True, slots=True)
class AttributionTerms:
    """Who is credited (rules.md §4)."""

    model: str = "last_click"
    """A key of `attribution.MODELS`."""
    window_days: int = 30
    repeat_minutes: int = 30
    """Asked by tracking, when a click is written down."""
    precedence: tuple[str, ...] = ("manual", "promo_code", "click", "customer")
    linear_per: str = "partner"
    """partner | click."""
    self_referral: str = "refuse"
    """refuse | allow."""


@dataclass(frozen=True, slots=True)
class BaseTerms:
    """What rates apply to (rules.md §5); each switch says that the part is left out."""

    without_shipping: bool = True
    without_tax: bool = True
    without_discount: bool = True
    without_cashback_spent: bool = True


@dataclass(frozen=True, slots=True)
class LevelsPolicy:
    """How levels are reached and kept (rules.md §7)."""

    period: str = "quarter"
    """month | quarter | year | lifetime."""
    recalculate: str = "on_paid"
    """on_paid | daily."""
    keep: str = "next_period"
    """none | next_period."""


@dataclass(frozen=True, slots=True)
class Level:
    """One level; the document's order is that of rising thresholds."""

    code: str
    from_minor: int
    """Turnover of the period from which it is reached, inclusive."""
    rate_ppm: int
    name: dict[str, str] = field(default_factory=dict)
    """By language, `ru` and `en`; the code where a language is missing."""
    promo_codes_max: int = 1
    perks: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TiersTerms:
    """What parents earn (rules.md §8)."""

    rates_ppm: tuple[int, ...] = ()
    inactive_parent: str = "stop"
    """stop | skip."""
    limit_days: int = -1
    """Days after the selling partner joined, inclusive; -1: for ever."""


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
    cashback: CashbackTerms | None = None
    """None: customers get none."""
    document: dict[str, Any] = field(default_factory=dict, compare=False)

    @property
    def tier_per_child(self) -> bool:
        """Whether a parent's tier is rounded for each child by itself (`commission.py` says when and why)."""
        return self.attribution.model == "linear" and self.attribution.linear_per == "click"

    def level(self, code: str) -> Level:
        """The level of this code; the first one for a code that these terms do not have."""
        for level in self.levels:
            if level.code == code:
                return level
        return self.levels[0]
