"""Amounts: what each credited partner and each parent earns on what is left of an order (rules.md §5, §6, §8, §16).

What is left of the lines is summed, split over the credits so that the parts sum exactly (§2.4), and each part is
rounded once at its partner's rate. Where the terms round by line, each line is split and rounded by itself.

    five lines of 1.90 at 5 %: 9.50 × 5 % = 0.475 → 0.48 once; 5 × 0.095 → 5 × 0.10 = 0.50 by line

A parent's tier is one commission over all his children in the order, rounded once; what comes from each child is
his part of it by §2.4. Only under `linear_per = "click"`, where every click is paid for by itself, each child's tier
is rounded by itself and then summed, as the reference ledger of a real shop's year does:

    two children earn 1.16 each, tier 10 %: once 2.32 × 10 % = 0.23; child by child 0.12 + 0.12 = 0.24
"""

from collections.abc import Sequence
from typing import NamedTuple

from app.rules.effects import CommissionKind
from app.rules.judgement import Share
from app.rules.money import at_rate, split_by_weights

DIRECT, TIER = CommissionKind.DIRECT, CommissionKind.TIER


class PartKey(NamedTuple):
    """One part of an order's commissions: a partner's own, or what comes to a parent from one child."""

    partner_id: int
    kind: CommissionKind
    tier: int
    from_partner: int | None


class Part(NamedTuple):
    """What a part comes to: `base_minor` is the share of the base, for a tier the child's direct commission."""

    base_minor: int
    amount_minor: int
    rate_ppm: int


def direct_amounts(
    remaining: Sequence[int], shares: Sequence[Share], round_per: str
) -> list[tuple[int, int]]:
    """(share of the base, commission) of each credited partner, in the order of the credits."""
    if not shares:
        return []
    if round_per == "line":
        return _by_line(remaining, shares)
    bases = split_by_weights(sum(remaining), [share.weight for share in shares])
    return [(base, at_rate(base, share.rate_ppm)) for base, share in zip(bases, shares, strict=True)]


def parts_of(
    shares: Sequence[Share], directs: Sequence[tuple[int, int]], *, tier_per_child: bool
) -> dict[PartKey, Part]:
    """All parts that follow from the direct commissions: each partner's own, then what his parents get from it."""
    parts: dict[PartKey, Part] = {}
    siblings: dict[tuple[int, int], list[PartKey]] = {}
    for share, (base, amount) in zip(shares, directs, strict=True):
        child = share.partner_id
        parts[PartKey(child, DIRECT, 0, None)] = Part(base, amount, share.rate_ppm)
        for tier in share.tiers:
            key = PartKey(tier.partner_id, TIER, tier.tier, child)
            parts[key] = Part(amount, at_rate(amount, tier.rate_ppm), tier.rate_ppm)
            siblings.setdefault((tier.partner_id, tier.tier), []).append(key)
    if not tier_per_child and len(shares) > 1:
        for keys in siblings.values():
            if len(keys) > 1:
                _round_once(parts, keys)
    return parts


def _round_once(parts: dict[PartKey, Part], keys: list[PartKey]) -> None:
    """One parent's tier over several children: the sum is rounded, then divided over them."""
    rate_ppm = parts[keys[0]].rate_ppm
    earned = [parts[key].base_minor for key in keys]
    for key, base, amount in zip(
        keys, earned, split_by_weights(at_rate(sum(earned), rate_ppm), earned), strict=True
    ):
        parts[key] = Part(base, amount, rate_ppm)


def _by_line(remaining: Sequence[int], shares: Sequence[Share]) -> list[tuple[int, int]]:
    weights = [share.weight for share in shares]
    bases, amounts = [0] * len(shares), [0] * len(shares)
    for line in remaining:
        for index, part in enumerate(split_by_weights(line, weights)):
            bases[index] += part
            amounts[index] += at_rate(part, shares[index].rate_ppm)
    return list(zip(bases, amounts, strict=True))
