"""Amounts in Russian words: genders, endings, and that the words say the very number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.payouts.words import amount_in_words

EXAMPLES = {
    0: "Ноль рублей 00 копеек",
    1: "Ноль рублей 01 копейка",
    2: "Ноль рублей 02 копейки",
    100: "Один рубль 00 копеек",
    200: "Два рубля 00 копеек",
    500: "Пять рублей 00 копеек",
    1100: "Одиннадцать рублей 00 копеек",
    2121: "Двадцать один рубль 21 копейка",
    11112: "Сто одиннадцать рублей 12 копеек",
    100_000: "Одна тысяча рублей 00 копеек",
    123_405: "Одна тысяча двести тридцать четыре рубля 05 копеек",
    200_000: "Две тысячи рублей 00 копеек",
    1_100_100: "Одиннадцать тысяч один рубль 00 копеек",
    2_100_022: "Двадцать одна тысяча рублей 22 копейки",
    100_000_000: "Один миллион рублей 00 копеек",
    200_000_100: "Два миллиона один рубль 00 копеек",
    500_000_000_000: "Пять миллиардов рублей 00 копеек",
    100_000_000_000_000: "Один триллион рублей 00 копеек",
    99_999_999_999_999: (
        "Девятьсот девяносто девять миллиардов девятьсот девяносто девять миллионов "
        "девятьсот девяносто девять тысяч девятьсот девяносто девять рублей 99 копеек"
    ),
}


@pytest.mark.parametrize("amount_minor", list(EXAMPLES))
def test_rubles(amount_minor: int) -> None:
    assert amount_in_words(amount_minor, "RUB") == EXAMPLES[amount_minor]


@pytest.mark.parametrize(
    ("amount_minor", "currency", "text"),
    [
        (2_200_105, "UAH", "Двадцать две тысячи одна гривна 05 копеек"),
        (202, "USD", "Два доллара США 02 цента"),
        (501, "EUR", "Пять евро 01 цент"),
        (1001, "JPY", "Одна тысяча одна иена"),
        (21_012, "KWD", "Двадцать один кувейтский динар 012 филсов"),
        (10_000, "KZT", "Сто тенге 00 тиынов"),
        (510, "XTS", "Пять XTS 10/100"),
    ],
)
def test_other_currencies(amount_minor: int, currency: str, text: str) -> None:
    assert amount_in_words(amount_minor, currency) == text


VALUES = {
    word: value
    for words, value in [
        ("ноль", 0), ("один одна", 1), ("два две", 2), ("три", 3), ("четыре", 4), ("пять", 5), ("шесть", 6),
        ("семь", 7), ("восемь", 8), ("девять", 9), ("десять", 10), ("одиннадцать", 11), ("двенадцать", 12),
        ("тринадцать", 13), ("четырнадцать", 14), ("пятнадцать", 15), ("шестнадцать", 16), ("семнадцать", 17),
        ("восемнадцать", 18), ("девятнадцать", 19), ("двадцать", 20), ("тридцать", 30), ("сорок", 40),
        ("пятьдесят", 50), ("шестьдесят", 60), ("семьдесят", 70), ("восемьдесят", 80), ("девяносто", 90),
        ("сто", 100), ("двести", 200), ("триста", 300), ("четыреста", 400), ("пятьсот", 500), ("шестьсот", 600),
        ("семьсот", 700), ("восемьсот", 800), ("девятьсот", 900),
    ]
    for word in words.split()
}  # fmt: skip
GROUPS = {"тысяч": 10**3, "миллион": 10**6, "миллиард": 10**9, "триллион": 10**12}


def read(text: str) -> int:
    """The number that the words say: an independent reader."""
    whole = group = 0
    for word in text.lower().split():
        power = next(
            (value for stem, value in sorted(GROUPS.items(), key=len, reverse=True) if word.startswith(stem)),
            None,
        )
        if word.startswith("рубл"):
            break
        if power is None:
            group += VALUES[word]
        else:
            whole, group = whole + group * power, 0
    kopecks = int(text.split()[-2])
    return (whole + group) * 100 + kopecks


@given(st.integers(0, 10**14))
def test_words_say_the_number(amount_minor: int) -> None:
    assert read(amount_in_words(amount_minor, "RUB")) == amount_minor


@given(st.integers(0, 10**12))
def test_the_noun_agrees_with_the_number(whole: int) -> None:
    tens, units = whole // 10 % 10, whole % 10
    noun = "рублей" if tens == 1 or units in (0, 5, 6, 7, 8, 9) else "рубль" if units == 1 else "рубля"
    assert amount_in_words(whole * 100, "RUB").split()[-3] == noun
