"""Earnings: what a partner sees of his commissions, and what he does not see of others'."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from app import db
from app.commissions import queries
from app.commissions.queries import EarningKind, EarningsFilter, EarningState
from tests.browsers import Browse
from tests.cast import Cast
from tests.sales import give_back, sell

NOON = datetime(2026, 11, 20, 9, tzinfo=UTC)  # noon in Moscow


async def commission_id(partner_id: int | None, order: str) -> int:
    found: int = await db.fetchval(
        "SELECT commission.id FROM commissions AS commission JOIN orders ON orders.id = commission.order_id "
        "WHERE commission.partner_id = $1 AND orders.external_id = $2",
        partner_id,
        order,
    )
    return found


async def page(browse: Browse, cast: Cast, path: str, *, locale: str = "en") -> httpx.Response:
    await db.execute("UPDATE users SET locale = $2 WHERE id = $1", cast.alice.user_id, locale)
    return await (await browse(cast.alice)).get(path)


async def test_the_list_shows_a_sale_with_its_number_masked(cast: Cast, browse: Browse) -> None:
    await sell(cast.north_id, "alice", "ORDER-2026-77001", NOON)

    answer = await page(browse, cast, "/earnings")

    assert answer.status_code == 200
    assert "…7001" in answer.text
    assert "ORDER-2026" not in answer.text
    assert "RUB\u00a070.00" in answer.text
    assert "Own sale" in answer.text


async def test_a_parent_sees_his_tier_without_the_buyers_or_sellers_name(cast: Cast, browse: Browse) -> None:
    """10 % of Alice's 70.00 are Boris's."""
    await sell(cast.north_id, "alice", "N-77001", NOON)

    found = await queries.earnings(cast.boris.partner_id or 0, EarningsFilter())

    assert [(row.kind, row.tier, row.amount_minor) for row in found.rows] == [(EarningKind.TIER, 1, 700)]
    answer = await (await browse(cast.boris)).get(f"/earnings/{found.rows[0].id}")
    assert answer.status_code == 200
    assert "Плащ" not in answer.text


@pytest.mark.parametrize("path", ["/earnings/{id}", "/earnings?zero=1"])
async def test_a_partner_of_another_program_sees_nothing(cast: Cast, browse: Browse, path: str) -> None:
    await sell(cast.north_id, "alice", "N-77001", NOON)
    number = await commission_id(cast.alice.partner_id, "N-77001")

    answer = await (await browse(cast.clara)).get(path.format(id=number))

    assert answer.status_code == (404 if "{id}" in path else 200)
    assert "…7001" not in answer.text


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        (
            "en",
            [
                "Commission for order …7001",
                "The shop&#39;s operator named alice.",
                "Refund R-1",
                "Плащ, синий",
                "7%",
            ],
        ),
        ("ru", ["Партнёра указал оператор магазина: alice.", "Плащ, синий", "R-1", "7\u00a0%"]),
    ],
)
async def test_the_story_of_a_commission_in_both_languages(
    cast: Cast, browse: Browse, locale: str, words: list[str]
) -> None:
    await sell(cast.north_id, "alice", "ORDER-77001", NOON)
    await give_back(cast.north_id, "ORDER-77001", "R-1", NOON + timedelta(hours=1), 40_000)

    number = await commission_id(cast.alice.partner_id, "ORDER-77001")
    answer = await page(browse, cast, f"/earnings/{number}", locale=locale)

    assert answer.status_code == 200
    for word in words:
        assert word in answer.text
    facts = await queries.earning_facts(cast.alice.partner_id or 0, number)
    assert [(entry.cause, entry.amount_minor) for entry in facts.entries] == [
        ("paid", 7_000),
        ("refund", -2_800),
    ]
    assert (facts.earning.accrued_minor, facts.earning.amount_minor, facts.earning.clawed_back_minor) == (
        7_000,
        4_200,
        2_800,
    )


async def test_states_kinds_and_days_filter_the_list(cast: Cast) -> None:
    alice = cast.alice.partner_id or 0
    await sell(cast.north_id, "alice", "1", NOON)
    await sell(cast.north_id, "alice", "2", NOON + timedelta(days=2))
    await give_back(cast.north_id, "2", "R-1", NOON + timedelta(days=2, hours=1), 100_000)
    await sell(cast.north_id, "alice", "3", NOON + timedelta(days=3), goods_minor=0)

    async def orders(wanted: EarningsFilter) -> list[str]:
        return [row.order_number for row in (await queries.earnings(alice, wanted)).rows]

    assert await orders(EarningsFilter()) == ["2", "1"]
    assert await orders(EarningsFilter(with_nothing=True)) == ["3", "2", "1"]
    assert await orders(EarningsFilter(state=EarningState.NOTHING)) == ["3"]
    assert await orders(EarningsFilter(state=EarningState.CLAWED_BACK)) == ["2"]
    assert await orders(EarningsFilter(state=EarningState.PENDING)) == ["1"]
    assert await orders(EarningsFilter(kind=EarningKind.TIER)) == []
    assert await orders(EarningsFilter(start=NOON, end=NOON + timedelta(seconds=1))) == ["1"]
    assert await orders(EarningsFilter(end=NOON)) == []
    sums = {one.state: (one.count, one.amount_minor) for one in await queries.sums(alice, EarningsFilter())}
    assert sums == {EarningState.PENDING: (1, 7_000), EarningState.CLAWED_BACK: (1, 0)}


async def test_pages_join_without_gap_and_htmx_gets_rows_only(cast: Cast, browse: Browse) -> None:
    for number in range(30):
        await sell(cast.north_id, "alice", f"N{number:05}", NOON + timedelta(minutes=number // 2))
    visitor = await browse(cast.alice)

    first = (await visitor.get("/earnings")).text
    url = first.split('hx-get="')[1].split('"')[0].replace("&amp;", "&")
    rest = (await visitor.get(url, headers={"HX-Request": "true"})).text

    assert "<html" in first
    assert "<html" not in rest
    shown = [f"…{number:04}" in first for number in range(30)]
    left = [f"…{number:04}" in rest for number in range(30)]
    assert (sum(shown), sum(left)) == (25, 5)
    assert all(one != other for one, other in zip(shown, left, strict=True))


async def test_a_wrong_filter_is_marked_and_a_wrong_cursor_refused(cast: Cast, browse: Browse) -> None:
    visitor = await browse(cast.alice)

    for query in ("from=yesterday", "from=0001-01-01", "state=lost", "from=2026-11-02&to=2026-11-01"):
        assert (await visitor.get(f"/earnings?{query}")).status_code == 422
    assert (await visitor.get("/earnings?after=nonsense")).status_code == 400


async def test_the_csv_has_every_commission_and_no_formula(cast: Cast, browse: Browse) -> None:
    await sell(cast.north_id, "alice", "=1+1", NOON)

    answer = await page(browse, cast, "/earnings.csv")

    lines = answer.content.decode("utf-8-sig").splitlines()
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert len(lines) == 2
    assert (
        lines[1]
        == "2026-11-20T09:00:00+00:00,'=1+1,Own sale,Named by the shop,1000.00,7,70.00,0.00,Pending,RUB"
    )
