"""Taking orders in: repetitions, disorder, refusals, failures, many at once."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from app import clock, db
from app.commissions.intake import take
from app.commissions.service import release_due, retry_failed_judgements
from app.ledger.service import balances, open_partner_accounts_in_transaction
from app.orders.messages import (
    CardMessage,
    CustomerMessage,
    LineMessage,
    Message,
    OrderMessage,
    RefundLineMessage,
    RefundMessage,
)
from app.reports.checks import run_checks
from app.rules.facts import MICRO, OrderStatus
from tests.factories import make_partner, make_program

NOON = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)


def order(
    external_id: str = "1", status: str = "paid", *, minutes: int = 0, **values: object
) -> OrderMessage:
    """Three pieces of 33.35, 100.05 in all, in the state of `minutes` after noon."""
    at = NOON + timedelta(minutes=minutes)
    fields: dict[str, object] = {
        "external_id": external_id,
        "status": OrderStatus(status),
        "updated_at": at,
        "placed_at": NOON,
        "paid_at": None if status == "placed" else NOON,
        "cancelled_at": at if status == "cancelled" else None,
        "partner": "alice",
        "lines": (LineMessage("1", 3 * MICRO, 10_005),),
    }
    return OrderMessage(**(fields | values))  # type: ignore[arg-type]


def refund(external_id: str, *, minutes: int, pieces: int = 1, of: str = "1") -> RefundMessage:
    lines = (RefundLineMessage("1", pieces * MICRO),)
    return RefundMessage(of, external_id, NOON + timedelta(minutes=minutes), lines=lines)


async def program_with_alice(**terms: object) -> tuple[int, int]:
    """A program where Alice earns 7.5 %, released as soon as it is paid for."""
    program_id = await make_program(hold={"release_on": "paid", "days": 0}, **terms)
    return program_id, await make_partner(program_id, "alice", own_rate=75_000)


async def amounts(program_id: int) -> list[tuple[str, str, int]]:
    rows = await db.fetch(
        """
        SELECT orders.external_id, commission.kind, commission.amount_minor
        FROM commissions AS commission JOIN orders ON orders.id = commission.order_id
        WHERE commission.program_id = $1 ORDER BY 1, 2, commission.tier
        """,
        program_id,
    )
    return [tuple(row) for row in rows]  # type: ignore[misc]


async def everything_holds() -> None:
    broken = {result.name: result.rows for result in await run_checks() if result.count}
    assert broken == {}


async def test_a_repeated_message_books_once(transaction: None) -> None:
    program_id, alice = await program_with_alice()
    first = await take(program_id, [order()])
    again = await take(program_id, [order()])
    assert (first[0].created, first[0].changed, again[0].created, again[0].changed) == (
        True,
        True,
        False,
        False,
    )
    assert await amounts(program_id) == [("1", "direct", 750)]
    assert (await balances([alice]))[alice].pending_minor == 750
    await everything_holds()


async def test_the_same_message_twice_in_one_batch_books_once(transaction: None) -> None:
    program_id, _ = await program_with_alice()
    outcomes = await take(program_id, [order(), order()])
    assert [outcome.changed for outcome in outcomes] == [True, False]
    assert await amounts(program_id) == [("1", "direct", 750)]


FACTS: tuple[Message, ...] = (
    order(status="placed"),
    order(minutes=1),
    refund("r1", minutes=2),
    order(status="fulfilled", minutes=3, fulfilled_at=NOON + timedelta(minutes=3)),
    refund("r2", minutes=4),
)


async def test_any_order_of_arrival_gives_one_result(transaction: None) -> None:
    """66.70 are back; 33.35 at 7.5 % = 2.50125 → 2.50, whichever fact came first."""
    results = set()
    for number, arrival in enumerate(permutations(FACTS)):
        if number % 5:
            continue  # 24 of the 120
        program_id, alice = await program_with_alice()
        for message in arrival:
            outcomes = await take(program_id, [message])
            assert outcomes[0].refused is None
        money = (await balances([alice]))[alice]
        results.add((*(await amounts(program_id)), money.pending_minor, money.debt_minor))
    assert results == {(("1", "direct", 250), 250, 0)}
    await everything_holds()


async def test_a_cancellation_known_before_the_payment_ends_at_nothing(transaction: None) -> None:
    program_id, alice = await program_with_alice()
    await take(program_id, [order(status="cancelled", minutes=5)])
    await take(program_id, [order()])
    assert await amounts(program_id) == [("1", "direct", 0)]
    await take(program_id, [order(minutes=9)])
    assert await amounts(program_id) == [("1", "direct", 750)]
    assert (await balances([alice]))[alice].pending_minor == 750
    await everything_holds()


async def test_a_refund_after_the_release_becomes_debt_that_the_next_release_repays(
    transaction: None,
) -> None:
    """7.50 released and gone; 5.00 left of the order, so 2.50 is owed; the next 7.50 repays it."""
    program_id, alice = await program_with_alice()
    with clock.at(NOON):
        await take(program_id, [order()])
        await release_due()
        assert (await balances([alice]))[alice].available_minor == 750
        await take(program_id, [refund("r1", minutes=1)])
        assert (await balances([alice]))[alice].available_minor == 500
        await take(program_id, [refund("r2", minutes=2), refund("r3", minutes=3)])
        assert (await balances([alice]))[alice].available_minor == 0
        await take(program_id, [order("2")])
        assert await release_due() == 1
    assert (await balances([alice]))[alice].available_minor == 750
    await everything_holds()


async def test_refusals_name_their_field_and_change_nothing(transaction: None) -> None:
    program_id, _ = await program_with_alice()
    await take(program_id, [order()])
    outcomes = await take(
        program_id,
        [
            order(currency="EUR", minutes=1),
            refund("r1", minutes=1, pieces=4),
            RefundMessage("1", "r2", NOON, lines=(RefundLineMessage("9", MICRO),)),
            order("2", partner="nobody"),
            CardMessage("3", NOON, partner="alice"),
            order("4"),
        ],
    )
    pointers = [
        [field.pointer for field in outcome.refused.fields] if outcome.refused else None
        for outcome in outcomes
    ]
    assert pointers == [["/currency"], ["/lines/0/quantity"], ["/lines/0/line"], ["/partner"], [], None]
    assert await amounts(program_id) == [("1", "direct", 750), ("4", "direct", 750)]
    known = await db.fetch("SELECT external_id FROM orders WHERE program_id = $1 ORDER BY 1", program_id)
    assert [row["external_id"] for row in known] == ["1", "4"]
    await everything_holds()


async def test_a_refused_refund_takes_its_whole_order_message_back(transaction: None) -> None:
    program_id, _ = await program_with_alice()
    outcomes = await take(program_id, [order(refunds=(refund("r1", minutes=1, pieces=4),))])
    assert outcomes[0].refused is not None
    assert [field.pointer for field in outcomes[0].refused.fields] == ["/refunds/0/lines/0/quantity"]
    assert await db.fetchval("SELECT count(*) FROM orders WHERE program_id = $1", program_id) == 0


async def test_an_order_that_cannot_be_judged_is_kept_and_tried_again(transaction: None) -> None:
    """Boris has no accounts yet: his order waits with the reason, Alice's in the same batch does not."""
    program_id, _ = await program_with_alice()
    boris = await db.fetchval(
        """
        INSERT INTO partners (program_id, code, name, kind, state, level, joined_at, created_at)
        VALUES ($1, 'boris', 'Boris', 'person', 'active', 'starter', $2, $2) RETURNING id
        """,
        program_id,
        NOON - timedelta(days=9),
    )
    outcomes = await take(program_id, [order("1"), order("2", partner="boris")])
    assert [outcome.judged for outcome in outcomes] == [True, False]
    assert await amounts(program_id) == [("1", "direct", 750)]
    waiting = await db.fetchval("SELECT external_id FROM orders WHERE judging_error <> ''")
    assert waiting == "2"
    async with db.transaction():
        await open_partner_accounts_in_transaction(program_id, [boris])
    assert await retry_failed_judgements() == 1
    assert await amounts(program_id) == [("1", "direct", 750), ("2", "direct", 700)]
    await everything_holds()


