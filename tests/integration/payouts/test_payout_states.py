"""The payouts' other ways: cancelled, agreed to by two, returned by the bank, credited at once (rules.md §12)."""

import pytest

from app import clock, db
from app.errors import DomainError, NotFound
from app.ledger import service as ledger
from app.payouts import queries, service
from app.payouts.decisions import Approval, PayoutState
from app.reports.checks import run_checks
from tests.integration.payouts.people import (
    NOON,
    People,
    approve,
    ask,
    claw_back,
    earn,
    give_details,
    make_partner,
    make_people,
    money_of,
    pay,
)


@pytest.fixture
async def people(transaction: None) -> People:
    return await make_people(min_minor=10_000, approval_second_person_from_minor=30_000)


async def the_books_hold(people: People) -> None:
    results = await run_checks(people.program_id)
    broken = {one.name: one.rows for one in results if one.count and one.name.startswith("payouts")}
    assert broken == {}


async def refusal(step: object) -> str:
    with clock.at(NOON), pytest.raises(DomainError) as caught:
        await step  # type: ignore[misc]
    return caught.value.code


async def test_a_partner_cancels_his_request_while_nobody_has_agreed(people: People) -> None:
    await earn(people, 50_000)
    payout_id = await ask(people, 20_000)
    await claw_back(people, 35_000)

    with clock.at(NOON):
        await service.cancel(people.program_id, people.alice_id, payout_id)

    assert await money_of(people) == (15_000, 0, 0, 0)
    payout = await queries.one(people.program_id, payout_id)
    assert (payout.state, payout.amount_minor, payout.debt_repaid_minor) == (
        PayoutState.CANCELLED,
        15_000,
        5_000,
    )
    again = service.cancel(people.program_id, people.alice_id, payout_id)
    assert await refusal(again) == "payout_state"
    await the_books_hold(people)


async def test_what_is_approved_or_anothers_is_not_cancelled(people: People) -> None:
    await earn(people, 50_000)
    payout_id = await ask(people, 20_000)
    clara = await make_partner(people.program_id, None, code="clara")
    with pytest.raises(NotFound):
        await service.cancel(people.program_id, clara, payout_id)
    await approve(people, payout_id)

    assert await refusal(service.cancel(people.program_id, people.alice_id, payout_id)) == "payout_state"
    assert await money_of(people) == (30_000, 20_000, 0, 0)


async def test_above_the_limit_another_person_agrees_and_then_anybody_pays(people: People) -> None:
    await earn(people, 30_000)
    payout_id = await ask(people, 30_000)
    await approve(people, payout_id)
    program = people.program_id
    assert (
        await refusal(service.approve(program, payout_id, user_id=people.fedor_id)) == "second_person_needed"
    )
    assert (
        await refusal(service.mark_paid(program, payout_id, user_id=people.fedor_id))
        == "second_person_needed"
    )

    with clock.at(NOON):
        await service.approve(program, payout_id, user_id=people.nina_id)
    assert await refusal(service.approve(program, payout_id, user_id=people.nina_id)) == "payout_state"
    assert await pay(people, payout_id) == 30_000

    acts = await db.fetch(
        "SELECT action, user_id FROM audit_records WHERE program_id = $1 ORDER BY id", program
    )
    assert [tuple(row) for row in acts] == [
        ("payout.approved", people.fedor_id),
        ("payout.second_approved", people.nina_id),
        ("payout.paid", people.fedor_id),
    ]
    await the_books_hold(people)


async def test_who_pays_what_another_approved_is_its_second_person(people: People) -> None:
    await earn(people, 30_000)
    payout_id = await ask(people, 30_000)
    await approve(people, payout_id)

    with clock.at(NOON):
        await service.mark_paid(people.program_id, payout_id, user_id=people.nina_id)

    second = await db.fetchval("SELECT second_approved_by_id FROM payouts WHERE id = $1", payout_id)
    assert second == people.nina_id
    await the_books_hold(people)


async def test_a_cent_below_the_limit_one_person_is_enough(people: People) -> None:
    await earn(people, 30_000)
    payout_id = await ask(people, 29_999)
    await approve(people, payout_id)

    assert (
        await refusal(service.approve(people.program_id, payout_id, user_id=people.nina_id)) == "payout_state"
    )
    assert await pay(people, payout_id) == 29_999
    await the_books_hold(people)


async def test_the_internal_account_is_credited_on_approval(people: People) -> None:
    await give_details(people.alice_id, method="internal_account")
    await earn(people, 50_000)
    payout_id = await ask(people, 20_000)

    await approve(people, payout_id)

    held = (await ledger.balances([people.alice_id]))[people.alice_id]
    assert (held.available_minor, held.reserved_minor, held.paid_minor, held.internal_minor) == (
        30_000,
        0,
        0,
        20_000,
    )
    assert (await queries.one(people.program_id, payout_id)).state is PayoutState.PAID
    back = service.take_back(people.program_id, payout_id, user_id=people.fedor_id, reason="No")
    assert await refusal(back) == "payout_state"
    await the_books_hold(people)


async def test_above_the_limit_the_internal_account_waits_for_the_second_person(people: People) -> None:
    await give_details(people.alice_id, method="internal_account")
    await earn(people, 50_000)
    payout_id = await ask(people, 40_000)
    await approve(people, payout_id)
    assert (await queries.one(people.program_id, payout_id)).state is PayoutState.APPROVED

    with clock.at(NOON):
        state = await service.approve(people.program_id, payout_id, user_id=people.nina_id)

    assert state is Approval.PAID
    held = (await ledger.balances([people.alice_id]))[people.alice_id]
    assert (held.reserved_minor, held.internal_minor) == (0, 40_000)
    await the_books_hold(people)


async def test_what_the_bank_sends_back_after_it_was_paid_is_written_beside_it(people: People) -> None:
    """200.00 paid, 50.00 taken back meanwhile: of the 200.00 that return 50.00 repay the debt."""
    await earn(people, 20_000)
    payout_id = await ask(people, 20_000)
    await approve(people, payout_id)
    await pay(people, payout_id)
    await claw_back(people, 5_000)

    with clock.at(NOON):
        await service.take_back(
            people.program_id, payout_id, user_id=people.fedor_id, reason="Account closed"
        )

    assert await money_of(people) == (15_000, 0, 0, 0)
    payout = await queries.one(people.program_id, payout_id)
    assert (payout.state, payout.amount_minor, payout.returned_at, payout.reason) == (
        PayoutState.PAID,
        20_000,
        NOON,
        "Account closed",
    )
    again = service.take_back(people.program_id, payout_id, user_id=people.fedor_id, reason="Twice")
    assert await refusal(again) == "payout_state"
    assert await money_of(people) == (15_000, 0, 0, 0)
    await the_books_hold(people)
