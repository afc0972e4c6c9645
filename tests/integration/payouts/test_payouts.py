"""Payouts: who may ask, what is reserved, what is cut, and that nothing goes back (rules.md §10, §12)."""

from datetime import timedelta

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import clock, db
from app.errors import DomainError, NotFound
from app.ledger.queries import PartnerBalances
from app.payouts import queries, service
from app.payouts.decisions import Obstacle, PayoutState, payable_minor
from tests.integration.payouts.people import (
    NOON,
    People,
    approve,
    ask,
    claw_back,
    earn,
    give_details,
    make_low_minimum,
    make_partner,
    make_people,
    money_of,
    pay,
)


@pytest.fixture
async def people(transaction: None) -> People:
    return await make_people(min_minor=10_000)


async def refusal(people: People, amount_minor: int) -> str:
    with pytest.raises(DomainError) as caught:
        await ask(people, amount_minor)
    assert caught.value.status == 422
    return caught.value.code


async def test_a_request_reserves_its_amount_at_once(people: People) -> None:
    await earn(people, 50_000)

    await ask(people, 20_000)

    assert await money_of(people) == (30_000, 20_000, 0, 0)


async def test_the_whole_way_to_paid(people: People) -> None:
    await earn(people, 50_000)
    payout_id = await ask(people, 50_000)
    await approve(people, payout_id)

    assert await pay(people, payout_id, expected_minor=50_000) == 50_000

    assert await money_of(people) == (0, 0, 0, 50_000)
    payout = await queries.one(people.program_id, payout_id)
    assert (payout.state, payout.amount_minor, payout.debt_repaid_minor) == (PayoutState.PAID, 50_000, 0)
    kinds = await db.fetch("SELECT kind FROM events WHERE program_id = $1 ORDER BY id", people.program_id)
    assert [row["kind"] for row in kinds] == ["payout.requested", "payout.approved", "payout.paid"]
    acts = await db.fetch(
        "SELECT action FROM audit_records WHERE program_id = $1 ORDER BY id", people.program_id
    )
    assert [row["action"] for row in acts] == ["payout.approved", "payout.paid"]


async def test_the_same_action_twice_is_one_request(people: People) -> None:
    await earn(people, 50_000)

    first = await ask(people, 20_000, action_id="form-1")
    second = await ask(people, 20_000, action_id="form-1")

    assert first == second
    assert await money_of(people) == (30_000, 20_000, 0, 0)


async def test_several_requests_while_their_sum_fits(people: People) -> None:
    await earn(people, 50_000)
    await ask(people, 20_000)
    await ask(people, 20_000)

    assert await refusal(people, 10_001) == "above_available"
    await ask(people, 10_000)
    assert await money_of(people) == (0, 50_000, 0, 0)
    found = await queries.of_partner(people.program_id, people.alice_id)
    assert [payout.number for payout in found.rows] == [3, 2, 1]


@pytest.mark.parametrize(
    ("amount", "code"), [(9_999, "below_minimum"), (50_001, "above_available"), (0, "below_minimum")]
)
async def test_an_amount_outside_the_limits_is_refused_at_its_field(
    people: People, amount: int, code: str
) -> None:
    await earn(people, 50_000)

    with pytest.raises(DomainError) as caught:
        await ask(people, amount)

    assert [(field.pointer, field.code) for field in caught.value.fields] == [("amount", code)]
    assert await money_of(people) == (50_000, 0, 0, 0)


async def test_details_must_be_there_verified_and_older_than_72_hours(people: People) -> None:
    await earn(people, 50_000)
    await give_details(people.alice_id, created_at=NOON - timedelta(hours=73), verified_at=None)
    assert await refusal(people, 20_000) == "details_unverified"
    await give_details(people.alice_id, created_at=NOON - timedelta(hours=72) + timedelta(seconds=1))
    assert await refusal(people, 20_000) == "details_cooling"
    await give_details(people.alice_id, created_at=NOON - timedelta(hours=72))
    await ask(people, 20_000)
    await db.execute("UPDATE partner_payout_details SET superseded_at = $1", NOON)
    assert await refusal(people, 20_000) == "details_missing"


async def test_a_method_that_the_terms_left_out_is_refused(transaction: None) -> None:
    people = await make_people(min_minor=10_000, methods=["bank_account"])
    await earn(people, 50_000)

    assert await refusal(people, 20_000) == "method_off"


