"""Periodic runs: steps, a worker that dies in the middle, pause and resume, the schedule, and the desk."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from app import clock, db
from app.commissions import run_steps, runs
from app.commissions.replay import replay
from app.commissions.run_queries import Schedule
from app.commissions.runs import NewRun, start_run, work_off_run, work_off_runs
from app.commissions.schedules import last_moment, set_schedule, start_scheduled_runs
from app.ledger.queries import balance_rows
from app.payouts.statements import statement
from app.programs.service import publish_changes
from app.reports.checks import run_checks
from tests.browsers import Browse
from tests.cast import Cast, make_cast
from tests.conftest import TestEngines
from tests.factories import make_partner
from tests.sales import sell

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)


async def periodic(program_id: int) -> None:
    level = {"code": "starter", "name": {"ru": "Старт", "en": "Starter"}, "from": 0, "rate": "5%"}
    terms = {"calculation": {"mode": "periodic"}, "tiers": {"rates": []}, "levels": [level]}
    with clock.at(NOON - timedelta(days=1)):
        await publish_changes(program_id, terms, from_moment=NOON - timedelta(days=1))


async def broken(program_id: int) -> list[str]:
    found = [f"{one.name}: {one.rows}" for one in await run_checks(program_id) if one.count]
    return found + [str(one) for one in (await replay(program_id)).differences]


async def pending(program_id: int) -> int:
    ids = [row["id"] for row in await db.fetch("SELECT id FROM partners WHERE program_id = $1", program_id)]
    return sum(one.pending_minor for one in (await balance_rows(ids)).values())


async def sold(program_id: int, partners: int) -> None:
    """So many partners with an order of 1,000.00 each, at the first level's 5 %."""
    for number in range(partners):
        await make_partner(program_id, f"p{number}")
        await sell(program_id, f"p{number}", f"A-{number}", NOON + timedelta(seconds=number))


class KilledError(BaseException):
    """The worker is gone; nothing of it catches this."""


