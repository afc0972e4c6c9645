"""Judging is a fold: facts over a state, one formula for live work, import, replay and simulation.

The problem. An order changes many times: it is paid, partly refunded, corrected, cancelled, un-cancelled; its facts
come twice, late, in the wrong order. Each time the right commissions must stand in the ledger, and every cent that
ever stood there must stay explainable.

The choice. An order is judged once, when its payment is first known: who is credited, at which rate, which parents
take part (`deciding.py` makes the `Judgement`). From then on every fact asks the same question: what *should* be owed
on what is left of the order, by those decisions, and what *is* recorded? The difference is booked at the fact's moment.

    paid 100.05 at 7.5 %: 7.50.  One of three pieces back: 66.70 → 5.00, so −2.50.  Cancelled: 0, so −5.00

An order that is first known with refunds or a cancellation is booked step by step at the moments of its facts, so
that turnover and levels come out as if the facts had come in order.

What may change a judgement later is only what the shop tells of the order itself (a promo code or partner set by the
operator, a visitor told late, lines corrected): it is then decided again with the inputs that were found at first.
Neighbouring orders are never judged again.
"""

from collections.abc import Sequence
from datetime import datetime

from app.rules.above import recorded_above
from app.rules.base import line_bases, platform_bases
from app.rules.booking import Booking
from app.rules.buyers import purchase_of
from app.rules.clawback import Left, left_after, nothing_left
from app.rules.commission import Part, PartKey, parts_of
from app.rules.counting import add_count
from app.rules.deciding import decide
from app.rules.effects import CommissionKind, Deactivation, Effects, Waiting
from app.rules.facts import Cause, Fact, Order, OrderStatus, Refund
from app.rules.judgement import Conversion, Judgement, RateRule
from app.rules.postings import post
from app.rules.rates import NONE_FITS
from app.rules.sales import add_sales
from app.rules.state import Activity, MonthTurnover, OrderRecord, State
from app.rules.terms import Terms


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
    for sale in effects.sales:
        add_sales(state.partners[sale.partner_id], sale)
    if state.counts_customers:
        _count_customers(state, effects)
    if effects.purchase is not None and effects.order_id is not None:
        state.purchases.setdefault(effects.customer_id, {})[effects.order_id] = effects.purchase
    for one in effects.deactivated:
        activities = state.partners[one.partner_id].activities
        later = (*activities, Activity(one.at, active=False))
        state.partners[one.partner_id].activities = tuple(
            sorted(later, key=lambda activity: activity.from_at)
        )
    for change in effects.levels:
        partner = state.partners[change.partner_id]
        partner.level = change.after
        if partner.level_at is None or partner.level_at < change.at:
            partner.level_at = change.at
    post(state, effects.postings)


def _count_customers(state: State, effects: Effects) -> None:
    """Also where nothing is sold: the shop may tell late whose an order is."""
    if effects.record is None or effects.order_id is None:
        return
    for partner_id in {key[0] for key in effects.record.commissions if key[1] == CommissionKind.DIRECT}:
        sales = [sale for sale in effects.sales if sale.partner_id == partner_id]
        add_count(state.partners[partner_id], effects.order_id, effects.customer_id, sales)


def _judge_first(state: State, fact: Fact) -> Effects:
    """Decide, then book every fact known so far at its own moment."""
    order = fact.order
    paid_at = order.state.paid_at
    if paid_at is None:
        return unjudged(order, Waiting.NOT_PAID)
    version = state.version_at(paid_at)
    if version is None:
        return unjudged(order, Waiting.NO_TERMS)
    terms = version.terms
    conversion = conversion_of(state, order, terms, paid_at)
    if conversion is None and order.state.currency not in ("", terms.currency):
        return unjudged(order, Waiting.OTHER_CURRENCY)
    judgement = decide(state, order, version, paid_at, conversion)
    bases = judgement.line_bases
    booking = Booking(state, order, terms, judgement)
    _book_all(booking, bases)
    return booking.effects(decided=True, deactivated=_deactivated(state, order, judgement))


def calculate(state: State, fact: Fact, reached: dict[int, int]) -> Effects:
    """Give the waiting shares of these partners their rates (rules.md §11), and book all that is known by now.

    `reached`: what each of them reached in the deciding period. An order once calculated for a partner never is again.
    """
    order, record = fact.order, state.orders.get(fact.order.order_id)
    waiting = [] if record is None else waiting_partners(record.judgement)
    fresh = frozenset(reached.keys() & set(waiting))
    if record is None or not fresh:
        return Effects(order_id=order.order_id)
    former = record.judgement
    version = state.version(former.terms_number)
    before = _recorded_parts(record, version.terms)
    state.calculating = {partner_id: reached[partner_id] for partner_id in fresh}
    try:
        judgement = decide(state, order, version, former.paid_at, former.conversion, former)
    finally:
        state.calculating = {}
    booking = Booking(state, order, version.terms, judgement, before, record)
    booking.only = fresh
    bases = line_bases(order.state, version.terms.base)
    _book_all(booking, bases)
    if len(judgement.shares) > 1 and booking.changes:
        _share_with_the_others(booking, bases, before)
    return booking.effects(decided=True)


def _share_with_the_others(booking: Booking, bases: Sequence[int], before: dict[PartKey, Part]) -> None:
    """The order's cap is for all its partners together, and a parent's tier is rounded once over his children
    (rules.md §16 "Caps", "Levels"): what was calculated in earlier runs is cut and rounded again now that others
    share it, so that the runs end where one run of all partners would.
    """
    order, judgement, fresh = booking.order, booking.judgement, booking.only
    assert fresh is not None, "asked of a run"
    for key, part in before.items():
        if (key.from_partner or key.partner_id) not in fresh and key in booking.parts:
            booking.parts[key] = part
    booking.only = None
    left = nothing_left(order.state, bases)
    if not order.nothing_left:
        left = _left(order, bases, order.refunds, booking.terms)
    at = max(change.at for change in booking.changes)
    booking.step(left, max(at, judgement.paid_at), Cause.SHARED, order.state.digest)


