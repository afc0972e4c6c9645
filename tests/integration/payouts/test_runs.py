"""Payouts by schedule, and a real shop's December paid every Monday, to the cent (../shared/data, RULES.md §7)."""

import csv
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from app import clock, db
from app.commissions.history import HistoryFolder
from app.commissions.history_import import import_history
from app.commissions.service import release_due
from app.ledger import service as ledger
from app.partners.payout_details import NewPayoutDetails, give_details_in_transaction
from app.payouts import runs, service
from app.programs.service import NewProgram, create_program
from app.reports.checks import run_checks
from app.rules.money import format_minor
from tests.integration.payouts.people import (
    NOON,
    claw_back,
    earn,
    give_details,
    make_partner,
    make_people,
    make_user,
    money_of,
)

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
MONDAYS = [datetime(2010, 12, 6, tzinfo=UTC) + timedelta(weeks=week) for week in range(5)]


async def test_a_run_asks_once_a_day_for_everything_available(transaction: None) -> None:
    people = await make_people(min_minor=10_000)
    await make_partner(people.program_id, None, code="poor")
    await earn(people, 25_000)

    with clock.at(NOON):
        first = await runs.run(people.program_id)
        await earn(people, 50_000)
        again = await runs.run(people.program_id)
    with clock.at(NOON + timedelta(days=1)):
        next_day = await runs.run(people.program_id)

    assert (first.requested, first.requested_minor) == (1, 25_000)
    assert (again.requested, again.requested_minor) == (0, 0)
    assert (next_day.requested, next_day.requested_minor) == (1, 50_000)
    assert await money_of(people) == (0, 75_000, 0, 0)


async def test_whom_something_stands_in_the_way_is_left_out_and_counted(transaction: None) -> None:
    people = await make_people(min_minor=10_000)
    await earn(people, 9_999)
    with clock.at(NOON):
        assert (await runs.run(people.program_id)).left_out == {"below_minimum": 1}
    await earn(people, 1)
    await give_details(people.alice_id, verified_at=None)
    with clock.at(NOON):
        assert (await runs.run(people.program_id)).left_out == {"details_unverified": 1}
    await claw_back(people, 10_001)

    with clock.at(NOON):
        done = await runs.run(people.program_id)

    assert (done.requested, done.left_out) == (0, {"debt": 1})


@pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not there")
async def test_december_is_paid_every_monday_as_expected(transaction: None) -> None:
    """Everybody with 50.00 or more is paid in full, what is less stays, and so does debt."""
    program_id, accountant = await _program(), await make_user("accountant")
    folder = HistoryFolder(DATA / "orders", ZoneInfo("UTC"), "GBP", "clicks.csv.gz")
    found: list[dict[str, str]] = []
    for monday in MONDAYS:
        await import_history(program_id, folder, until=monday)
        with clock.at(monday):
            await release_due()
            if monday is MONDAYS[0]:
                await _give_details(program_id, monday)
            before = await _owed(program_id)
            await runs.run(program_id)
            for row in await db.fetch(
                "SELECT id FROM payouts WHERE program_id = $1 AND state = 'requested' ORDER BY id", program_id
            ):
                await service.approve(program_id, row["id"], user_id=accountant)
                await service.mark_paid(program_id, row["id"], user_id=accountant)
            after = await _owed(program_id)
        found += [
            {
                "at": f"{monday:%Y-%m-%d %H:%M:%S}",
                "partner": code,
                "balance_before": format_minor(owed, 2),
                "paid": format_minor(owed - after[code], 2),
                "balance_after": format_minor(after[code], 2),
            }
            for code, owed in before.items()
            if owed
        ]

    expected = DATA / "expected_sample" / "payouts_to_2011-01-03.last.daily_qtd.csv"
    with expected.open(newline="") as file:
        assert found == list(csv.DictReader(file))
    assert [result for result in await run_checks(program_id) if result.count] == []


async def _program() -> int:
    document = tomllib.loads((DATA / "terms" / "last.daily_qtd.toml").read_text())
    document["payout"] = {"min_minor": 5_000}
    program = NewProgram("mondays", "Mondays", "https://shop.example", ("shop.example",))
    return await create_program(program, document, from_moment=datetime(1970, 1, 1, tzinfo=UTC))


async def _give_details(program_id: int, monday: datetime) -> None:
    partners = await db.fetch("SELECT id FROM partners WHERE program_id = $1 ORDER BY id", program_id)
    with clock.at(monday - timedelta(days=4)):
        for partner in partners:
            details = NewPayoutDetails("card", "Partner", "4242424242424242")
            await give_details_in_transaction(partner["id"], details, verified=True)


async def _owed(program_id: int) -> dict[str, int]:
    """What each partner may claim less what he owes, by code."""
    partners = await db.fetch("SELECT id, code FROM partners WHERE program_id = $1 ORDER BY code", program_id)
    held = await ledger.balances([row["id"] for row in partners])
    return {row["code"]: held[row["id"]].available_minor - held[row["id"]].debt_minor for row in partners}