async def test_killed_worker_leaves_no_half_step_and_nothing_is_doubled(
    committing: TestEngines, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast = await make_cast()
    await periodic(cast.north_id)
    await sold(cast.north_id, 6)
    with clock.at(LATER):
        run_id = await start_run(cast.north_id, NewRun("reserve_and_mark_paid", step=2), action_id="killed")
        closing, steps = run_steps._close_items, []

        async def die_in_the_second(step: object) -> None:
            steps.append(step)
            if len(steps) == 2:
                raise KilledError
            await closing(step)  # type: ignore[arg-type]

        monkeypatch.setattr(run_steps, "_close_items", die_in_the_second)
        with pytest.raises(KilledError):
            await work_off_run(run_id)
        done = await db.fetchval("SELECT count(*) FROM calculation_items WHERE state = 'done'")
        assert done == 2
        assert await db.fetchval("SELECT count(*) FROM commissions") == 2
        monkeypatch.setattr(run_steps, "_close_items", closing)
        # Several workers go on at once: the wake-up that was lost, the sweep, another sweep.
        await asyncio.gather(work_off_run(run_id), work_off_runs(), work_off_runs())
    assert await db.fetchval("SELECT state FROM calculation_runs") == "done"
    assert await db.fetchval("SELECT count(*) FROM commissions") == 6
    assert await db.fetchval("SELECT sum(paid_minor) FROM commission_settlements") == 6 * 5_000
    assert await pending(cast.north_id) == 0
    assert await broken(cast.north_id) == []


async def test_same_run_again_changes_nothing(cast: Cast) -> None:
    await periodic(cast.north_id)
    await sold(cast.north_id, 2)
    with clock.at(LATER):
        for action_id in ("first-run", "first-run", "second-run"):
            new = NewRun("reserve", from_at=NOON - timedelta(days=1), to_at=LATER)
            await work_off_run(await start_run(cast.north_id, new, action_id=action_id))
    assert await db.fetchval("SELECT count(*) FROM calculation_runs") == 2
    assert await pending(cast.north_id) == 10_000
    assert await broken(cast.north_id) == []


async def test_statement_names_the_orders_that_a_run_paid(cast: Cast) -> None:
    await periodic(cast.north_id)
    await sold(cast.north_id, 1)
    with clock.at(LATER):
        run_id = await start_run(cast.north_id, NewRun("reserve_and_mark_paid"), action_id="a-paying-run")
        await work_off_run(run_id)
    partner = await db.fetchval("SELECT partner_id FROM commissions")
    told = await statement(cast.north_id, partner, NOON, LATER + timedelta(days=1))
    assert [(line.kind, line.order_number) for line in told.lines] == [
        ("accrual", "A-0"),
        ("settlement", "A-0"),
    ]
    assert all(line.commission_id is not None for line in told.lines)
    assert (told.earned_minor, told.paid_minor, told.closing.owed_minor) == (5_000, 5_000, 0)


async def test_paused_run_waits_for_its_resuming(cast: Cast, browse: Browse) -> None:
    await periodic(cast.north_id)
    await sold(cast.north_id, 3)
    fedor = await browse(cast.fedor)
    with clock.at(LATER):
        form = {"action": "reserve", "step": "1", "action_id": "a-desk-run"}
        answer = await fedor.post("/desk/runs", data=form)
        assert answer.status_code == 303
        page = answer.headers["location"]
        run_id = int(page.rsplit("/", 1)[1])
        assert await runs._step(run_id) == 1
        assert (await fedor.post(f"{page}/pause", data={})).status_code == 303
        assert await work_off_runs() == 0
        shown = (await fedor.get(page)).text
        assert "Paused" in shown
        assert "1 of 3 partners" in shown
        assert (await fedor.post(f"{page}/resume", data={})).status_code == 303
        assert 'hx-trigger="every 2s"' in (await fedor.get(page)).text
        assert await work_off_runs() == 2
        assert "3 of 3 partners" in (await fedor.get(page)).text
    assert await pending(cast.north_id) == 15_000


async def test_wrong_forms_come_back(cast: Cast, browse: Browse) -> None:
    fedor = await browse(cast.fedor)
    right = {"action": "reserve", "step": "50", "action_id": "a-desk-run"}
    for wrong in (
        {"action": "burn"},
        {"step": "0"},
        {"partners": "clara"},
        {"from": "tomorrow"},
        {"from": "2026-03-02T00:00", "to": "2026-03-01T00:00"},
    ):
        assert (await fedor.post("/desk/runs", data=right | wrong)).status_code == 422, wrong
    assert (await fedor.post("/desk/runs/schedule", data={"day": "31"})).status_code == 422
    assert (await fedor.post("/desk/runs/partners", data={"partners": "alice"})).status_code == 422
    assert await db.fetchval("SELECT count(*) FROM calculation_runs") == 0
    olga = await browse(cast.olga)
    assert (await olga.post("/desk/runs", data=right)).status_code == 403


async def test_chosen_partners_are_paid_and_switched(cast: Cast, browse: Browse) -> None:
    await sell(cast.north_id, "alice", "A-1", NOON)
    assert cast.alice.partner_id is not None
    fedor = await browse(cast.fedor)
    before = (await balance_rows([cast.alice.partner_id]))[cast.alice.partner_id].pending_minor
    assert before > 0
    for action in ("release_internal", "release_paid", "clear_reserved", "deactivate", "deactivate"):
        form = {"partners": "ALICE", "partner_action": action}
        assert (await fedor.post("/desk/runs/partners", data=form)).status_code == 303, action
    money = (await balance_rows([cast.alice.partner_id]))[cast.alice.partner_id]
    assert (money.pending_minor, money.internal_minor, money.paid_minor) == (0, before, 0)
    assert await db.fetchval("SELECT state FROM partners WHERE code = 'alice'") == "inactive"
    assert await broken(cast.north_id) == []


async def test_schedule_starts_one_run_a_month(cast: Cast) -> None:
    await periodic(cast.north_id)
    await sold(cast.north_id, 1)
    with clock.at(NOON):
        await set_schedule(cast.north_id, Schedule(5, "reserve", 50, True))
        assert await start_scheduled_runs(cast.north_id) == 0
    with clock.at(datetime(2026, 12, 6, tzinfo=UTC)):
        assert [await start_scheduled_runs(cast.north_id) for _ in range(3)] == [1, 0, 0]
        await work_off_runs(cast.north_id)
    assert await pending(cast.north_id) == 5_000


def test_moment_of_the_schedule_is_the_programs_midnight() -> None:
    moment = last_moment(datetime(2026, 3, 4, 21, 0, tzinfo=UTC), 5, "Europe/Moscow")
    assert moment == datetime(2026, 3, 4, 21, 0, tzinfo=UTC)
    before = last_moment(datetime(2026, 3, 4, 20, 59, tzinfo=UTC), 5, "Europe/Moscow")
    assert before == datetime(2026, 2, 4, 21, 0, tzinfo=UTC)
