"""A replay names what was spoiled behind the services' backs: bonuses, adjustments, cashback, sums of runs."""

from datetime import UTC, datetime, timedelta

import asyncpg

from app import clock, db
from app.commissions.adjustments import NewAdjustment, adjust_partner
from app.commissions.replay import replay
from app.commissions.rewards import give_rewards_due
from app.commissions.runs import NewRun, start_run, work_off_run
from app.orders.messages import CustomerMessage
from app.programs.service import publish_changes
from tests.conftest import TestEngines
from tests.factories import make_partner, make_program
from tests.integration.test_cli import tandem
from tests.sales import sell

PAID = datetime(2026, 3, 10, 9, tzinfo=UTC)
TERMS = {
    "bonuses": [{"code": "first", "count": "orders", "reach": 1, "reward_minor": 700}],
    "volume_bonuses": [{"rate": "1%", "from": 50_000}],
    "levels_policy": {"period": "month"},
    "cashback": {
        "hold_days": 14,
        "lifetime_days": 365,
        "rules": [{"code": "all", "sort": 10, "condition": "product", "values": ["coat"], "rate": "3%"}],
    },
}


async def program_with_everything() -> tuple[int, int]:
    """An order of 1,000.00: a bonus of 7.00, a volume bonus of 10.00, cashback of 30.00, and 12.34 by hand."""
    program_id = await make_program()
    alice = await make_partner(program_id, "alice")
    await publish_changes(program_id, TERMS, from_moment=PAID - timedelta(days=20))
    await sell(program_id, "alice", "A-1", PAID, customer=CustomerMessage("c-1"))
    for moment in (PAID + timedelta(hours=1), PAID + timedelta(days=25)):
        with clock.at(moment):
            await give_rewards_due(moment)
            await adjust_partner(program_id, NewAdjustment(alice, 1_234, "thanks"), action_id="one")
    return program_id, alice


SPOILED = [
    ("UPDATE rewards SET amount_minor = 701 WHERE kind = 'bonus'", ("first, ever", "bonus", 701, 700)),
    (
        "UPDATE commissions SET amount_minor = 699, accrued_minor = 699 WHERE kind = 'bonus'",
        ("first, ever", "bonus", 699, 700),
    ),
    (
        "UPDATE rewards SET amount_minor = 1001 WHERE kind = 'volume_bonus'",
        ("2026-03-01", "volume_bonus", 1_001, 1_000),
    ),
    ("UPDATE adjustments SET amount_minor = 1235", ("#", "adjustment", 1_234, 1_235)),
    (
        "UPDATE commission_entries SET amount_minor = 1 WHERE kind = 'adjustment'",
        ("#", "adjustment", 1, 1_234),
    ),
    ("UPDATE cashback_earnings SET amount_minor = 3001", ("A-1", "cashback", 3_001, 3_000)),
    ("DELETE FROM adjustments", ("#", "adjustment", 1_234, 0)),
]


async def test_each_spoiled_row_is_named(committing: TestEngines) -> None:
    program_id, alice = await program_with_everything()
    assert (await replay(program_id)).differences == []
    owner = await asyncpg.connect(committing.owner_url)
    await owner.execute("SET session_replication_role = replica")  # past the triggers of what is append-only
    for statement, (order, kind, recorded, replayed) in SPOILED:
        copy = statement.split()[2 if statement.startswith("DELETE") else 1]
        await owner.execute(f"DROP TABLE IF EXISTS kept; CREATE TEMP TABLE kept AS SELECT * FROM {copy}")
        await owner.execute(statement)
        found = (await replay(program_id)).differences
        assert [(one.kind, one.recorded_minor, one.replayed_minor) for one in found] == [
            (kind, recorded, replayed)
        ], statement
        assert found[0].order.startswith(order)
        assert found[0].partner_id == (0 if kind == "cashback" else alice)
        await owner.execute(f"DELETE FROM {copy}; INSERT INTO {copy} SELECT * FROM kept")
    assert (await replay(program_id)).differences == []
    await owner.close()


async def test_the_command_prints_a_table_and_fails(committing: TestEngines) -> None:
    program_id, _alice = await program_with_everything()
    code = await db.fetchval("SELECT code FROM programs WHERE id = $1", program_id)
    fine = tandem("replay", "--program", code, engines=committing)
    assert (fine.returncode, "Recorded" in fine.stdout) == (0, False), fine.stderr
    owner = await asyncpg.connect(committing.owner_url)
    await owner.execute("SET session_replication_role = replica")
    await owner.execute("UPDATE rewards SET amount_minor = 701 WHERE kind = 'bonus'")
    await owner.execute("UPDATE cashback_earnings SET amount_minor = 3001")
    await owner.close()
    spoiled = tandem("replay", "--program", code, engines=committing)
    assert spoiled.returncode == 1, spoiled.stdout
    lines = [line.split("  ") for line in spoiled.stdout.splitlines()]
    shown = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    assert ["Order", "Partner", "Kind", "Tier", "Recorded", "Replayed"] in shown
    assert ["first, ever", "alice", "bonus", "7.01 RUB", "7.00 RUB"] in shown
    assert ["A-1", "the customer", "cashback", "30.01 RUB", "30.00 RUB"] in shown


async def test_the_sum_of_a_run_is_replayed(transaction: None) -> None:
    program_id = await make_program()
    await make_partner(program_id, "boris")
    alice = await make_partner(program_id, "alice", parent="boris")
    await publish_changes(
        program_id, {"calculation": {"mode": "periodic"}}, from_moment=PAID - timedelta(days=1)
    )
    await sell(program_id, "alice", "A-1", PAID)
    with clock.at(PAID + timedelta(days=1)):
        run_id = await start_run(program_id, NewRun("reserve"), action_id="run")
        await work_off_run(run_id)
    paid = await db.fetchval("SELECT amount_minor FROM calculation_items WHERE run_id = $1", run_id)
    assert paid > 0
    assert (await replay(program_id)).differences == []
    await db.execute("UPDATE calculation_items SET amount_minor = amount_minor + 1 WHERE run_id = $1", run_id)
    (found,) = (await replay(program_id)).differences
    assert (found.order, found.partner_id, found.kind) == (f"run {run_id}", alice, "run")
    assert (found.recorded_minor, found.replayed_minor) == (paid + 1, paid)
