"""The statement by the API is the one that the partner reads."""

from datetime import UTC, datetime, timedelta

from tests.cast import Cast
from tests.integration.shops.conftest import Shop
from tests.sales import give_back, sell

NOON = datetime(2026, 11, 20, 9, tzinfo=UTC)


async def test_opening_rows_and_closing_of_a_period(cast: Cast, shop: Shop) -> None:
    """70.00 before the period; in it 35.00 more, of which 14.00 are taken back: 91.00."""
    await sell(cast.north_id, "alice", "A", NOON - timedelta(days=1))
    await sell(cast.north_id, "alice", "B", NOON, goods_minor=50_000)
    await give_back(cast.north_id, "B", "R-1", NOON + timedelta(hours=1), 20_000)

    answer = await shop.http.get(
        "/api/v1/partners/alice/statement",
        params={"from": NOON.isoformat(), "to": (NOON + timedelta(hours=2)).isoformat()},
    )

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["opening"]["pending_minor"], body["closing"]["pending_minor"]) == (7_000, 9_100)
    rows = [(row["kind"], row["order"], row["change"]["pending_minor"]) for row in body["rows"]]
    assert rows == [("accrual", "B", 3_500), ("clawback", "B", -1_400)]


async def test_a_period_that_ends_before_it_begins_and_other_partners(cast: Cast, shop: Shop) -> None:
    wrong = {"from": "2026-11-02T00:00:00Z", "to": "2026-11-01T00:00:00Z"}

    assert (await shop.http.get("/api/v1/partners/alice/statement", params=wrong)).status_code == 422
    assert (await shop.http.get("/api/v1/partners/clara/statement")).status_code == 404
