"""Periodic calculation (rules.md §11, §16 "Periodic runs"): what a run asks of the rules.

Under `calculation.mode = "periodic"` a paid order is judged for who is credited and waits for its rate. A run takes
the waiting orders of [from, to), chooses each partner's plan by what he reached in the deciding period, and books one
commission per order and partner, as `per_order` does.

    A 5 % from 3 pieces, B 10 % from 5; two orders of 2 and 3 pieces in March: 5 pieces, so B for both

What a partner reached is the sum of his credits of the period, net of refunds and without cancelled orders, whether
calculated before or not. Where no plan fits any of his orders, and none is fixed and no own rate set, `none_fits`
decides: `level` pays the level's rate; `deactivate` makes him inactive and his orders keep waiting.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from app.rules.base import converted, line_bases
from app.rules.clawback import left_of
from app.rules.commission import split_bases
from app.rules.deciding import decide
from app.rules.facts import Order
from app.rules.fold import waiting_partners
from app.rules.judgement import Judgement, RateRule, Share
from app.rules.money import split_by_weights
from app.rules.rates import RateQuestion, fixed_plan
from app.rules.state import State
from app.rules.terms import Terms

BY_RULE = (RateRule.OWN_RATE, RateRule.FIXED_PLAN, RateRule.PLAN)


class Credit(NamedTuple):
    """What one order counts for one of its partners, as its facts stand."""

    order_id: int
    partner_id: int
    paid_at: datetime
    base_minor: int
    quantity_micro: int
    waiting: bool
    """It is not calculated for him yet."""


@dataclass(frozen=True, slots=True)
class Period:
    """[start, end); no start: from the beginning."""

    start: datetime | None
    end: datetime

    def holds(self, moment: datetime) -> bool:
        """Whether a moment lies in it."""
        return (self.start is None or self.start <= moment) and moment < self.end


def credits_of(order: Order, judgement: Judgement, terms: Terms) -> list[Credit]:
    """The order's base and pieces that are left, divided over its credits (§2.4, §16 "Base")."""
    shares = judgement.shares
    if not shares:
        return []
    # Of the lines as they stand: they may have been corrected since the order was judged.
    left = left_of(order, line_bases(order.state, terms.base))
    bases = converted(left.bases, judgement.conversion, terms.currency)
    weights = [share.weight for share in shares]
    parts = split_bases(bases, weights, whole=terms.per_click)
    pieces = split_by_weights(left.quantity_micro, weights)
    waiting = set(waiting_partners(judgement))
    return [
        Credit(order.order_id, share.partner_id, judgement.paid_at, base, piece, share.partner_id in waiting)
        for share, base, piece in zip(shares, parts, pieces, strict=True)
    ]


def reached_in(credits: Iterable[Credit], partner_id: int, period: Period, terms: Terms) -> int:
    """What the partner reached in the deciding period: minor units, or millionths of a piece."""
    pieces = terms.plan_choice.measure == "quantity"
    return sum(
        credit.quantity_micro if pieces else credit.base_minor
        for credit in credits
        if credit.partner_id == partner_id and period.holds(credit.paid_at)
    )


def none_fits(state: State, orders: Sequence[Order], partner_id: int, reached: int) -> bool:
    """Whether the partner is to be deactivated: no plan fits any line of his waiting orders, and none is fixed."""
    asked = False
    for order in orders:
        former = state.orders[order.order_id].judgement
        version = state.version(former.terms_number)
        if version.terms.plan_choice.none_fits != "deactivate":
            return False
        asked = True
        state.calculating = {partner_id: reached}
        try:
            judgement = decide(state, order, version, former.paid_at, former.conversion, former)
        finally:
            state.calculating = {}
        share = next(one for one in judgement.shares if one.partner_id == partner_id)
        if _has_rule(share) or _fixed(state, order, share, version.terms, former.paid_at):
            return False
    return asked


def _has_rule(share: Share) -> bool:
    return share.rule in BY_RULE or any(line.rule in BY_RULE for line in share.lines)


def _fixed(state: State, order: Order, share: Share, terms: Terms, paid_at: datetime) -> bool:
    """A plan is fixed for the partner, though it fits none of the order's lines."""
    question = RateQuestion(terms, state.partners[share.partner_id], order, paid_at, terms.level(share.level))
    return fixed_plan(question) is not None
