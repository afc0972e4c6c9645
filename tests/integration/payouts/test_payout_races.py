"""Many clients on one balance, committed for real (reliability: never more is paid than there is)."""

import asyncio
from datetime import UTC, datetime, timedelta

from app import clock, db
from app.commissions.service import release_due
from app.errors import DomainError
from app.ledger import service as ledger
from app.partners.payout_details import NewPayoutDetails, give_details_in_transaction
from app.payouts import bank_answer, batches, service
from app.rules.effects import Account, AccountKind, Posting
from tests.browsers import Browse
from tests.cast import make_cast
from tests.integration.payouts.bank import debit, open_accounts, statement
from tests.integration.payouts.people import approve, ask, earn, make_people, money_of, pay
from tests.sales import give_back, sell


async def test_64_clients_on_one_balance_get_exactly_what_is_available(committing: object) -> None:
    """Committed for real: 10 of 64 requests of 100.00 fit into 1,000.00; then 64 accountants pay them once each."""
    async with db.transaction():
        people = await make_people(min_minor=10_000)
        await earn(people, 100_000)

    outcomes = await asyncio.gather(*(ask(people, 10_000) for _ in range(64)), return_exceptions=True)

    accepted = [outcome for outcome in outcomes if isinstance(outcome, int)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, DomainError)]
    assert (len(accepted), len(refused)) == (10, 54)
    assert await money_of(people) == (0, 100_000, 0, 0)
    await asyncio.gather(*(approve(people, payout_id) for payout_id in accepted))
    steps = [pay(people, payout_id) for payout_id in accepted for _ in range(6)] + [
        service.reject(people.program_id, accepted[0], user_id=people.nina_id, reason="Race")
        for _ in range(4)
    ]
    done = await asyncio.gather(*steps, return_exceptions=True)
    assert all(outcome is None or isinstance(outcome, int | DomainError) for outcome in done), done
    closed = [outcome for outcome in done if not isinstance(outcome, BaseException)]
    assert len(closed) == 10
    available, reserved, debt, paid = await money_of(people)
    assert (available + paid, reserved, debt) == (100_000, 0, 0)
    numbers = await db.fetch(
        "SELECT number FROM payouts WHERE program_id = $1 ORDER BY number", people.program_id
    )
    assert [row["number"] for row in numbers] == list(range(1, 11))


async def test_64_clicks_on_one_form_are_one_request(committing: object) -> None:
    async with db.transaction():
        people = await make_people(min_minor=10_000)
        await earn(people, 100_000)

    ids = await asyncio.gather(*(ask(people, 10_000, action_id="same") for _ in range(64)))

    assert len(set(ids)) == 1
    assert await money_of(people) == (90_000, 10_000, 0, 0)


async def test_refunds_race_with_payouts_and_nobody_is_paid_more_than_is_left(committing: object) -> None:
    """Ten sales with 700.00 of commission each; half of them are refunded while payouts are asked for, approved and paid."""
    cast = await make_cast()
    alice = cast.alice.partner_id or 0
    sold_at = datetime.now(UTC) - timedelta(days=30)
    for number in range(10):
        await sell(cast.north_id, "alice", f"N{number}", sold_at, goods_minor=1_000_000, fulfilled=True)
    await release_due()
    with clock.at(sold_at):
        async with db.transaction():
            await give_details_in_transaction(alice, NewPayoutDetails("card", "Alice", "4242"), verified=True)

    async def draw(number: int) -> None:
        payout_id = await service.request_payout(
            cast.north_id, alice, amount_minor=100_000, action_id=f"race-{number}"
        )
        await service.approve(cast.north_id, payout_id, user_id=cast.fedor.user_id)
        await service.mark_paid(cast.north_id, payout_id, user_id=cast.fedor.user_id)

    refunds = [
        give_back(cast.north_id, f"N{number}", "R", sold_at + timedelta(days=1), 1_000_000)
        for number in range(5)
    ]
    done = await asyncio.gather(*(draw(number) for number in range(7)), *refunds, return_exceptions=True)

    assert all(outcome is None or isinstance(outcome, DomainError) for outcome in done), done
    assert done[7:] == [None] * 5
    found = (await ledger.balances([alice]))[alice]
    earned = 10 * 70_000 - 5 * 70_000
    assert found.available_minor + found.reserved_minor + found.paid_minor - found.debt_minor == earned
    closed = await db.fetchval("SELECT coalesce(sum(amount_minor), 0) FROM payouts WHERE state = 'paid'")
    assert closed == found.paid_minor


