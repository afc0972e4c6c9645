"""Bonuses through the jobs: once, also when two workers come at a time, after debt, shown to the partner."""

from datetime import UTC, datetime, timedelta

from app import db
from app.commissions.rewards import give_rewards_due
from app.commissions.service import release_due
from app.ledger.service import balances
from app.programs.service import publish_changes
from app.reports.checks import run_checks
from tests.browsers import Browse
from tests.cast import Cast
from tests.sales import give_back, sell

PAID = datetime(2026, 3, 1, 9, tzinfo=UTC)


async def test_a_bonus_is_given_once_repays_debt_and_is_explained(cast: Cast, browse: Browse) -> None:
    alice = cast.alice.partner_id
    assert alice is not None
    terms = {"bonuses": [{"code": "first", "count": "orders", "reach": 1, "reward_minor": 700}]}
    await publish_changes(cast.north_id, terms, from_moment=PAID - timedelta(days=1))
    await sell(cast.north_id, "alice", "A-1", PAID, fulfilled=True)
    await release_due(PAID + timedelta(days=60))
    await db.execute("UPDATE partners SET state = 'inactive' WHERE id = $1", alice)
    assert await give_rewards_due(PAID + timedelta(days=1)) == 0
    await db.execute("UPDATE partners SET state = 'active' WHERE id = $1", alice)
    before = (await balances([alice]))[alice].available_minor
    assert await give_rewards_due(PAID + timedelta(days=1)) == 1
    assert await give_rewards_due(PAID + timedelta(days=2)) == 0
    assert (await balances([alice]))[alice].available_minor == before + 700
    await give_back(cast.north_id, "A-1", "r1", PAID + timedelta(days=3), 100_000)
    assert await give_rewards_due(PAID + timedelta(days=4)) == 0
    number = await db.fetchval("SELECT id FROM commissions WHERE kind = 'bonus' AND partner_id = $1", alice)
    page = (await (await browse(cast.alice)).get(f"/earnings/{number}")).text
    assert "The bonus first: 1 was reached." in page
    assert [one for one in await run_checks(cast.north_id) if one.rows] == []
