"""Judging is a fold: facts over a state, one formula for live work, import, replay and simulation.

The problem. An order changes many times: it is paid, partly refunded, corrected, cancelled, un-cancelled; its facts
come twice, late, in the wrong order. Each time the right commissions must stand in the ledger, and every cent that
ever stood there must stay explainable.

The choice. An order is judged once, when its payment is first known: who is credited, at which rate, which parents
take part (`Judgement`). From then on every fact asks the same question: what *should* be owed on what is left of
the order, by those decisions, and what *is* recorded? The difference is booked at the fact's moment.

    paid 100.05 at 7.5 %: 7.50.  One of three pieces back: 66.70 → 5.00, so −2.50.  Cancelled: 0, so −5.00

An order that is first known with refunds or a cancellation is booked step by step at the moments of its facts, so
that turnover and levels come out as if the facts had come in order.

What may change a judgement later is only what attribution reads of the order itself (a promo code or partner set
by the operator, a visitor told late): the credits are then decided again, and partners who stay keep their rates.
Neighbouring orders are never judged again.
"""

from datetime import datetime

from app.rules.attribution import attribute, inputs_key
from app.rules.base import line_bases
from app.rules.booking import Booking
from app.rules.clawback import remaining_bases, remaining_of
from app.rules.commission import Part, PartKey, parts_of
from app.rules.effects import CommissionKind, Effects, Waiting
from app.rules.facts import Cause, Fact, Order, OrderStatus
from app.rules.judgement import Judgement, Share
from app.rules.levels import level_in_force
from app.rules.postings import post
from app.rules.rates import RateQuestion, decide_rate
from app.rules.state import MonthTurnover, OrderRecord, State
from app.rules.terms import Terms
from app.rules.tiers import tier_shares


def judge(state: State, fact: Fact) -> Effects:
    """What follows from one fact; the state is only read."""
    order = fact.order
    record = state.orders.get(order.order_id)
    if record is None:
        return _judge_first(state, fact)
    return _judge_again(state, fact, record)


def apply(state: State, effects: Effects) -> None:
    """Lay effects on the state in memory, as the service lays them on the database."""
    if effects.record is not None:
        assert effects.order_id is not None, "a record belongs to an order"
        state.orders[effects.order_id] = effects.record
        if effects.judgement is not None:
            state.bind(effects.order_id, effects.bound)
    for entry in effects.turnover:
        partner = state.partners[entry.partner_id]
        month = partner.months.get(entry.month)
        if month is None:
            month = partner.months[entry.month] = MonthTurnover()
        month.add(entry.at, entry.delta_minor)
        if partner.level_at is None or partner.level_at < entry.at:
            partner.level_at = entry.at
    for change in effects.levels:
        partner = state.partners[change.partner_id]
        partner.level = change.after
        if partner.level_at is None or partner.level_at < change.at:
            partner.level_at = change.at
    post(state, effects.postings)


def _judge_first(state: State, fact: Fact) -> Effects:
    """Decide, then book every fact known so far at its own moment."""
    order = fact.order
    paid_at = order.state.paid_at
    if paid_at is None:
        return Effects(order_id=order.order_id, waiting=Waiting.NOT_PAID)
    version = state.version_at(paid_at)
    if version is None:
        return Effects(order_id=order.order_id, waiting=Waiting.NO_TERMS)
    terms = version.terms
    if order.state.currency and order.state.currency != terms.currency:
        return Effects(order_id=order.order_id, waiting=Waiting.OTHER_CURRENCY)
    judgement = _decide(state, order, terms, version.number, paid_at, {})
    booking = Booking(state, order, terms, judgement)
    refunds = order.refunds
    booking.step(
        remaining_bases(order.state, judgement.line_bases, ()), paid_at, Cause.PAID, order.state.digest
    )
    for count, refund in enumerate(refunds, start=1):
        remaining = remaining_bases(order.state, judgement.line_bases, refunds[:count])
        booking.step(remaining, max(refund.at, paid_at), Cause.REFUND, refund.external_id)
    if order.nothing_left:
        at = order.state.cancelled_at or order.state.updated_at
        booking.step([0], max(at, paid_at), Cause.CANCELLED, order.state.digest)
    return booking.effects(decided=True)


