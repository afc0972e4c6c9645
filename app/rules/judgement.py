"""What was decided about an order when it was judged, as frozen data that is stored beside the order.

An order is judged once: who is credited, at which rate, and which parents take part. Later facts (refunds, a
cancellation, a corrected state) only compute again what is left of the order with these same decisions, so a
judgement is all that has to be kept to take back, replay and explain (rules.md §10, §15).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple


class Source(StrEnum):
    """Which source of `attribution.precedence` yielded the credited partners."""

    MANUAL = "manual"
    PROMO_CODE = "promo_code"
    CLICK = "click"
    CUSTOMER = "customer"
    NONE = "none"
    """No source yielded anybody: the order earns nothing for anyone."""


class Verdict(StrEnum):
    """Why something considered for the credit did or did not count."""

    COUNTED = "counted"
    """It was taken into the model."""
    OUTSIDE_WINDOW = "outside_window"
    """The click is older than the window."""
    BOT = "bot"
    PREFETCH = "prefetch"
    REPEAT = "repeat"
    """Less than `repeat_minutes` after the last counted click of the visitor on the link."""
    NOT_COUNTED = "not_counted"
    """Not counted at the click, for another reason kept with the click."""
    PARTNER_INACTIVE_AT_CLICK = "partner_inactive_at_click"
    PARTNER_INACTIVE_AT_ORDER = "partner_inactive_at_order"
    SELF_REFERRAL = "self_referral"
    """The buyer is the partner."""
    UNKNOWN_CODE = "unknown_code"
    """No partner's promo code; it changes nothing."""
    CODE_NOT_VALID = "code_not_valid"
    """The promo code was not valid when the order was placed."""
    UNKNOWN_PARTNER = "unknown_partner"


class RateRule(StrEnum):
    """Which rule of rules.md §6 gave a share its rate."""

    OWN_RATE = "own_rate"
    LEVEL = "level"
    NONE = "none"


class Considered(NamedTuple):
    """One click, promo code or named partner that was looked at, with the verdict."""

    source: Source
    verdict: Verdict
    partner_id: int | None
    ref: str
    """The click's id, or the promo code."""
    at: datetime | None = None


class TierShare(NamedTuple):
    """A parent who earns from a credited partner's sale: `tier` 1 is the seller's parent."""

    tier: int
    partner_id: int
    rate_ppm: int


class PassedRule(NamedTuple):
    """A rate rule that was tried before the winner, with the reason why it did not apply."""

    rule: RateRule
    reason: str


class Share(NamedTuple):
    """One credited partner: his weight among the credits, his rate, and who above him earns."""

    partner_id: int
    weight: int
    """Credits are weight / sum of weights, ordered by first click."""
    rate_ppm: int
    """Millionths: 70000 is 7 %."""
    rule: RateRule
    level: str
    """The level in force at `paid_at`."""
    passed: tuple[PassedRule, ...] = ()
    tiers: tuple[TierShare, ...] = ()
    tiers_stopped: str = ""
    """Why nobody further above earns: `inactive`, `limit_days`, or empty."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """All decisions about one order, with the inputs that they were made from."""

    terms_number: int
    inputs: str
    """Of the order's fields that attribution reads; while they stay the same, so do the credits."""
    paid_at: datetime
    source: Source
    model: str
    window_days: int
    shares: tuple[Share, ...]
    considered: tuple[Considered, ...]
    line_bases: tuple[int, ...] = ()
    """Base of each line before refunds, the last one shipping where it belongs to the base."""
    former: tuple[Share, ...] = ()
    """Partners whom an earlier decision credited: one who comes back keeps what was decided for him."""

    def to_json(self) -> dict[str, Any]:
        """A plain document for one JSON column; `from_json` reads it back exactly."""
        document: dict[str, Any] = {
            "terms": self.terms_number,
            "inputs": self.inputs,
            "paid_at": self.paid_at.isoformat(),
            "source": self.source.value,
            "model": self.model,
            "window_days": self.window_days,
            "shares": [_share_to_json(share) for share in self.shares],
            "considered": [_considered_to_json(item) for item in self.considered],
            "line_bases": list(self.line_bases),
        }
        if self.former:
            document["former"] = [_share_to_json(share) for share in self.former]
        return document

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Judgement":
        """The judgement that `to_json` wrote."""
        return cls(
            terms_number=document["terms"],
            inputs=document["inputs"],
            paid_at=datetime.fromisoformat(document["paid_at"]),
            source=Source(document["source"]),
            model=document["model"],
            window_days=document["window_days"],
            shares=tuple(_share_from_json(item) for item in document["shares"]),
            considered=tuple(_considered_from_json(item) for item in document["considered"]),
            line_bases=tuple(document["line_bases"]),
            former=tuple(_share_from_json(item) for item in document.get("former", ())),
        )


def _share_to_json(share: Share) -> dict[str, Any]:
    return {
        "partner": share.partner_id,
        "weight": share.weight,
        "rate": share.rate_ppm,
        "rule": share.rule.value,
        "level": share.level,
        "passed": [[passed.rule.value, passed.reason] for passed in share.passed],
        "tiers": [[tier.tier, tier.partner_id, tier.rate_ppm] for tier in share.tiers],
        "stopped": share.tiers_stopped,
    }


def _share_from_json(item: dict[str, Any]) -> Share:
    return Share(
        partner_id=item["partner"],
        weight=item["weight"],
        rate_ppm=item["rate"],
        rule=RateRule(item["rule"]),
        level=item["level"],
        passed=tuple(PassedRule(RateRule(rule), reason) for rule, reason in item["passed"]),
        tiers=tuple(TierShare(*values) for values in item["tiers"]),
        tiers_stopped=item["stopped"],
    )


def _considered_to_json(item: Considered) -> list[Any]:
    at = item.at.isoformat() if item.at is not None else None
    return [item.source.value, item.verdict.value, item.partner_id, item.ref, at]


def _considered_from_json(values: list[Any]) -> Considered:
    source, verdict, partner_id, ref, at = values
    return Considered(
        source=Source(source),
        verdict=Verdict(verdict),
        partner_id=partner_id,
        ref=ref,
        at=datetime.fromisoformat(at) if at is not None else None,
    )
