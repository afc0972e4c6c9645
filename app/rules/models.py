"""The models of attribution: how one order's credit is divided over the counted clicks (rules.md §4.3, §16 "Clicks").

    clicks A 1 March, B 5 March, A 9 March; order 10 March
    last_click A 1; first_click A 1; linear per partner A 1/2, B 1/2; linear per click A 2/3, B 1/3
    position 40/40: A 40 + 40, B 20; time_decay with a half life of 7 days: A 2^(-9/7) + 2^(-1/7), B 2^(-5/7)

Weights of `position` and `time_decay` are per click and summed per partner. A model gives whole numbers in
proportion; whose clicks weigh nothing is not credited. A new model is one function and one line in `MODELS`.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache
from math import gcd

from app.rules.money import PPM
from app.rules.state import Click
from app.rules.terms import AttributionTerms

Credits = list[tuple[int, int]]
"""(partner_id, weight), ordered by first click; empty: nobody."""

Model = Callable[[list[Click], AttributionTerms, datetime], Credits]
"""The counted clicks, oldest first, the terms, and the order's `placed_at`."""

DIGITS = 12
"""Fractions of `time_decay` are cut after so many digits."""

_EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
"""Sixty digits: the fraction to be cut is never so near to a cut that they would not tell."""


def _last_click(clicks: list[Click], terms: AttributionTerms, placed_at: datetime) -> Credits:
    """The whole credit for the latest click."""
    return [(clicks[-1].partner_id, 1)]


def _first_click(clicks: list[Click], terms: AttributionTerms, placed_at: datetime) -> Credits:
    """The whole credit for the earliest click."""
    return [(clicks[0].partner_id, 1)]


def _linear(clicks: list[Click], terms: AttributionTerms, placed_at: datetime) -> Credits:
    """Every touching partner the same, or every click the same (`linear_per`)."""
    weights: dict[int, int] = {}
    per_click = terms.linear_per == "click"
    for click in clicks:
        weights[click.partner_id] = weights.get(click.partner_id, 0) + 1 if per_click else 1
    return list(weights.items())


def _position(clicks: list[Click], terms: AttributionTerms, placed_at: datetime) -> Credits:
    """The first and the last click get their shares, those between them divide the rest equally.

    One click gets all, two are weighed as first to last. Where nothing is left for the ones that are there (two
    clicks and both shares 0 %), each click weighs the same.
    """
    first, last = terms.position_first_ppm, terms.position_last_ppm
    between = len(clicks) - 2
    if between < 0:
        weights = [1]
    elif between == 0:
        weights = [first, last] if first or last else [1, 1]
    else:
        # All over the number of clicks in the middle, so that their part of the rest is a whole number.
        weights = [first * between, *([PPM - first - last] * between), last * between]
    return _summed(zip(clicks, weights, strict=True))


def _time_decay(clicks: list[Click], terms: AttributionTerms, placed_at: datetime) -> Credits:
    """Each click weighs 2^(-age/half life); its age is in whole seconds before the order.

    Where all clicks are so old that nothing of twelve digits is left, ages count from the latest of them: the
    proportions are the same.
    """
    half_life = terms.half_life_days * 86_400
    ages = [(placed_at - click.at) // timedelta(seconds=1) for click in clicks]
    weights = [halved(age, half_life) for age in ages]
    if not any(weights):
        weights = [halved(age - ages[-1], half_life) for age in ages]
    return _summed(zip(clicks, weights, strict=True))


def _none(clicks: list[Click], terms: AttributionTerms, placed_at: datetime) -> Credits:
    """Clicks credit nobody."""
    return []


MODELS: dict[str, Model] = {
    "last_click": _last_click,
    "first_click": _first_click,
    "linear": _linear,
    "position": _position,
    "time_decay": _time_decay,
    "none": _none,
}
"""By the names of `attribution.model`."""


@lru_cache(maxsize=4096)
def halved(age: int, half_life: int) -> int:
    """2^(-age/half_life) in units of 10^-12, cut to a whole number; both in seconds.

    The whole halvings are exact. Of the rest, which is irrational, sixty digits are far more than are kept.
    """
    whole, rest = divmod(age, half_life)
    if not rest:
        return int(10**DIGITS >> whole)
    exponent = _EXACT.divide(Decimal(-rest), Decimal(half_life))
    fraction = _EXACT.power(Decimal(2), exponent)
    return int(_EXACT.scaleb(_EXACT.divide(fraction, Decimal(2**whole)), DIGITS))


def _summed(weighed: Iterable[tuple[Click, int]]) -> Credits:
    """Weights per partner in the smallest whole numbers; who weighs nothing is left out."""
    weights: dict[int, int] = {}
    for click, weight in weighed:
        weights[click.partner_id] = weights.get(click.partner_id, 0) + weight
    common = gcd(*weights.values()) or 1
    return [(partner_id, weight // common) for partner_id, weight in weights.items() if weight]
