"""The rate of a credited partner's share: the first rule that matches wins (rules.md §6).

1. the partner's own rate for the order's channel, or the plan that staff fixed for him; 2. plans, line by line;
3. the level's rate at `paid_at`; 4. nothing. The rules passed over are kept with the reason. What plans look at is
`plans.py`'s; here the rules are tried in their order, and lines that earn alike are brought together.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from app.rules.base import goods_lines
from app.rules.facts import Channel, Order
from app.rules.judgement import Buyer, LineRate, PassedRule, RateRule
from app.rules.plans import PlanQuestion, line_rates, passed_plans
from app.rules.state import PartnerState
from app.rules.terms import Level, Plan, Terms

NONE_FITS = "none_fits"
"""Why the level does not pay where `plan_choice.none_fits` deactivates the partner."""


class RateQuestion(NamedTuple):
    """What the rate rules may look at."""

    terms: Terms
    partner: PartnerState
    order: Order
    paid_at: datetime
    """When the order was judged to be paid; a later message may have taken it back."""
    level: Level
    """In force at `paid_at`."""
    bases: Sequence[int] = ()
    """Of each line before refunds, in the program's currency; asked only where there are plans."""
    buyer: Buyer | None = None
    measured: int = 0
    """What thresholds count, this order included."""


class Rate(NamedTuple):
    """The winning rule with its rate, and those tried before it; line by line where lines earn differently."""

    rule: RateRule
    rate_ppm: int
    passed: tuple[PassedRule, ...] = ()
    plan: str = ""
    lines: tuple[LineRate, ...] = ()

    @property
    def deactivates(self) -> bool:
        """No plan fitted, and the terms want the partner to be inactive from that moment."""
        return self.rule is RateRule.NONE and any(one.reason == NONE_FITS for one in self.passed)


def decide_rate(question: RateQuestion) -> Rate:
    """The rate of the share; 0 with rule `none` where no rule matches."""
    own = _own_rate(question)
    if isinstance(own, int):
        return Rate(RateRule.OWN_RATE, own)
    passed = (PassedRule(RateRule.OWN_RATE, own),)
    terms = question.terms
    if not terms.plans and terms.plan_choice.none_fits == "level":
        return Rate(RateRule.LEVEL, question.level.rate_ppm, passed)
    return _by_plans(question, passed)


def fixed_plan(question: RateQuestion) -> Plan | None:
    """The plan that staff fixed for the partner, as in force at `paid_at`; an inactive one counts as none."""
    rates = question.partner.rates_in_force(question.paid_at)
    plan = question.terms.plan(rates.plan) if rates is not None and rates.plan else None
    return plan if plan is not None and plan.active else None


def _own_rate(question: RateQuestion) -> int | str:
    """The rate set for this partner by hand; each channel has its own, one does not stand in for the other."""
    rates = question.partner.rates_in_force(question.paid_at)
    if rates is None:
        return "not_set"
    direct = question.order.state.channel is Channel.DIRECT
    rate = rates.direct_ppm if direct else rates.external_ppm
    return "not_set_for_channel" if rate is None else rate


def _by_plans(question: RateQuestion, passed: tuple[PassedRule, ...]) -> Rate:
    """What each line earns: by a plan, else by the level; one rate for all where they earn alike."""
    terms, fixed = question.terms, fixed_plan(question)
    plans = PlanQuestion(
        terms,
        question.order.state,
        question.partner.code,
        question.level,
        question.paid_at.astimezone(terms.zone).date(),
        question.buyer,
        question.measured,
    )
    goods = goods_lines(question.order.state)
    chosen = line_rates(plans, goods, question.bases, fixed)
    deactivates = (
        terms.plan_choice.none_fits == "deactivate"
        and terms.calculation.mode == "per_order"
        and fixed is None
        and not any(chosen)
    )
    lines: list[LineRate] = []
    for index, line in enumerate(chosen):
        if line is not None:
            lines.append(line._replace(passed=passed + line.passed))
            continue
        because = passed + passed_plans(plans, goods[index] if index < len(goods) else None, fixed)
        if deactivates:
            because += (PassedRule(RateRule.LEVEL, NONE_FITS),)
            lines.append(LineRate(RateRule.NONE, 0, passed=because))
        else:
            lines.append(LineRate(RateRule.LEVEL, question.level.rate_ppm, passed=because))
    return _together(lines)


def _together(lines: Sequence[LineRate]) -> Rate:
    """One rate where all lines earn alike by a rate; else the first line's rule stands for the share."""
    first = lines[0]
    if not first.per and all(line == first for line in lines):
        return Rate(first.rule, first.rate_ppm, first.passed, first.plan)
    rates = {line.rate_ppm for line in lines if not line.per}
    one_rate = len(rates) == 1 and not any(line.per for line in lines)
    rule = first.rule if len({line.rule for line in lines}) == 1 else RateRule.PLAN
    if all(line.rule is RateRule.NONE for line in lines):
        return Rate(RateRule.NONE, 0, first.passed, lines=tuple(lines))
    plans = {line.plan for line in lines}
    plan = first.plan if len(plans) == 1 else ""
    return Rate(rule, first.rate_ppm if one_rate else 0, (), plan, tuple(lines))
