"""Batches: amounts fixed when they are made, files that never change, dissolved or paid together (rules.md §12)."""

from hashlib import sha256

import asyncpg
import pytest

from app import clock, db
from app.errors import Conflict, DomainError, NotFound
from app.payouts import batches, queries, service
from app.payouts.bank_statement import read_statement
from app.payouts.decisions import PayoutState
from app.reports.checks import run_checks
from tests.integration.payouts.bank import HERS, OURS, open_accounts
from tests.integration.payouts.people import (
    NOON,
    People,
    approve,
    ask,
    claw_back,
    earn,
    give_details,
    make_people,
    money_of,
    pay,
)


@pytest.fixture
async def people(transaction: None) -> People:
    people = await make_people(min_minor=100)
    await open_accounts(people)
    return people


async def approved(people: People, *amounts: int) -> list[int]:
    await earn(people, sum(amounts))
    found = [await ask(people, amount) for amount in amounts]
    for payout_id in found:
        await approve(people, payout_id)
    return found


async def make(people: People, *payout_ids: int, action_id: str = "batch-1", user_id: int = 0) -> int:
    with clock.at(NOON):
        return await batches.make_batch(
            people.program_id, payout_ids, user_id=user_id or people.fedor_id, action_id=action_id
        )


async def state_of(people: People, payout_id: int) -> PayoutState:
    return (await queries.one(people.program_id, payout_id)).state


async def the_books_hold(people: People) -> None:
    results = await run_checks(people.program_id)
    assert {one.name: one.rows for one in results if one.count and one.name.startswith("payouts")} == {}


async def test_a_batch_sends_its_payouts_with_a_file_that_stays(people: People) -> None:
    first, second = await approved(people, 30_000, 12_345)

    batch_id = await make(people, second, first)

    assert [await state_of(people, one) for one in (first, second)] == [PayoutState.SENT] * 2
    assert await money_of(people) == (0, 42_345, 0, 0)
    with clock.at(NOON):
        name, raw = await batches.download(people.program_id, batch_id, "1c", user_id=people.fedor_id)
        _name, again = await batches.download(people.program_id, batch_id, "1c", user_id=people.nina_id)
    assert name.endswith("-1.txt")
    assert raw == again
    read = read_statement(raw)
    assert [(one.number, one.amount_minor, one.payer_account, one.recipient_account) for one in read] == [
        ("1", 30_000, OURS, HERS),
        ("2", 12_345, OURS, HERS),
    ]
    stored = await db.fetchrow(
        "SELECT digest, content FROM payout_batch_files WHERE batch_id = $1 AND format = '1c'", batch_id
    )
    assert stored is not None
    assert stored["digest"] == sha256(raw).hexdigest()
    assert HERS.encode() not in stored["content"]
    await the_books_hold(people)


async def test_what_refunds_took_is_cut_when_the_batch_is_made_and_nothing_afterwards(people: People) -> None:
    """300.00 asked for, 80.00 taken back: 220.00 go to the bank. What is taken back later is debt."""
    (payout_id,) = await approved(people, 30_000)
    await claw_back(people, 8_000)

    batch_id = await make(people, payout_id)

    assert await money_of(people) == (0, 22_000, 0, 0)
    await claw_back(people, 5_000)
    with clock.at(NOON):
        assert await batches.mark_batch_paid(people.program_id, batch_id, user_id=people.fedor_id) == 1
    assert await money_of(people) == (0, 0, 5_000, 22_000)
    payout = await queries.one(people.program_id, payout_id)
    assert (payout.requested_minor, payout.amount_minor, payout.debt_repaid_minor) == (30_000, 22_000, 8_000)
    await the_books_hold(people)


async def test_what_is_with_the_bank_no_longer_pays_for_others(people: People) -> None:
    """The last example of decisions.py: 100.00 with the bank, then 80.00 are taken back, then 50.00 are to be paid."""
    first, second = await approved(people, 10_000, 5_000)
    await make(people, first)
    await claw_back(people, 8_000)

    assert await pay(people, second) == 0
    assert await money_of(people) == (0, 10_000, 3_000, 0)
    assert await pay(people, first) == 10_000

    assert await money_of(people) == (0, 0, 3_000, 10_000)
    await the_books_hold(people)


