"""Plans: rate rules with conditions, chosen line by line (rules.md §6, §16 "Rates").

A plan fits a line if all its conditions hold. Of those that fit, the narrower beats the wider (named partner, then
product, then the deepest category); then `prefer` decides; then the order in the document.

    A 5 % from 3 pieces, B 10 % from 5; ten phones in one order, 100,000.00:
    least_reward → A, 5,000.00; highest_threshold → B, 10,000.00

Everything that a choice depends on beside the order itself is in `PlanQuestion` and stored with the judgement, so the
same plans are found again after a refund, a correction or a replay. A new condition is one function and one line in
`CONDITIONS`.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import NamedTuple

from app.rules.facts import MICRO, Line, OrderState
from app.rules.judgement import Buyer, LineRate, PassedRule, RateRule
from app.rules.money import PPM
from app.rules.terms import Level, Plan, Terms


class PlanQuestion(NamedTuple):
    """What plans may look at, beside the line."""

    terms: Terms
    state: OrderState
    partner_code: str
    level: Level
    """In force at `paid_at`."""
    day: date
    """Of `paid_at` in the program's zone."""
    buyer: Buyer | None
    measured: int
    """What thresholds count, this order included: minor units, or millionths of a piece."""


SHIPPING = Line(external_id="", quantity_micro=0, total_minor=0)
"""In the base it is a line of its own, without product, category or pieces."""


def line_rates(
    question: PlanQuestion, lines: Sequence[Line], bases: Sequence[int], fixed: Plan | None
) -> list[LineRate | None]:
    """What each line earns by a plan; None: no plan fits it. `bases` are in the program's currency.

    A fixed plan stands alone: a line that it does not fit goes to the level and to no other plan.
    """
    with_shipping = [*lines, SHIPPING][: len(bases)]
    if fixed is not None:
        return [
            _paid(RateRule.FIXED_PLAN, fixed, ()) if not _refusal(fixed, question, line, FIXED) else None
            for line in with_shipping
        ]
    refused = {plan.code: _order_refusal(plan, question) for plan in question.terms.plans}
    return [_choose(question, line, base, refused) for line, base in zip(with_shipping, bases, strict=True)]


def passed_plans(question: PlanQuestion, line: Line | None, fixed: Plan | None) -> tuple[PassedRule, ...]:
    """Why no plan fits a line (None: shipping)."""
    line = line or SHIPPING
    if fixed is not None:
        reason = _refusal(fixed, question, line, FIXED)
        return (PassedRule(RateRule.FIXED_PLAN, reason, fixed.code),) if reason else ()
    reasons = ((plan, _refusal(plan, question, line, CONDITIONS)) for plan in question.terms.plans)
    return tuple(PassedRule(RateRule.PLAN, reason, plan.code) for plan, reason in reasons if reason)


def _choose(question: PlanQuestion, line: Line, base_minor: int, refused: dict[str, str]) -> LineRate | None:
    """The best of the plans that fit a line, with the others and why they were passed over."""
    fitting: list[tuple[tuple[int, ...], Plan]] = []
    passed: list[PassedRule] = []
    for place, plan in enumerate(question.terms.plans):
        reason = refused[plan.code] or _line_refusal(plan, line)
        if reason:
            passed.append(PassedRule(RateRule.PLAN, reason, plan.code))
            continue
        least = question.terms.plan_choice.prefer == "least_reward"
        liking = _reward(plan, line, base_minor) if least else -plan.threshold
        fitting.append(((*_narrowness(plan, line), liking, place), plan))
    if not fitting:
        return None
    fitting.sort(key=lambda one: one[0])
    (best, winner), *others = fitting
    passed.extend(
        PassedRule(RateRule.PLAN, _lost(question, best, other), plan.code) for other, plan in others
    )
    return _paid(RateRule.PLAN, winner, tuple(passed))


