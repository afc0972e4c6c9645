"""The demo shop as a client of the portal: it sells, hands over, takes back, through the real API."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from app import db
from app.demo.shop import BY_SKU, KEY_FILE, Shop, ShopError
from app.shops.keys import create_key
from app.tracking.links import ensure_main_link
from app.tracking.promo_codes import create_promo_code
from app.tracking.queries import links, main_link
from tests.cast import Cast

BASE = "http://portal.test"


@pytest.fixture
async def shop(cast: Cast, portal: Any, tmp_path: Path) -> Shop:
    key = await create_key("north", "Demo shop", ["track", "orders", "read"])
    (tmp_path / KEY_FILE).write_text(key)
    return Shop(BASE, tmp_path, transport=httpx.ASGITransport(portal))


async def test_order_of_a_visitor_is_the_partners(cast: Cast, shop: Shop, portal: Any) -> None:
    assert cast.alice.partner_id
    await ensure_main_link(cast.north_id, cast.alice.partner_id)
    link = await main_link(cast.alice.partner_id)
    assert link is not None
    async with httpx.AsyncClient(transport=httpx.ASGITransport(portal), base_url=BASE) as browser:
        agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
        answer = await browser.get(link.url, headers={"User-Agent": agent})
    click_id = answer.headers["location"].rpartition("pclid=")[2]
    order = await shop.buy(
        BY_SKU["case"], 2, "buyer@example.com", promo_code="", visitor_id="", click_id=click_id
    )
    card = order.answer["partner_card"]
    assert card["partner"]["code"] == "alice"
    # 7 % of 2 × 1490.00; shipping does not count. Boris above her gets 10 % of that.
    assert card["reward_minor"] == 20_860 + 2_086
    assert [(row.orders, row.earned_minor) for row in await links(cast.alice.partner_id)] == [(1, 20_860)]
    order = await shop.refund_one(order)
    assert order.answer["partner_card"]["reward_minor"] == 10_430 + 1_043
    order = await shop.fulfil(order)
    assert order.answer["partner_card"]["status"] == "approved"
    order = await shop.cancel(order)
    assert order.answer["partner_card"]["reward_minor"] == 0
    assert [(row.orders, row.earned_minor) for row in await links(cast.alice.partner_id)] == [(1, 0)]
    kept = shop.order(order.number)
    assert kept is not None
    assert kept.body["status"] == "cancelled"


async def test_promo_code_gives_its_discount_and_names_the_partner(cast: Cast, shop: Shop) -> None:
    assert cast.alice.partner_id
    await create_promo_code(cast.north_id, cast.alice.partner_id, "ALICE10")
    order = await shop.buy(
        BY_SKU["case"], 1, "buyer@example.com", promo_code="alice10", visitor_id="", click_id=""
    )
    assert order.body["discount_minor"] == 7_450
    assert order.answer["partner_card"]["partner"]["code"] == "alice"
    assert await shop.discount_minor("NOTHING", 1000) == 0


async def test_nothing_is_kept_of_an_order_that_the_portal_refused(
    cast: Cast, shop: Shop, tmp_path: Path
) -> None:
    (tmp_path / KEY_FILE).write_text("pk_north_wrong")
    with pytest.raises(ShopError, match="401"):
        await shop.buy(BY_SKU["case"], 1, "b@example.com", promo_code="", visitor_id="", click_id="")
    assert not (tmp_path / "demo-shop").exists()
    assert await db.fetchval("SELECT count(*) FROM orders") == 0


def test_number_that_is_none_opens_no_file(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text("{}")
    assert Shop(BASE, tmp_path).order("../secret") is None
