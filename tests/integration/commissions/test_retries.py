"""What went wrong once, what came at the same time, and that a replay of it all finds no difference."""

import asyncio
from datetime import timedelta

import pytest

from app import clock, db
from app.commissions import service
from app.commissions.intake import take
from app.commissions.replay import replay
from app.commissions.service import release_due, retry_failed_judgements
from app.errors import DomainError
from app.ledger.service import balances, open_partner_accounts_in_transaction
from app.orders.messages import CardMessage, CustomerMessage, RefundMessage
from app.orders.service import register_customer
from app.payouts import service as payouts
from tests.factories import make_partner, make_program
from tests.integration.commissions.test_intake import (
    NOON,
    amounts,
    everything_holds,
    order,
    program_with_alice,
    refund,
)
from tests.integration.payouts.people import give_details, make_user

LEVELS = [
    {"code": "low", "name": {"en": "Low", "ru": "Низ"}, "rate": "5%"},
    {"code": "high", "name": {"en": "High", "ru": "Верх"}, "from": 10_000, "rate": "10%"},
]


async def nobodys_accounts(program_id: int, code: str) -> int:
    """A partner whose orders cannot be booked yet."""
    partner_id = await db.fetchval(
        """
        INSERT INTO partners (program_id, code, name, kind, state, level, joined_at, created_at)
        VALUES ($1, $2, $2, 'person', 'active', 'low', $3, $3) RETURNING id
        """,
        program_id,
        code,
        NOON - timedelta(days=9),
    )
    return int(partner_id)


async def open_accounts(program_id: int, partner_id: int) -> None:
    async with db.transaction():
        await open_partner_accounts_in_transaction(program_id, [partner_id])


async def no_differences(program_id: int) -> None:
    assert (await replay(program_id)).differences == []
    await everything_holds()


async def test_a_failed_order_is_judged_and_replayed_when_it_is_tried_again(transaction: None) -> None:
    """Order 1 would lift Boris to 10 %, but fails; order 2 is judged without it, at 5 %, and stays so."""
    program_id = await make_program(levels=LEVELS)
    boris = await nobodys_accounts(program_id, "boris")
    (outcome,) = await take(program_id, [order("1", partner="boris")])
    assert not outcome.judged
    await open_accounts(program_id, boris)
    later = NOON + timedelta(hours=1)
    await take(program_id, [order("2", partner="boris", minutes=60, placed_at=later, paid_at=later)])
    assert await retry_failed_judgements() == 1
    assert await amounts(program_id) == [("1", "direct", 500), ("2", "direct", 500)]
    latest = NOON + timedelta(hours=2)
    await take(program_id, [order("3", partner="boris", minutes=120, placed_at=latest, paid_at=latest)])
    assert (await amounts(program_id))[-1] == ("3", "direct", 1001)
    await no_differences(program_id)


async def test_a_failed_order_that_the_shop_tells_again_is_judged_then(transaction: None) -> None:
    program_id = await make_program(levels=LEVELS)
    boris = await nobodys_accounts(program_id, "boris")
    await take(program_id, [order("1", partner="boris")])
    await open_accounts(program_id, boris)
    later = NOON + timedelta(hours=1)
    await take(program_id, [order("2", partner="boris", minutes=60, placed_at=later, paid_at=later)])
    await take(program_id, [order("1", "fulfilled", partner="boris", minutes=90, fulfilled_at=later)])
    assert await retry_failed_judgements() == 0
    assert await amounts(program_id) == [("1", "direct", 500), ("2", "direct", 500)]
    await no_differences(program_id)