async def test_the_operators_card_moves_the_commission(transaction: None) -> None:
    program_id, alice = await program_with_alice()
    boris = await make_partner(program_id, "boris", own_rate=100_000)
    await take(program_id, [order()])
    await take(program_id, [CardMessage("1", NOON + timedelta(hours=1), partner="boris")])
    money = await balances([alice, boris])
    assert (money[alice].pending_minor, money[boris].pending_minor) == (0, 1001)
    await take(program_id, [order(minutes=90)])  # the shop still names Alice
    assert (await balances([boris]))[boris].pending_minor == 1001
    await everything_holds()


async def test_buyers_are_kept_once_with_their_newest_contacts(transaction: None) -> None:
    program_id, _ = await program_with_alice()
    buyer = CustomerMessage("c-1", email="Buyer+shop@Example.com")
    await take(
        program_id, [order("1", customer=buyer), order("2", customer=CustomerMessage("c-1", phone="+7 999"))]
    )
    rows = await db.fetch(
        "SELECT external_id, email_key, phone_key FROM customers WHERE program_id = $1", program_id
    )
    assert [tuple(row) for row in rows] == [("c-1", "email:buyer@example.com", "phone:+7999")]
    assert (
        await db.fetchval("SELECT count(DISTINCT customer_id) FROM orders WHERE program_id = $1", program_id)
        == 1
    )


async def test_a_batch_takes_the_same_number_of_queries_whatever_its_size(transaction: None) -> None:
    program_id, _ = await program_with_alice()
    await take(program_id, [order("warm-up")])
    counted = []
    for size in (1, 60):
        asked: list[str] = []
        async with db.connection() as connection:
            logger = connection.query_logger(lambda query, asked=asked: asked.append(query.query))
            with logger:
                await take(program_id, [order(f"{size}-{number}") for number in range(size)])
        counted.append(len(asked))
    assert counted[0] == counted[1]


@pytest.mark.parametrize("clients", [64])
async def test_many_copies_of_one_order_book_once(committing: object, clients: int) -> None:
    program_id, alice = await program_with_alice()
    outcomes = await asyncio.gather(*(take(program_id, [order()]) for _ in range(clients)))
    assert sum(outcome[0].created for outcome in outcomes) == 1
    assert (await balances([alice]))[alice].pending_minor == 750
    await everything_holds()


async def test_partners_that_share_orders_do_not_deadlock(committing: object) -> None:
    """Batches that touch two partners in opposite orders are judged one after the other."""
    program_id, alice = await program_with_alice()
    boris = await make_partner(program_id, "boris", own_rate=100_000)
    batches = [
        [
            order(f"{number}-{name}", partner=name)
            for name in (("alice", "boris") if number % 2 else ("boris", "alice"))
        ]
        for number in range(40)
    ]
    await asyncio.gather(*(take(program_id, batch) for batch in batches))
    money = await balances([alice, boris])
    assert (money[alice].pending_minor, money[boris].pending_minor) == (40 * 750, 40 * 1001)
    await everything_holds()
