"""Orders on review: who is the buyer himself, what staff hold, and what their decisions do to the money."""

from datetime import UTC, datetime, timedelta

import pytest

from app import clock, db
from app.commissions.replay import replay
from app.commissions.service import release_due
from app.errors import Conflict
from app.fraud.queries import flags
from app.fraud.service import raise_flag
from app.ledger.service import balances
from app.orders.messages import CustomerMessage
from app.programs.service import publish_changes
from app.reports.checks import run_checks
from tests.browsers import Browse
from tests.cast import Cast
from tests.sales import give_back, sell

PAID = datetime(2026, 3, 1, 9, tzinfo=UTC)
LATER = PAID + timedelta(days=60)


async def money(cast: Cast) -> tuple[int, int, int]:
    assert cast.alice.partner_id is not None
    found = (await balances([cast.alice.partner_id]))[cast.alice.partner_id]
    return found.pending_minor, found.available_minor, found.debt_minor


async def sold_to_herself(cast: Cast) -> int:
    """An order of Alice's own, where the terms hold such orders; returns its flag."""
    terms = {"attribution": {"self_referral": "hold"}}
    await publish_changes(cast.north_id, terms, from_moment=PAID - timedelta(days=1))
    buyer = CustomerMessage("c1", email="Alice+x@example.com")
    await sell(cast.north_id, "alice", "A-1", PAID, fulfilled=True, customer=buyer)
    found = await flags(cast.north_id, is_open=True)
    assert [(one.kind, one.partner, one.raised_by) for one in found] == [("self_referral", "alice", "")]
    return found[0].id


@pytest.mark.parametrize(
    "buyer",
    [CustomerMessage("c1", email="alice+x@example.com"), CustomerMessage("c1", phone="+7 900 000-00-01")],
)
async def test_who_signs_in_as_the_partner_is_the_partner(buyer: CustomerMessage, cast: Cast) -> None:
    """The program knows the partner by other contacts than those that he signs in with (rules.md §4.5)."""
    await publish_changes(cast.north_id, {"attribution": {"self_referral": "hold"}}, from_moment=PAID)
    await db.execute(
        "UPDATE partners SET email_key = 'email:other@example.com' WHERE id = $1", cast.alice.partner_id
    )
    await db.execute("UPDATE users SET phone = '+79000000001' WHERE id = $1", cast.alice.user_id)
    await sell(cast.north_id, "alice", "A-1", PAID, fulfilled=True, customer=buyer)
    assert [one.kind for one in await flags(cast.north_id, is_open=True)] == ["self_referral"]


async def proved(cast: Cast) -> None:
    assert [one for one in await run_checks(cast.north_id) if one.rows] == []
    assert (await replay(cast.north_id)).differences == []


async def test_what_is_on_review_is_not_released_and_goes_on_when_cleared(cast: Cast, browse: Browse) -> None:
    flag = await sold_to_herself(cast)
    assert await release_due(LATER) == 0
    earnings = (await (await browse(cast.alice)).get("/earnings")).text
    assert "On hold for a check" in earnings
    olga = await browse(cast.olga)
    assert "alice" in (await olga.get("/desk/reviews")).text
    assert (await olga.post(f"/desk/reviews/{flag}/clear", data={"reason": ""})).status_code == 422
    answer = await olga.post(f"/desk/reviews/{flag}/clear", data={"reason": "a gift"})
    assert answer.headers["location"] == "/desk/reviews"
    pending, available, _debt = await money(cast)
    assert (pending > 0, available) == (True, 0)
    assert await release_due(LATER) == 1
    assert await money(cast) == (0, pending, 0)
    decided = (await olga.get("/desk/reviews?show=decided")).text
    assert "a gift" in decided
    await proved(cast)


async def test_confirming_takes_back_what_was_earned_and_clearing_gives_it_again(
    cast: Cast, browse: Browse
) -> None:
    flag = await sold_to_herself(cast)
    before = await money(cast)
    olga = await browse(cast.olga)
    await olga.post(f"/desk/reviews/{flag}/confirm", data={"reason": "bought for herself", "back": "order"})
    assert await money(cast) == (0, 0, 0)
    order = await db.fetchrow("SELECT card_status, reward_minor FROM orders WHERE external_id = 'A-1'")
    assert order is not None
    assert tuple(order) == ("cancelled", 0)
    # A refund of it and a later message change nothing any more.
    await give_back(cast.north_id, "A-1", "r1", PAID + timedelta(days=2), 1000)
    assert await money(cast) == (0, 0, 0)
    await proved(cast)
    answer = await olga.post(f"/desk/reviews/{flag}/confirm", data={"reason": "once more"})
    assert answer.status_code == 409
    await olga.post(f"/desk/reviews/{flag}/clear", data={"reason": "it was her mother"})
    assert 0 < (await money(cast))[0] < before[0]
    await proved(cast)


