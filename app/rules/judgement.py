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
    NOBODY = "nobody"
    """Staff decided that nobody is to be credited."""
    BINDING_OVER = "binding_over"
    """The customer was bound to the partner, but not for so long."""


class RateRule(StrEnum):
    """Which rule of rules.md §6 gave a share its rate."""

    OWN_RATE = "own_rate"
    FIXED_PLAN = "fixed_plan"
    """The plan that staff fixed for the partner."""
    PLAN = "plan"
    LEVEL = "level"
    NONE = "none"
    WAITING = "waiting"
    """No rule yet: the share waits for a periodic calculation (rules.md §11)."""


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
    plan: str = ""
    """The plan's code, where the rule is a plan."""


class LineRate(NamedTuple):
    """What one line earns and why, where an order's lines earn differently (rules.md §6)."""

    rule: RateRule
    rate_ppm: int
    """0 where a fixed sum is paid."""
    plan: str = ""
    """The plan's code; empty: no plan gave it."""
    fixed_minor: int = 0
    per: str = ""
    """order | item | line of the fixed sum; empty: a rate."""
    passed: tuple[PassedRule, ...] = ()


class Buyer(NamedTuple):
    """The customer as the plans saw him: whether this was his first order (rules.md §16 "Rates")."""

    customer_id: str
    first: bool


class Conversion(NamedTuple):
    """How an order of another currency was brought into the program's (rules.md §5); kept for its refunds."""

    currency: str
    """The order's."""
    day: str
    """Of `paid_at` in the program's zone, `2026-03-10`."""
    rate: str
    """The program's currency for one whole unit, exact: `90.1234`."""
    source: str = ""
    """Where the rate came from."""


class SellerShare(NamedTuple):
    """One who earns because of the order's seller."""

    kind: str
    """seller | seller_parent."""
    partner_id: int
    rate_ppm: int


class SellerCredit(NamedTuple):
    """Who earns because of the order's seller, with the inputs that it was decided by (rules.md §8)."""

    seller_id: str
    sale_kind: str
    placed_at: datetime
    partner_id: int | None
    """Who brought the seller; None: nobody, or the seller was not known."""
    registered_at: datetime | None
    """None: the seller was not known."""
    shares: tuple[SellerShare, ...]
    stopped: str
    """Why nobody (further) earns: a word of `sellers.py`; empty: all earn who may."""


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
    plan: str = ""
    """The plan that gave the rate of all lines; empty: none did, or the lines differ."""
    lines: tuple[LineRate, ...] = ()
    """By position, shipping last where it is in the base. Empty: all lines earn at the share's one rate."""
    reached: int | None = None
    """What plans' thresholds had counted before this order, in their measure; None: no plan asked."""
    room_minor: int | None = None
    """What `partner_period_cap_minor` still left when the order was judged; None: no such cap."""


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
    buyer: Buyer | None = None
    """None: no plan asked for it, or the customer is not known."""
    conversion: Conversion | None = None
    """None: the order is in the program's currency. `line_bases` are in the order's."""
    held: tuple[int, ...] = ()
    """Credited partners who are the buyer himself: the order's commissions stay pending until staff decide."""
    seller: SellerCredit | None = None
    """None: the order names no seller, or the program is not a marketplace."""

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
        if self.buyer is not None:
            document["buyer"] = list(self.buyer)
        if self.conversion is not None:
            document["conversion"] = list(self.conversion)
        if self.held:
            document["held"] = list(self.held)
        if self.seller is not None:
            document["seller"] = _seller_to_json(self.seller)
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
            buyer=Buyer(*document["buyer"]) if "buyer" in document else None,
            conversion=Conversion(*document["conversion"]) if "conversion" in document else None,
            held=tuple(document.get("held", ())),
            seller=_seller_from_json(document["seller"]) if "seller" in document else None,
        )


def _seller_to_json(seller: SellerCredit) -> list[Any]:
    return [
        seller.seller_id,
        seller.sale_kind,
        seller.placed_at.isoformat(),
        seller.partner_id,
        seller.registered_at.isoformat() if seller.registered_at is not None else None,
        [list(share) for share in seller.shares],
        seller.stopped,
    ]


def _seller_from_json(values: list[Any]) -> SellerCredit:
    seller_id, sale_kind, placed_at, partner_id, registered_at, shares, stopped = values
    return SellerCredit(
        seller_id,
        sale_kind,
        datetime.fromisoformat(placed_at),
        partner_id,
        datetime.fromisoformat(registered_at) if registered_at is not None else None,
        tuple(SellerShare(*share) for share in shares),
        stopped,
    )


def _share_to_json(share: Share) -> dict[str, Any]:
    """What is not asked for by the terms (plans, caps) is left out, as it is from judgements of before."""
    document: dict[str, Any] = {
        "partner": share.partner_id,
        "weight": share.weight,
        "rate": share.rate_ppm,
        "rule": share.rule.value,
        "level": share.level,
        "passed": [_passed_to_json(passed) for passed in share.passed],
        "tiers": [[tier.tier, tier.partner_id, tier.rate_ppm] for tier in share.tiers],
        "stopped": share.tiers_stopped,
    }
    if share.plan:
        document["plan"] = share.plan
    if share.lines:
        # Many lines earn alike: each way of earning is written once.
        kinds = list(dict.fromkeys(share.lines))
        document["kinds"] = [_line_to_json(kind) for kind in kinds]
        document["lines"] = [kinds.index(line) for line in share.lines]
    if share.reached is not None:
        document["reached"] = share.reached
    if share.room_minor is not None:
        document["room"] = share.room_minor
    return document


def _share_from_json(item: dict[str, Any]) -> Share:
    kinds = [_line_from_json(values) for values in item.get("kinds", ())]
    return Share(
        partner_id=item["partner"],
        weight=item["weight"],
        rate_ppm=item["rate"],
        rule=RateRule(item["rule"]),
        level=item["level"],
        passed=_passed_from_json(item["passed"]),
        tiers=tuple(TierShare(*values) for values in item["tiers"]),
        tiers_stopped=item["stopped"],
        plan=item.get("plan", ""),
        lines=tuple(kinds[index] for index in item.get("lines", ())),
        reached=item.get("reached"),
        room_minor=item.get("room"),
    )


def _passed_to_json(passed: PassedRule) -> list[str]:
    document = [passed.rule.value, passed.reason]
    return [*document, passed.plan] if passed.plan else document


def _passed_from_json(items: list[list[str]]) -> tuple[PassedRule, ...]:
    return tuple(PassedRule(RateRule(rule), *rest) for rule, *rest in items)


def _line_to_json(line: LineRate) -> list[Any]:
    passed = [_passed_to_json(one) for one in line.passed]
    return [line.rule.value, line.rate_ppm, line.plan, line.fixed_minor, line.per, passed]


def _line_from_json(values: list[Any]) -> LineRate:
    rule, rate_ppm, plan, fixed_minor, per, passed = values
    return LineRate(RateRule(rule), rate_ppm, plan, fixed_minor, per, _passed_from_json(passed))


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
