"""What parents and those who brought a seller earn of what is left of an order (rules.md §8, §16 "Levels").

Tiers of the base or of the platform commission refer to the selling partner's share of it; one commission per parent,
order and tier is rounded once over several children. A1 and A2 are of the platform commission as a whole. Both shrink
with what remains of the order's lines.

    platform commission 5,000.00, tier 1 % of it: 50.00, whatever the selling partner himself earned
"""

from collections.abc import Sequence

from app.rules.commission import Part, PartKey
from app.rules.effects import CommissionKind
from app.rules.judgement import Judgement, RateRule, Share
from app.rules.money import at_rate, split_by_weights
from app.rules.state import CommissionKey, CommissionRecord
from app.rules.terms import TiersTerms


def parents_parts(
    shares: Sequence[Share], bases: Sequence[int], platform_minor: int, terms: TiersTerms
) -> dict[PartKey, Part]:
    """The parents' parts where tiers are not of earnings; `bases` are the children's shares of the base."""
    if not shares:
        return {}
    of_child = list(bases)
    if terms.of == "platform_commission":
        of_child = split_by_weights(platform_minor, [share.weight for share in shares])
    parts = {}
    for key, (children, rate_ppm) in _parents(shares).items():
        base = sum(of_child[index] for index in children)
        parts[key] = Part(base, at_rate(base, rate_ppm), rate_ppm)
    return parts


def sellers_parts(judgement: Judgement, platform_minor: int) -> dict[PartKey, Part]:
    """The parts of the partner who brought the seller and of his parent."""
    if judgement.seller is None:
        return {}
    return {
        PartKey(share.partner_id, CommissionKind(share.kind), 0, None): Part(
            platform_minor, at_rate(platform_minor, share.rate_ppm), share.rate_ppm
        )
        for share in judgement.seller.shares
    }


def recorded_above(
    judgement: Judgement, commissions: dict[CommissionKey, CommissionRecord], terms: TiersTerms
) -> dict[PartKey, Part]:
    """The same parts as they are booked: each is a commission by itself."""
    rates: dict[PartKey, int] = {}
    if terms.of != "earnings":
        rates = {key: rate_ppm for key, (_, rate_ppm) in _parents(judgement.shares).items()}
    rates |= {key: part.rate_ppm or 0 for key, part in sellers_parts(judgement, 0).items()}
    found = {}
    for key, rate_ppm in rates.items():
        commission = commissions.get((key.partner_id, key.kind, key.tier))
        if commission is not None:
            found[key] = Part(commission.base_minor, commission.amount_minor, rate_ppm)
    return found


def _parents(shares: Sequence[Share]) -> dict[PartKey, tuple[list[int], int]]:
    """Each parent and tier with his children's places and his rate; an only child is named in the key."""
    children: dict[tuple[int, int], list[int]] = {}
    rates: dict[tuple[int, int], int] = {}
    for index, share in enumerate(shares):
        if share.rule is RateRule.WAITING:
            continue  # for a periodic run, and so do the parents
        for tier in share.tiers:
            children.setdefault((tier.partner_id, tier.tier), []).append(index)
            rates[tier.partner_id, tier.tier] = tier.rate_ppm
    return {
        PartKey(
            partner_id,
            CommissionKind.TIER,
            tier,
            shares[places[0]].partner_id if len(places) == 1 else None,
        ): (places, rates[partner_id, tier])
        for (partner_id, tier), places in children.items()
    }
