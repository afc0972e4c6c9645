"""Currency rates as people write them: in a file, with a comma or a point, and what is refused."""

import pytest

from app.errors import DomainError
from app.programs.currency_rates import NewRate, rate_problems, read_csv


@pytest.mark.parametrize(
    "text",
    [
        "currency,day,rate,source\nUSD,2026-03-10,90.1234,bank\neur,2026-03-10,98.5,\n",
        "USD;2026-03-10;90,1234;bank\n\nEUR;2026-03-10;98,5;\n",
        "\ufeffUSD\t2026-03-10\t90.1234\tbank\nEUR\t2026-03-10\t98.5\n",
    ],
)
def test_files_of_several_kinds_are_read(text: str) -> None:
    first, second = read_csv(text)
    assert (first.currency, first.day, first.rate, first.source) == ("USD", "2026-03-10", "90.1234", "bank")
    assert (second.currency, second.day, second.rate, second.source) == ("EUR", "2026-03-10", "98.5", "")


@pytest.mark.parametrize("text", ["", "\n \n", "currency,day,rate\n"])
def test_a_file_without_rates_is_refused(text: str) -> None:
    with pytest.raises(DomainError):
        read_csv(text)


@pytest.mark.parametrize(
    ("new", "wrong"),
    [
        (NewRate("USD", "2026-03-10", "90.5"), []),
        (NewRate("VND", "2026-03-10", "0.0036120001"), []),
        (NewRate("XYZ", "2026-03-10", "1"), ["currency"]),
        (NewRate("RUB", "2026-03-10", "1"), ["currency"]),
        (NewRate("USD", "2026-02-30", "1"), ["day"]),
        (NewRate("USD", "10.03.2026", "1"), ["day"]),
        (NewRate("USD", "20260310", "1"), ["day"]),
        (NewRate("USD", "2026-03-10", "0"), ["rate"]),
        (NewRate("USD", "2026-03-10", "-1"), ["rate"]),
        (NewRate("USD", "2026-03-10", "NaN"), ["rate"]),
        (NewRate("USD", "2026-03-10", "1e12"), ["rate"]),
        (NewRate("USD", "2026-03-10", "0.00000000001"), ["rate"]),
        (NewRate("USD", "2026-03-10", "ninety", place="7"), ["7/rate"]),
        (NewRate("USD", "2026-03-10", "1", "x" * 101), ["source"]),
    ],
)
def test_what_is_wrong_with_a_rate(new: NewRate, wrong: list[str]) -> None:
    assert [problem.pointer for problem in rate_problems(new, "RUB")] == wrong
