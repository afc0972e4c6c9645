"""Where is my order? Every reason, and not a word about what is somebody else's."""

from datetime import UTC, datetime, timedelta

import httpx

from app import clock, db
from app.commissions.intake import take
from app.commissions.runs import NewRun, start_run, work_off_run
from app.orders.messages import CardMessage, CustomerMessage, OrderMessage
from app.programs.service import publish_changes
from app.rules.facts import OrderStatus
from app.tracking.messages import ClickMessage
from app.tracking.promo_codes import create_promo_code
from app.tracking.service import record_clicks
from tests.browsers import Browse
from tests.cast import Cast, Person
from tests.sales import sell

NOON = datetime(2026, 11, 20, 9, tzinfo=UTC)
NOTHING = "Nothing of yours was found"


async def ask(browse: Browse, who: Person, number: str, *, locale: str = "en") -> str:
    await db.execute("UPDATE users SET locale = $2 WHERE id = $1", who.user_id, locale)
    answer: httpx.Response = await (await browse(who)).get("/earnings/order", params={"number": number})
    assert answer.status_code == 200, answer.text
    return answer.text.replace("&#39;", "'")


async def clicks(cast: Cast, *made: tuple[str, timedelta]) -> None:
    """Clicks of the visitor v-1, each by a partner's link, so long before the order."""
    messages = [ClickMessage(partner=code, visitor_id="v-1", at=NOON - before) for code, before in made]
    await record_clicks(cast.north_id, messages)


async def bought(cast: Cast, number: str, **fields: object) -> None:
    await sell(cast.north_id, "", number, NOON, visitor_id="v-1", **fields)


async def placed(program_id: int, number: str, status: OrderStatus, **fields: object) -> None:
    moments = {"cancelled_at": NOON} if status is OrderStatus.CANCELLED else {}
    moments |= {"paid_at": NOON} if status is OrderStatus.PAID else {}
    message = OrderMessage(
        external_id=number, status=status, updated_at=NOON, placed_at=NOON, total_minor=10_000,
        **moments, **fields,  # type: ignore[arg-type]
    )  # fmt: skip
    with clock.at(NOON):
        assert (await take(program_id, [message]))[0].refused is None


async def test_an_earning_is_shown_and_nobody_else_learns_that_there_is_one(
    cast: Cast, browse: Browse
) -> None:
    await sell(cast.north_id, "alice", "ORDER-77001", NOON)
    shown = await ask(browse, cast.alice, " #ORDER-77001 ")
    assert "Order …7001" in shown
    assert "Credited to you" in shown
    assert "RUB\u00a070.00" in shown
    assert "Засчитан вам" in await ask(browse, cast.alice, "ORDER-77001", locale="ru")
    parents = await ask(browse, cast.boris, "ORDER-77001")
    assert "Network, tier 1" in parents
    assert "alice" not in parents.lower().replace("order", "")
    await db.execute("UPDATE partners SET state = 'active' WHERE id = $1", cast.dora.partner_id)
    for who in (cast.clara, cast.dora):
        foreign = await ask(browse, who, "ORDER-77001")
        assert NOTHING in foreign
        missing = await ask(browse, who, "ORDER-77009")
        said, unknown = (page.split("<main")[1] for page in (foreign, missing))
        assert said.replace("77001", "77009") == unknown  # not even by a word
    assert "Ничего вашего не нашлось" in await ask(browse, cast.clara, "ORDER-77001", locale="ru")


async def test_a_later_click_of_another_partner_and_an_old_one(cast: Cast, browse: Browse) -> None:
    await clicks(cast, ("alice", timedelta(days=3)), ("boris", timedelta(hours=1)))
    await bought(cast, "N-1")
    shown = await ask(browse, cast.alice, "N-1")
    assert "alice: counted." in shown
    assert "another partner's link later" in shown
    assert "boris" not in shown.lower()
    await db.execute("DELETE FROM clicks")
    await clicks(cast, ("alice", timedelta(days=31)))
    await bought(cast, "N-2")
    shown = await ask(browse, cast.alice, "N-2")
    assert "older than the window" in shown
    assert "Nobody is credited" in shown


