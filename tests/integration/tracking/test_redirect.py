"""GET /r/{code}: where it leads, what it writes down, whom it gives a cookie."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from app import clock, db
from app.tracking.links import disable_link
from tests.integration.tracking.conftest import Shop, rows, verdicts

GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


async def test_click_leads_to_the_shop_with_partner_and_click_id(
    shop: Shop, visitor: httpx.AsyncClient
) -> None:
    answer = await visitor.get(f"/r/{shop.link_code}")
    click = (await rows())[0]
    assert answer.status_code == 302
    assert answer.headers["location"] == (
        f"https://shop.example/case?color=red&ref=alice&pclid={click['public_id']}#top"
    )
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    assert (click["program_id"], click["partner_id"], click["link_id"]) == (
        shop.program_id,
        shop.partner_id,
        shop.link_id,
    )
    assert click["counted"] is True


async def test_code_is_found_whatever_its_case(shop: Shop, visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get(f"/r/{shop.link_code.upper()}")
    assert "ref=alice" in answer.headers["location"]


async def test_cookie_keeps_the_visitor(shop: Shop, visitor: httpx.AsyncClient) -> None:
    first = await visitor.get(f"/r/{shop.link_code}")
    await visitor.get(f"/r/{shop.link_code}")
    written = await rows()
    assert "HttpOnly" in first.headers["set-cookie"]
    assert "SameSite=Lax" in first.headers["set-cookie"]
    assert written[0]["visitor_id"] == written[1]["visitor_id"] == visitor.cookies["tandem_browser"]


async def test_visitor_id_that_is_not_ours_is_not_taken(shop: Shop, visitor: httpx.AsyncClient) -> None:
    await visitor.get(f"/r/{shop.link_code}", headers={"Cookie": "tandem_browser=chosen-by-somebody"})
    assert len((await rows())[0]["visitor_id"]) == 32


@pytest.mark.parametrize(
    ("seconds", "second"),
    [(0, "repeat"), (29 * 60 + 59, "repeat"), (30 * 60, "counted"), (31 * 60, "counted")],
)
async def test_repeat_is_less_than_half_an_hour_after_the_counted_click(
    shop: Shop, visitor: httpx.AsyncClient, seconds: int, second: str
) -> None:
    with clock.at(NOON):
        await visitor.get(f"/r/{shop.link_code}")
    with clock.at(NOON + timedelta(seconds=seconds)):
        await visitor.get(f"/r/{shop.link_code}")
    assert await verdicts() == ["counted", second]


async def test_repeats_are_told_from_the_last_counted_click_not_from_the_last_one(
    shop: Shop, visitor: httpx.AsyncClient
) -> None:
    for minutes in (0, 20, 40):
        with clock.at(NOON + timedelta(minutes=minutes)):
            await visitor.get(f"/r/{shop.link_code}")
    assert await verdicts() == ["counted", "repeat", "counted"]


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"User-Agent": GOOGLEBOT}, "bot"),
        ({"User-Agent": ""}, "bot"),
        ({"User-Agent": "curl/8.5.0"}, "bot"),
        ({"User-Agent": "python-requests/2.32"}, "bot"),
        ({"Sec-Purpose": "prefetch"}, "prefetch"),
        ({"Sec-Purpose": "prefetch;prerender"}, "prefetch"),
        ({"Purpose": "prefetch"}, "prefetch"),
        ({"X-Moz": "prefetch"}, "prefetch"),
        ({"Sec-Fetch-Dest": "iframe"}, "prefetch"),
        ({"Sec-Fetch-Dest": "image"}, "prefetch"),
        ({"Sec-Fetch-Dest": "empty"}, "prefetch"),
    ],
)
async def test_what_nobody_clicked_is_written_down_but_not_counted(
    shop: Shop, visitor: httpx.AsyncClient, headers: dict[str, str], reason: str
) -> None:
    answer = await visitor.get(f"/r/{shop.link_code}", headers=headers)
    assert answer.status_code == 302
    assert "set-cookie" not in answer.headers
    assert "pclid" not in answer.headers["location"]
    assert await verdicts() == [reason]


async def test_head_is_answered_and_not_counted(shop: Shop, visitor: httpx.AsyncClient) -> None:
    answer = await visitor.head(f"/r/{shop.link_code}")
    assert answer.status_code == 302
    assert await verdicts() == ["bot"]


async def test_other_methods_are_refused(shop: Shop, visitor: httpx.AsyncClient) -> None:
    answer = await visitor.post(f"/r/{shop.link_code}")
    assert answer.status_code == 405
    assert await rows() == []


@pytest.mark.parametrize("code", ["nothing-here", "", "x" * 40, "%00", "..%2f..", "я"])
async def test_unknown_code_leads_to_the_home_page_and_writes_nothing(
    shop: Shop, visitor: httpx.AsyncClient, code: str
) -> None:
    answer = await visitor.get(f"/r/{code}")
    assert answer.status_code == 302
    assert answer.headers["location"] == "https://shop.example/"
    assert "set-cookie" not in answer.headers
    assert await rows() == []


async def test_disabled_link_leads_to_the_home_page_without_marks(
    shop: Shop, visitor: httpx.AsyncClient
) -> None:
    await visitor.get(f"/r/{shop.link_code}")
    await disable_link(shop.program_id, shop.link_id, disabled=True)
    answer = await visitor.get(f"/r/{shop.link_code}")
    assert answer.headers["location"] == "https://shop.example/"
    assert "set-cookie" not in answer.headers
    assert await verdicts() == ["counted", "inactive"]


async def test_link_of_an_inactive_partner_earns_nothing(shop: Shop, visitor: httpx.AsyncClient) -> None:
    await db.execute("UPDATE partners SET state = 'inactive' WHERE id = $1", shop.partner_id)
    answer = await visitor.get(f"/r/{shop.link_code}")
    assert answer.headers["location"] == "https://shop.example/"
    assert await verdicts() == ["inactive"]


async def test_marks_of_the_click_are_kept_and_passed_on(shop: Shop, visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get(f"/r/{shop.link_code}?subid=tg&sub2=%D1%8F&utm_campaign=spring&evil=1")
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert query["utm_campaign"] == ["spring"]
    assert "evil" not in query
    assert (await rows())[0]["sub"] == '{"sub1": "tg", "sub2": "я", "utm_campaign": "spring"}'


async def test_day_counts_clicks_and_not_counted_ones(shop: Shop, visitor: httpx.AsyncClient) -> None:
    with clock.at(datetime(2026, 3, 1, 21, 30, tzinfo=UTC)):  # 2 March in Moscow
        await visitor.get(f"/r/{shop.link_code}")
        await visitor.get(f"/r/{shop.link_code}")
        await visitor.get(f"/r/{shop.link_code}", headers={"User-Agent": GOOGLEBOT})
    counted = await db.fetch("SELECT link_id, day::text, clicks, clicks_not_counted FROM daily_counts")
    assert [tuple(row) for row in counted] == [(shop.link_id, "2026-03-02", 1, 2)]


async def test_address_is_kept_as_a_digest_that_changes_daily(shop: Shop, visitor: httpx.AsyncClient) -> None:
    for moment in (NOON, NOON + timedelta(hours=1), NOON + timedelta(days=1)):
        with clock.at(moment):
            await visitor.get(f"/r/{shop.link_code}")
    digests = [row["ip_digest"] for row in await rows()]
    assert digests[0] == digests[1] != digests[2]
    assert all(len(digest) == 32 for digest in digests)
