"""The bank's statement marks payouts as paid or returned, once (rules.md §12)."""

from datetime import datetime, timedelta

import pytest

from app import clock, db
from app.errors import DomainError, NotFound
from app.payouts import bank_answer, batches, queries
from app.payouts.bank_answer import Answer
from app.payouts.bank_matching import Outcome
from app.payouts.decisions import PayoutState
from app.reports.checks import run_checks
from tests.integration.payouts.bank import credit, debit, open_accounts, statement
from tests.integration.payouts.people import (
    NOON,
    People,
    approve,
    ask,
    claw_back,
    earn,
    make_people,
    money_of,
)


@pytest.fixture
async def people(transaction: None) -> People:
    """Payouts 1 (300.00) and 2 (123.45) are with the bank; 3 (50.00) is approved."""
    people = await make_people(min_minor=100)
    await open_accounts(people)
    await earn(people, 30_000 + 12_345 + 5_000)
    ids = [await ask(people, amount) for amount in (30_000, 12_345, 5_000)]
    for payout_id in ids:
        await approve(people, payout_id)
    with clock.at(NOON):
        await batches.make_batch(people.program_id, ids[:2], user_id=people.fedor_id, action_id="b")
    return people


async def upload(people: People, *documents: str) -> int:
    with clock.at(NOON):
        return await bank_answer.upload(
            people.program_id, "kl_to_1c.txt", statement(*documents), user_id=people.fedor_id
        )


async def confirm(people: People, answer_id: int, *, at: datetime = NOON) -> Answer:
    with clock.at(at):
        answer = await bank_answer.confirm(people.program_id, answer_id, user_id=people.fedor_id)
    results = await run_checks(people.program_id)
    assert {one.name: one.rows for one in results if one.count and one.name.startswith("payouts")} == {}
    return answer


def said(answer: Answer) -> list[tuple[Outcome, int | None]]:
    return [(one.outcome, one.payout_number) for one in answer.findings]


async def states(people: People) -> list[PayoutState]:
    found = await queries.of_partner(people.program_id, people.alice_id)
    return [one.state for one in sorted(found.rows, key=lambda one: one.number)]


async def test_a_statement_is_looked_at_first_and_then_pays(people: People) -> None:
    answer_id = await upload(people, debit(1, "300.00"), debit(2, "123.46"), debit(77, "9.00"))

    preview = await bank_answer.answer(people.program_id, answer_id)
    assert said(preview) == [(Outcome.PAYS, 1), (Outcome.AMOUNT_DIFFERS, 2)]
    assert preview.documents == 3
    assert await money_of(people) == (0, 47_345, 0, 0)
    done = await confirm(people, answer_id)

    assert said(done) == said(preview)
    assert await money_of(people) == (0, 17_345, 0, 30_000)
    assert await states(people) == [PayoutState.PAID, PayoutState.SENT, PayoutState.APPROVED]


async def test_the_same_file_twice_does_nothing(people: People) -> None:
    first = await upload(people, debit(1, "300.00"))
    await confirm(people, first)

    again = await upload(people, debit(1, "300.00"))
    assert again == first
    done = await confirm(people, again)

    assert done.confirmed_at == NOON
    assert await money_of(people) == (0, 17_345, 0, 30_000)
    kinds = await db.fetch(
        "SELECT kind FROM events WHERE program_id = $1 AND kind = 'payout.paid'", people.program_id
    )
    assert len(kinds) == 1


async def test_another_file_that_says_the_same_finds_it_paid(people: People) -> None:
    await confirm(people, await upload(people, debit(1, "300.00")))

    done = await confirm(people, await upload(people, debit(1, "300.00"), debit(2, "123.45")))

    assert said(done) == [(Outcome.PAID_ALREADY, 1), (Outcome.PAYS, 2)]
    assert await money_of(people) == (0, 5_000, 0, 42_345)


