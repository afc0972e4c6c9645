"""The overview: right figures, the way to the next level, and a number of queries that nothing makes grow."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from app import clock, db
from app.reports.overview import level_progress, report, span
from app.stats.service import Delta, add_in_transaction
from app.ui.i18n import use_locale
from app.users.identity import Membership, ProgramRef
from tests.browsers import Browse
from tests.cast import Cast
from tests.sales import give_back, sell

NOON = datetime(2026, 11, 20, 9, tzinfo=UTC)
TODAY = date(2026, 11, 20)


def member(cast: Cast) -> Membership:
    north = ProgramRef(cast.north_id, "north", "North", "RUB", "Europe/Moscow")
    return Membership(cast.alice.partner_id or 0, north, "alice", "Alice", "active", "starter")


@asynccontextmanager
async def counting_queries() -> AsyncIterator[list[str]]:
    """The statements that the test's connection runs inside the block."""
    connection: Any = db._held_connection()
    seen: list[str] = []

    def note(record: Any) -> None:
        seen.append(record.query)

    with connection.query_logger(note):
        yield seen
        # The logger is called by the loop, after the query is answered.
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("7", ("2026-11-14", "2026-11-20", "2026-11-07", "2026-11-13")),
        ("28", ("2026-10-24", "2026-11-20", "2026-09-26", "2026-10-23")),
        ("month", ("2026-11-01", "2026-11-20", "2026-10-01", "2026-10-20")),
        ("quarter", ("2026-10-01", "2026-11-20", "2026-07-01", "2026-08-20")),
        ("year", ("2026-01-01", "2026-11-20", "2025-01-01", "2025-11-20")),
        ("nonsense", ("2026-10-24", "2026-11-20", "2026-09-26", "2026-10-23")),
    ],
)
def test_a_period_is_compared_with_as_many_days_of_the_one_before(
    key: str, expected: tuple[str, ...]
) -> None:
    found = span(key, TODAY)

    assert (
        tuple(str(day) for day in (found.first, found.last, found.before_first, found.before_last))
        == expected
    )


def test_a_longer_month_is_compared_with_the_whole_shorter_one() -> None:
    found = span("month", date(2026, 3, 31))

    assert (found.before_first, found.before_last) == (date(2026, 2, 1), date(2026, 2, 28))


async def test_figures_stand_beside_those_of_the_period_before(cast: Cast) -> None:
    alice = cast.alice.partner_id or 0
    await add_in_transaction(
        cast.north_id,
        [
            Delta(alice, 0, TODAY, clicks=200, orders=5, earned_minor=50_000),
            Delta(alice, 0, TODAY - timedelta(days=8), clicks=100, orders=1, earned_minor=20_000),
        ],
    )
    with use_locale("en"):
        found = await report(member(cast), span("7", TODAY), ever=True)

    values = {figure.label: figure for figure in found.figures}
    assert values["Clicks"].value == "200"
    assert values["Earnings"].value == "RUB\u00a0500"
    earned = values["Earnings"].delta
    assert earned is not None
    assert (earned.trend, earned.share, earned.before) == ("up", "150%", "RUB\u00a0200")
    assert values["Orders per click"].value == "2.5%"
    assert found.chart is not None
    assert [len(series.values) for series in found.chart.series] == [7, 7]
    assert "150% more than in 7–13 Nov 2026".replace(" ", "") in found.chart.caption.replace(" ", "").replace(
        "\u00a0", ""
    )


async def test_the_way_to_the_next_level_goes_by_the_quarters_turnover(cast: Cast) -> None:
    """Silver from 100,000.00 in the quarter: 60,000.00 in November count, 90,000.00 of September do not."""
    await sell(cast.north_id, "alice", "1", datetime(2026, 9, 30, 9, tzinfo=UTC), goods_minor=9_000_000)
    await sell(cast.north_id, "alice", "2", NOON, goods_minor=7_000_000)
    await give_back(cast.north_id, "2", "R", NOON + timedelta(hours=1), 1_000_000)

    with clock.at(NOON + timedelta(days=1)), use_locale("en"):
        found = await level_progress(member(cast))

    assert (found.name, found.rate, found.next_name, found.next_rate) == ("Starter", 70_000, "Silver", 90_000)
    assert found.turnover_text == "RUB\u00a060,000.00"
    assert found.missing_text == "RUB\u00a040,000.00"
    assert (found.value, found.maximum) == (6_000_000, 10_000_000)
    assert (found.days_left, found.period_end) == (40, date(2026, 12, 31))


async def test_at_the_highest_level_nothing_is_missing(cast: Cast) -> None:
    await db.execute("UPDATE partners SET level = 'gold' WHERE id = $1", cast.alice.partner_id)

    with clock.at(NOON), use_locale("en"):
        found = await level_progress(member(cast))

    assert (found.name, found.next_name, found.missing_text) == ("Gold", None, "")


async def test_the_page_shows_the_sale_of_a_minute_ago(cast: Cast, browse: Browse) -> None:
    now = datetime.now(UTC) - timedelta(minutes=1)
    await sell(cast.north_id, "alice", "N-77001", now)
    await db.execute("UPDATE users SET locale = 'en'")

    shown = (await (await browse(cast.alice)).get("/overview")).text

    for words in ("…7001", "RUB\u00a070", "Level Starter", "Named by the shop.", "Pending: RUB\u00a070.00"):
        assert words in shown


async def test_a_new_partner_is_told_his_first_steps(cast: Cast, browse: Browse) -> None:
    await db.execute("UPDATE users SET locale = 'en'")

    shown = (await (await browse(cast.alice)).get("/overview")).text

    assert "First steps" in shown
    assert "Say where your money is sent" in shown
    assert "Share your link" in shown


async def test_queries_do_not_grow_with_clicks_and_commissions(cast: Cast, browse: Browse) -> None:
    visitor = await browse(cast.alice)
    await sell(cast.north_id, "alice", "first", NOON)
    await visitor.get("/overview")

    async with counting_queries() as few:
        assert (await visitor.get("/overview")).status_code == 200
    for number in range(40):
        await sell(cast.north_id, "alice", f"N{number}", NOON - timedelta(days=number))
    await add_in_transaction(
        cast.north_id,
        [
            Delta(cast.alice.partner_id or 0, link, TODAY - timedelta(days=link), clicks=9)
            for link in range(50)
        ],
    )
    async with counting_queries() as many:
        assert (await visitor.get("/overview")).status_code == 200

    assert few == many
    assert 0 < len(many) <= 25
    assert not [query for query in many if " clicks " in query.replace("\n", " ") and "FROM clicks" in query]