async def test_a_code_beats_clicks_and_an_inactive_partner_is_passed_over(cast: Cast, browse: Browse) -> None:
    assert cast.boris.partner_id
    with clock.at(NOON - timedelta(days=1)):
        await create_promo_code(cast.north_id, cast.boris.partner_id, "BORIS2026")
    await clicks(cast, ("alice", timedelta(hours=1)))
    await bought(cast, "N-1", promo_code="BORIS2026")
    shown = await ask(browse, cast.alice, "N-1")
    assert "Another partner is credited" in shown
    assert "boris" not in shown.lower()
    assert "Credited to you" in await ask(browse, cast.boris, "N-1")
    await db.execute(
        "INSERT INTO partner_state_changes (partner_id, at, before, after) VALUES ($1, $2, 'active', 'inactive')",
        cast.alice.partner_id,
        NOON - timedelta(minutes=30),
    )
    await bought(cast, "N-2")
    assert "the partner was not active at the order" in await ask(browse, cast.alice, "N-2")
    await bought(cast, "N-3", promo_code="NOBODYS")
    shown = await ask(browse, cast.alice, "N-3")
    assert "not active at the order" in shown
    assert NOTHING in await ask(browse, cast.boris, "N-3")


async def test_the_buyer_himself_and_one_who_was_taken_off(cast: Cast, browse: Browse) -> None:
    await clicks(cast, ("alice", timedelta(hours=1)))
    await sell(
        cast.north_id,
        "",
        "N-1",
        NOON,
        visitor_id="v-1",
        customer=CustomerMessage("c-1", email="alice@example.com"),
    )
    assert "the buyer is the partner" in await ask(browse, cast.alice, "N-1")
    await sell(cast.north_id, "", "N-2", NOON, visitor_id="v-1")
    assert "Credited to you" in await ask(browse, cast.alice, "N-2")
    with clock.at(NOON + timedelta(hours=1)):
        moved = CardMessage("N-2", NOON + timedelta(hours=1), partner="boris")
        assert (await take(cast.north_id, [moved]))[0].refused is None
    shown = await ask(browse, cast.alice, "N-2")
    assert "boris" not in shown.lower()
    assert "RUB\u00a00.00" in shown


async def test_what_is_not_paid_waits_for_a_rate_or_was_cancelled(cast: Cast, browse: Browse) -> None:
    north = cast.north_id
    await placed(north, "N-1", OrderStatus.PLACED, partner="alice")
    shown = await ask(browse, cast.alice, "N-1")
    assert "The shop names you for it." in shown
    assert "is not paid yet" in shown
    assert NOTHING in await ask(browse, cast.boris, "N-1")
    await placed(north, "N-2", OrderStatus.CANCELLED, partner="alice")
    assert "cancelled before it was paid" in await ask(browse, cast.alice, "N-2")
    await placed(north, "N-3", OrderStatus.PAID, partner="alice", currency="EUR")
    assert "is in EUR and waits" in await ask(browse, cast.alice, "N-3")


async def test_what_earned_nothing_says_so(cast: Cast, browse: Browse) -> None:
    await sell(cast.north_id, "alice", "N-1", NOON, goods_minor=0)
    shown = await ask(browse, cast.alice, "N-1")
    assert "The order earned you nothing" in shown
    assert "No commission" in shown


async def test_orders_that_wait_for_the_calculation_are_seen_until_it_comes(
    cast: Cast, browse: Browse
) -> None:
    await publish_changes(
        cast.north_id, {"calculation": {"mode": "periodic"}}, from_moment=NOON - timedelta(days=1)
    )
    await sell(cast.north_id, "alice", "ORDER-77001", NOON)
    visitor = await browse(cast.alice)
    page = (await visitor.get("/earnings")).text
    assert "Waits for the calculation" in page
    assert "…7001" in page
    assert "RUB\u00a01,000.00" in page
    assert "waits for the next periodic calculation" in await ask(browse, cast.alice, "ORDER-77001")
    russian = await ask(browse, cast.alice, "ORDER-77001", locale="ru")
    assert "Ждёт расчёта" in russian
    assert "Waits for the calculation" not in (await (await browse(cast.boris)).get("/earnings")).text
    with clock.at(NOON + timedelta(days=1)):
        await work_off_run(await start_run(cast.north_id, NewRun("reserve"), action_id="run"))
    await db.execute("UPDATE users SET locale = 'en' WHERE id = $1", cast.alice.user_id)
    assert "Waits for the calculation" not in (await visitor.get("/earnings")).text
    assert "Credited to you" in await ask(browse, cast.alice, "ORDER-77001")


async def test_an_empty_or_an_endless_number_is_no_error_of_ours(cast: Cast, browse: Browse) -> None:
    assert NOTHING not in await ask(browse, cast.alice, "")
    visitor = await browse(cast.alice)
    assert (await visitor.get("/earnings/order", params={"number": "9" * 300})).status_code == 422
    assert (await visitor.get("/earnings/order")).status_code == 200
