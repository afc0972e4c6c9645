"""Every kind of commission is explained with its amount and its rate, in both languages, to everybody who may ask."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from app import clock, db
from app.cashback import links, queries
from app.commissions.adjustments import NewAdjustment, adjust_partner
from app.commissions.rewards import give_rewards_due
from app.programs.service import publish_changes
from app.rules.money import format_rate
from app.shops.answers import order_answer
from app.shops.queries import stored_orders
from app.shops.sellers import SellerRegistrationBody, take_seller
from app.ui.filters import money, percent
from app.ui.i18n import use_locale
from tests.browsers import Browse, Visitor
from tests.buyers import MARCH, buy
from tests.cast import Cast, Person
from tests.sales import sell

PAID = datetime(2026, 3, 10, 9, tzinfo=UTC)
LANGUAGES = ("en", "ru")
TERMS = {
    "levels_policy": {"period": "month"},
    "sellers": {"placement_rate": "20%", "sale_rate": "10%", "parent_rate": "5%"},
    "bonuses": [{"code": "first", "count": "orders", "reach": 1, "reward_minor": 70_019}],
    "volume_bonuses": [{"rate": "1.5%", "from": 50_000}],
}
OF_ORDERS = {"direct", "tier", "seller", "seller_parent"}
WITHOUT_ORDER = {"bonus", "volume_bonus", "adjustment"}


async def earned(cast: Cast, tiers_of: str) -> None:
    """Alice's sale of a seller whom she brought; Boris is her parent; both are rewarded, and once by hand."""
    assert cast.alice.partner_id
    terms = TERMS | {"tiers": {"of": tiers_of, "rates": ["3%"]}}
    await publish_changes(cast.north_id, terms, from_moment=PAID - timedelta(days=20))
    with clock.at(PAID - timedelta(days=5)):
        brought = SellerRegistrationBody(registered_at=PAID - timedelta(days=5), partner="alice")
        await take_seller(cast.north_id, "s-1", brought)
    await sell(
        cast.north_id, "alice", "N-1", PAID, goods_minor=123_450,
        seller="s-1", sale_kind="sale", platform_commission_minor=54_321,
    )  # fmt: skip
    for moment in (PAID + timedelta(hours=1), PAID + timedelta(days=25)):
        with clock.at(moment):
            await give_rewards_due(moment)
            await adjust_partner(
                cast.north_id, NewAdjustment(cast.alice.partner_id, -1_239, "a mistake"), action_id="one"
            )


async def reasons(browse: Browse, who: Person, path: str, language: str) -> str:
    """The sentences of a page, without the figures beside them."""
    await db.execute("UPDATE users SET locale = $2 WHERE id = $1", who.user_id, language)
    answer = await (await browse(who)).get(path)
    assert answer.status_code == 200, answer.text
    lists = re.findall(r'<[ou]l class="reasons.*?</[ou]l>\s*(?:</div>|</details>)', answer.text, re.DOTALL)
    return unescape(re.sub(r"<[^>]+>", " ", " ".join(lists)))


@pytest.mark.parametrize("tiers_of", ["earnings", "base", "platform_commission"])
async def test_sentences_hold_the_amount_and_the_rate(cast: Cast, browse: Browse, tiers_of: str) -> None:
    await earned(cast, tiers_of)
    people = {cast.alice.partner_id: cast.alice, cast.boris.partner_id: cast.boris}
    rows = await db.fetch(
        "SELECT id, order_id, partner_id, kind, amount_minor, rate FROM commissions WHERE program_id = $1",
        cast.north_id,
    )
    assert {row["kind"] for row in rows} == OF_ORDERS | WITHOUT_ORDER
    for row in rows:
        assert (row["rate"] is None) == (row["kind"] in ("bonus", "adjustment"))
        for language in LANGUAGES:
            said = await reasons(browse, people[row["partner_id"]], f"/earnings/{row['id']}", language)
            with use_locale(language, "Europe/Moscow"):
                wanted = [money(abs(row["amount_minor"]), "RUB")]
                wanted += [percent(row["rate"])] if row["rate"] is not None else []
            for text in wanted:
                assert text in said, (row["kind"], language, text, said)


async def test_shop_and_staff_read_the_same_amounts_and_rates(cast: Cast, browse: Browse) -> None:
    await earned(cast, "earnings")
    order_id = await db.fetchval("SELECT id FROM orders WHERE external_id = 'N-1'")
    rates = {
        row["kind"]: row["rate"]
        for row in await db.fetch("SELECT kind, rate FROM commissions WHERE order_id = $1", order_id)
    }
    stored = (await stored_orders(cast.north_id, [order_id]))[order_id]
    for language in LANGUAGES:
        answer = order_answer(stored, language)
        assert {one.kind for one in answer.commissions} == OF_ORDERS
        await db.execute("UPDATE users SET locale = $2 WHERE id = $1", cast.olga.user_id, language)
        page = unescape((await (await browse(cast.olga)).get(f"/desk/orders/{order_id}")).text)
        for one in answer.commissions:
            why = " ".join(one.why)
            rate = format_rate(rates[one.kind])
            shown = rate.replace(".", ",").replace("%", "\u00a0%") if language == "ru" else rate
            assert f"{one.amount_minor / 100:.2f} RUB" in why, (one.kind, language, why)
            assert shown in why, (one.kind, language, why)
            with use_locale(language, "Europe/Moscow"):
                assert money(one.amount_minor, "RUB") in page, (one.kind, language)
                assert percent(rates[one.kind]) in page, (one.kind, language)


async def test_a_customer_reads_what_he_has_earned_and_at_which_rates(cast: Cast, anonymous: Visitor) -> None:
    cashback = {"rules": [{"code": "all", "rate": "7.5%"}]}
    await publish_changes(cast.north_id, {"cashback": cashback}, from_moment=MARCH - timedelta(days=1))
    with clock.at(MARCH):
        await buy(cast.north_id, "1", "c", 123_400)
        owner = await queries.owner(cast.north_id, "c")
        assert owner is not None
        path = links.page_url(owner).partition("/cashback/")[2]
        earned_minor = await db.fetchval("SELECT amount_minor FROM cashback_earnings")
        assert earned_minor == 9_255
        for language in LANGUAGES:
            page = (await anonymous.get(f"/cashback/{path}", headers={"Accept-Language": language})).text
            with use_locale(language, "Europe/Moscow"):
                assert money(earned_minor, "RUB") in page
                assert percent(75_000) in page