async def test_our_own_file_handed_in_by_mistake_pays_nothing(people: People) -> None:
    batch_id = await db.fetchval("SELECT id FROM payout_batches WHERE program_id = $1", people.program_id)
    with clock.at(NOON):
        name, raw = await batches.download(people.program_id, batch_id, "1c", user_id=people.fedor_id)
        answer_id = await bank_answer.upload(people.program_id, name, raw, user_id=people.fedor_id)

    done = await confirm(people, answer_id)

    assert said(done) == [(Outcome.NOT_CARRIED_OUT, 1), (Outcome.NOT_CARRIED_OUT, 2)]
    assert await money_of(people) == (0, 47_345, 0, 0)


async def test_money_that_comes_back_is_available_again_with_the_banks_words(people: People) -> None:
    await claw_back(people, 1_000)
    words = "Возврат п/п № 1 от 22.11.2026. Счёт закрыт"

    done = await confirm(people, await upload(people, credit("300.00", words)))

    assert said(done) == [(Outcome.RETURNS, 1)]
    assert await money_of(people) == (29_000, 17_345, 0, 0)
    payout = (await queries.of_partner(people.program_id, people.alice_id)).rows[-1]
    assert (payout.state, payout.reason, payout.debt_repaid_minor) == (PayoutState.RETURNED, words, 1_000)
    again = await upload(people, credit("300.00", words), debit(99, "1.00"))
    assert said(await confirm(people, again)) == [(Outcome.RETURNED_ALREADY, 1)]
    assert await money_of(people) == (29_000, 17_345, 0, 0)


async def test_paid_and_returned_in_one_statement(people: People) -> None:
    done = await confirm(
        people, await upload(people, credit("123.45", "возврат по п/п 2"), debit(2, "123.45"))
    )

    assert said(done) == [(Outcome.RETURNS, 2), (Outcome.PAYS, 2)], "in the order of the file"
    assert await money_of(people) == (12_345, 35_000, 0, 0)
    assert (await states(people))[1] is PayoutState.PAID


async def test_an_approved_payout_that_was_typed_by_hand_is_paid_too(people: People) -> None:
    done = await confirm(people, await upload(people, debit(3, "50.00")))

    assert said(done) == [(Outcome.PAYS, 3)]
    assert await money_of(people) == (0, 42_345, 0, 5_000)


async def test_an_approved_payout_that_a_refund_has_cut_since_is_left_to_the_accountant(
    people: People,
) -> None:
    await claw_back(people, 1_000)

    done = await confirm(people, await upload(people, debit(3, "50.00")))

    assert said(done) == [(Outcome.AMOUNT_DIFFERS, 3)]
    assert await money_of(people) == (0, 47_345, 1_000, 0)


async def test_a_statement_does_not_go_round_the_second_person(people: People) -> None:
    await db.execute(
        "INSERT INTO program_terms (program_id, number, in_force_from, document, published_at) "
        "SELECT program_id, 2, $2, jsonb_set(document, '{payout,approval_second_person_from_minor}', '5000'), $2 "
        "FROM program_terms WHERE program_id = $1",
        people.program_id,
        NOON + timedelta(hours=1),
    )

    done = await confirm(people, await upload(people, debit(3, "50.00")), at=NOON + timedelta(hours=1))

    assert said(done) == [(Outcome.REFUSED, 3)]
    assert "second person" in done.findings[0].note
    assert (await states(people))[2] is PayoutState.APPROVED


async def test_a_broken_file_is_not_kept_and_another_program_sees_nothing(people: People) -> None:
    with pytest.raises(DomainError) as caught:
        await bank_answer.upload(people.program_id, "x", b"1CClientBankExchange\nx", user_id=people.fedor_id)
    assert caught.value.code == "bank_file_wrong"
    answer_id = await upload(people, debit(1, "300.00"))
    other = await make_people(min_minor=100)
    for call in (
        bank_answer.answer(other.program_id, answer_id),
        bank_answer.confirm(other.program_id, answer_id, user_id=other.fedor_id),
    ):
        with pytest.raises(NotFound):
            await call
