"""A spreadsheet file shows what people typed and never runs it (CVE-2022-2798 and its like)."""

import csv
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ui.spreadsheet import Number, amount, csv_text


def cells(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


@pytest.mark.parametrize(
    "typed",
    [
        '=HYPERLINK("http://evil")',
        "+1",
        "-1+2",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "＝1",
        "＋1",
        "－1",
        "＠x",
        " =1",
        "\u00a0=1",
    ],
)
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(typed: str) -> None:
    assert cells(csv_text(["name"], [[typed]]))[1] == [f"'{typed}"]


def test_numbers_stay_numbers() -> None:
    row = [amount(-1250, "RUB"), 7, amount(5, "JPY"), Number("-0.001")]

    assert cells(csv_text(["a", "b", "c", "d"], [row]))[1] == ["-12.50", "7", "5", "-0.001"]


def test_a_number_is_digits_only() -> None:
    with pytest.raises(AssertionError):
        Number("=1")


def test_moments_and_nothing() -> None:
    row = [datetime(2026, 11, 22, 12, tzinfo=UTC), None, "плащ, синий"]

    assert cells(csv_text(["at", "x", "y"], [row]))[1] == ["2026-11-22T12:00:00+00:00", "", "плащ, синий"]


@given(st.text())
def test_no_cell_of_text_begins_like_a_formula(typed: str) -> None:
    written = cells(csv_text(["name"], [[typed, "end"]]))[1][0]

    assert written.strip(" \u00a0\u200b\ufeff")[:1] not in set("=+-@＝＋－＠")
    assert written in (typed, f"'{typed}")
