"""A chart's data for portal.js, its caption as a sentence, and the same numbers as a table.

The picture is never the only way to read it: the caption says the result, the table has every value, and both work
without JavaScript. ApexCharts 4.7 puts series names and labels into the page as HTML (its issue 3328), so every text
in the JSON is escaped here, once, and nowhere else; the table takes the plain texts and Jinja escapes those.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date as Date
from enum import StrEnum

from markupsafe import escape

from app.ui.filters import day, exponent, money, number, period
from app.ui.i18n import gettext as _
from app.ui.i18n import locale


class Unit(StrEnum):
    """What the values count."""

    MONEY = "money"
    """Minor units of the chart's currency."""
    COUNT = "count"
    """Things: clicks, orders."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line. `values` has one entry per label; None is a day that has not come yet."""

    name: str
    values: Sequence[int | None]
    previous: bool = False
    """Drawn thinner, grey and dashed: the period before."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything the macro `chart` shows."""

    name: str
    """Unique on the page: letters, digits and hyphens; names the elements."""
    caption: str
    labels: Sequence[str]
    series: Sequence[Series]
    unit: Unit = Unit.COUNT
    currency: str = ""
    """Needed for `Unit.MONEY` only."""
    unfinished_from: int | None = None
    """Index of the first label whose day is not over; drawn dashed."""
    label_heading: str = ""

    def __post_init__(self) -> None:
        assert all(len(series.values) == len(self.labels) for series in self.series), "a value per label"
        assert self.unit is not Unit.MONEY or self.currency, "money has a currency"

    def text(self, value: int | None) -> str:
        """One value for a reader."""
        return value_text(value, self.unit, self.currency)

    @property
    def payload(self) -> dict[str, object]:
        """What portal.js draws from. All texts are HTML-escaped; values are integers."""
        return {
            "unit": self.unit.value,
            "currency": self.currency,
            "digits": exponent(self.currency) if self.unit is Unit.MONEY else 0,
            "locale": locale(),
            "labels": [_html(label) for label in self.labels],
            "unfinishedFrom": self.unfinished_from,
            "series": [
                {
                    "name": _html(series.name),
                    "previous": series.previous,
                    "values": list(series.values),
                    "texts": [_html(self.text(value)) for value in series.values],
                }
                for series in self.series
            ],
        }

    @property
    def rows(self) -> list[tuple[str, list[str]]]:
        """The table: label and one text per series."""
        return [
            (label, [self.text(series.values[place]) for series in self.series])
            for place, label in enumerate(self.labels)
        ]


def by_day(
    name: str,
    *,
    metric: str,
    days: Sequence[Date],
    values: Sequence[int | None],
    previous_days: Sequence[Date],
    previous: Sequence[int],
    unit: Unit,
    currency: str = "",
    today: Date,
) -> Chart:
    """A metric by day beside the period before it. `metric` is a translated word: "Earnings".

    `values` has one entry per day of `days`, None for days that have not come; `previous` one per day of
    `previous_days`. The caption compares only as many days of the previous period as have passed of this one.
    """
    assert len(previous_days) == len(previous), "a value per day"
    return Chart(
        name=name,
        caption=_sentence(metric, days, values, previous_days, previous, unit, currency),
        labels=[day(day_) for day_ in days],
        series=[
            Series(metric, values),
            Series(_("Previous period"), _padded(previous, len(days)), previous=True),
        ],
        unit=unit,
        currency=currency,
        unfinished_from=days.index(today) if today in days else None,
        label_heading=_("Day"),
    )


