"""Cashback at checkout over HTTP: what is read, quoted, set aside, returned, refused and told."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from app import clock, db
from app.shops.keys import forget_keys
from tests.buyers import MARCH, buy, jobs
from tests.factories import make_program
from tests.integration.shops.conftest import Shop, shop_of

NOW = MARCH + timedelta(days=2)
CASHBACK = {"lifetime_days": 30, "rules": [{"code": "all", "rate": "10%"}]}


@pytest.fixture
async def shop(transaction: None, portal: object) -> AsyncIterator[Shop]:
    """North, whose customer "c" has 100.00 of order 1 to spend, at noon of 3 March."""
    forget_keys()
    program_id = await make_program("north", cashback=CASHBACK)
    with clock.at(NOW):
        await buy(program_id, "1", "c", 100_000)
        await jobs()
        made = await shop_of(portal, "north", ("cashback", "read", "orders"))
        yield made
        await made.http.aclose()
    forget_keys()


async def test_a_customer_sees_balances_lots_and_history_with_the_balance_after_each_row(shop: Shop) -> None:
    answer = await shop.http.get("/api/v1/customers/c/cashback")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["available_minor"], told["pending_minor"], told["currency"]) == (10_000, 0, "RUB")
    [lot] = told["lots"]
    assert (lot["order"], lot["left_minor"], lot["expires_at"]) == ("1", 10_000, "2026-03-30T21:00:00Z")
    assert [
        (row["kind"], row["amount_minor"], row["available_minor"], row["pending_minor"])
        for row in told["history"]
    ] == [("released", 10_000, 10_000, 0), ("earned", 10_000, 0, 10_000)]


async def test_a_quote_is_the_least_of_the_share_and_what_is_there(shop: Shop) -> None:
    path = "/api/v1/customers/c/cashback/quote"
    small = (await shop.http.post(path, json={"order_total_minor": 15_001})).json()
    assert small == {"spendable_minor": 7_500, "available_minor": 10_000, "most_minor": 7_500}
    large = (await shop.http.post(path, json={"order_total_minor": 100_000})).json()
    assert large == {"spendable_minor": 10_000, "available_minor": 10_000, "most_minor": 50_000}


async def test_a_reservation_is_made_once_for_one_key_and_returned_once(shop: Shop) -> None:
    path = "/api/v1/customers/c/cashback/redemptions"
    body = {"order": "2", "amount_minor": 4_000}
    first = await shop.http.post(path, json=body, headers={"Idempotency-Key": "k"})
    again = await shop.http.post(path, json=body, headers={"Idempotency-Key": "k"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotency-Replayed"] == "true"
    made = first.json()
    assert (made["order"], made["amount_minor"], made["state"]) == ("2", 4_000, "reserved")
    for _ in range(2):
        answer = await shop.http.delete(f"{path}/{made['id']}")
        assert (answer.status_code, answer.json()["state"]) == (200, "returned")
    told = (await shop.http.get("/api/v1/customers/c/cashback")).json()
    assert (told["available_minor"], told["reserved_minor"]) == (10_000, 0)


async def test_a_reservation_is_spent_with_its_order_and_cannot_be_returned_then(shop: Shop) -> None:
    path = "/api/v1/customers/c/cashback/redemptions"
    made = (await shop.http.post(path, json={"order": "2", "amount_minor": 4_000})).json()
    answer = await shop.put_order("2", partner=None, customer={"external_id": "c"})
    assert answer.status_code == 201
    told = (await shop.http.get("/api/v1/customers/c/cashback")).json()
    # The order does not say how much was spent: all that was set aside for it is, and it earns of the whole 200.00.
    assert (told["available_minor"], told["spent_minor"], told["pending_minor"]) == (6_000, 4_000, 2_000)
    refused = await shop.http.delete(f"{path}/{made['id']}")
    assert (refused.status_code, refused.json()["code"]) == (409, "spent")


@pytest.mark.parametrize(
    ("body", "status", "pointer", "code"),
    [
        ({"order": "2", "amount_minor": 10_001}, 422, "/amount_minor", "above_available"),
        ({"order": "1", "amount_minor": 1}, 422, "/order", "order_closed"),
        ({"order": "2", "amount_minor": 0}, 400, "/amount_minor", "out_of_range"),
        ({"order": "2"}, 400, "/amount_minor", "missing"),
        ({"order": "2", "amount_minor": 1, "more": 1}, 400, "/more", "unknown_field"),
    ],
)
async def test_what_cannot_be_set_aside_is_refused_with_its_field(
    shop: Shop, body: dict[str, object], status: int, pointer: str, code: str
) -> None:
    answer = await shop.http.post("/api/v1/customers/c/cashback/redemptions", json=body)
    assert answer.status_code == status
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [(pointer, code)]


async def test_an_order_that_says_too_much_was_spent_is_refused_and_nothing_of_it_stays(shop: Shop) -> None:
    answer = await shop.put_order(
        "2", partner=None, customer={"external_id": "c"}, cashback_spent_minor=10_001
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/cashback_spent_minor"
    assert await db.fetchval("SELECT count(*) FROM orders") == 1


async def test_one_bad_order_of_a_batch_does_not_spoil_the_rest_nor_overspend(shop: Shop) -> None:
    lines = [{"external_id": "1", "quantity": 1, "unit_price_minor": 20_000}]
    orders = [
        {"external_id": f"b{number}", "status": "paid", "updated_at": f"2026-03-03T08:0{number}:00Z",
         "customer": {"external_id": "c"}, "cashback_spent_minor": 6_000, "lines": lines}
        for number in range(3)
    ]  # fmt: skip
    answer = await shop.http.post("/api/v1/orders/batch", json={"orders": orders})
    assert [one["status"] for one in answer.json()["results"]] == [201, 422, 422]
    told = (await shop.http.get("/api/v1/customers/c/cashback")).json()
    assert (told["available_minor"], told["spent_minor"]) == (4_000, 6_000)


async def test_strangers_and_keys_without_the_scope_get_nothing(shop: Shop, portal: object) -> None:
    assert (await shop.http.get("/api/v1/customers/nobody/cashback")).status_code == 404
    await make_program("south", cashback=CASHBACK)
    south, other = await shop_of(portal, "south"), await shop_of(portal, "north", ("orders",))
    assert (await south.http.get("/api/v1/customers/c/cashback")).status_code == 404
    assert (await other.http.get("/api/v1/customers/c/cashback")).status_code == 403
    await south.http.aclose()
    await other.http.aclose()


async def test_changes_are_told_as_events_without_anybody_s_name(shop: Shop) -> None:
    items = (await shop.http.get("/api/v1/events")).json()["items"]
    told = [one["data"] for one in items if one["type"] == "cashback.changed"]
    assert told == [
        {"customer": "c", "changes": [{"kind": "earned", "order": "1", "amount_minor": 10_000}]},
        {"customer": "c", "changes": [{"kind": "released", "order": "1", "amount_minor": 10_000}]},
    ]
