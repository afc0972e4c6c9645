"""Changing where the money goes: the password again, a letter, 72 hours and a check (rules.md §12)."""

from datetime import UTC, datetime, timedelta

import pytest

from app import clock, db
from app.payouts import queries
from app.payouts.decisions import Obstacle
from app.users.passwords import hash_now
from tests.browsers import Browse, Visitor
from tests.cast import Cast
from tests.integration.payouts.bank import BIK, HERS

PASSWORD = "four words that differ"
FORM = {
    "method": "bank_account",
    "holder": "Иванова Алиса",
    "account": HERS,
    "bik": BIK,
    "password": PASSWORD,
}


@pytest.fixture
async def alice(cast: Cast, browse: Browse) -> Visitor:
    await db.execute("UPDATE users SET locale = 'en'")
    await db.execute("UPDATE users SET password = $2 WHERE id = $1", cast.alice.user_id, hash_now(PASSWORD))
    return await browse(cast.alice)


async def test_new_details_wait_for_72_hours_and_a_check(alice: Visitor, cast: Cast, browse: Browse) -> None:
    assert (await alice.post("/payout-details", data=FORM)).status_code == 303

    assert "•••• 0001, 044525225" in (await alice.get("/payout-details")).text
    fedor = await browse(cast.fedor)
    desk = (await fedor.get("/desk/payout-details")).text
    assert f"{HERS}, {BIK}" in desk
    details = await db.fetchval("SELECT id FROM partner_payout_details WHERE superseded_at IS NULL")
    assert (await fedor.post(f"/desk/payout-details/{details}/verify")).status_code == 303
    for hours, cooling in ((71, True), (73, False)):
        with clock.at(datetime.now(UTC) + timedelta(hours=hours)):
            ready = (await queries.money(cast.north_id, cast.alice.partner_id or 0)).ready
        assert (Obstacle.DETAILS_COOLING in ready.obstacles) is cooling
        assert Obstacle.DETAILS_UNVERIFIED not in ready.obstacles
    told = await db.fetchval("SELECT count(*) FROM events WHERE kind = 'payout_details.changed'")
    assert told == 1


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("password", "another password", "This is not your password."),
        ("password", "", "Fill in this field."),
        ("account", "40817810600000000001", "does not fit the bank"),
        ("method", "cash", "Choose one of the options."),
    ],
)
async def test_wrong_details_or_a_wrong_password_change_nothing(
    alice: Visitor, field: str, typed: str, words: str
) -> None:
    answer = await alice.post("/payout-details", data={**FORM, field: typed})

    assert answer.status_code == 422
    assert words in answer.text
    assert await db.fetchval("SELECT count(*) FROM partner_payout_details") == 0


async def test_details_that_were_replaced_meanwhile_are_not_verified(
    alice: Visitor, cast: Cast, browse: Browse
) -> None:
    await alice.post("/payout-details", data=FORM)
    first = await db.fetchval("SELECT id FROM partner_payout_details")
    await alice.post("/payout-details", data=FORM)
    fedor, olga = await browse(cast.fedor), await browse(cast.olga)

    assert (await fedor.post(f"/desk/payout-details/{first}/verify")).status_code == 409
    assert (await olga.post(f"/desk/payout-details/{first}/verify")).status_code == 403
    verified = await db.fetchval("SELECT count(*) FROM partner_payout_details WHERE verified_at IS NOT NULL")
    assert verified == 0
