"""Amounts: what each credited partner and each parent earns on what is left of an order (rules.md §5, §6, §8, §16).

What is left of each line is split over the credits so that the parts sum exactly (§2.4), a partner's parts are summed
and rounded once at his rate. Where the terms round by line, each line is rounded by itself.

    five lines of 1.90 at 5 %: 9.50 × 5 % = 0.475 → 0.48 once; 5 × 0.095 → 5 × 0.10 = 0.50 by line

A parent's tier is one commission over all his children in the order, rounded once; what comes from each child is
his part of it by §2.4. Only under `linear_per = "click"`, where every click is paid for by itself, the order's base is
split as a whole, each child's tier is rounded by itself and then summed, as the reference ledger of a real shop's
year does:

    two children earn 1.16 each, tier 10 %: once 2.32 × 10 % = 0.23; child by child 0.12 + 0.12 = 0.24

Where lines earn differently each line's base is split over the credits, and a partner's parts are summed, each at its
rate, and rounded once. Fixed sums are whole minor units and are split over the credits like a base. Caps cut last.
"""

from collections.abc import Sequence
from typing import NamedTuple

from app.rules.clawback import Left
from app.rules.effects import CommissionKind
from app.rules.facts import MICRO
from app.rules.judgement import LineRate, RateRule, Share
from app.rules.money import PPM, at_rate, round_minor, split_by_weights
from app.rules.terms import CalculationTerms, Terms

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
    rate_ppm: int | None
    """None: several rates, or fixed sums."""


def direct_amounts(
    left: Left, shares: Sequence[Share], terms: Terms, *, with_caps: bool = True
) -> list[tuple[int, int]]:
    """(share of the base, commission) of each credited partner, in the order of the credits.

    What is left of the bases must be in the program's currency.
    """
    if not shares:
        return []
    if any(share.lines for share in shares):
        directs = _by_rates_of_lines(left, shares, terms.round_per)
    elif terms.round_per == "line":
        directs = _by_line(left.bases, shares)
    else:
        bases = split_bases(left.bases, [share.weight for share in shares], whole=terms.per_click)
        directs = [(base, at_rate(base, share.rate_ppm)) for base, share in zip(bases, shares, strict=True)]
    return _capped(directs, shares, terms.calculation) if with_caps else directs


def split_bases(bases: Sequence[int], weights: Sequence[int], *, whole: bool) -> list[int]:
    """Each credit's share of the base: line by line, or of the order as a whole."""
    if whole or len(weights) == 1 or len(bases) == 1:
        return split_by_weights(sum(bases), weights)
    lines = [split_by_weights(base, weights) for base in bases]
    return [sum(parts) for parts in zip(*lines, strict=True)]


def rate_of(share: Share) -> int | None:
    """The one rate at which a share earns; None: its lines have several rates, or fixed sums."""
    if not share.lines:
        return share.rate_ppm
    rates = {line.rate_ppm for line in share.lines}
    return rates.pop() if len(rates) == 1 and not any(line.per for line in share.lines) else None


def parts_of(
    shares: Sequence[Share], directs: Sequence[tuple[int, int]], terms: Terms
) -> dict[PartKey, Part]:
    """All parts that follow from the direct commissions: each partner's own, then what his parents get from it.

    Tiers of the base or the platform commission do not; `above.py` has them.
    """
    of_earnings = terms.tiers.of == "earnings"
    parts: dict[PartKey, Part] = {}
    siblings: dict[tuple[int, int], list[PartKey]] = {}
    for share, (base, amount) in zip(shares, directs, strict=True):
        child = share.partner_id
        parts[PartKey(child, DIRECT, 0, None)] = Part(base, amount, rate_of(share))
        for tier in share.tiers if of_earnings else ():
            key = PartKey(tier.partner_id, TIER, tier.tier, child)
            parts[key] = Part(amount, at_rate(amount, tier.rate_ppm), tier.rate_ppm)
            siblings.setdefault((tier.partner_id, tier.tier), []).append(key)
    if not terms.per_click and len(shares) > 1:
        for keys in siblings.values():
            if len(keys) > 1:
                _round_once(parts, keys)
    return parts


def without_waiting(
    shares: Sequence[Share], directs: Sequence[tuple[int, int]]
) -> tuple[list[Share], list[tuple[int, int]]]:
    """What is calculated already; shares that wait for a periodic run have no commission yet."""
    kept = [index for index, share in enumerate(shares) if share.rule is not RateRule.WAITING]
    return [shares[index] for index in kept], [directs[index] for index in kept]


def _round_once(parts: dict[PartKey, Part], keys: list[PartKey]) -> None:
    """One parent's tier over several children: the sum is rounded, then divided over them."""
    rate_ppm = parts[keys[0]].rate_ppm
    assert rate_ppm is not None, "a tier has one rate"
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


def _by_rates_of_lines(left: Left, shares: Sequence[Share], round_per: str) -> list[tuple[int, int]]:
    """Every line at its own rate or fixed sum (rules.md §6, §16 "Base", "Rates")."""
    weights = [share.weight for share in shares]
    parts = [split_by_weights(base, weights) for base in left.bases]
    directs = []
    for index, share in enumerate(shares):
        own = [part[index] for part in parts]
        lines = share.lines or (LineRate(share.rule, share.rate_ppm),) * len(own)
        if round_per == "line":
            amount = sum(at_rate(part, line.rate_ppm) for part, line in zip(own, lines, strict=True))
        else:
            exact = sum(part * line.rate_ppm for part, line in zip(own, lines, strict=True))
            amount = round_minor(exact, PPM)
        for fixed_minor in _fixed_sums(left, lines, round_per):
            amount += split_by_weights(fixed_minor, weights)[index]
        directs.append((sum(own), amount))
    return directs


def _fixed_sums(left: Left, lines: Sequence[LineRate], round_per: str) -> list[int]:
    """What the plans with fixed sums pay on what is left of the order, before it is split over the credits.

    `order`: whole and once per plan, until nothing is left of the lines that fit it; `line`: for each line of which
    anything is left; `item`: for the pieces left, rounded like a rate, for pieces may be parts of one.
    """
    sums: list[int] = []
    fixed = {line.plan: line for line in lines if line.per}
    for plan, rate in fixed.items():
        places = [place for place, line in enumerate(lines) if line.plan == plan and line.per]
        if rate.per == "item":
            pieces = [left.pieces_micro[place] for place in places]
            counted = pieces if round_per == "line" else [sum(pieces)]
            sums.extend(round_minor(rate.fixed_minor * count, MICRO) for count in counted)
            continue
        there = sum(not _is_gone(left, place) for place in places)
        sums.append(rate.fixed_minor * (there if rate.per == "line" else min(there, 1)))
    return sums


def _is_gone(left: Left, place: int) -> bool:
    """Whether nothing is left of a line; shipping goes with the last line, or with its money."""
    if place < len(left.gone):
        return left.gone[place]
    return left.bases[place] == 0


def _capped(
    directs: list[tuple[int, int]], shares: Sequence[Share], calculation: CalculationTerms
) -> list[tuple[int, int]]:
    """Cut to the caps: the order's commissions together by §2.4, then each partner's to the room he had."""
    cap = calculation.order_cap_minor
    if cap and sum(amount for _, amount in directs) > cap:
        cut = split_by_weights(cap, [amount for _, amount in directs])
        directs = [(base, amount) for (base, _), amount in zip(directs, cut, strict=True)]
    if calculation.partner_period_cap_minor:
        directs = [
            (base, amount if share.room_minor is None else min(amount, share.room_minor))
            for (base, amount), share in zip(directs, shares, strict=True)
        ]
    return directs