async def test_64_browsers_press_the_button_at_once_and_never_overspend(
    committing: object, browse: Browse
) -> None:
    """Through HTTP, with forms of their own: of 64 requests of 100.00 over 1,000.00 ten are taken."""
    cast = await make_cast()
    alice = cast.alice.partner_id or 0
    with clock.at(datetime.now(UTC) - timedelta(days=30)):
        async with db.transaction():
            details = NewPayoutDetails("card", "Alice", "4242424242424242")
            await give_details_in_transaction(alice, details, verified=True)
            entry = ledger.Entry(
                "adjustment",
                "adjustment:race",
                clock.now(),
                (Posting(Account(AccountKind.EXPENSE), Account(AccountKind.AVAILABLE, alice), 1_000_000),),
            )
            await ledger.book_in_transaction(cast.north_id, [entry])
    visitor = await browse(cast.alice)

    answers = await asyncio.gather(
        *(
            visitor.post("/payouts", data={"amount": "1000", "request_token": f"race-{number:04}"})
            for number in range(64)
        )
    )

    assert sorted(answer.status_code for answer in answers) == [303] * 10 + [422] * 54
    held = (await ledger.balances([alice]))[alice]
    assert (held.available_minor, held.reserved_minor) == (0, 1_000_000)


async def test_two_accountants_at_once_approve_send_and_answer_once(committing: object) -> None:
    """The same payouts in two batches at once, then the same statement confirmed by many: everything happens once."""
    async with db.transaction():
        people = await make_people(min_minor=10_000)
        await earn(people, 50_000)
    await open_accounts(people)
    ids = [await ask(people, 10_000) for _ in range(5)]
    agreed = await asyncio.gather(
        *(
            service.approve(people.program_id, payout_id, user_id=user_id)
            for payout_id in ids
            for user_id in (people.fedor_id, people.nina_id)
        ),
        return_exceptions=True,
    )
    assert sum(not isinstance(one, BaseException) for one in agreed) == 5
    made = await asyncio.gather(
        *(
            batches.make_batch(people.program_id, ids, user_id=people.fedor_id, action_id=f"batch-{number}")
            for number in range(8)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(one, int) for one in made) == 1
    assert all(isinstance(one, int | DomainError) for one in made), made
    raw = statement(*(debit(number, "100.00") for number in range(1, 6)))
    answers = await asyncio.gather(
        *(bank_answer.upload(people.program_id, "x", raw, user_id=people.fedor_id) for _ in range(8))
    )
    assert len(set(answers)) == 1

    steps = [
        bank_answer.confirm(people.program_id, answers[0], user_id=user_id)
        for user_id in (people.fedor_id, people.nina_id)
        for _ in range(4)
    ]
    pays = [service.mark_paid(people.program_id, payout_id, user_id=people.nina_id) for payout_id in ids]
    done = await asyncio.gather(*steps, *pays, return_exceptions=True)

    assert all(not isinstance(one, BaseException) or isinstance(one, DomainError) for one in done), done
    assert await money_of(people) == (0, 0, 0, 50_000)
    paid = await db.fetchval(
        "SELECT count(*) FROM journal_entries WHERE program_id = $1 AND kind = 'payout_paid'",
        people.program_id,
    )
    assert paid == 5
