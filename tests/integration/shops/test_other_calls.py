"""Clicks, registrations, quotes and what shops read."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import clock, db
from app.shops.documents import openapi_document
from app.tracking.promo_codes import create_promo_code
from tests.cast import Cast
from tests.integration.shops.conftest import Shop, line
from tests.integration.shops.test_orders import PAID, earned

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"


async def click(shop: Shop, **changes: Any) -> httpx.Response:
    body = {"partner": "alice", "visitor_id": "v1", "user_agent": BROWSER, "at": "2026-03-01T12:00:00+03:00"}
    return await shop.http.post("/api/v1/clicks", json=body | changes)


async def test_click_of_the_shops_server_earns_and_its_repeat_does_not_count(shop: Shop) -> None:
    first = await click(shop)
    again = await click(shop, at="2026-03-01T12:10:00+03:00")
    assert (first.status_code, first.json()["counted"], first.json()["reason"]) == (201, True, None)
    assert (again.json()["counted"], again.json()["reason"]) == (False, "repeat")
    order = await shop.put_order(partner=None, visitor_id="v1", **PAID)
    assert earned(order)["alice/direct/0"] == 1400


async def test_click_names_exactly_one_source(shop: Shop) -> None:
    for changes in ({"partner": None}, {"link": "alice"}, {"utm": {"no-utm": "x"}}):
        assert (await click(shop, **changes)).status_code == 422


async def test_registration_joins_a_visitors_clicks_and_is_safe_to_repeat(shop: Shop) -> None:
    await click(shop)
    body = {"registered_at": "2026-03-02T12:00:00+03:00", "visitor_id": "v1"}
    for _ in range(2):
        assert (await shop.http.put("/api/v1/customers/c1", json=body)).status_code == 200
    order = await shop.put_order(partner=None, customer={"external_id": "c1"}, **PAID)
    assert earned(order)["alice/direct/0"] == 1400


async def test_registration_with_a_code_is_one_click_however_often_it_is_told(shop: Shop, cast: Cast) -> None:
    assert cast.alice.partner_id is not None
    await create_promo_code(cast.north_id, cast.alice.partner_id, "ALICE10")
    body = {"registered_at": clock.now().isoformat(), "promo_code": "alice10"}
    for _ in range(2):
        assert (await shop.http.put("/api/v1/customers/c1", json=body)).status_code == 200
    assert await db.fetchval("SELECT count(*) FROM clicks") == 1


async def test_unknown_click_of_a_registration_is_refused(shop: Shop) -> None:
    for click_id in ("nonsense", "00000000-0000-4000-8000-000000000000"):
        body = {"registered_at": "2026-03-02T12:00:00+03:00", "click_id": click_id}
        answer = await shop.http.put("/api/v1/customers/c1", json=body)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/click_id")


async def test_quote_gives_the_discount_and_tells_nothing_of_foreign_codes(shop: Shop, cast: Cast) -> None:
    assert cast.alice.partner_id is not None
    assert cast.clara.partner_id is not None
    await create_promo_code(cast.north_id, cast.alice.partner_id, "ALICE10")
    await create_promo_code(cast.south_id, cast.clara.partner_id, "CLARA10")

    async def quote(code: str, **more: Any) -> Any:
        body = {"code": code, "lines": [line()]} | more
        return (await shop.http.post("/api/v1/promo-codes/quote", json=body)).json()

    # 5 % of 200.00
    assert await quote("alice10") == {"valid": True, "discount_minor": 1000, "reason": None}
    unknown = {"valid": False, "discount_minor": 0, "reason": "unknown"}
    assert await quote("NOBODY") == await quote("CLARA10") == unknown
    herself = {"external_id": "c1", "email": "Alice+shop@example.com"}
    assert (await quote("ALICE10", customer=herself))["reason"] == "own_code"


async def test_statement_adds_up_by_the_moment_of_booking(shop: Shop) -> None:
    await shop.put_order(**PAID)
    with clock.at(clock.now() + timedelta(seconds=1)):
        told = (await shop.http.get("/api/v1/partners/alice/statement")).json()
    assert told["opening"]["pending_minor"] == 0
    assert [row["change"]["pending_minor"] for row in told["rows"]] == [1400]
    assert [row["occurred_at"] for row in told["rows"]] == ["2026-03-10T09:05:00Z"]
    assert told["closing"]["pending_minor"] == 1400
    period = {"from": "2026-01-01T00:00:00+03:00", "to": "2026-02-01T00:00:00+03:00"}
    assert (await shop.http.get("/api/v1/partners/alice/statement", params=period)).json()["rows"] == []
    turned = {"from": period["to"], "to": period["from"]}
    assert (await shop.http.get("/api/v1/partners/alice/statement", params=turned)).status_code == 422


async def test_commissions_can_be_narrowed_to_an_order_and_a_partner(shop: Shop) -> None:
    await shop.put_order("1", **PAID)
    await shop.put_order("2", **PAID)
    answer = await shop.http.get("/api/v1/commissions", params={"order": "2", "partner": "BORIS"})
    assert [(one["order"], one["partner"], one["amount_minor"]) for one in answer.json()["items"]] == [
        ("2", "boris", 140)
    ]
    nobody = await shop.http.get("/api/v1/commissions", params={"partner": "clara"})
    assert nobody.json()["items"] == []


async def test_events_go_on_from_the_cursor(shop: Shop) -> None:
    start = (await shop.http.get("/api/v1/events")).json()["next_cursor"]
    await shop.put_order(**PAID)
    news = (await shop.http.get("/api/v1/events", params={"since": start})).json()
    assert [one["type"] for one in news["items"]] == ["commission.created", "commission.created"]
    nothing = (await shop.http.get("/api/v1/events", params={"since": news["next_cursor"]})).json()
    assert (nothing["items"], nothing["next_cursor"]) == ([], news["next_cursor"])


async def test_description_names_every_route_with_its_body(shop: Shop) -> None:
    from app.shops.api import API

    answer = await shop.http.get("/api/v1/openapi.json", headers={"Authorization": ""})
    document = answer.json()
    assert document == json.loads(json.dumps(openapi_document(API), default=str))
    assert document["openapi"].startswith("3.1")
    order = document["paths"]["/api/v1/orders/{external_id}"]["put"]
    body = order["requestBody"]["content"]["application/json"]
    example = await shop.http.put("/api/v1/orders/example", json=body["example"] | {"promo_code": None})
    assert example.status_code == 201
    referred = {part.split('"')[0] for part in json.dumps(document).split("#/components/schemas/")[1:]}
    assert referred <= set(document["components"]["schemas"])


async def test_page_for_developers_shows_every_call(shop: Shop) -> None:
    page = await shop.http.get("/developers")
    assert page.status_code == 200
    assert "PUT /api/v1/orders/{external_id}" in page.text


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
CALLS = {
    ("POST", "/api/v1/orders/1001/refunds"): {
        "external_id": "r1",
        "at": "2026-03-20T12:00:00Z",
        "amount_minor": 1,
    },
    ("PATCH", "/api/v1/orders/1001/card"): {"promo_code": "X"},
    ("POST", "/api/v1/orders/batch"): {"orders": [{"external_id": "1", "status": "paid", "total_minor": 1}]},
    ("PUT", "/api/v1/customers/c"): {"registered_at": "2026-03-20T12:00:00Z"},
    ("POST", "/api/v1/clicks"): {"partner": "alice", "user_agent": BROWSER},
    ("POST", "/api/v1/promo-codes/quote"): {"code": "X", "total_minor": 1},
}


@pytest.mark.parametrize("call", CALLS, ids=lambda call: " ".join(call))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_no_body_is_answered_by_a_failure_of_ours(shop: Shop, call: tuple[str, str], data: Any) -> None:
    body: dict[str, Any] = dict(CALLS[call])
    for name in data.draw(st.lists(st.sampled_from(sorted(body)), max_size=2)):
        body[name] = data.draw(_json)
    answer = await shop.http.request(call[0], call[1], content=json.dumps(body).encode())
    assert answer.status_code < 500


@pytest.mark.parametrize(
    "path",
    [
        "orders?cursor=AAAA",
        "orders?updated_since=0001-01-01T00:00:00%2B14:00",
        "partners?cursor=99999999999999999999",
        "partners/%00",
        "partners/alice/statement?from=x",
        "commissions?partner=%00",
        "payouts?limit=-1",
        "events?since=-1",
    ],
)
async def test_wrong_addresses_are_refused_politely(shop: Shop, path: str) -> None:
    answer = await shop.http.get(f"/api/v1/{path}")
    assert answer.status_code in (400, 404)
    assert answer.headers["content-type"] == "application/problem+json"