async def test_staff_may_hold_any_order_and_money_that_is_out_becomes_debt(
    cast: Cast, browse: Browse
) -> None:
    await sell(cast.north_id, "alice", "A-1", PAID, fulfilled=True)
    await release_due(LATER)
    _pending, available, _debt = await money(cast)
    order_id = await db.fetchval("SELECT id FROM orders WHERE external_id = 'A-1'")
    olga = await browse(cast.olga)
    page = await olga.post(f"/desk/orders/{order_id}/flag", data={"doubt": "paid with a stolen card"})
    assert page.status_code == 303
    with pytest.raises(Conflict):
        await raise_flag(cast.north_id, order_id, reason="again", user_id=cast.olga.user_id)
    flag = (await flags(cast.north_id, is_open=True))[0].id
    assert "paid with a stolen card" in (await olga.get(f"/desk/orders/{order_id}")).text
    assert "stolen" not in (await (await browse(cast.alice)).get("/earnings")).text
    await olga.post(f"/desk/reviews/{flag}/confirm", data={"reason": "the bank confirms"})
    assert (await money(cast)) == (0, 0, 0)
    assert available > 0
    await proved(cast)


async def test_other_programs_and_roles_cannot_decide(cast: Cast, browse: Browse) -> None:
    flag = await sold_to_herself(cast)
    foreign = await (await browse(cast.sergei)).post(
        f"/desk/reviews/{flag}/confirm", data={"reason": "why not"}
    )
    assert foreign.status_code == 404
    accountant = await browse(cast.fedor)
    assert (await accountant.get("/desk/reviews")).status_code == 200
    answer = await accountant.post(f"/desk/reviews/{flag}/clear", data={"reason": "looks fine"})
    assert answer.status_code == 403


async def test_staff_credit_an_order_and_it_beats_the_shop(cast: Cast, browse: Browse) -> None:
    await sell(cast.north_id, "", "A-1", PAID)
    order_id = await db.fetchval("SELECT id FROM orders WHERE external_id = 'A-1'")
    olga = await browse(cast.olga)
    path = f"/desk/orders/{order_id}/partner"
    assert (await olga.get("/desk/orders?number=A-1")).headers["location"] == f"/desk/orders/{order_id}"
    wrong = await olga.post(path, data={"choice": "partner", "partner": "nobody-knows", "reason": "he says"})
    assert (wrong.status_code, "There is no partner with this code." in wrong.text) == (422, True)
    bare = await olga.post(path, data={"choice": "nobody"})
    assert bare.status_code == 422
    done = await olga.post(path, data={"choice": "partner", "partner": "Alice", "reason": "by phone"})
    assert done.status_code == 303
    earned, _available, _debt = await money(cast)
    assert earned > 0
    shown = (await olga.get(f"/desk/orders/{order_id}")).text
    assert "by phone" in shown
    assert "Staff named alice." in shown
    await sell(cast.north_id, "boris", "A-1", PAID + timedelta(hours=1))  # another state of the shop
    assert (await money(cast))[0] == earned
    await olga.post(path, data={"choice": "nobody", "reason": "a mistake"})
    assert (await money(cast)) == (0, 0, 0)
    await olga.post(path, data={"choice": "rules", "reason": "let the rules decide"})
    credited = await db.fetchval("SELECT card_partner_id FROM orders WHERE id = $1", order_id)
    assert credited == cast.boris.partner_id
    await proved(cast)


async def test_who_was_not_active_when_it_was_placed_cannot_be_credited(cast: Cast, browse: Browse) -> None:
    await sell(cast.north_id, "", "A-1", PAID)
    await db.execute("UPDATE partners SET joined_at = $2 WHERE id = $1", cast.alice.partner_id, clock.now())
    order_id = await db.fetchval("SELECT id FROM orders WHERE external_id = 'A-1'")
    answer = await (await browse(cast.olga)).post(
        f"/desk/orders/{order_id}/partner",
        data={"choice": "partner", "partner": "alice", "reason": "late claim"},
    )
    assert (answer.status_code, "was not active when the order was placed" in answer.text) == (422, True)
