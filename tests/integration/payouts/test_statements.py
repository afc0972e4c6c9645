"""A statement always adds up, and a month that is over never changes."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from random import Random
from uuid import uuid4

import pytest

from app import clock
from app.ledger import service as ledger
from app.ledger.queries import PartnerBalances as PresentSums
from app.payouts import service as payouts
from app.payouts.statements import Sums, month_bounds, months, statement
from app.rules.effects import Account, AccountKind, Posting
from app.ui.i18n import zone_named
from app.ui.paging import Cursor
from tests.integration.payouts.people import NOON, People, make_people

MOSCOW = zone_named("Europe/Moscow")


@pytest.fixture
async def people(transaction: None) -> People:
    return await make_people(min_minor=100)


async def book(people: People, at: datetime, kind: str, *moves: tuple[AccountKind, AccountKind, int]) -> None:
    def side(account: AccountKind) -> Account:
        return Account(account, None if account is AccountKind.EXPENSE else people.alice_id)

    postings = tuple(Posting(side(debit), side(credit), amount) for debit, credit, amount in moves)
    with clock.at(at):
        await ledger.book_in_transaction(
            people.program_id, [ledger.Entry(kind, f"test:{uuid4()}", at - timedelta(hours=1), postings)]
        )


async def test_opening_lines_and_closing_of_a_worked_month(people: People) -> None:
    """Accrued 100.00 in October; November: released, 40.00 more accrued, 60.00 asked for and paid, 70.00 back."""
    october, november = datetime(2026, 10, 15, tzinfo=UTC), datetime(2026, 11, 10, tzinfo=UTC)
    expense, pending, available = AccountKind.EXPENSE, AccountKind.PENDING, AccountKind.AVAILABLE
    await book(people, october, "accrual", (expense, pending, 10_000))
    await book(people, november, "release", (pending, available, 10_000))
    await book(people, november + timedelta(hours=1), "accrual", (expense, pending, 4_000))
    with clock.at(NOON):
        payout_id = await payouts.request_payout(
            people.program_id, people.alice_id, amount_minor=6_000, action_id="a"
        )
        await payouts.approve(people.program_id, payout_id, user_id=people.fedor_id)
        await payouts.mark_paid(people.program_id, payout_id, user_id=people.fedor_id)
    await book(
        people,
        NOON + timedelta(hours=1),
        "clawback",
        (available, expense, 4_000),
        (AccountKind.DEBT, expense, 3_000),
    )

    found = await statement(people.program_id, people.alice_id, *month_bounds(november.date(), MOSCOW))

    assert found.opening == Sums(pending_minor=10_000)
    assert found.closing == Sums(pending_minor=4_000, debt_minor=3_000, paid_minor=6_000)
    assert (found.earned_minor, found.taken_back_minor, found.paid_minor) == (4_000, 7_000, 6_000)
    assert found.opening.owed_minor + 4_000 - 7_000 - 6_000 == found.closing.owed_minor == 1_000
    assert [line.kind for line in found.lines] == [
        "release", "accrual", "payout_requested", "payout_paid", "clawback",
    ]  # fmt: skip
    assert found.lines[2].change == Sums(available_minor=-6_000, reserved_minor=6_000)
    assert found.lines[2].after == Sums(pending_minor=4_000, available_minor=4_000, reserved_minor=6_000)
    assert found.currency == "RUB"


async def test_what_is_booked_later_does_not_change_a_month_that_is_over(people: People) -> None:
    """The shop's moment is of October, the booking of November: it stands in November's statement."""
    await book(
        people,
        datetime(2026, 10, 31, 21, 30, tzinfo=UTC),
        "accrual",
        (AccountKind.EXPENSE, AccountKind.PENDING, 1),
    )

    october = await statement(people.program_id, people.alice_id, *month_bounds(date(2026, 10, 1), MOSCOW))
    november = await statement(people.program_id, people.alice_id, *month_bounds(date(2026, 11, 1), MOSCOW))

    assert (len(october.lines), len(november.lines)) == (0, 1)
    assert october.closing == november.opening == Sums()


@pytest.mark.parametrize("seed", range(5))
async def test_any_history_adds_up_over_any_borders(people: People, seed: int) -> None:
    random = Random(seed)
    await wander(people, random)
    cuts = sorted(NOON - timedelta(minutes=random.randrange(0, 200_000)) for _ in range(4))
    borders = [NOON - timedelta(days=200), *cuts, NOON + timedelta(days=1)]

    parts = [
        await statement(people.program_id, people.alice_id, start, end) for start, end in pairwise(borders)
    ]

    assert parts[0].opening == Sums()
    for part, following in pairwise(parts):
        assert part.closing == following.opening
    for part in parts:
        total = part.opening
        for line in part.lines:
            total = total.plus(line.change)
            assert line.after == total
        assert total == part.closing
        assert (
            part.opening.owed_minor + part.earned_minor - part.taken_back_minor - part.paid_minor
            == total.owed_minor
        )
    present = (await ledger.balances([people.alice_id]))[people.alice_id]
    closing = parts[-1].closing
    for name in PresentSums.__slots__:
        assert getattr(closing, name) == getattr(present, name), name


async def wander(people: People, random: Random) -> None:
    """Sixty random bookings, each allowed by the balances, in rising order of time."""
    expense, pending, available = AccountKind.EXPENSE, AccountKind.PENDING, AccountKind.AVAILABLE
    paid, debt = AccountKind.PAID, AccountKind.DEBT
    holds = dict.fromkeys(AccountKind, 0)
    at = NOON - timedelta(days=140)
    for _ in range(60):
        at += timedelta(minutes=random.randrange(1, 3_000))
        debit, credit, most = random.choice(
            [
                (expense, pending, 9_999),
                (pending, available, holds[pending]),
                (pending, expense, holds[pending]),
                (available, paid, holds[available]),
                (available, AccountKind.INTERNAL, holds[available]),
                (debt, expense, 9_999),
                (pending, debt, min(holds[pending], holds[debt])),
            ]
        )
        if most < 1:
            continue
        amount = random.randint(1, most)
        await book(people, at, "test", (debit, credit, amount))
        holds[debit] += amount if debit is debt else -amount
        holds[credit] += -amount if credit is debt else amount


async def test_pages_of_a_long_period_join_without_gap_and_keep_its_sums(people: People) -> None:
    for number in range(7):
        await book(
            people,
            NOON + timedelta(minutes=number // 2),
            "accrual",
            (AccountKind.EXPENSE, AccountKind.PENDING, 100),
        )
    period = (NOON - timedelta(days=1), NOON + timedelta(days=1))

    whole = await statement(people.program_id, people.alice_id, *period)
    first = await statement(people.program_id, people.alice_id, *period, size=4)
    second = await statement(
        people.program_id, people.alice_id, *period, size=4, after=Cursor.decode(first.next_cursor)
    )

    assert [*first.lines, *second.lines] == list(whole.lines)
    assert second.next_cursor is None
    assert first.closing == second.closing == whole.closing == Sums(pending_minor=700)
    assert (second.earned_minor, second.opening) == (700, Sums())


async def test_months_reach_back_to_the_first_booking(people: People) -> None:
    with clock.at(NOON):
        assert [str(month) for month in await months(people.program_id, people.alice_id, MOSCOW)] == [
            "2026-11-01"
        ]
        await book(
            people,
            datetime(2026, 9, 30, 22, tzinfo=UTC),
            "accrual",
            (AccountKind.EXPENSE, AccountKind.PENDING, 1),
        )
        found = await months(people.program_id, people.alice_id, MOSCOW)
    assert [str(month) for month in found] == ["2026-11-01", "2026-10-01"]
