"""The customer's page by its link, and the desk's view."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from app import clock
from app.cashback import links, queries
from app.cashback.queries import Owner
from app.commissions.intake import take
from app.orders.messages import RefundMessage
from app.programs.service import publish_changes
from tests.browsers import Browse, Visitor
from tests.buyers import MARCH, buy, jobs
from tests.cast import Cast

NOW = MARCH + timedelta(days=2)


@pytest.fixture
async def owner(cast: Cast) -> Owner:
    """ "c" of North with 100.00 to spend until 31 March, and 10.00 that waits."""
    cashback = {"lifetime_days": 30, "rules": [{"code": "all", "rate": "10%"}]}
    await publish_changes(cast.north_id, {"cashback": cashback}, from_moment=MARCH - timedelta(days=1))
    with clock.at(NOW):
        await buy(cast.north_id, "1", "c", 100_000)
        await jobs()
        await buy(cast.north_id, "2", "c", 10_000, at=NOW)
    found = await queries.owner(cast.north_id, "c")
    assert found is not None
    return found


def path_of(owner: Owner) -> str:
    return links.page_url(owner).partition("/cashback/")[2]


async def test_the_page_tells_what_there_is_and_is_nobody_else_s(owner: Owner, anonymous: Visitor) -> None:
    with clock.at(NOW):
        answer = await anonymous.get(f"/cashback/{path_of(owner)}", headers={"Accept-Language": "en"})
        assert answer.status_code == 200
        for text in (
            "RUB\u00a0100.00",
            "RUB\u00a010.00",
            "31\u00a0March\u00a02026",
            "Earned, waits",
            "Up to 50%",
        ):
            assert text in answer.text, text
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert 'name="robots" content="noindex' in answer.text
        russian = await anonymous.get(f"/cashback/{path_of(owner)}", headers={"Accept-Language": "ru"})
        assert "Ваш кешбэк" in russian.text


async def test_a_link_ends_by_itself_and_is_not_forged(owner: Owner, anonymous: Visitor) -> None:
    with clock.at(NOW):
        token = path_of(owner)
    with clock.at(NOW + timedelta(days=30)):
        assert (await anonymous.get(f"/cashback/{token}")).status_code == 200
    with clock.at(NOW + timedelta(days=31)):
        assert (await anonymous.get(f"/cashback/{token}")).status_code == 404
    body, _, signature = token.partition(".")
    customer, number, day = body.split("-")
    forged = [
        f"{customer}-{number}-zzz.{signature}",
        f"{customer}1-{number}-{day}.{signature}",
        f"{body}.{'0' * 40}",
        body,
        "x" * 300,
    ]
    with clock.at(NOW):
        for one in forged:
            assert (await anonymous.get(f"/cashback/{one}")).status_code == 404, one


async def test_staff_see_a_customer_and_revoke_his_links(
    owner: Owner, cast: Cast, browse: Browse, anonymous: Visitor
) -> None:
    with clock.at(NOW):
        token = path_of(owner)
    olga = await browse(cast.olga)
    found = await olga.get("/desk/cashback?customer=c")
    assert found.headers["location"].endswith(f"/desk/cashback/{owner.customer_id}")
    assert (await olga.get(f"/desk/cashback/{owner.customer_id}")).status_code == 200
    sergei = await browse(cast.sergei)
    assert (await sergei.get(f"/desk/cashback/{owner.customer_id}")).status_code == 404
    answer = await olga.post(f"/desk/cashback/{owner.customer_id}/revoke")
    assert answer.status_code == 303
    with clock.at(NOW):
        assert (await anonymous.get(f"/cashback/{token}")).status_code == 404


async def test_what_is_written_off_is_shown_to_staff(
    owner: Owner, cast: Cast, browse: Callable[..., Awaitable[Visitor]]
) -> None:
    with clock.at(NOW):
        await buy(cast.north_id, "3", "c", 20_000, at=NOW, spent_minor=10_000)
    await take(cast.north_id, [RefundMessage("1", "r", NOW, 40_000)])
    fedor = await browse(cast.fedor)
    page = await fedor.get("/desk/cashback", headers={"Accept-Language": "en"})
    assert page.status_code == 200
    assert "40.00" in page.text
