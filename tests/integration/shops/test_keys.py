"""Who may call the API, and what a repeated POST gets."""

import asyncio

import pytest

from app import clock, db
from app.errors import DomainError
from app.shops.idempotency import forget_old_answers
from app.shops.keys import create_key, forget_keys, keys, revoke_key
from tests.cast import Cast
from tests.integration.shops.conftest import Shop, shop_of
from tests.integration.shops.test_orders import PAID, REFUND


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer pk_north_0000", "Basic eDp5", "Bearer ключ"])
async def test_wrong_key_is_refused(shop: Shop, header: str) -> None:
    answer = await shop.http.get("/api/v1/orders", headers={"Authorization": header.encode()})
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


async def test_key_is_stored_as_a_digest_and_shown_once(cast: Cast) -> None:
    key = await create_key("north", "shop", ["orders"])
    row = (await keys("north"))[0]
    assert key.startswith("pk_north_")
    assert key.startswith(row.shown)
    assert len(row.shown) < len(key) - 30
    stored = await db.fetchrow("SELECT * FROM api_keys WHERE id = $1", row.id)
    assert stored is not None
    assert key not in str(dict(stored))


async def test_scope_that_a_key_lacks_is_refused(cast: Cast, portal: object) -> None:
    reader = await shop_of(portal, "north", ("read",))
    answer = await reader.put_order(**PAID)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope")
    assert (await reader.http.get("/api/v1/partners")).status_code == 200


async def test_revoked_key_is_dead_at_once(shop: Shop) -> None:
    assert (await shop.http.get("/api/v1/orders")).status_code == 200
    await revoke_key((await keys("north"))[0].id)
    assert (await shop.http.get("/api/v1/orders")).status_code == 401


async def test_use_of_a_key_is_noted_by_the_minute(shop: Shop) -> None:
    await shop.http.get("/api/v1/orders")
    assert (await keys("north"))[0].used_at == clock.now().replace(second=0, microsecond=0)


async def test_foreign_partner_is_not_there(shop: Shop) -> None:
    assert (await shop.http.get("/api/v1/partners/alice")).status_code == 200
    assert (await shop.http.get("/api/v1/partners/clara")).status_code == 404
    assert (await shop.put_order(partner="clara")).status_code == 422


async def test_unknown_scope_or_program_makes_no_key(cast: Cast) -> None:
    for program, scopes in (("north", ["everything"]), ("north", []), ("west", ["read"])):
        with pytest.raises(DomainError):
            await create_key(program, "x", scopes)


async def test_many_wrong_keys_of_one_address_are_held_off(shop: Shop) -> None:
    answers = [
        await shop.http.get("/api/v1/orders", headers={"Authorization": f"Bearer pk_north_{number}"})
        for number in range(61)
    ]
    assert answers[59].status_code == 401
    assert (answers[60].status_code, answers[60].headers["retry-after"]) == (429, "60")
    forget_keys()


async def test_same_key_and_body_get_the_stored_answer(shop: Shop) -> None:
    await shop.put_order(**PAID)
    first = await shop.http.post(
        "/api/v1/orders/1001/refunds", json=REFUND, headers={"Idempotency-Key": "once"}
    )
    again = await shop.http.post(
        "/api/v1/orders/1001/refunds", json=REFUND, headers={"Idempotency-Key": "once"}
    )
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert (again.status_code, again.content) == (first.status_code, first.content)


async def test_same_key_with_another_body_is_refused_with_both_digests(shop: Shop) -> None:
    await shop.put_order(**PAID)
    headers = {"Idempotency-Key": "once"}
    await shop.http.post("/api/v1/orders/1001/refunds", json=REFUND, headers=headers)
    other = await shop.http.post(
        "/api/v1/orders/1001/refunds", json=REFUND | {"external_id": "r2"}, headers=headers
    )
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert await db.fetchval("SELECT count(*) FROM order_refunds") == 1


async def test_refusals_are_not_kept(shop: Shop) -> None:
    headers = {"Idempotency-Key": "once"}
    await shop.put_order(**PAID)
    too_many = REFUND | {"lines": [{"line": "1", "quantity": 9}]}
    assert (
        await shop.http.post("/api/v1/orders/1001/refunds", json=too_many, headers=headers)
    ).status_code == 422
    assert (
        await shop.http.post("/api/v1/orders/1001/refunds", json=REFUND, headers=headers)
    ).status_code == 201


async def test_request_in_progress_is_a_conflict_and_is_taken_over_when_its_worker_died(shop: Shop) -> None:
    await shop.put_order(**PAID)
    headers = {"Idempotency-Key": "once"}
    first = await shop.http.post("/api/v1/orders/1001/refunds", json=REFUND, headers=headers)
    await db.execute("UPDATE api_idempotent_answers SET status = NULL, body = NULL")
    waiting = await shop.http.post("/api/v1/orders/1001/refunds", json=REFUND, headers=headers)
    assert (waiting.status_code, waiting.headers["retry-after"]) == (409, "1")
    await db.execute("UPDATE api_idempotent_answers SET created_at = created_at - interval '2 minutes'")
    taken_over = await shop.http.post("/api/v1/orders/1001/refunds", json=REFUND, headers=headers)
    assert (first.status_code, taken_over.status_code) == (201, 200)


async def test_keys_of_another_program_are_other_keys(shop: Shop, cast: Cast, portal: object) -> None:
    south = await shop_of(portal, "south")
    for one, partner in ((shop, "alice"), (south, "clara")):
        answer = await one.http.post(
            "/api/v1/clicks", json={"partner": partner}, headers={"Idempotency-Key": "once"}
        )
        assert answer.status_code == 201


async def test_answers_older_than_thirty_days_are_forgotten(shop: Shop) -> None:
    await shop.http.post("/api/v1/clicks", json={"partner": "alice"}, headers={"Idempotency-Key": "once"})
    assert await forget_old_answers() == 0
    await db.execute("UPDATE api_idempotent_answers SET created_at = created_at - interval '31 days'")
    assert await forget_old_answers() == 1


async def test_two_posts_with_one_key_at_once_do_their_work_once(real_shop: Shop) -> None:
    await real_shop.put_order(**PAID)
    answers = await asyncio.gather(
        *(
            real_shop.http.post(
                "/api/v1/orders/1001/refunds", json=REFUND, headers={"Idempotency-Key": "once"}
            )
            for _ in range(8)
        )
    )
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert [answer.status_code for answer in answers].count(201) >= 1
    assert await db.fetchval("SELECT count(*) FROM order_refunds") == 1
