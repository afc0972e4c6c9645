"""The year of a real shop comes out of the rules to the cent (the expected results of `../shared/data`)."""

import csv
from datetime import UTC, datetime
from functools import cache

import pytest

from tests.unit.rules import history

EXPECTED = history.DATA / "expected_sample"

pytestmark = pytest.mark.skipif(not EXPECTED.is_dir(), reason="../shared/data is not beside the project")


@cache
def december(terms_name: str) -> tuple[history.History, history.Outcome]:
    loaded = history.load(terms_name, datetime(2011, 1, 1, tzinfo=UTC))
    return loaded, history.run(loaded, until=datetime(2011, 1, 1, tzinfo=UTC))


def expected(name: str) -> list[dict[str, str]]:
    with (EXPECTED / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("name", "terms_name", "before"),
    [
        ("ledger_to_2010-12-31.last.daily_qtd", "last.daily_qtd", "2011-01-01"),
        ("ledger_to_2010-12-10.linear.daily_qtd", "linear.daily_qtd", "2010-12-10 23:59:59"),
    ],
)
def test_ledger_rows_equal_the_expected_ones(name: str, terms_name: str, before: str) -> None:
    rows = [row for row in history.ledger_rows(*december(terms_name)) if row["at"] < before]
    assert rows == expected(name)


@pytest.mark.parametrize("model", ["last", "first", "linear"])
def test_totals_of_december_equal_the_expected_ones(model: str) -> None:
    terms_name = f"{model}.daily_qtd"
    assert history.totals_rows(*december(terms_name)) == expected(f"totals_2010Q4.{terms_name}")


def test_level_changes_equal_the_expected_ones() -> None:
    rows = history.level_rows(*december("last.daily_qtd"))
    assert rows == expected("level_changes_to_2011-01-01.last.daily_qtd")


def test_totals_with_levels_kept_for_the_next_quarter_equal_the_expected_ones() -> None:
    loaded = history.load("last.daily_max_prev", datetime(2011, 4, 1, tzinfo=UTC))
    rows = history.totals_rows(loaded, history.run(loaded))
    assert [row for row in rows if row["quarter"] == "2011Q1"] == expected(
        "totals_2011Q1.last.daily_max_prev"
    )