async def test_a_dissolved_batch_gives_its_payouts_back_and_they_go_into_another(people: People) -> None:
    (payout_id,) = await approved(people, 30_000)
    await claw_back(people, 8_000)
    batch_id = await make(people, payout_id)
    with clock.at(NOON):
        await batches.dissolve(people.program_id, batch_id, user_id=people.fedor_id)
    assert await state_of(people, payout_id) is PayoutState.APPROVED
    with pytest.raises(Conflict):
        await batches.mark_batch_paid(people.program_id, batch_id, user_id=people.fedor_id)
    await claw_back(people, 2_000)

    await make(people, payout_id, action_id="batch-2")

    assert await money_of(people) == (0, 20_000, 0, 0)
    assert await state_of(people, payout_id) is PayoutState.SENT
    await the_books_hold(people)


async def test_a_batch_the_bank_has_begun_is_not_dissolved(people: People) -> None:
    first, second = await approved(people, 10_000, 5_000)
    batch_id = await make(people, first, second)
    await pay(people, first)

    with pytest.raises(Conflict, match="carried out"):
        await batches.dissolve(people.program_id, batch_id, user_id=people.fedor_id)
    with pytest.raises(DomainError, match="with the bank"):
        await service.reject(people.program_id, second, user_id=people.fedor_id, reason="No")
    with clock.at(NOON):
        await service.take_back(people.program_id, second, user_id=people.fedor_id, reason="Closed")

    assert await state_of(people, second) is PayoutState.RETURNED
    assert await money_of(people) == (5_000, 0, 0, 10_000)
    await the_books_hold(people)


async def test_pressed_twice_it_is_one_batch(people: People) -> None:
    payouts = await approved(people, 10_000, 5_000)

    assert await make(people, *payouts) == await make(people, *payouts)


async def test_what_is_not_fit_for_a_batch_is_refused(people: People) -> None:
    (fit,) = await approved(people, 10_000)
    await earn(people, 30_000)
    requested = await ask(people, 10_000)
    await give_details(people.alice_id, method="internal_account")
    inner = await ask(people, 10_000)
    await give_details(people.alice_id, method="card")
    card = await ask(people, 10_000)
    await approve(people, card)

    for payouts, code in (
        ([], "batch_size"),
        ([fit, requested], "payout_state"),
        ([fit, card], "batch_methods"),
        ([inner], "batch_methods"),
    ):
        with pytest.raises(DomainError) as caught:
            await make(people, *payouts)
        assert caught.value.code == code
    other = await make_people(min_minor=100)
    with pytest.raises(NotFound):
        await make(other, fit)


async def test_an_empty_payout_goes_to_no_bank(people: People) -> None:
    (payout_id,) = await approved(people, 10_000)
    await claw_back(people, 10_000)

    with pytest.raises(DomainError) as caught:
        await make(people, payout_id)

    assert caught.value.code == "nothing_to_pay"
    assert await pay(people, payout_id) == 0


async def test_an_unknown_bank_and_an_unknown_payer_are_named(people: People) -> None:
    (payout_id,) = await approved(people, 10_000)
    await db.execute("DELETE FROM banks")
    with pytest.raises(DomainError) as caught:
        await make(people, payout_id)
    assert (caught.value.code, caught.value.values) == ("bank_unknown", {"biks": "044525225"})

    await db.execute("UPDATE payer_details SET superseded_at = $1", NOON)
    with pytest.raises(DomainError) as caught:
        await make(people, payout_id)
    assert caught.value.code == "payer_missing"


async def test_above_the_limit_who_approved_does_not_send_alone(transaction: None) -> None:
    people = await make_people(min_minor=100, approval_second_person_from_minor=20_000)
    await open_accounts(people)
    (payout_id,) = await approved(people, 20_000)
    with pytest.raises(DomainError) as caught:
        await make(people, payout_id)
    assert caught.value.code == "second_person_needed"

    batch_id = await make(people, payout_id, user_id=people.nina_id)

    with clock.at(NOON):
        await batches.mark_batch_paid(people.program_id, batch_id, user_id=people.fedor_id)
    second = await db.fetchval("SELECT second_approved_by_id FROM payouts WHERE id = $1", payout_id)
    assert second == people.nina_id
    await the_books_hold(people)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE payout_batch_files SET digest = ''",
        "DELETE FROM payout_batch_payments",
        "UPDATE payout_batches SET total_minor = 1",
        "DELETE FROM payout_batches",
        "UPDATE payouts SET state = 'paid', amount_minor = 1, debt_repaid_minor = 9999",
        "UPDATE payouts SET state = 'rejected'",
    ],
)
async def test_the_database_keeps_a_batch_as_it_was_made(people: People, sql: str) -> None:
    payouts = await approved(people, 10_000)
    await make(people, *payouts)

    with pytest.raises((asyncpg.IntegrityConstraintViolationError, asyncpg.InsufficientPrivilegeError)):
        async with db.transaction():
            await db.execute(sql)