def _sentence(
    metric: str,
    days: Sequence[Date],
    values: Sequence[int | None],
    previous_days: Sequence[Date],
    previous: Sequence[int],
    unit: Unit,
    currency: str,
) -> str:
    passed = [(day_, value) for day_, value in zip(days, values, strict=True) if value is not None]
    if not passed:
        return _("%(metric)s: this period has not begun.", metric=metric)
    total = sum(value for _day, value in passed)
    span = period(passed[0][0], passed[-1][0])
    total_text = value_text(total, unit, currency)
    parts = [_("%(metric)s for %(period)s: %(total)s.", metric=metric, period=span, total=total_text)]
    compared = previous[: len(passed)]
    if compared:
        before = sum(compared)
        span_before = period(previous_days[0], previous_days[len(compared) - 1])
        parts.append(compare_words(total, before, text=value_text(before, unit, currency), span=span_before))
    peak_day, peak = max(passed, key=lambda entry: entry[1])
    if peak > 0:
        parts.append(
            _("Highest on %(day)s: %(value)s.", day=day(peak_day), value=value_text(peak, unit, currency))
        )
    return " ".join(parts)


def value_text(value: int | None, unit: Unit, currency: str) -> str:
    """One value of a chart for a reader."""
    if value is None:
        return "—"
    return money(value, currency) if unit is Unit.MONEY else number(value)


def compare_words(now: int, before: int, *, text: str, span: str) -> str:
    """`23.5% more than in 1–22 Oct (36 600 ₽).` From zero there is no percentage, and equal is equal."""
    if before == 0 and now == 0:
        return _("The same as in %(period)s: nothing.", period=span)
    if before == 0:
        return _("In %(period)s there was nothing.", period=span)
    if now == before:
        return _("The same as in %(period)s.", period=span)
    share = change_text(now, before)
    if now > before:
        return _("%(share)s more than in %(period)s (%(before)s).", share=share, period=span, before=text)
    return _("%(share)s less than in %(period)s (%(before)s).", share=share, period=span, before=text)


def change_text(now: int, before: int) -> str:
    """The size of a change from `before` (not zero) in percent with one digit: `23,5 %`. By integers alone."""
    tenths = (abs(now - before) * 2000 + abs(before)) // (2 * abs(before))
    whole, rest = divmod(tenths, 10)
    mark = "," if locale() == "ru" else "."
    text = number(whole) + (f"{mark}{rest}" if rest and whole < 100 else "")
    return f"{text}\u00a0%" if locale() == "ru" else f"{text}%"


class Trend(StrEnum):
    """Which way a figure went, for its colour, arrow and word."""

    UP = "up"
    DOWN = "down"
    SAME = "same"
    """No change, or nothing in both periods: neither good nor bad."""
    NEW = "new"
    """Something after nothing: there is no percentage from zero."""


@dataclass(frozen=True, slots=True)
class Delta:
    """A figure beside the one of the period before."""

    trend: Trend
    share: str
    """`23,5 %`; empty for SAME and NEW."""
    before: str
    """The previous figure, formatted."""
    good: bool | None
    """None: neutral."""


def delta(now: int, before: int, before_text: str, *, more_is_better: bool = True) -> Delta:
    """How `now` compares with `before`; for refunds and the like `more_is_better` is False."""
    if now == before:
        return Delta(Trend.SAME, "", before_text, None)
    if before == 0:
        return Delta(Trend.NEW, "", before_text, more_is_better if now > 0 else not more_is_better)
    trend = Trend.UP if now > before else Trend.DOWN
    return Delta(trend, change_text(now, before), before_text, (trend is Trend.UP) is more_is_better)


def sparkline(values: Sequence[int], *, width: int = 120, height: int = 28) -> str:
    """Points of an SVG polyline from 0 up, for a figure's small line. Empty without at least two values."""
    if len(values) < 2:
        return ""
    top = max(*values, 1)
    step = width * 100 // (len(values) - 1)
    return " ".join(
        f"{place * step // 100},{height - 2 - max(value, 0) * (height - 4) // top}"
        for place, value in enumerate(values)
    )


def _html(text: str) -> str:
    return str(escape(text))


def _padded(values: Sequence[int], length: int) -> list[int | None]:
    return [*values[:length], *([None] * (length - len(values)))]
