"""What is decided about an order: who is credited, at which rates, with which parents (rules.md §4, §6, §8).

An order is decided once, when its payment is first known. Later facts decide again only what they change, and always
with the inputs that were stored: a partner who stays keeps his level, his parents and what thresholds had counted; the
customer stays first or repeat. So an order that is moved away and back earns as before, lines that are corrected earn
as if they had been told so at once, and no neighbour is judged again.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from app.rules.attribution import Attribution, attribute, inputs_key
from app.rules.base import converted, goods_lines, line_bases
from app.rules.buyers import buyer_of
from app.rules.facts import Order
from app.rules.judgement import Buyer, Conversion, Judgement, RateRule, Share
from app.rules.levels import level_in_force
from app.rules.rates import NONE_FITS, RateQuestion, decide_rate
from app.rules.sales import asks_for_buyers, own_part, reached_before, room
from app.rules.sellers import credit_seller
from app.rules.state import PartnerState, State, TermsVersion
from app.rules.terms import Terms
from app.rules.tiers import tier_shares


class _Case(NamedTuple):
    """One order that is being decided."""

    state: State
    order: Order
    terms: Terms
    paid_at: datetime
    conversion: Conversion | None


def decide(
    state: State,
    order: Order,
    version: TermsVersion,
    paid_at: datetime,
    conversion: Conversion | None,
    former: Judgement | None = None,
) -> Judgement:
    """The judgement of an order; `former` is what was decided before, whose inputs and partners are kept."""
    terms, inputs = version.terms, inputs_key(order)
    seller = credit_seller(state, order, terms, former.seller if former is not None else None)
    if former is not None and former.inputs == inputs:
        is_same = seller == former.seller and not state.calculating
        if is_same and not terms.plans and not _channel_matters(state, former):
            return former
        attribution = Attribution(former.source, _credits(former), former.considered, former.held)
    else:
        attribution = attribute(state, order, terms.attribution, _made_inactive(former))
    kept = (
        {share.partner_id: share for share in (*former.former, *former.shares)} if former is not None else {}
    )
    case = _Case(state, order, terms, paid_at, conversion)
    buyer = _buyer(case, former)
    bases = line_bases(order.state, terms.base)
    shares = _shares(case, attribution, kept, buyer)
    credited = {share.partner_id for share in shares}
    return Judgement(
        terms_number=version.number,
        inputs=inputs,
        paid_at=paid_at,
        source=attribution.source,
        model=terms.attribution.model,
        window_days=terms.attribution.window_days,
        shares=shares,
        considered=attribution.considered,
        line_bases=tuple(bases),
        former=tuple(share for partner_id, share in kept.items() if partner_id not in credited),
        buyer=buyer,
        conversion=conversion,
        held=attribution.held,
        seller=seller,
    )


def _made_inactive(former: Judgement | None) -> frozenset[int]:
    """Whom no plan fitted in this order, so that it made them inactive from its payment on (rules.md §6)."""
    if former is None:
        return frozenset()
    return frozenset(
        share.partner_id
        for share in (*former.former, *former.shares)
        if any(one.reason == NONE_FITS for one in share.passed)
    )


def _credits(former: Judgement) -> list[tuple[int, int]]:
    return [(share.partner_id, share.weight) for share in former.shares]


def _channel_matters(state: State, former: Judgement) -> bool:
    """Whether a credited partner has rates of his own: a corrected channel may ask for the other one."""
    return any(state.partners[share.partner_id].own_rates for share in former.shares)


def _buyer(case: _Case, former: Judgement | None) -> Buyer | None:
    """The customer as plans see him; what was found of him once holds."""
    if not asks_for_buyers(case.terms):
        return None
    known = former.buyer if former is not None else None
    if known is not None and known.customer_id == case.order.state.customer_id:
        return known
    return buyer_of(case.state, case.order, case.paid_at)


def _shares(
    case: _Case, attribution: Attribution, kept: Mapping[int, Share], buyer: Buyer | None
) -> tuple[Share, ...]:
    """The share of each credited partner, in the order of the credits."""
    state, order, terms, paid_at, conversion = case
    weights = [weight for _, weight in attribution.credits]
    bases: list[int] = []
    total = 0
    if terms.plans or terms.plan_choice.none_fits == "deactivate":
        bases = converted(line_bases(order.state, terms.base), conversion, terms.currency)
        pieces = terms.plan_choice.measure == "quantity"
        total = sum(line.quantity_micro for line in goods_lines(order.state)) if pieces else sum(bases)
    shares = []
    for index, (partner_id, weight) in enumerate(attribution.credits):
        partner = state.partners[partner_id]
        share = kept.get(partner_id) or _new_share(case, partner)
        periodic = terms.calculation.mode == "periodic"
        if periodic and (partner_id not in kept or share.rule is RateRule.WAITING):
            if partner_id not in state.calculating:
                shares.append(share._replace(weight=weight, rule=RateRule.WAITING, rate_ppm=0))
                continue
            # Orders before it, which waited as well, have counted for the level meanwhile.
            share = share._replace(
                level=level_in_force(partner, paid_at, terms).code,
                reached=state.calculating[partner_id],
                room_minor=_room_now(case, partner),
            )
        # In a run the period's whole sum decides, which this order is a part of.
        part = own_part(total, weights, index) if total and not periodic else 0
        measured = (share.reached or 0) + part
        level = terms.level(share.level)
        rate = decide_rate(RateQuestion(terms, partner, order, paid_at, level, bases, buyer, measured))
        shares.append(
            share._replace(
                weight=weight,
                rate_ppm=rate.rate_ppm,
                rule=rate.rule,
                passed=rate.passed,
                plan=rate.plan,
                lines=rate.lines,
            )
        )
    return tuple(shares)


def _new_share(case: _Case, partner: PartnerState) -> Share:
    """What is found once about a partner when he is first credited, and then kept; his rate is still open."""
    state, order, terms, paid_at, _ = case
    level = level_in_force(partner, paid_at, terms)
    tiers, stopped = tier_shares(state, partner, order.state.placed_at, terms.tiers)
    given = _given_share(state, partner.partner_id)
    if given is not None:
        reached, room_minor = given.reached, given.room_minor
    else:
        reached, room_minor = reached_before(partner, paid_at, terms), room(partner, paid_at, terms)
    return Share(
        partner.partner_id,
        0,
        0,
        RateRule.NONE,
        level.code,
        tiers=tiers,
        tiers_stopped=stopped,
        reached=reached,
        room_minor=room_minor,
    )


def _room_now(case: _Case, partner: PartnerState) -> int | None:
    """What the partner's cap leaves when a run calculates: what waited had not earned anything (rules.md §16 "Caps")."""
    given = _given_share(case.state, partner.partner_id)
    return given.room_minor if given is not None else room(partner, case.paid_at, case.terms)


def _given_share(state: State, partner_id: int) -> Share | None:
    """What is stored of the partner's share, while history is folded again."""
    if state.given is None:
        return None
    stored = (*state.given.shares, *state.given.former)
    return next((share for share in stored if share.partner_id == partner_id), None)
