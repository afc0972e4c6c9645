"""Money, rates and moments as text, in both languages."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from app.ui import filters
from app.ui.i18n import use_locale

NBSP = "\u00a0"


def ru(text: str) -> str:
    """Written with plain spaces for the reader of the test; compared with unbreakable ones."""
    return text.replace(" ", NBSP)


@pytest.mark.parametrize(
    ("amount_minor", "currency", "russian", "english"),
    [
        (1234567, "RUB", "12 345,67 ₽", "RUB 12,345.67"),
        (0, "RUB", "0,00 ₽", "RUB 0.00"),
        (-5, "RUB", "−0,05 ₽", "−RUB 0.05"),
        (1500, "JPY", "1 500 ¥", "JPY 1,500"),
        (1234567, "KWD", "1 234,567 KWD", "KWD 1,234.567"),
        (9_007_199_254_740_993, "RUB", "90 071 992 547 409,93 ₽", "RUB 90,071,992,547,409.93"),
    ],
)
def test_money(amount_minor: int, currency: str, russian: str, english: str) -> None:
    with use_locale("ru"):
        assert filters.money(amount_minor, currency) == ru(russian)
    with use_locale("en"):
        assert filters.money(amount_minor, currency) == ru(english)


def test_money_with_a_sign_and_short() -> None:
    with use_locale("ru"):
        assert filters.money(100, "RUB", sign=True) == ru("+1,00 ₽")
        assert filters.money(0, "RUB", sign=True) == ru("0,00 ₽")
        assert filters.money(100_000, "RUB", short=True) == ru("1 000 ₽")
        assert filters.money(100_001, "RUB", short=True) == ru("1 000,01 ₽")


def test_an_amount_for_a_form_has_no_groups_and_no_currency() -> None:
    assert filters.amount_input(1234567, "RUB") == "12345.67"
    assert filters.amount_input(1500, "JPY") == "1500"
    assert filters.amount_input(-5, "RUB") == "-0.05"


@pytest.mark.parametrize(
    ("rate", "russian", "english"),
    [(70_000, "7 %", "7%"), (75_000, "7,5 %", "7.5%"), (333_333, "33,3333 %", "33.3333%"), (0, "0 %", "0%"), (1, "0,0001 %", "0.0001%")],
)  # fmt: skip
def test_rates_are_exact_percents(rate: int, russian: str, english: str) -> None:
    with use_locale("ru"):
        assert filters.percent(rate) == ru(russian)
    with use_locale("en"):
        assert filters.percent(rate) == english


def test_numbers() -> None:
    with use_locale("ru"):
        assert filters.number(1234567) == ru("1 234 567")
        assert filters.number(-3) == "−3"
        assert filters.number(Decimal("2.5")) == "2,5"
    with use_locale("en"):
        assert filters.number(1234567) == "1,234,567"


def test_a_moment_is_shown_in_the_readers_zone() -> None:
    moment = datetime(2026, 11, 21, 21, 30, tzinfo=UTC)
    with use_locale("ru", "Europe/Moscow"):
        assert filters.moment(moment) == ru("22 ноя 2026, 00:30")
        assert filters.date(moment) == ru("22 ноя 2026")
        assert filters.moment(moment, "Asia/Vladivostok") == ru("22 ноя 2026, 07:30")
    with use_locale("en", "UTC"):
        assert filters.moment(moment) == ru("21 Nov 2026, 21:30")


def test_months_are_short_and_without_full_stops() -> None:
    with use_locale("ru"):
        shown = [filters.day(date(2026, month, 1)) for month in range(1, 13)]
        assert shown == [
            ru(f"1 {name}")
            for name in ("янв", "фев", "мар", "апр", "мая", "июн", "июл", "авг", "сен", "окт", "ноя", "дек")
        ]
    with use_locale("en"):
        assert filters.day(date(2026, 9, 1)) == ru("1 Sep")


def test_a_missing_moment_is_a_dash() -> None:
    assert (filters.date(None), filters.moment(None)) == ("—", "—")


def test_a_naive_moment_is_our_bug() -> None:
    with pytest.raises(ValueError, match="aware"):
        filters.moment(datetime(2026, 1, 1))  # noqa: DTZ001 - the point of the test


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [
        (date(2026, 11, 1), date(2026, 11, 22), "1–22 ноя 2026"),
        (date(2026, 10, 28), date(2026, 11, 3), "28 окт – 3 ноя 2026"),
        (date(2025, 12, 28), date(2026, 1, 3), "28 дек 2025 – 3 янв 2026"),
        (date(2026, 11, 1), date(2026, 11, 1), "1 ноя 2026"),
    ],
)
def test_periods_say_each_part_once(start: date, end: date, shown: str) -> None:
    with use_locale("ru"):
        assert filters.period(start, end).replace(NBSP, " ") == shown
