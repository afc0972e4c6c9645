"""The models of attribution (rules.md §4.3, §16 "Clicks")."""

from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.models import MODELS, Credits, halved
from app.rules.money import split_by_weights
from app.rules.state import Click
from app.rules.terms import AttributionTerms
from tests.unit.rules.build import ALICE, BORIS, CLARA, click, day

HALF_LIFE = 7 * 86_400


def divided(model: str, *partners: int, **terms: Any) -> Credits:
    """One click a day, the last one the day before the order."""
    clicks = [click(number, day(number), who) for number, who in enumerate(partners, start=1)]
    return MODELS[model](clicks, AttributionTerms(model=model, **terms), day(len(partners) + 1))


def position(first: str, last: str) -> dict[str, int]:
    return {"position_first_ppm": int(first) * 10_000, "position_last_ppm": int(last) * 10_000}


@pytest.mark.parametrize(
    ("shares", "partners", "expected"),
    [
        (("40", "40"), (ALICE,), [(ALICE, 1)]),
        (("0", "0"), (ALICE,), [(ALICE, 1)]),
        (("40", "40"), (ALICE, BORIS), [(ALICE, 1), (BORIS, 1)]),
        (("60", "20"), (ALICE, BORIS), [(ALICE, 3), (BORIS, 1)]),
        (("100", "0"), (ALICE, BORIS), [(ALICE, 1)]),
        (("0", "30"), (ALICE, BORIS), [(BORIS, 1)]),
        (("0", "0"), (ALICE, BORIS), [(ALICE, 1), (BORIS, 1)]),
        (("40", "40"), (ALICE, BORIS, ALICE), [(ALICE, 4), (BORIS, 1)]),
        (("40", "40"), (ALICE, BORIS, CLARA), [(ALICE, 2), (BORIS, 1), (CLARA, 2)]),
        (("40", "40"), (ALICE, BORIS, BORIS, BORIS, CLARA), [(ALICE, 2), (BORIS, 1), (CLARA, 2)]),
        (("50", "50"), (ALICE, BORIS, CLARA), [(ALICE, 1), (CLARA, 1)]),
        (("0", "0"), (ALICE, BORIS, BORIS, CLARA), [(BORIS, 1)]),
        (("30", "20"), (ALICE, BORIS, CLARA, BORIS), [(ALICE, 6), (BORIS, 9), (CLARA, 5)]),
    ],
)
def test_position(shares: tuple[str, str], partners: tuple[int, ...], expected: Credits) -> None:
    assert divided("position", *partners, **position(*shares)) == expected


def test_time_decay_halves_by_its_half_life() -> None:
    clicks = [click(1, day(1), ALICE), click(2, day(8), BORIS), click(3, day(15), CLARA)]
    assert MODELS["time_decay"](clicks, AttributionTerms(half_life_days=7), day(15)) == [
        (ALICE, 1),
        (BORIS, 2),
        (CLARA, 4),
    ]


def test_time_decay_counts_whole_seconds_and_sums_per_partner() -> None:
    clicks = [
        click(1, day(9) - timedelta(days=7, microseconds=999_999), ALICE),
        click(2, day(9) - timedelta(days=7), ALICE),
        click(3, day(9), BORIS),
    ]
    assert MODELS["time_decay"](clicks, AttributionTerms(half_life_days=7), day(9)) == [
        (ALICE, 1),
        (BORIS, 1),
    ]


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (0, 10**12),
        (HALF_LIFE, 500_000_000_000),
        (3 * HALF_LIFE, 125_000_000_000),
        # 2^(-1/7) and so on: the known decimals, cut and not rounded.
        (86_400, 905_723_664_263),
        (5 * 86_400, 609_506_827_102),
        (9 * 86_400, 410_167_678_003),
        (39 * HALF_LIFE, 1),
        (40 * HALF_LIFE, 0),
    ],
)
def test_fractions_are_cut_to_twelve_digits(age: int, expected: int) -> None:
    assert halved(age, HALF_LIFE) == expected


@given(age=st.integers(0, 400 * 86_400), days=st.integers(1, 60))
def test_a_fraction_is_the_greatest_that_fits(age: int, days: int) -> None:
    """w/10^12 ≤ 2^(-age/half life) < (w + 1)/10^12, proved by raising both to a power, on small numbers."""
    half_life = days * 86_400
    common = Fraction(age, half_life)
    if common.denominator > 400:
        age, half_life = age // 86_400, days
        common = Fraction(age, half_life)
        weight = halved(age * 86_400, days * 86_400)
    else:
        weight = halved(age, half_life)
    power, over = common.denominator, common.numerator
    assert weight**power * 2**over <= 10 ** (12 * power) < (weight + 1) ** power * 2**over


def test_clicks_older_than_twelve_digits_can_tell_keep_their_proportions() -> None:
    clicks = [click(1, day(1), ALICE), click(2, day(2), BORIS)]
    old = day(2) + timedelta(days=60)
    assert MODELS["time_decay"](clicks, AttributionTerms(half_life_days=1), old) == [(ALICE, 1), (BORIS, 2)]


def test_no_model_credits_nobody() -> None:
    assert divided("none", ALICE, BORIS) == []


TOUCHES = st.lists(st.tuples(st.integers(0, 30 * 86_400), st.integers(1, 5)), min_size=1, max_size=12)


@given(
    model=st.sampled_from([name for name in MODELS if name != "none"]),
    touches=TOUCHES,
    first=st.integers(0, 1_000_000),
    last=st.integers(0, 1_000_000),
    half_life=st.integers(1, 30),
    per=st.sampled_from(["partner", "click"]),
    amount=st.integers(0, 10**12),
)
def test_credits_sum_to_the_whole_and_are_in_the_order_of_first_clicks(
    model: str,
    touches: list[tuple[int, int]],
    first: int,
    last: int,
    half_life: int,
    per: str,
    amount: int,
) -> None:
    terms = AttributionTerms(
        model=model,
        linear_per=per,
        position_first_ppm=first,
        position_last_ppm=min(last, 1_000_000 - first),
        half_life_days=half_life,
    )
    ordered = sorted(touches)
    clicks = [
        Click(str(number), number, day(1) + timedelta(seconds=second), who)
        for number, (second, who) in enumerate(ordered)
    ]
    credits = MODELS[model](clicks, terms, day(31, 10))
    weights = [weight for _, weight in credits]
    assert credits
    assert min(weights) > 0
    assert sum(split_by_weights(amount, weights)) == amount
    order = list(dict.fromkeys(who for _, who in ordered))
    places = [order.index(who) for who, _ in credits]
    assert places == sorted(set(places))
