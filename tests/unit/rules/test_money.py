"""Exact money (rules.md §2)."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.money import (
    EXPONENTS,
    at_rate,
    currency_exponent,
    format_minor,
    format_rate,
    parse_rate,
    round_minor,
    split_by_weights,
)


@pytest.mark.parametrize(
    ("amount", "rate", "commission"),
    [
        (5185, "10%", 519),
        (22215, "10%", 2222),
        (4510, "5%", 226),
        (18450, "5%", 923),
        (17540, "7.5%", 1316),
        (15050, "7%", 1054),
        (9915, "10%", 992),
        # Whole yen and fils: an integer of the minor unit is all the rules know.
        (1005, "10%", 101),
        (12345, "3.3333%", 411),
        (7, "20%", 1),
        (2, "20%", 0),
        (1, "50%", 1),
    ],
)
def test_one_rounding_half_away_from_zero(amount: int, rate: str, commission: int) -> None:
    assert at_rate(amount, parse_rate(rate)) == commission
    assert at_rate(-amount, parse_rate(rate)) == -commission


@given(st.integers(-(10**18), 10**18), st.integers(1, 10**12))
def test_rounding_is_that_of_decimal(numerator: int, denominator: int) -> None:
    exact = Decimal(numerator).scaleb(0) / Decimal(denominator) if denominator < 10**6 else None
    rounded = round_minor(numerator, denominator)
    # |rounded − exact| ≤ ½, and a half goes away from zero, both without any division.
    twice = 2 * (rounded * denominator - numerator)
    assert abs(twice) <= denominator
    if abs(twice) == denominator:
        assert abs(rounded) * denominator > abs(numerator)
    if exact is not None and abs(numerator) < 10**12:
        assert rounded == int(exact.quantize(Decimal(1), ROUND_HALF_UP))


@pytest.mark.parametrize(
    ("amount", "weights", "parts"),
    [
        (1000, [1, 1, 1], [334, 333, 333]),
        (13912, [2, 1, 1, 1, 1], [4637, 2319, 2319, 2319, 2318]),
        (1001, [1, 1, 1], [334, 334, 333]),
        (-1000, [1, 1, 1], [-334, -333, -333]),
        (5, [0, 1], [0, 5]),
        (5, [0, 0], [5, 0]),
        (0, [3, 4], [0, 0]),
        (7, [9], [7]),
    ],
)
def test_splits_worked_out_by_hand(amount: int, weights: list[int], parts: list[int]) -> None:
    assert split_by_weights(amount, weights) == parts


@given(st.integers(-(10**15), 10**15), st.lists(st.integers(0, 10**9), min_size=1, max_size=30))
def test_parts_sum_to_the_amount_and_lie_next_to_their_exact_share(amount: int, weights: list[int]) -> None:
    parts = split_by_weights(amount, weights)
    assert sum(parts) == amount
    total = sum(weights)
    if total:
        for part, weight in zip(parts, weights, strict=True):
            assert abs(part * total - amount * weight) < total
            assert weight or not part


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("7%", 70_000),
        ("33.3333%", 333_333),
        ("0%", 0),
        ("100%", 1_000_000),
        ("0.0001%", 1),
        ("07.50%", 75_000),
    ],
)
def test_rates_are_read_exactly(text: str, rate: int) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    "text", ["7", "7 %", "-1%", "100.0001%", "7.12345%", "7,5%", "%", "", "1e1%", "٧%", "7.%", "0007%"]
)
def test_other_rates_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"100%|percentage"):
        parse_rate(text)


@given(st.integers(0, 1_000_000))
def test_rates_are_written_as_they_are_read(rate: int) -> None:
    assert parse_rate(format_rate(rate)) == rate


@pytest.mark.parametrize(
    ("amount", "exponent", "text"),
    [
        (150050, 2, "1500.50"),
        (-5, 2, "-0.05"),
        (1000, 0, "1000"),
        (-7, 0, "-7"),
        (1234, 3, "1.234"),
        (0, 2, "0.00"),
    ],
)
def test_amounts_are_written_plainly(amount: int, exponent: int, text: str) -> None:
    assert format_minor(amount, exponent) == text


def test_exponents_are_those_of_iso_4217() -> None:
    assert {
        code: currency_exponent(code) for code in ("RUB", "USD", "JPY", "KRW", "KWD", "BHD", "UYW", "MRU")
    } == {
        "RUB": 2,
        "USD": 2,
        "JPY": 0,
        "KRW": 0,
        "KWD": 3,
        "BHD": 3,
        "UYW": 4,
        "MRU": 2,
    }
    assert all(len(code) == 3 and code.isupper() for code in EXPONENTS)
    with pytest.raises(KeyError):
        currency_exponent("XXX")
