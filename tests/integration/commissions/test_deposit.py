"""The deposit's queue under many hands, its page, and adjustments on the desk."""

import asyncio
from datetime import UTC, datetime, timedelta

from app import clock, db
from app.commissions.deposit import NewTopUp, settle_due, top_up
from app.commissions.service import release_due
from app.ledger.queries import balance_rows, deposit_balance
from app.programs.service import publish_changes
from app.reports.checks import run_checks
from tests.browsers import Browse
from tests.cast import Cast, make_cast
from tests.conftest import TestEngines
from tests.sales import give_back, sell

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TERMS = {
    "payout": {"settle": "deposit", "deposit_fee": "15%"},
    "hold": {"release_on": "paid", "days": 0},
    "tiers": {"rates": []},
    "levels": [{"code": "starter", "name": {"ru": "Старт", "en": "Starter"}, "from": 0, "rate": "10%"}],
}


async def by_deposit(cast: Cast) -> None:
    """North pays 10 % by deposit from a day before NOON on."""
    with clock.at(NOON - timedelta(days=1)):
        await publish_changes(cast.north_id, TERMS, from_moment=NOON - timedelta(days=1))


async def paid_of(partner_id: int | None) -> int:
    assert partner_id is not None
    return (await balance_rows([partner_id]))[partner_id].paid_minor


async def broken(program_id: int) -> list[str]:
    return [f"{one.name}: {one.rows}" for one in await run_checks(program_id) if one.count]


async def test_sixty_four_releases_and_top_ups_pay_each_commission_once(committing: TestEngines) -> None:
    cast = await make_cast()
    await by_deposit(cast)
    for number in range(32):
        await sell(cast.north_id, "alice", f"A-{number}", NOON + timedelta(seconds=number))  # 100.00 each
    later = NOON + timedelta(hours=1)
    with clock.at(later):
        tries = [release_due(later) for _ in range(32)]
        # Each of 16 documents is written down twice; 16 × 115.00 pay for 16 commissions.
        tries += [
            top_up(cast.north_id, NewTopUp(11_500, f"No. {number}"), action_id=f"document-{number}")
            for number in (*range(16), *range(16))
        ]
        await asyncio.gather(*tries, give_back(cast.north_id, "A-31", "r", later, 100_000))
        await settle_due(cast.north_id, later)
    assert await deposit_balance(cast.north_id) == 0
    assert await paid_of(cast.alice.partner_id) == 160_000
    rows = await db.fetch(
        "SELECT orders.external_id FROM commissions JOIN orders ON orders.id = order_id WHERE state = 'paid'"
    )
    assert {row[0] for row in rows} == {f"A-{number}" for number in range(16)}
    assert await broken(cast.north_id) == []


async def test_top_up_is_written_on_the_desk_once(cast: Cast, browse: Browse) -> None:
    await by_deposit(cast)
    await sell(cast.north_id, "alice", "A-1", NOON)
    fedor = await browse(cast.fedor)
    with clock.at(NOON + timedelta(hours=1)):
        await release_due()
        assert "waits for the merchant" in (await (await browse(cast.alice)).get("/earnings")).text
        form = {"amount": "120", "reference": "No. 17", "note": "", "action_id": "abcdefgh"}
        for _ in range(2):
            assert (await fedor.post("/desk/deposit/top-ups", data=form)).status_code == 303
        page = (await fedor.get("/desk/deposit")).text
        mine = (await (await browse(cast.alice)).get("/payouts")).text
    assert "No. 17" in page
    assert await deposit_balance(cast.north_id) == 500
    assert await paid_of(cast.alice.partner_id) == 10_000
    assert "You need not ask" in mine
    assert await broken(cast.north_id) == []


async def test_only_the_accountant_tops_up(cast: Cast, browse: Browse) -> None:
    form = {"amount": "120", "reference": "No. 17", "action_id": "abcdefgh"}
    for person in (cast.olga, cast.max, cast.dana, cast.alice):
        assert (await (await browse(person)).post("/desk/deposit/top-ups", data=form)).status_code == 403
    answer = await (await browse(cast.fedor)).post("/desk/deposit/top-ups", data=form | {"amount": "0"})
    assert answer.status_code == 422
    assert await deposit_balance(cast.north_id) == 0


async def test_staff_are_told_of_a_low_deposit_once_a_day(cast: Cast) -> None:
    await by_deposit(cast)
    await sell(cast.north_id, "alice", "A-1", NOON)
    for hours in (1, 2, 3, 25):
        with clock.at(NOON + timedelta(hours=hours)):
            await release_due()
    assert await db.fetchval("SELECT count(*) FROM events WHERE kind = 'deposit.low'") == 2


async def test_shop_is_told_when_a_card_is_paid(cast: Cast) -> None:
    await by_deposit(cast)
    await sell(cast.north_id, "alice", "A-1", NOON)
    with clock.at(NOON + timedelta(hours=1)):
        await release_due()
        await top_up(cast.north_id, NewTopUp(20_000), action_id="document")
    assert await db.fetchval("SELECT count(*) FROM events WHERE kind = 'order.card_changed'") == 1
    assert await db.fetchval("SELECT card_status FROM orders WHERE external_id = 'A-1'") == "paid"


async def test_adjustment_on_the_desk_is_explained_to_the_partner(cast: Cast, browse: Browse) -> None:
    olga = await browse(cast.olga)
    form = {
        "partner": "ALICE",
        "direction": "take",
        "amount": "12,50",
        "reason": "A <b>fine</b>",
        "action_id": "abcdefgh",
    }
    for _ in range(2):
        assert (await olga.post("/desk/adjustments", data=form)).status_code == 303
    number = await db.fetchval("SELECT id FROM commissions WHERE kind = 'adjustment'")
    story = (await (await browse(cast.alice)).get(f"/earnings/{number}")).text
    assert "Booked by hand: A &lt;b&gt;fine&lt;/b&gt;" in story
    assert cast.olga.email in (await olga.get("/desk/adjustments")).text
    assert await broken(cast.north_id) == []


async def test_wrong_adjustments_come_back(cast: Cast, browse: Browse) -> None:
    fedor = await browse(cast.fedor)
    right = {"partner": "alice", "direction": "give", "amount": "1", "reason": "x", "action_id": "abcdefgh"}
    for wrong in (
        {"partner": "clara"},
        {"partner": "dora"},
        {"amount": "-5"},
        {"amount": "0"},
        {"reason": " "},
        {"direction": "burn"},
        {"action_id": "!"},
    ):
        assert (await fedor.post("/desk/adjustments", data=right | wrong)).status_code == 422, wrong
    assert await db.fetchval("SELECT count(*) FROM adjustments") == 0
