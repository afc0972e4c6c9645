"""Charts: what goes to the library is escaped, captions compare fairly, changes from zero have no percentage."""

from datetime import date

import pytest

from app.ui import charts
from app.ui.charts import Trend, Unit
from app.ui.i18n import use_locale

EVIL = '<img src=x onerror=alert(1)> & "Co"'
OCTOBER = [date(2026, 10, day) for day in (1, 2, 3)]
NOVEMBER = [date(2026, 11, day) for day in (1, 2, 3)]


def chart(values: list[int | None], previous: list[int], metric: str = "Earnings") -> charts.Chart:
    return charts.by_day(
        "earnings", metric=metric, days=NOVEMBER, values=values, previous_days=OCTOBER, previous=previous,
        unit=Unit.MONEY, currency="RUB", today=date(2026, 11, 2),
    )  # fmt: skip


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def test_names_are_escaped_for_the_library_and_plain_in_the_table() -> None:
    made = chart([1, 2, None], [1, 1, 1], metric=EVIL)
    payload = made.payload["series"]
    assert isinstance(payload, list)
    assert payload[0]["name"] == "&lt;img src=x onerror=alert(1)&gt; &amp; &#34;Co&#34;"
    assert made.series[0].name == EVIL


def test_a_caption_compares_only_what_has_passed() -> None:
    with use_locale("en"):
        caption = plain(chart([10_000, 5_000, None], [10_000, 2_000, 900_000]).caption)
    assert caption == (
        "Earnings for 1–2 Nov 2026: RUB 150.00. 25% more than in 1–2 Oct 2026 (RUB 120.00). "
        "Highest on 1 Nov: RUB 100.00."
    )


def test_a_caption_in_russian() -> None:
    with use_locale("ru"):
        caption = plain(chart([10_000, 5_000, None], [10_000, 10_000, 0], metric="Доход").caption)
    assert caption == (
        "Доход за 1–2 ноя 2026: 150,00 ₽. На 25 % меньше, чем за 1–2 окт 2026 (200,00 ₽). "
        "Максимум — 1 ноя: 100,00 ₽."
    )


def test_a_caption_from_zero_has_no_percentage() -> None:
    with use_locale("en"):
        assert "In 1–2 Oct 2026 there was nothing." in plain(chart([100, 0, None], [0, 0, 0]).caption)
        assert "The same as in 1–2 Oct 2026: nothing." in plain(chart([0, 0, None], [0, 0, 0]).caption)


def test_the_table_has_every_value_and_dashes_for_days_to_come() -> None:
    with use_locale("en"):
        rows = [
            (label, [plain(text) for text in texts])
            for label, texts in chart([100, 200, None], [1, 2, 3]).rows
        ]
    assert rows[0] == ("1\u00a0Nov", ["RUB 1.00", "RUB 0.01"])
    assert rows[2] == ("3\u00a0Nov", ["—", "RUB 0.03"])


def test_the_unfinished_day_is_marked() -> None:
    assert chart([1, 2, None], [1, 1, 1]).payload["unfinishedFrom"] == 1


@pytest.mark.parametrize(
    ("now", "before", "trend", "share", "good"),
    [
        (12_350, 10_000, Trend.UP, "23.5%", True),
        (5_000, 10_000, Trend.DOWN, "50%", False),
        (10_000, 10_000, Trend.SAME, "", None),
        (0, 0, Trend.SAME, "", None),
        (1, 0, Trend.NEW, "", True),
        (0, 1, Trend.DOWN, "100%", False),
        (1000, 1, Trend.UP, "99,900%", True),
        (2, 3, Trend.DOWN, "33.3%", False),
    ],
)
def test_deltas(now: int, before: int, trend: Trend, share: str, good: bool | None) -> None:
    with use_locale("en"):
        made = charts.delta(now, before, "before")
    assert (made.trend, made.share, made.good, made.before) == (trend, share, good, "before")


def test_more_refunds_are_not_good() -> None:
    assert charts.delta(2, 1, "1", more_is_better=False).good is False
    assert charts.delta(1, 2, "2", more_is_better=False).good is True


def test_a_sparkline_stays_inside_its_box() -> None:
    points = [tuple(map(int, point.split(","))) for point in charts.sparkline([0, 5, 10]).split()]
    assert points == [(0, 26), (60, 14), (120, 2)]
    assert charts.sparkline([7]) == ""


def test_a_chart_without_a_value_per_label_is_our_bug() -> None:
    with pytest.raises(AssertionError):
        charts.Chart(name="x", caption="", labels=["a"], series=[charts.Series("s", [1, 2])])
