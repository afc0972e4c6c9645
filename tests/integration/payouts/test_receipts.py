"""Receipts of the self-employed and their yearly limit (rules.md §12; 422-FZ)."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from app import clock, db
from app.errors import DomainError, NotFound
from app.payouts import paper_queries, queries, receipts, service
from app.payouts.decisions import Obstacle
from app.payouts.receipts import due_on
from app.payouts.requisites import Side, give
from app.payouts.uploads import Upload
from tests.integration.payouts.people import NOON, People, approve, ask, earn, make_partner, make_people, pay
from tests.papers import PDF

LINK = "https://lknpd.nalog.ru/api/v1/receipt/500100732259/20abc/print"
INN = "500100732259"


@pytest.fixture
async def people(transaction: None) -> People:
    people = await make_people(min_minor=100)
    await employ_self(people, people.alice_id)
    await earn(people, 300_000_000)
    return people


async def employ_self(people: People, partner_id: int, tax_number: str = INN) -> None:
    await db.execute("UPDATE partners SET kind = 'self_employed' WHERE id = $1", partner_id)
    await give(people.program_id, partner_id, Side("Alice", tax_number), user_id=None)


async def paid(people: People, amount_minor: int, at: datetime = NOON) -> int:
    with clock.at(at):
        payout_id = await service.request_payout(
            people.program_id, people.alice_id, amount_minor=amount_minor, action_id=uuid4().hex
        )
        await service.approve(people.program_id, payout_id, user_id=people.fedor_id)
        await service.mark_paid(people.program_id, payout_id, user_id=people.nina_id)
    return payout_id


async def code_of(work: object) -> str:
    with pytest.raises(DomainError) as caught:
        await work  # type: ignore[misc]
    return caught.value.code


@pytest.mark.parametrize(
    ("day", "due"),
    [
        (date(2026, 11, 1), date(2026, 12, 9)),
        (date(2026, 11, 30), date(2026, 12, 9)),
        (date(2026, 12, 31), date(2027, 1, 9)),
        (date(2028, 1, 31), date(2028, 2, 9)),
    ],
)
def test_a_receipt_is_due_on_the_ninth_of_the_next_month(day: date, due: date) -> None:
    assert due_on(day) == due


@pytest.mark.parametrize(
    ("kind", "wanted"), [("person", 0), ("sole_trader", 0), ("company", 0), ("self_employed", 1)]
)
async def test_only_the_self_employed_owe_one(people: People, kind: str, wanted: int) -> None:
    await db.execute("UPDATE partners SET kind = $2 WHERE id = $1", people.alice_id, kind)
    payout_id = await ask(people, 1000)
    await approve(people, payout_id)
    await db.execute(
        "UPDATE partners SET kind = 'person' WHERE id = $1 AND kind <> 'self_employed'", people.alice_id
    )
    await db.execute("UPDATE payout_acts SET state = 'cancelled', cancelled_at = now()")
    await pay(people, payout_id)
    assert len(await paper_queries.receipts_of_partner(people.alice_id)) == wanted


async def test_a_missing_receipt_stops_the_next_request_from_the_tenth_on(people: People) -> None:
    payout_id = await paid(people, 10_000)
    last = datetime(2026, 12, 9, 20, 59, 59, tzinfo=UTC)  # one second before midnight in Moscow
    with clock.at(last):
        assert (
            Obstacle.RECEIPT_OVERDUE
            not in (await queries.money(people.program_id, people.alice_id)).ready.obstacles
        )
        await service.request_payout(
            people.program_id, people.alice_id, amount_minor=1000, action_id="in-time"
        )
    with clock.at(last + timedelta(seconds=1)):
        assert (
            Obstacle.RECEIPT_OVERDUE
            in (await queries.money(people.program_id, people.alice_id)).ready.obstacles
        )
        late = service.request_payout(people.program_id, people.alice_id, amount_minor=1000, action_id="late")
        assert await code_of(late) == "receipt_overdue"
        await receipts.give(
            people.program_id, people.alice_id, payout_id, user_id=people.alice_user_id, url=LINK
        )
        await service.request_payout(people.program_id, people.alice_id, amount_minor=1000, action_id="late")


async def test_a_receipt_is_given_refused_and_given_again_as_a_file(people: People) -> None:
    payout_id = await paid(people, 10_000)
    at = (people.program_id, people.alice_id, payout_id)
    await receipts.give(*at, user_id=people.alice_user_id, url=LINK)
    assert await code_of(receipts.give(*at, user_id=people.alice_user_id, url=LINK)) == "receipt_state"
    assert (
        await code_of(receipts.refuse(people.program_id, payout_id, user_id=people.alice_user_id, reason="x"))
        == "own_receipt"
    )
    await receipts.refuse(people.program_id, payout_id, user_id=people.fedor_id, reason="Another amount")
    missing = await paper_queries.receipt(people.program_id, payout_id)
    assert (missing.state, missing.refusal, missing.url) == ("missing", "Another amount", "")
    await receipts.give(*at, user_id=people.alice_user_id, upload=Upload("application/pdf", PDF))
    assert (await paper_queries.receipt(people.program_id, payout_id)).paper_id is not None


async def test_nobody_gives_a_receipt_for_another_partner(people: People) -> None:
    payout_id = await paid(people, 10_000)
    other = await make_partner(people.program_id, None, code="clara")
    with pytest.raises(NotFound):
        await receipts.give(people.program_id, other, payout_id, user_id=people.nina_id, url=LINK)


async def test_the_limit_of_the_year_is_kept_to_the_kopeck(people: People) -> None:
    await paid(people, 239_999_900)
    fits, above = await ask(people, 100), await ask(people, 101)
    assert await code_of(approve(people, above)) == "self_employed_limit"
    await approve(people, fits)
    assert await code_of(approve(people, above)) == "self_employed_limit"
    with clock.at(datetime(2026, 12, 31, 21, tzinfo=UTC)):  # the next year in Moscow
        await service.approve(people.program_id, above, user_id=people.fedor_id)


async def test_one_tax_number_in_two_programs_has_one_limit(people: People) -> None:
    other = await make_people(min_minor=100)
    await employ_self(other, other.alice_id)
    await earn(other, 300_000_000)
    await paid(people, 200_000_000)
    too_much = await ask(other, 40_000_001)
    assert await code_of(approve(other, too_much)) == "self_employed_limit"
    await employ_self(other, other.alice_id, "500100732260")
    await approve(other, too_much)


async def test_what_the_bank_returned_does_not_count(people: People) -> None:
    payout_id = await paid(people, 240_000_000)
    again = await ask(people, 1000)
    assert await code_of(approve(people, again)) == "self_employed_limit"
    await service.take_back(people.program_id, payout_id, user_id=people.fedor_id, reason="Closed account")
    await approve(people, again)
    assert (await paper_queries.receipt(people.program_id, payout_id)).state == "undone"


async def test_who_is_near_the_limit_is_told_once_for_each_step(people: People) -> None:
    for amount in (191_999_900, 100, 35_999_900, 100, 100):
        await approve(people, await ask(people, amount))
    rows = await db.fetch(
        "SELECT (payload ->> 'percent')::int AS percent FROM events WHERE kind = 'limit.near' ORDER BY id"
    )
    assert [row["percent"] for row in rows] == [80, 95]


async def test_eight_approvals_at_once_in_two_programs_stay_below_the_limit(committing: object) -> None:
    """Each of 1,000,000.00: two fit into 2,400,000.00, whoever comes first."""
    async with db.transaction():
        both = [await make_people(min_minor=100), await make_people(min_minor=100)]
    for one in both:
        await employ_self(one, one.alice_id)
        async with db.transaction():
            await earn(one, 400_000_000)
    asked = [(one, await ask(one, 100_000_000)) for one in both for _ in range(4)]

    outcomes = await asyncio.gather(
        *(approve(one, payout_id) for one, payout_id in asked), return_exceptions=True
    )

    refused = [one for one in outcomes if isinstance(one, DomainError)]
    assert {one.code for one in refused} == {"self_employed_limit"}
    assert len(refused) == 6


async def test_reminders_come_daily_near_the_end_and_once_after_it(people: People) -> None:
    await paid(people, 10_000)
    reminded = []
    for day in range(1, 20):
        with clock.at(datetime(2026, 12, day, 9, tzinfo=UTC)):
            reminded += [day] * (await receipts.remind_due() + await receipts.remind_due())
    assert reminded == [6, 7, 8, 9, 10]
