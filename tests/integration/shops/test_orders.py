"""Orders through the API: what is stored, what is earned, what is refused."""

import asyncio
import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import db
from app.commissions.service import retry_failed_judgements
from tests.cast import Cast
from tests.integration.shops.conftest import Shop, line

REFUND = {
    "external_id": "r1",
    "at": "2026-03-20T12:00:00+03:00",
    "lines": [{"line": "1", "quantity": 1}],
}
PAID = {
    "updated_at": "2026-03-10T12:05:00+03:00",
    "placed_at": "2026-03-10T12:00:00+03:00",
    "paid_at": "2026-03-10T12:05:00+03:00",
}


def earned(answer: httpx.Response) -> dict[str, int]:
    return {
        f"{one['partner']}/{one['kind']}/{one['tier']}": one["amount_minor"]
        for one in answer.json()["commissions"]
    }


async def test_paid_order_answers_with_commissions_reasons_and_the_card(shop: Shop) -> None:
    answer = await shop.put_order(**PAID)
    assert answer.status_code == 201
    # 200.00 at 7 % = 14.00, and Boris 10 % of that
    assert earned(answer) == {"alice/direct/0": 1400, "boris/tier/1": 140}
    order = answer.json()
    assert order["paid_at"] == "2026-03-10T09:05:00Z"
    assert "200.00 RUB × 7%, rounded once: 14.00 RUB." in order["commissions"][0]["why"]
    assert order["partner_card"] | {"deal_id": ""} == {
        "partner": {"code": "alice", "name": "Alice"},
        "promo_code": None,
        "ref_code": "alice",
        "terms": "Starter, 7 %",
        "reward_minor": 1540,
        "status": "agreed",
        "deal_id": "",
    }


async def test_reasons_come_in_the_language_asked_for(shop: Shop) -> None:
    await shop.put_order(**PAID)
    answer = await shop.http.get("/api/v1/orders/1001", headers={"Accept-Language": "ru"})
    why = " ".join(answer.json()["commissions"][0]["why"])
    assert "округлено один раз: 14.00 RUB." in why


async def test_repeated_state_answers_the_same_and_books_nothing(shop: Shop) -> None:
    first = await shop.put_order(**PAID)
    again = await shop.put_order(**PAID)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert await db.fetchval("SELECT count(*) FROM journal_entries") == 1


async def test_moments_that_a_shop_leaves_out_stay_as_first_told(shop: Shop) -> None:
    await shop.put_order(updated_at="2026-03-10T12:00:00+03:00")
    answer = await shop.put_order(status="fulfilled", updated_at="2026-03-12T12:00:00+03:00")
    order = answer.json()
    assert (order["paid_at"], order["fulfilled_at"]) == ("2026-03-10T09:00:00Z", "2026-03-12T09:00:00Z")
    assert order["partner_card"]["status"] == "approved"


async def test_partial_refund_takes_its_part_back_and_is_told_once(shop: Shop) -> None:
    await shop.put_order(**PAID)
    first = await shop.http.post("/api/v1/orders/1001/refunds", json=REFUND)
    again = await shop.http.post("/api/v1/orders/1001/refunds", json=REFUND)
    assert (first.status_code, again.status_code) == (201, 200)
    assert earned(first) == earned(again) == {"alice/direct/0": 700, "boris/tier/1": 70}


async def test_refund_of_an_unknown_order_waits_visibly(shop: Shop) -> None:
    answer = await shop.http.post("/api/v1/orders/1001/refunds", json=REFUND)
    assert (answer.status_code, answer.json()["status"]) == (202, "awaited")
    assert earned(await shop.put_order(**PAID)) == {"alice/direct/0": 700, "boris/tier/1": 70}


async def test_refund_above_the_order_is_refused_and_changes_nothing(shop: Shop) -> None:
    await shop.put_order(**PAID)
    answer = await shop.http.post(
        "/api/v1/orders/1001/refunds", json=REFUND | {"lines": [{"line": "1", "quantity": 3}]}
    )
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/lines/0/quantity"]
    assert (await shop.http.get("/api/v1/orders/1001")).json()["refunds"] == []


async def test_changed_currency_is_refused(shop: Shop) -> None:
    await shop.put_order(**PAID)
    answer = await shop.put_order(currency="EUR")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/currency")


async def test_operator_moves_an_order_to_another_partner(shop: Shop) -> None:
    await shop.put_order(partner=None)
    answer = await shop.http.patch("/api/v1/orders/1001/card", json={"partner": "boris"})
    assert answer.status_code == 200
    assert earned(answer) == {"boris/direct/0": 1400}
    unknown = await shop.http.patch("/api/v1/orders/1002/card", json={"partner": "boris"})
    assert unknown.status_code == 404


