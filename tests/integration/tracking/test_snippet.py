"""POST /t/{program}: what the snippet tells and what it is answered."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest

from app import clock
from tests.integration.tracking.conftest import Shop, rows, verdicts

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ORIGIN = {"Origin": "https://shop.example", "Sec-Fetch-Dest": "empty"}


async def tell(visitor: httpx.AsyncClient, **body: Any) -> httpx.Response:
    return await visitor.post("/t/north", json=body, headers=ORIGIN)


async def test_landing_with_the_partners_parameter_is_a_click(shop: Shop, visitor: httpx.AsyncClient) -> None:
    answer = await tell(
        visitor, partner="ALICE", landing_url="https://shop.example/?ref=ALICE", sub={"sub1": "tg"}
    )
    click = (await rows())[0]
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert answer.json() == {
        "visitor_id": click["visitor_id"],
        "click_id": str(click["public_id"]),
        "partner": "alice",
        "counted": True,
        "reason": "",
    }
    assert (click["partner_id"], click["link_id"]) == (shop.partner_id, shop.link_id)
    assert click["sub"] == '{"sub1": "tg"}'


async def test_visitor_known_to_the_shop_keeps_his_id(shop: Shop, visitor: httpx.AsyncClient) -> None:
    first = (await tell(visitor, partner="alice")).json()
    second = (await tell(visitor, partner="alice", visitor_id=first["visitor_id"])).json()
    assert second["visitor_id"] == first["visitor_id"]
    assert await verdicts() == ["counted", "repeat"]


async def test_visitor_who_came_through_a_link_is_not_counted_again(
    shop: Shop, visitor: httpx.AsyncClient
) -> None:
    await visitor.get(f"/r/{shop.link_code}")
    click = (await rows())[0]
    answer = (await tell(visitor, partner="alice", click_id=str(click["public_id"]))).json()
    assert answer["visitor_id"] == click["visitor_id"]
    assert answer["click_id"] == str(click["public_id"])
    assert await verdicts() == ["counted"]


async def test_address_that_was_passed_on_makes_a_visitor_of_his_own(
    shop: Shop, visitor: httpx.AsyncClient
) -> None:
    with clock.at(NOON):
        await visitor.get(f"/r/{shop.link_code}")
    click = (await rows())[0]
    with clock.at(NOON + timedelta(minutes=11)):
        answer = (await tell(visitor, partner="alice", click_id=str(click["public_id"]))).json()
    assert answer["visitor_id"] != click["visitor_id"]
    assert await verdicts() == ["counted", "counted"]


@pytest.mark.parametrize("click_id", ["nonsense", "0" * 32, "{", ""])
async def test_click_id_that_is_none_is_passed_over(
    shop: Shop, visitor: httpx.AsyncClient, click_id: str
) -> None:
    assert (await tell(visitor, partner="alice", click_id=click_id)).json()["counted"] is True


async def test_unknown_partner_writes_nothing(shop: Shop, visitor: httpx.AsyncClient) -> None:
    answer = await tell(visitor, partner="no\x00body")
    assert (answer.status_code, answer.json()["partner"]) == (200, "")
    assert await rows() == []


async def test_without_consent_nothing_is_kept(shop: Shop, visitor: httpx.AsyncClient) -> None:
    answer = await tell(visitor, partner="alice", consent=False)
    assert answer.json()["visitor_id"] == ""
    assert await rows() == []


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "https://shop.example.evil.example", "null", "", "https://shop.example:1"],
)
async def test_only_pages_of_the_program_may_tell(
    shop: Shop, visitor: httpx.AsyncClient, origin: str
) -> None:
    answer = await visitor.post("/t/north", json={"partner": "alice"}, headers={"Origin": origin})
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    assert await rows() == []


async def test_preflight_is_answered_for_the_programs_hosts(shop: Shop, visitor: httpx.AsyncClient) -> None:
    answer = await visitor.options("/t/north", headers=ORIGIN)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-methods"] == "POST"


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b'{"partner": 5}', 400),
        (b'{"unknown": ""}', 400),
        (b'{"partner": "\\ud800"}', 400),
        (b'{"partner": "' + b"x" * 65 + b'"}', 400),
        (b"x" * 9000, 413),
    ],
)
async def test_unreadable_message_is_refused(
    shop: Shop, visitor: httpx.AsyncClient, content: bytes, status: int
) -> None:
    answer = await visitor.post("/t/north", content=content, headers=ORIGIN)
    assert answer.status_code == status
    assert await rows() == []


@pytest.mark.parametrize("program", ["south", "", "a/b", "%00"])
async def test_unknown_program_is_not_found(shop: Shop, visitor: httpx.AsyncClient, program: str) -> None:
    assert (await visitor.post(f"/t/{program}", json={}, headers=ORIGIN)).status_code == 404


@pytest.mark.parametrize(
    "raw",
    [
        b'{"partner":"alice","sub":{"utm_\\u0000":"x","sub1":"tg"}}',
        b'{"partner":"alice","sub":{"utm_\\u0000x\\u001b":"x","sub1":"tg"}}',
        b'{"partner":"alice","sub":{"utm_source":"\\u0000","sub1":"tg"},"landing_url":"\\u0000","referrer":"\\u0000"}',
        b'{"partner":"alice","sub":{"utm_' + b"x" * 28 + b'":"","sub1":"tg"}}',
    ],
)
async def test_name_that_cannot_be_stored_spoils_no_click(
    shop: Shop, visitor: httpx.AsyncClient, raw: bytes
) -> None:
    answer = await visitor.post("/t/north", content=raw, headers=ORIGIN)
    assert answer.status_code == 200
    assert (await tell(visitor, partner="alice")).status_code == 200
    kept = msgspec.json.decode((await rows())[0]["sub"])
    assert kept["sub1"] == "tg"
    assert all(name.isascii() and name.isprintable() for name in kept)


@pytest.mark.parametrize(
    "raw", [b"\xff", b'{"partner":"\xed\xa0\x80"}', b'{"partner":"\\ud800"}', b"[" * 8000]
)
async def test_beacon_that_is_no_text_is_malformed(
    shop: Shop, visitor: httpx.AsyncClient, raw: bytes
) -> None:
    answer = await visitor.post("/t/north", content=raw, headers=ORIGIN)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
