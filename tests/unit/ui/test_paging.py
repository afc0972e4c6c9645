"""Cursors find their place again, and nothing else is a cursor."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Malformed
from app.ui.paging import Cursor, page

AT = datetime(2026, 11, 22, 11, 5, 0, 123456, tzinfo=UTC)


@given(
    st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(min_value=0, max_value=2**63 - 1),
)
def test_a_cursor_comes_back_as_it_went(moment: datetime, id_: int) -> None:
    assert Cursor.decode(Cursor(moment, id_).encode()) == Cursor(moment, id_)


@pytest.mark.parametrize(
    "text", ["x", "!!!!", "MTIz", "LjE", "MS4tMQ", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5LjE", "1" * 400, "é"]
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        Cursor.decode(text)


def test_no_cursor_is_the_beginning() -> None:
    assert Cursor.decode(None) is None
    assert Cursor.decode("") is None


def test_a_full_page_says_where_the_next_begins() -> None:
    rows = [(AT - timedelta(minutes=place), 100 - place) for place in range(4)]
    shown = page(rows, lambda row: row, size=3)
    assert list(shown.rows) == rows[:3]
    assert Cursor.decode(shown.next_cursor) == Cursor(*rows[2])


def test_the_last_page_has_no_next() -> None:
    rows = [(AT, 1), (AT, 2), (AT, 3)]
    assert page(rows, lambda row: row, size=3).next_cursor is None