def waiting_partners(judgement: Judgement) -> list[int]:
    """Credited partners whose shares wait for a periodic run."""
    return [share.partner_id for share in judgement.shares if share.rule is RateRule.WAITING]


def _book_all(booking: Booking, bases: Sequence[int]) -> None:
    """Every fact known so far, at its own moment."""
    order, paid_at, terms = booking.order, booking.judgement.paid_at, booking.terms
    booking.step(_left(order, bases, (), terms), paid_at, Cause.PAID, order.state.digest)
    for count, refund in enumerate(order.refunds, start=1):
        left = _left(order, bases, order.refunds[:count], terms)
        booking.step(left, max(refund.at, paid_at), Cause.REFUND, refund.external_id)
    if order.nothing_left:
        at, cause = _end_of(order)
        booking.step(nothing_left(order.state, bases), max(at, paid_at), cause, order.state.digest)


def _judge_again(state: State, fact: Fact, record: OrderRecord) -> Effects:
    """Compute what is left by the recorded decisions, or by new ones where their inputs changed.

    Who is credited is decided again where the order's fields changed that attribution reads; what the lines earn
    always, by the inputs that are stored: lines may have been corrected, and the same lines come out the same.
    """
    order, former = fact.order, record.judgement
    version = state.version(former.terms_number)
    before = _recorded_parts(record, version.terms)
    judgement = decide(state, order, version, former.paid_at, former.conversion, former)
    booking = Booking(state, order, version.terms, judgement, before, record)
    bases = line_bases(order.state, version.terms.base)
    if fact.cause is Cause.REFUND and order.nothing_left:
        _refund_before_the_end(booking, fact, bases)
    left = nothing_left(order.state, bases)
    if not order.nothing_left:
        left = _left(order, bases, order.refunds, version.terms)
    booking.step(left, max(fact.at, judgement.paid_at), _cause(fact, record), fact.cause_ref)
    decided = (judgement.inputs, judgement.shares, judgement.seller) != (
        former.inputs,
        former.shares,
        former.seller,
    )
    deactivated = _deactivated(state, order, judgement) if decided else ()
    return booking.effects(decided=decided, deactivated=deactivated)


def _left(order: Order, bases: Sequence[int], refunds: Sequence[Refund], terms: Terms) -> Left:
    """What is left of an order after some of its refunds, also of the platform commission where that is paid of."""
    left = left_after(order.state, bases, refunds)
    if not terms.asks_for_platform:
        return left
    platform = left_after(order.state, platform_bases(order.state), refunds)
    return left._replace(platform_minor=sum(platform.bases))


def conversion_of(state: State, order: Order, terms: Terms, paid_at: datetime) -> Conversion | None:
    """How an order of another currency is converted (rules.md §5); None: it need not be, or the rate is not known."""
    currency = order.state.currency
    if currency in ("", terms.currency):
        return None
    if state.given is not None:
        return state.given.conversion
    day = paid_at.astimezone(terms.zone).date().isoformat()
    rate = state.currency_rates.get((currency, day))
    return Conversion(currency, day, rate.rate, rate.source) if rate is not None else None


def unjudged(order: Order, why: Waiting = Waiting.NOT_JUDGED) -> Effects:
    """It earns nothing yet; its customer has bought it all the same."""
    return Effects(
        order_id=order.order_id,
        waiting=why,
        purchase=purchase_of(order),
        customer_id=order.state.customer_id or "",
    )


def _deactivated(state: State, order: Order, judgement: Judgement) -> tuple[Deactivation, ...]:
    """The partners whom no plan fitted, where the terms want them inactive from that moment."""
    return tuple(
        Deactivation(share.partner_id, judgement.paid_at, order.order_id)
        for share in judgement.shares
        if any(one.reason == NONE_FITS for one in share.passed)
        and state.partners[share.partner_id].is_active(judgement.paid_at)
    )


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
    before = left_after(order.state, bases, earlier)
    after = left_after(order.state, bases, [*earlier, refund])
    since = max(refund.at, judgement.paid_at)
    booking.move_turnover(before, after, since, max(end, since), fact.cause_ref)


def _end_of(order: Order) -> tuple[datetime, Cause]:
    """When an order that is first known at its end came to it, and how."""
    if order.rejected_at is not None and order.state.status is not OrderStatus.CANCELLED:
        return order.rejected_at, Cause.REVIEW
    return order.state.cancelled_at or order.state.updated_at, Cause.CANCELLED


def _cause(fact: Fact, record: OrderRecord) -> Cause:
    """A state that cancels is a cancellation; one that is told after the payment is a change."""
    if fact.cause in (Cause.REFUND, Cause.CARD, Cause.REVIEW):
        return fact.cause
    if fact.order.state.status is OrderStatus.CANCELLED or fact.order.state.paid_at is None:
        return Cause.CANCELLED
    return Cause.CHANGED


def _recorded_parts(record: OrderRecord, terms: Terms) -> dict[PartKey, Part]:
    """What is booked, part by part; a parent's parts follow from his children's recorded commissions."""
    directs = []
    shares = [share for share in record.judgement.shares if share.rule is not RateRule.WAITING]
    for share in shares:
        commission = record.commissions[(share.partner_id, CommissionKind.DIRECT, 0)]
        directs.append((commission.base_minor, commission.amount_minor))
    parts = parts_of(shares, directs, terms)
    return parts | recorded_above(record.judgement, record.commissions, terms.tiers)