async def test_batch_gives_one_result_each_and_a_bad_order_spoils_nothing(shop: Shop) -> None:
    good = {"external_id": "a", "status": "paid", "partner": "alice", "lines": [line()]}
    orders = [
        good,
        good | {"external_id": "b", "partner": "nobody"},
        {"status": "paid"},
        good | {"external_id": "c", "status": "placed"},
    ]
    answer = await shop.http.post("/api/v1/orders/batch", json={"orders": orders})
    results = answer.json()["results"]
    assert [one["status"] for one in results] == [201, 422, 400, 201]
    assert results[1]["problem"]["errors"][0]["pointer"] == "/partner"
    assert results[2]["problem"]["errors"][0]["pointer"] == "/external_id"
    assert results[0]["order"]["partner_card"]["reward_minor"] == 1540
    assert results[3]["order"]["commissions"] == []


async def test_orders_are_listed_by_their_last_change_page_by_page(shop: Shop) -> None:
    for name in ("a", "b", "c"):
        await shop.put_order(name)
    first = (await shop.http.get("/api/v1/orders", params={"limit": 2})).json()
    second = (
        await shop.http.get("/api/v1/orders", params={"limit": 2, "cursor": first["next_cursor"]})
    ).json()
    assert [one["external_id"] for one in first["items"] + second["items"]] == ["a", "b", "c"]
    assert second["next_cursor"] is None
    later = await shop.http.get("/api/v1/orders", params={"updated_since": "2100-01-01T00:00:00+03:00"})
    assert later.json()["items"] == []


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "cursor=!", "updated_since=yesterday"])
async def test_wrong_parameter_of_a_list_is_refused(shop: Shop, query: str) -> None:
    answer = await shop.http.get(f"/api/v1/orders?{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


async def test_foreign_order_is_not_there(shop: Shop, cast: Cast) -> None:
    await shop.put_order(**PAID)
    await db.execute("UPDATE orders SET program_id = $1", cast.south_id)
    assert (await shop.http.get("/api/v1/orders/1001")).status_code == 404


async def test_large_body_is_refused(shop: Shop) -> None:
    answer = await shop.put_order(number="x" * 70_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_other_content_than_json_is_refused(shop: Shop) -> None:
    answer = await shop.http.put(
        "/api/v1/orders/1", content=b"status=paid", headers={"Content-Type": "text/plain"}
    )
    assert answer.status_code == 415


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_names = st.sampled_from(
    ["status", "paid_at", "partner", "promo_code", "customer", "total_minor", "click_id", "refunds"]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.dictionaries(_names, _json, max_size=3),
    external_id=st.text(st.characters(codec="utf-8"), min_size=1, max_size=30),
)
async def test_no_order_is_answered_by_a_failure_of_ours(
    shop: Shop, changes: dict[str, Any], external_id: str
) -> None:
    raw = json.dumps({"status": "paid", "total_minor": 100} | changes).encode()
    answer = await shop.http.put(f"/api/v1/orders/{quote(external_id, safe='')}", content=raw)
    assert answer.status_code < 500


async def test_same_order_sixty_four_times_at_once_is_one_order(real_shop: Shop) -> None:
    answers = await asyncio.gather(*(real_shop.put_order(**PAID) for _ in range(64)))
    assert sorted(answer.status_code for answer in answers) == [200] * 63 + [201]
    assert await db.fetchval("SELECT count(*) FROM orders") == 1
    assert await db.fetchval("SELECT sum(amount_minor) FROM postings") == 1540


async def test_waiting_orders_share_transactions(real_shop: Shop) -> None:
    answers = await asyncio.gather(*(real_shop.put_order(str(number), **PAID) for number in range(100)))
    assert {answer.status_code for answer in answers} == {201}
    assert await db.fetchval("SELECT count(DISTINCT xmin::text) FROM orders") < 50
    assert await db.fetchval("SELECT sum(reward_minor) FROM orders") == 154_000


async def test_order_that_we_fail_to_judge_is_kept_and_judged_later(real_shop: Shop) -> None:
    accounts = "SELECT id FROM ledger_accounts WHERE kind = 'pending'"
    await db.execute(f"DELETE FROM ledger_balances WHERE account_id IN ({accounts})")
    answer = await real_shop.put_order(**PAID)
    assert (answer.status_code, answer.json()["partner_card"], answer.json()["commissions"]) == (
        202,
        None,
        [],
    )
    other = await real_shop.put_order("1002", **PAID | {"status": "placed"})
    assert other.status_code == 201
    await db.execute(
        f"INSERT INTO ledger_balances (account_id, balance_minor) SELECT id, 0 FROM ({accounts}) AS one"
    )
    assert await retry_failed_judgements() == 1
    later = await real_shop.http.get("/api/v1/orders/1001")
    assert earned(later) == {"alice/direct/0": 1400, "boris/tier/1": 140}
    assert later.json()["partner_card"]["reward_minor"] == 1540