async def test_debt_closes_requests(people: People) -> None:
    await earn(people, 50_000)
    await ask(people, 50_000)
    await claw_back(people, 1)
    await earn(people, 20_000)

    assert await refusal(people, 10_000) == "debt"


async def test_who_is_no_longer_a_partner_cannot_ask(people: People) -> None:
    await earn(people, 50_000)
    await db.execute("UPDATE partners SET state = 'closed' WHERE id = $1", people.alice_id)

    assert await refusal(people, 20_000) == "partner_state"


async def test_a_payout_overtaken_by_a_refund_is_cut_and_repays_the_debt(people: People) -> None:
    """The example of decisions.py: 150.00, requests of 100.00 and 50.00, then 80.00 are taken back."""
    await earn(people, 15_000)
    with_min = await make_low_minimum(people)
    first, second = await ask(with_min, 10_000), await ask(with_min, 5_000)
    await claw_back(people, 8_000)
    assert await money_of(people) == (0, 15_000, 8_000, 0)
    for payout_id in (first, second):
        await approve(people, payout_id)

    assert await pay(people, first) == 7_000
    assert await money_of(people) == (0, 5_000, 5_000, 7_000)
    assert await pay(people, second) == 0

    assert await money_of(people) == (0, 0, 0, 7_000)
    payout = await queries.one(people.program_id, first)
    assert (payout.requested_minor, payout.amount_minor, payout.debt_repaid_minor) == (10_000, 7_000, 3_000)


async def test_the_other_order_pays_the_same_in_all(people: People) -> None:
    await earn(people, 15_000)
    await make_low_minimum(people)
    first, second = await ask(people, 10_000), await ask(people, 5_000)
    await claw_back(people, 8_000)
    for payout_id in (first, second):
        await approve(people, payout_id)

    assert await pay(people, second) == 5_000
    assert await pay(people, first) == 2_000

    assert await money_of(people) == (0, 0, 0, 7_000)


async def test_an_amount_that_changed_since_the_accountant_looked_is_not_paid(people: People) -> None:
    await earn(people, 20_000)
    payout_id = await ask(people, 20_000)
    await approve(people, payout_id)
    await claw_back(people, 5_000)

    with pytest.raises(DomainError) as caught:
        await pay(people, payout_id, expected_minor=20_000)

    assert caught.value.code == "payout_amount_changed"
    assert await money_of(people) == (0, 20_000, 5_000, 0)
    with clock.at(NOON):
        (seen,) = (
            await queries.queue(people.program_id, [PayoutState.APPROVED], user_id=people.fedor_id)
        ).rows
    assert (seen.payable_minor, seen.cut_minor) == (15_000, 5_000)
    assert await pay(people, payout_id, expected_minor=15_000) == 15_000


async def test_a_rejected_payout_comes_back_and_repays_debt_first(people: People) -> None:
    await earn(people, 20_000)
    payout_id = await ask(people, 20_000)
    await claw_back(people, 5_000)

    with clock.at(NOON):
        await service.reject(people.program_id, payout_id, user_id=people.fedor_id, reason=" Wrong account ")

    assert await money_of(people) == (15_000, 0, 0, 0)
    payout = await queries.one(people.program_id, payout_id)
    assert (payout.state, payout.reason, payout.amount_minor, payout.debt_repaid_minor) == (
        PayoutState.REJECTED,
        "Wrong account",
        15_000,
        5_000,
    )


async def test_a_rejection_needs_a_reason(people: People) -> None:
    await earn(people, 20_000)
    payout_id = await ask(people, 20_000)

    with pytest.raises(DomainError, match="Say why"):
        await service.reject(people.program_id, payout_id, user_id=people.fedor_id, reason="  ")

    assert await money_of(people) == (0, 20_000, 0, 0)


async def test_steps_out_of_order_are_refused(people: People) -> None:
    await earn(people, 20_000)
    payout_id = await ask(people, 20_000)
    with pytest.raises(DomainError, match="approved first"):
        await pay(people, payout_id)
    await approve(people, payout_id)
    with pytest.raises(DomainError, match="approved already"):
        await approve(people, payout_id)
    await pay(people, payout_id)
    for step in (approve(people, payout_id), pay(people, payout_id)):
        with pytest.raises(DomainError, match="no way back"):
            await step
    with pytest.raises(DomainError, match="no way back"):
        await service.reject(people.program_id, payout_id, user_id=people.fedor_id, reason="Too late")
    assert await money_of(people) == (0, 0, 0, 20_000)


