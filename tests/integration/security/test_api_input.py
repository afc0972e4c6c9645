"""The API under hostile input: never our own mistake, always a problem in JSON, and one key's work is done once."""

import asyncio
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import db
from app.shops import keys
from tests.integration.access.test_matrix import BY_KEY, Route
from tests.integration.shops.conftest import Shop, real_shop, shop  # noqa: F401 - fixtures

AT = "2026-03-01T12:00:00Z"
GOOD: dict[str, Any] = {
    "external_id": "x", "status": "paid", "partner": "alice", "code": "X", "total_minor": 1, "amount_minor": 1,
    "at": AT, "registered_at": AT, "customer": {"external_id": "c"}, "sub": {"sub1": "a"}, "orders": [{}],
    "lines": [{"external_id": "1", "total_minor": 1}],
}  # fmt: skip
ODD: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([2**63, -(2**63), 10**400, -1, 1e308, -0.0, True, None, "", [], {}, [[[]]], {"": {"": ""}}]),
    st.sampled_from(["\x00", "\u2028", "😀", "9999-12-31T23:59:59.999999-14:00", "0001-01-01T00:00:00+14:00", "٣", "1" * 300]),
    st.text(max_size=20).filter(lambda text: not any("\ud800" <= sign <= "\udfff" for sign in text)),
)  # fmt: skip
RAW = (
    b"", b"\x00", b"\xff", b"\xef\xbb\xbf{}", b"{", b"null", b"[]", b'"x"', b"{} {}", b"NaN", b'{"status":NaN}',
    b"[" * 30_000, b'{"a":' * 8_000, b'{"status":"\\ud800"}', b'{"status":"\xed\xa0\x80"}', b'{"a":1,"a":2}',
    b'{"total_minor":1' + b"0" * 20_000 + b"}", b'{"total_minor":1e400}', "{}".encode("utf-16"), b'{"\\u0000":1}',
)  # fmt: skip
PLACES = {"external_id": "x", "code": "alice", "redemption_id": "1", "currency": "USD", "day": "2026-03-10"}


def check(answer: httpx.Response, said: object) -> None:
    assert answer.status_code < 500, (said, answer.text)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", said
        assert {"type", "title", "status", "code", "request_id"} <= set(answer.json()), said


def unsafe() -> list[Route]:
    found = [route for route in BY_KEY if route.method != "GET"]
    assert len(found) >= 6
    return found


@pytest.mark.parametrize("raw", RAW, ids=range(len(RAW)))
async def test_no_body_breaks_a_call(shop: Shop, raw: bytes) -> None:  # noqa: F811
    for route in unsafe():
        check(await shop.http.request(route.method, route.at(PLACES), content=raw), route.path)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=st.sampled_from(sorted(GOOD)), value=ODD)
async def test_no_field_breaks_a_call(real_shop: Shop, name: str, value: object) -> None:  # noqa: F811
    for route in unsafe():
        check(
            await real_shop.http.request(route.method, route.at(PLACES), json=GOOD | {name: value}),
            route.path,
        )


@pytest.mark.parametrize(
    "odd", ["%00", "%ff", "%ed%a0%80", "..%2f..", "%F0%9F%98%80", "a" * 3000, "%0d%0aX: y", "'--"]
)
async def test_no_address_breaks_a_call(real_shop: Shop, odd: str) -> None:  # noqa: F811
    for route in BY_KEY:
        path = route.at(dict.fromkeys(PLACES, odd))
        query = f"?limit={odd}" if path == route.path else ""
        check(await real_shop.http.request(route.method, path + query, json=GOOD), path)
        if route.method == "GET":
            for name in ("cursor", "since", "updated_since", "partner", "order", "from", "to"):
                check(await real_shop.http.get(f"{path}?{name}={odd}"), (path, name))


@pytest.mark.parametrize("key", [b"", b"x" * 256, b"\x7f", "ключ".encode(), b"a\tb", b"\xff"])
async def test_odd_idempotency_keys_break_nothing(real_shop: Shop, key: bytes) -> None:  # noqa: F811
    body = {"external_id": "r1", "at": AT, "amount_minor": 1}
    path = "/api/v1/orders/none/refunds"
    check(await real_shop.http.post(path, json=body, headers={b"Idempotency-Key": key}), key)


async def test_one_key_for_two_long_ids_is_two_pieces_of_work(real_shop: Shop) -> None:  # noqa: F811
    body = {"external_id": "r1", "at": AT, "amount_minor": 1}
    for end in "ab":
        path = f"/api/v1/orders/{'x' * 198}{end}/refunds"
        answer = await real_shop.http.post(path, json=body, headers={"Idempotency-Key": "same"})
        assert answer.status_code == 202
        assert "Idempotency-Replayed" not in answer.headers
    assert await db.fetchval("SELECT count(*) FROM orders") == 2


async def test_many_keys_at_once_do_each_work_once(real_shop: Shop) -> None:  # noqa: F811
    async def post(number: int) -> httpx.Response:
        body = {"external_id": f"r{number}", "at": AT, "amount_minor": 1}
        headers = {"Idempotency-Key": f"key-{number}"}
        return await real_shop.http.post("/api/v1/orders/none/refunds", json=body, headers=headers)

    answers = await asyncio.gather(*(post(number % 20) for number in range(80)))
    assert {answer.status_code for answer in answers} <= {202, 409}
    for answer in answers:
        check(answer, "race")
    assert await db.fetchval("SELECT count(*) FROM api_idempotent_answers") == 20


async def test_a_stranger_at_its_address_cannot_lock_a_shop_out(
    real_shop: Shop,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keys, "CACHE_SECONDS", -1.0)
    assert (await real_shop.http.get("/api/v1/orders")).status_code == 200
    statuses = []
    for number in range(70):
        stranger = {"Authorization": f"Bearer pk_north_{number:048}"}
        statuses.append((await real_shop.http.get("/api/v1/orders", headers=stranger)).status_code)
    assert set(statuses) == {401, 429}
    assert (await real_shop.http.get("/api/v1/orders")).status_code == 200
