"""A shop that feeds several programs: by click, then code, then goods, then customer; and then for ever the same way."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app import db
from app.shops.keys import feed_program, forget_keys
from tests.cast import Cast
from tests.integration.shops.conftest import Shop, line, shop_of

NOON = "2026-03-10T12:00:00+03:00"
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36"


@pytest.fixture
async def both(cast: Cast, portal: object) -> AsyncIterator[Shop]:
    """A shop with a key of North's that feeds South, too: boots are South's."""
    made = await shop_of(portal, "north")
    key_id = await db.fetchval("SELECT max(id) FROM api_keys")
    await feed_program(key_id, "south", products=["boots"], categories=["winter"])
    forget_keys()
    yield made
    await made.http.aclose()


async def put(shop: Shop, number: str, **fields: Any) -> dict[str, Any]:
    body = {"partner": None, "placed_at": NOON, "paid_at": NOON, "updated_at": NOON} | fields
    answer = await shop.put_order(number, **body)
    assert answer.status_code in (200, 201), answer.text
    found: dict[str, Any] = answer.json()
    return found


async def click(shop: Shop, partner: str, visitor: str, at: str) -> str:
    body = {"partner": partner, "visitor_id": visitor, "user_agent": BROWSER, "ip": "192.0.2.1", "at": at}
    answer = await shop.http.post("/api/v1/clicks", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["click_id"])


async def test_click_beats_goods_and_goods_beat_the_customer(both: Shop) -> None:
    await click(both, "alice", "v1", "2026-03-09T12:00:00+03:00")
    buyer = {"external_id": "c-1"}
    order = await put(both, "1", visitor_id="v1", lines=[line(product="boots")], customer=buyer)
    assert (order["program"], order["program_found_by"]) == ("north", "click")
    assert order["partner_card"]["partner"]["code"] == "alice"
    order = await put(both, "2", lines=[line(product="boots")], customer=buyer)
    assert (order["program"], order["program_found_by"]) == ("south", "product")
    order = await put(both, "3", customer=buyer)
    assert (order["program"], order["program_found_by"]) == ("south", "customer")
    order = await put(both, "4", lines=[line(categories=["clothes", "winter"])])
    assert (order["program"], order["program_found_by"]) == ("south", "product")
    order = await put(both, "5")
    assert (order["program"], order["program_found_by"]) == ("north", "home")


async def test_latest_click_inside_its_window_decides(both: Shop) -> None:
    await click(both, "alice", "v2", "2026-03-08T12:00:00+03:00")
    await click(both, "clara", "v2", "2026-03-09T12:00:00+03:00")
    order = await put(both, "1", visitor_id="v2")
    assert (order["program"], order["partner_card"]["partner"]["code"]) == ("south", "clara")
    await click(both, "clara", "v3", "2026-01-01T12:00:00+03:00")
    assert (await put(both, "2", visitor_id="v3"))["program_found_by"] == "home"


async def test_named_partner_stands_for_a_click(both: Shop) -> None:
    order = await put(both, "1", partner="clara")
    assert (order["program"], order["program_found_by"]) == ("south", "code")
    assert order["partner_card"]["partner"]["code"] == "clara"


async def test_later_messages_go_the_same_way(both: Shop) -> None:
    await put(both, "1", lines=[line(product="boots")])
    later = "2026-03-11T12:00:00+03:00"
    order = await put(both, "1", lines=[line(product="hat")], updated_at=later)
    assert order["program"] == "south"
    refund = {"external_id": "r1", "at": later, "amount_minor": 100}
    assert (await both.http.post("/api/v1/orders/1/refunds", json=refund)).status_code == 201
    card = await both.http.patch("/api/v1/orders/1/card", json={"partner": "clara"})
    assert card.status_code == 200, card.text
    shown = (await both.http.get("/api/v1/orders/1")).json()
    assert (shown["program"], shown["refunded_minor"]) == ("south", 100)
    assert shown["partner_card"]["partner"]["code"] == "clara"


async def test_batch_goes_every_way_in_its_order(both: Shop) -> None:
    one = {"external_id": "1", "status": "paid", "placed_at": NOON, "lines": [line(product="boots")]}
    orders = [one, one | {"external_id": "2", "lines": [line()]}, one | {"external_id": "3"}]
    answer = await both.http.post("/api/v1/orders/batch", json={"orders": orders})
    if answer.status_code == 400:
        answer = await both.http.post("/api/v1/orders/batch", json=orders)
    assert [one["order"]["external_id"] for one in answer.json()["results"]] == ["1", "2", "3"]
    rows = await db.fetch("SELECT external_id, found_by FROM order_routes ORDER BY external_id")
    assert [tuple(row) for row in rows] == [("1", "product"), ("2", "home"), ("3", "product")]


async def test_refused_order_is_looked_at_anew(both: Shop) -> None:
    answer = await both.put_order("1", partner="nobody", placed_at=NOON)
    assert answer.status_code == 422
    assert (await put(both, "1", lines=[line(product="boots")]))["program"] == "south"


async def test_key_of_one_program_answers_as_before(shop: Shop) -> None:
    answer = (await shop.put_order("1")).json()
    assert "program" not in answer
    assert await db.fetchval("SELECT count(*) FROM order_routes") == 0