async def test_nobody_decides_on_his_own_payout(people: People) -> None:
    await earn(people, 20_000)
    payout_id = await ask(people, 20_000)

    with pytest.raises(DomainError, match="your own payout"):
        await service.approve(people.program_id, payout_id, user_id=people.alice_user_id)


async def test_from_the_limit_on_a_second_person_marks_paid(transaction: None) -> None:
    people = await make_people(min_minor=10_000, approval_second_person_from_minor=20_000)
    await earn(people, 40_000)
    small, large = await ask(people, 19_999), await ask(people, 20_000)
    for payout_id in (small, large):
        await approve(people, payout_id)
    await pay(people, small)

    with pytest.raises(DomainError, match="second person"):
        await pay(people, large)

    with clock.at(NOON):
        assert await service.mark_paid(people.program_id, large, user_id=people.nina_id) == 20_000


async def test_another_programs_payout_does_not_exist(people: People) -> None:
    other = await make_people(min_minor=10_000)
    await earn(people, 20_000)
    payout_id = await ask(people, 20_000)

    for call in (
        service.approve(other.program_id, payout_id, user_id=other.fedor_id),
        service.mark_paid(other.program_id, payout_id, user_id=other.fedor_id),
        service.reject(other.program_id, payout_id, user_id=other.fedor_id, reason="No"),
        queries.one(other.program_id, payout_id),
        queries.money(other.program_id, people.alice_id),
    ):
        with pytest.raises(NotFound):
            await call


@pytest.mark.parametrize(
    "change",
    [
        "state = 'approved'",
        "state = 'requested', paid_at = NULL",
        "amount_minor = 1, debt_repaid_minor = 19999",
        "reason = 'edited'",
    ],
)
async def test_the_database_refuses_to_change_a_paid_payout(people: People, change: str) -> None:
    await earn(people, 20_000)
    payout_id = await ask(people, 20_000)
    await approve(people, payout_id)
    await pay(people, payout_id)

    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        async with db.transaction():
            await db.execute(f"UPDATE payouts SET {change} WHERE id = $1", payout_id)


async def test_the_database_refuses_to_delete_and_to_skip_the_approval(people: People) -> None:
    await earn(people, 20_000)
    payout_id = await ask(people, 20_000)

    for sql in (
        "DELETE FROM payouts WHERE id = $1",
        "UPDATE payouts SET state = 'paid' WHERE id = $1",
        "UPDATE payouts SET requested_minor = 1, amount_minor = 1, state = 'approved' WHERE id = $1",
    ):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            async with db.transaction():
                await db.execute(sql, payout_id)


async def test_readiness_lists_every_obstacle_with_what_is_missing(people: People) -> None:
    await earn(people, 4_000)
    await give_details(people.alice_id, created_at=NOON - timedelta(hours=1), verified_at=None)

    with clock.at(NOON):
        money = await queries.money(people.program_id, people.alice_id)

    assert money.ready.obstacles == (
        Obstacle.DETAILS_UNVERIFIED,
        Obstacle.DETAILS_COOLING,
        Obstacle.BELOW_MINIMUM,
    )
    assert money.ready.missing_minor == 6_000
    assert money.ready.cooling_until == NOON + timedelta(hours=71)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.integers(1, 10**6), min_size=1, max_size=6),
    st.integers(0, 10**6),
    st.lists(st.integers(0, 10**6), max_size=7),
)
def test_whatever_is_taken_back_meanwhile_never_more_is_paid_than_owed(
    amounts: list[int], left: int, clawbacks: list[int]
) -> None:
    """Open payouts are paid in turn with clawbacks in between; in the end paid + debt covers what was earned."""
    available, reserved, debt, paid = left, sum(amounts), 0, 0
    earned = left + sum(amounts)
    for place, amount in enumerate(amounts):
        taken = clawbacks[place] if place < len(clawbacks) else 0
        earned -= taken
        from_available = min(available, taken)
        available -= from_available
        debt += taken - from_available
        owed_before = earned - paid
        payable = payable_minor(amount, PartnerBalances(0, available, reserved, debt, paid))
        cut = amount - payable
        assert 0 <= cut <= debt
        assert payable <= max(0, owed_before)
        reserved, debt, paid = reserved - amount, debt - cut, paid + payable
        assert available + reserved - debt == earned - paid
    assert reserved == 0


async def test_a_partner_sees_only_his_own_payouts(people: People) -> None:
    await earn(people, 20_000)
    await ask(people, 20_000)
    clara = await make_partner(people.program_id, None, code="clara")

    assert (await queries.of_partner(people.program_id, clara)).rows == []
