"""The rate of a credited partner's share: the first rule that matches wins (rules.md §6).

1. the partner's own rate for the order's channel, as in force at `paid_at`; 2. the level's rate at `paid_at`;
3. nothing. The rules passed over are kept with the reason. A new rule is one function and one line in `RULES`.
"""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from app.rules.facts import Channel, Order
from app.rules.judgement import PassedRule, RateRule
from app.rules.state import PartnerState
from app.rules.terms import Level


class RateQuestion(NamedTuple):
    """What the rate rules may look at."""

    partner: PartnerState
    order: Order
    paid_at: datetime
    """When the order was judged to be paid; a later message may have taken it back."""
    level: Level
    """In force at `paid_at`."""


class Rate(NamedTuple):
    """The winning rule with its rate, and those tried before it."""

    rule: RateRule
    rate_ppm: int
    passed: tuple[PassedRule, ...] = ()


def decide_rate(question: RateQuestion) -> Rate:
    """The rate of the share; 0 with rule `none` where no rule matches."""
    passed: list[PassedRule] = []
    for rule, ask in RULES:
        answer = ask(question)
        if isinstance(answer, int):
            return Rate(rule, answer, tuple(passed))
        passed.append(PassedRule(rule, answer))
    return Rate(RateRule.NONE, 0, tuple(passed))


def _own_rate(question: RateQuestion) -> int | str:
    """The rate set for this partner by hand; each channel has its own, one does not stand in for the other."""
    rates = question.partner.rates_in_force(question.paid_at)
    if rates is None:
        return "not_set"
    direct = question.order.state.channel is Channel.DIRECT
    rate = rates.direct_ppm if direct else rates.external_ppm
    return "not_set_for_channel" if rate is None else rate


def _level_rate(question: RateQuestion) -> int | str:
    """The rate of the level in force."""
    return question.level.rate_ppm


RULES: tuple[tuple[RateRule, Callable[[RateQuestion], int | str]], ...] = (
    (RateRule.OWN_RATE, _own_rate),
    (RateRule.LEVEL, _level_rate),
)
"""In the order in which they are tried: a rate in millionths, or the reason why the rule does not apply."""