def _judge_again(state: State, fact: Fact, record: OrderRecord) -> Effects:
    """Compute what is left by the recorded decisions, or by new credits where their inputs changed."""
    order, judgement = fact.order, record.judgement
    terms = state.version(judgement.terms_number).terms
    before = _recorded_parts(record, terms)
    decided = inputs_key(order) != judgement.inputs
    if decided:
        kept = {share.partner_id: share for share in (*judgement.former, *judgement.shares)}
        number, paid_at = judgement.terms_number, judgement.paid_at
        judgement = _decide(state, order, terms, number, paid_at, kept)
    booking = Booking(state, order, terms, judgement, before, record)
    bases = line_bases(order.state, terms.base)
    if fact.cause is Cause.REFUND and order.nothing_left:
        _refund_before_the_end(booking, fact, bases)
    booking.step(
        remaining_of(order, bases), max(fact.at, judgement.paid_at), _cause(fact, record), fact.cause_ref
    )
    return booking.effects(decided=decided)


def _refund_before_the_end(booking: Booking, fact: Fact, bases: list[int]) -> None:
    """A refund told after the cancellation that it came before: no money moves any more, but the turnover was
    less from the refund's moment on, and the cancellation took so much less.
    """
    order, judgement = fact.order, booking.judgement
    refund = next((one for one in order.refunds if one.external_id == fact.cause_ref), None)
    end = order.state.cancelled_at or order.state.updated_at
    if refund is None or refund.at >= end:
        return
    earlier = [one for one in order.refunds if one is not refund and one.at <= refund.at]
    before = remaining_bases(order.state, bases, earlier)
    after = remaining_bases(order.state, bases, [*earlier, refund])
    since = max(refund.at, judgement.paid_at)
    booking.move_turnover(sum(after) - sum(before), since, max(end, since), fact.cause_ref)


def _cause(fact: Fact, record: OrderRecord) -> Cause:
    """A state that cancels is a cancellation; one that is told after the payment is a change."""
    if fact.cause in (Cause.REFUND, Cause.CARD):
        return fact.cause
    if fact.order.state.status is OrderStatus.CANCELLED or fact.order.state.paid_at is None:
        return Cause.CANCELLED
    return Cause.CHANGED


def _decide(
    state: State, order: Order, terms: Terms, number: int, paid_at: datetime, kept: dict[int, Share]
) -> Judgement:
    """Who is credited, at which rates, with which parents. Partners in `kept` keep what was decided for them.

    So an order that is moved away and back earns as before, and never at a level that it reached by itself.
    """
    attribution = attribute(state, order, terms.attribution)
    shares = []
    for partner_id, weight in attribution.credits:
        old = kept.get(partner_id)
        if old is not None:
            shares.append(old._replace(weight=weight))
            continue
        partner = state.partners[partner_id]
        level = level_in_force(partner, paid_at, terms)
        rate = decide_rate(RateQuestion(partner, order, paid_at, level))
        tiers, stopped = tier_shares(state, partner, order.state.placed_at, terms.tiers)
        shares.append(
            Share(partner_id, weight, rate.rate_ppm, rate.rule, level.code, rate.passed, tiers, stopped)
        )
    credited = {share.partner_id for share in shares}
    return Judgement(
        terms_number=number,
        inputs=inputs_key(order),
        paid_at=paid_at,
        source=attribution.source,
        model=terms.attribution.model,
        window_days=terms.attribution.window_days,
        shares=tuple(shares),
        considered=attribution.considered,
        line_bases=tuple(line_bases(order.state, terms.base)),
        former=tuple(share for partner_id, share in kept.items() if partner_id not in credited),
        held=attribution.held,
    )


def _recorded_parts(record: OrderRecord, terms: Terms) -> dict[PartKey, Part]:
    """What is booked, part by part; a parent's parts follow from his children's recorded commissions."""
    directs = []
    for share in record.judgement.shares:
        commission = record.commissions[(share.partner_id, CommissionKind.DIRECT, 0)]
        directs.append((commission.base_minor, commission.amount_minor))
    return parts_of(record.judgement.shares, directs, tier_per_child=terms.tier_per_child)
