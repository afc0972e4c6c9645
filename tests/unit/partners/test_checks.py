"""Check digits: what is right passes, and every single wrong digit is found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.partners import checks

digits = st.integers(0, 9)


def luhn_digit(number: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def with_account_key(account: str, bik: str) -> str:
    """The account with the key digit (place 9) that fits the bank, by the order's own recipe: key 0, sum, times 3."""
    without = account[:8] + "0" + account[9:]
    prefix = "0" + bik[4:6] if int(bik[-3:]) < 3 else bik[-3:]
    total = sum(
        int(digit) * weight % 10 for digit, weight in zip(prefix + without, (7, 1, 3) * 8, strict=False)
    )
    return account[:8] + str(total % 10 * 3 % 10) + account[9:]


@pytest.mark.parametrize(
    ("inn", "company", "fits"),
    [
        ("7707083893", True, True),
        ("7707083893", False, False),
        ("7707083894", True, False),
        ("500100732259", False, True),
        ("500100732259", True, False),
        ("500100732258", False, False),
        ("٧٧٠٧٠٨٣٨٩٣", True, False),
        ("", True, False),
    ],
)
def test_tax_number(inn: str, company: bool, fits: bool) -> None:
    assert checks.inn_fits(inn, company=company) is fits


@given(st.text("0123456789", min_size=20, max_size=20), st.text("0123456789", min_size=7, max_size=7))
def test_account_with_the_key_of_its_bank_fits(account: str, bank: str) -> None:
    bik = "04" + bank
    assert checks.account_fits(with_account_key(account, bik), bik)


@given(st.text("0123456789", min_size=20, max_size=20), st.integers(0, 19), digits)
def test_one_wrong_digit_of_an_account_is_found(account: str, place: int, digit: int) -> None:
    right = with_account_key(account, "044525225")
    wrong = right[:place] + str(digit) + right[place + 1 :]
    assert checks.account_fits(wrong, "044525225") is (wrong == right)


def test_account_needs_a_russian_bank() -> None:
    account = with_account_key("40702810000000000001", "044525225")
    assert checks.account_fits(account, "044525225")
    assert not checks.account_fits(account, "144525225")
    assert not checks.account_fits(account[:-1], "044525225")


@given(st.text("0123456789", min_size=14, max_size=14), st.integers(0, 15), digits)
def test_one_wrong_digit_of_a_card_is_found(number: str, place: int, digit: int) -> None:
    right = "2" + number + luhn_digit("2" + number)
    assert checks.card_fits(right)
    wrong = right[:place] + str(digit) + right[place + 1 :]
    if wrong != right:
        assert not checks.card_fits(wrong)


@pytest.mark.parametrize("number", ["", "1234", "0" * 16, "2" * 20, "220000000000000a"])
def test_what_is_no_card(number: str) -> None:
    assert not checks.card_fits(number)