async def test_a_refund_that_failed_is_booked_at_its_own_moment(
    transaction: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    program_id, _ = await program_with_alice()
    await take(program_id, [order()])

    def broken(*_args: object) -> None:
        raise ArithmeticError("a bug of ours")

    with monkeypatch.context() as patched:
        patched.setattr("app.commissions.intake.judge", broken)
        (outcome,) = await take(program_id, [refund("r1", minutes=90)])
        assert not outcome.judged
    assert await retry_failed_judgements() == 1
    at = await db.fetchval(
        "SELECT at FROM commission_entries WHERE amount_minor < 0 AND program_id = $1", program_id
    )
    assert at == NOON + timedelta(minutes=90)
    assert await amounts(program_id) == [("1", "direct", 500)]
    await no_differences(program_id)


async def test_an_order_that_fails_for_ever_does_not_stop_the_others(transaction: None) -> None:
    program_id = await make_program(levels=LEVELS)
    await nobodys_accounts(program_id, "boris")
    clara = await nobodys_accounts(program_id, "clara")
    await take(program_id, [order("1", partner="boris"), order("2", partner="clara")])
    await open_accounts(program_id, clara)
    assert await retry_failed_judgements() == 1
    assert await amounts(program_id) == [("2", "direct", 500)]
    await no_differences(program_id)


async def test_a_replay_uses_what_was_known_then(transaction: None) -> None:
    """Contacts, codes and registrations that came later change nothing of what was judged."""
    program_id, alice = await program_with_alice()
    boris = await make_partner(program_id, "boris", own_rate=100_000)
    buyer = CustomerMessage("c-1", email="alice@shop.example")
    await take(
        program_id,
        [
            order("1", customer=buyer),
            order("2", partner="", promo_code="LATER"),
            order("3", partner="boris"),
        ],
    )
    await db.execute("UPDATE partners SET email_key = 'email:alice@shop.example' WHERE id = $1", alice)
    await db.execute(
        """
        INSERT INTO promo_codes (program_id, partner_id, code, code_key, created_at, valid_from)
        VALUES ($1, $2, 'LATER', 'later', $3, $3)
        """,
        program_id,
        boris,
        NOON - timedelta(days=1),
    )
    await register_customer(program_id, "c-1", registered_at=NOON, visitors=["v-1"])
    await take(program_id, [refund("r1", minutes=9), refund("r2", minutes=9, of="3")])
    assert await amounts(program_id) == [("1", "direct", 500), ("3", "direct", 667)]
    await no_differences(program_id)


async def test_a_buyer_who_registered_with_a_partners_e_mail_is_the_partner(transaction: None) -> None:
    program_id, alice = await program_with_alice()
    await db.execute("UPDATE partners SET email_key = 'email:alice@shop.example' WHERE id = $1", alice)
    await register_customer(program_id, "c-1", registered_at=NOON, email="Alice+x@shop.example")
    await take(program_id, [order("1", customer=CustomerMessage("c-1"))])
    assert await amounts(program_id) == []
    await no_differences(program_id)


async def test_money_taken_back_while_the_release_waited_is_not_released(
    transaction: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between finding an order due and locking it, the shop took its payment's moment away."""
    program_id = await make_program(hold={"release_on": "fulfilled", "days": 0})
    alice = await make_partner(program_id, "alice", own_rate=75_000)
    await take(program_id, [order()])
    order_id = await db.fetchval("SELECT id FROM orders WHERE program_id = $1", program_id)
    seen = iter([[order_id], []])

    async def stale(*_args: object) -> list[int]:
        return next(seen)

    monkeypatch.setattr(service, "_lock_due", stale)
    monkeypatch.setattr(service, "program_ids", lambda: _one(program_id))
    assert await release_due(NOON + timedelta(days=1)) == 0
    assert (await balances([alice]))[alice].pending_minor == 750
    await everything_holds()


async def _one(program_id: int) -> list[int]:
    return [program_id]


async def test_refunds_releases_and_payouts_at_the_same_time(committing: object) -> None:
    """Twenty orders of 7.50, each refunded by a third, while jobs release and the accountant pays what is there."""
    program_id = await make_program(hold={"release_on": "paid", "days": 0}, payout={"min_minor": 1})
    alice = await make_partner(program_id, "alice", own_rate=75_000)
    long_ago = NOON - timedelta(days=30)
    await give_details(alice, created_at=long_ago, verified_at=long_ago)
    approver, payer = await make_user("fedor"), await make_user("nina")
    now = NOON + timedelta(days=2)

    async def sell(number: int) -> None:
        await take(program_id, [order(str(number))])
        await take(program_id, [RefundMessage(str(number), "r", NOON + timedelta(hours=1), 3_335)])

    async def pay(number: int) -> None:
        await asyncio.sleep(0.02 * number)
        try:
            payout_id = await payouts.request_payout(
                program_id, alice, amount_minor=200 + number, action_id=f"a{number}"
            )
            await asyncio.sleep(0.01)
            if number % 3:
                await payouts.approve(program_id, payout_id, user_id=approver)
                await payouts.mark_paid(program_id, payout_id, user_id=payer)
            else:
                await payouts.reject(program_id, payout_id, user_id=payer, reason="test")
        except DomainError:
            return

    async def let_go(number: int) -> None:
        await asyncio.sleep(0.03 * number)
        await release_due(now)

    with clock.at(now):
        await asyncio.gather(
            *(sell(number) for number in range(20)),
            *(pay(number) for number in range(12)),
            *(let_go(number) for number in range(8)),
        )
        await release_due(now)
    money = (await balances([alice]))[alice]
    owned = money.available_minor + money.reserved_minor + money.paid_minor - money.debt_minor
    assert (money.pending_minor, owned) == (0, 20 * 500)
    await no_differences(program_id)


async def test_orders_cards_and_cancellations_of_one_family_at_the_same_time(committing: object) -> None:
    """Twelve orders wander between two partners with one parent, forth and back, are cancelled and paid again."""
    program_id = await make_program(
        hold={"release_on": "paid", "days": 0}, tiers={"rates": ["10%"]}, levels_policy={"keep": "none"}
    )
    boris = await make_partner(program_id, "boris")
    alice = await make_partner(program_id, "alice", own_rate=75_000, parent="boris")
    clara = await make_partner(program_id, "clara", own_rate=100_000, parent="boris")
    now = NOON + timedelta(days=2)

    async def wander(number: int) -> None:
        name, minutes = str(number), number % 5
        await take(program_id, [order(name)])
        await asyncio.gather(
            take(program_id, [CardMessage(name, NOON + timedelta(hours=2), partner="alice")]),
            take(program_id, [CardMessage(name, NOON + timedelta(hours=1), partner="clara")]),
            take(program_id, [order(name, "cancelled", minutes=10 + minutes)]),
            take(program_id, [order(name, minutes=30)]),
            take(program_id, [refund("r", minutes=5, of=name)]),
            release_due(now),
        )

    with clock.at(now):
        await asyncio.gather(*(wander(number) for number in range(12)))
        await release_due(now)
    # One of three pieces is back: 66.70 × 7.5 % = 5.0025 for Alice, 10 % of 5.00 for Boris, nothing for Clara.
    money = await balances([alice, boris, clara])
    owned = {one: money[one].available_minor - money[one].debt_minor for one in (alice, boris, clara)}
    assert owned == {alice: 12 * 500, boris: 12 * 50, clara: 0}
    assert sum(one.pending_minor for one in money.values()) == 0
    await no_differences(program_id)