def _paid(rule: RateRule, plan: Plan, passed: tuple[PassedRule, ...]) -> LineRate:
    if plan.rate_ppm is not None:
        return LineRate(rule, plan.rate_ppm, plan.code, passed=passed)
    return LineRate(rule, 0, plan.code, plan.fixed_minor or 0, plan.per, passed)


def _narrowness(plan: Plan, line: Line) -> tuple[int, int, int]:
    """(named partner, product, depth of category), the narrowest smallest."""
    depth = max(
        (place for place, code in enumerate(line.categories, 1) if code in plan.categories), default=0
    )
    return -bool(plan.partners), -bool(plan.products), -depth


def _reward(plan: Plan, line: Line, base_minor: int) -> int:
    """What a plan would pay on this line, in millionths of a minor unit; a sum per order counts whole."""
    if plan.rate_ppm is not None:
        return base_minor * plan.rate_ppm
    sum_minor = plan.fixed_minor or 0
    return sum_minor * (line.quantity_micro if plan.per == "item" else PPM)


def _lost(question: PlanQuestion, best: tuple[int, ...], other: tuple[int, ...]) -> str:
    """Why a plan that fits was not taken."""
    if best[:3] != other[:3]:
        return "wider"
    return "later" if best[3] == other[3] else question.terms.plan_choice.prefer


def _active(plan: Plan, question: PlanQuestion) -> bool:
    return plan.active


def _days(plan: Plan, question: PlanQuestion) -> bool:
    begun = plan.valid_from is None or plan.valid_from <= question.day
    return begun and (plan.valid_to is None or question.day <= plan.valid_to)


def _partners(plan: Plan, question: PlanQuestion) -> bool:
    return not plan.partners or question.partner_code.casefold() in plan.partners


def _levels(plan: Plan, question: PlanQuestion) -> bool:
    return not plan.levels or question.level.code in plan.levels


def _channel(plan: Plan, question: PlanQuestion) -> bool:
    return plan.channel in ("any", question.state.channel.value)


def _sites(plan: Plan, question: PlanQuestion) -> bool:
    return not plan.sites or question.state.site.casefold() in plan.sites


def _customer(plan: Plan, question: PlanQuestion) -> bool:
    """A buyer whom the shop does not name is neither new nor known."""
    if plan.customer == "any":
        return True
    return question.buyer is not None and question.buyer.first == (plan.customer == "first")


def _threshold(plan: Plan, question: PlanQuestion) -> bool:
    pieces = question.terms.plan_choice.measure == "quantity"
    return question.measured >= plan.threshold * (MICRO if pieces else 1) or not plan.threshold


Condition = tuple[str, Callable[[Plan, PlanQuestion], bool]]

FIXED: tuple[Condition, ...] = (
    ("days", _days),
    ("channel", _channel),
    ("sites", _sites),
    ("customer", _customer),
)
"""What is asked of a fixed plan, beside the line: its threshold, levels and partners are not."""

CONDITIONS: tuple[Condition, ...] = (
    ("inactive", _active),
    *FIXED,
    ("partners", _partners),
    ("levels", _levels),
    ("threshold", _threshold),
)
"""What is asked of the others, by the reason that is given where it does not hold."""


def _refusal(plan: Plan, question: PlanQuestion, line: Line, conditions: tuple[Condition, ...]) -> str:
    """Why a plan does not fit a line; empty: it fits."""
    refused = next((reason for reason, holds in conditions if not holds(plan, question)), "")
    return refused or _line_refusal(plan, line)


def _order_refusal(plan: Plan, question: PlanQuestion) -> str:
    return next((reason for reason, holds in CONDITIONS if not holds(plan, question)), "")


def _line_refusal(plan: Plan, line: Line) -> str:
    if plan.products and line.product not in plan.products:
        return "products"
    if plan.categories and plan.categories.isdisjoint(line.categories):
        return "categories"
    if plan.per == "item" and not line.quantity_micro:
        return "no_pieces"
    return ""
