"""Money that staff move by hand: not past a check, not to themselves, not twice by one form, not unwritten."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from app import clock, db
from app.commissions.replay import replay
from app.commissions.runs import NewRun, start_run, work_off_run
from app.commissions.service import release_due
from app.errors import DomainError
from app.fraud.service import raise_flag
from app.ledger.queries import balance_rows
from app.programs.service import publish_changes
from app.reports.checks import run_checks
from tests.browsers import Browse
from tests.buyers import account_of
from tests.cast import Cast, make_cast
from tests.conftest import TestEngines
from tests.factories import make_partner
from tests.sales import sell

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
SOON = timedelta(days=60)


async def flag(cast: Cast, order: str) -> int:
    order_id = await db.fetchval("SELECT id FROM orders WHERE external_id = $1", order)
    return await raise_flag(cast.north_id, order_id, reason="looks odd", user_id=cast.olga.user_id)


async def money(partner_id: int | None) -> tuple[int, int, int]:
    assert partner_id is not None
    found = (await balance_rows([partner_id]))[partner_id]
    return found.pending_minor, found.paid_minor, found.internal_minor


async def proved(program_id: int) -> None:
    assert [one for one in await run_checks(program_id) if one.count] == []
    assert (await replay(program_id)).differences == []


async def test_what_is_held_for_a_check_is_not_paid_by_a_run(cast: Cast, browse: Browse) -> None:
    level = {"code": "starter", "name": {"ru": "Старт", "en": "Starter"}, "from": 0, "rate": "5%"}
    terms = {"calculation": {"mode": "periodic"}, "tiers": {"rates": []}, "levels": [level]}
    with clock.at(NOON - timedelta(days=1)):
        await publish_changes(cast.north_id, terms, from_moment=NOON - timedelta(days=1))
    await sell(cast.north_id, "alice", "A-1", NOON, fulfilled=True)
    await sell(cast.north_id, "alice", "A-2", NOON + timedelta(minutes=1), fulfilled=True)
    with clock.at(LATER):
        doubt = await flag(cast, "A-1")
        await work_off_run(
            await start_run(cast.north_id, NewRun("reserve_and_mark_paid"), action_id="the-run")
        )
    assert await money(cast.alice.partner_id) == (5_000, 5_000, 0)
    assert await release_due(LATER + SOON) == 0
    olga = await browse(cast.olga)
    cleared = await olga.post(f"/desk/reviews/{doubt}/clear", data={"reason": "a gift"})
    assert cleared.status_code == 303
    assert await release_due(LATER + SOON) == 1
    assert (await money(cast.alice.partner_id))[0] == 0
    await proved(cast.north_id)


@pytest.mark.parametrize("action", ["release_paid", "release_internal"])
async def test_what_is_held_for_a_check_is_not_paid_by_hand(cast: Cast, browse: Browse, action: str) -> None:
    await sell(cast.north_id, "alice", "A-1", NOON)
    before, _paid, _internal = await money(cast.alice.partner_id)
    doubt = await flag(cast, "A-1")
    fedor, olga = await browse(cast.fedor), await browse(cast.olga)
    form = {"partners": "alice", "partner_action": action}
    assert (await fedor.post("/desk/runs/partners", data=form)).status_code == 303
    assert await money(cast.alice.partner_id) == (before, 0, 0)
    await olga.post(f"/desk/reviews/{doubt}/clear", data={"reason": "a gift"})
    assert (await fedor.post("/desk/runs/partners", data=form)).status_code == 303
    assert sum((await money(cast.alice.partner_id))[1:]) == before
    await proved(cast.north_id)


async def test_period_of_a_run_is_over(cast: Cast, browse: Browse) -> None:
    """Else the next run would begin where this one ends, and what was paid between would never be calculated."""
    with clock.at(LATER):
        with pytest.raises(DomainError) as refused:
            await start_run(
                cast.north_id, NewRun("reserve", to_at=LATER + timedelta(seconds=1)), action_id="too-early"
            )
        assert [one.pointer for one in refused.value.fields] == ["to"]
        fedor = await browse(cast.fedor)
        form = {"action": "reserve", "step": "5", "to": "2100-01-01T00:00", "action_id": "too-early"}
        answer = await fedor.post("/desk/runs", data=form)
    assert answer.status_code == 422
    assert "choose a moment that is over" in answer.text
    assert await db.fetchval("SELECT count(*) FROM calculation_runs") == 0


async def test_nobody_gives_money_to_himself(cast: Cast, browse: Browse) -> None:
    """Fedor is accountant and partner of the same program."""
    await make_partner(cast.north_id, "fedor", user_id=cast.fedor.user_id, name="Fedor")
    await sell(cast.north_id, "fedor", "F-1", NOON)
    partner_id = await db.fetchval("SELECT id FROM partners WHERE code = 'fedor'")
    before = await money(partner_id)
    fedor, olga = await browse(cast.fedor), await browse(cast.olga)
    given = {
        "partner": "fedor",
        "direction": "give",
        "amount": "5",
        "reason": "a bonus",
        "action_id": "own-money",
    }
    answer = await fedor.post("/desk/adjustments", data=given)
    assert answer.status_code == 422
    assert "somebody else must adjust it" in answer.text
    for action in ("release_paid", "release_internal"):
        form = {"partners": "alice fedor", "partner_action": action}
        answer = await fedor.post("/desk/runs/partners", data=form)
        assert answer.status_code == 422
    assert await money(partner_id) == before
    assert (await olga.post("/desk/adjustments", data=given)).status_code == 303


async def test_form_that_comes_again_with_other_values_is_refused(cast: Cast, browse: Browse) -> None:
    olga, fedor = await browse(cast.olga), await browse(cast.fedor)
    given = {
        "partner": "alice",
        "direction": "give",
        "amount": "5",
        "reason": "a bonus",
        "action_id": "one-form",
    }
    topped = {"amount": "500", "reference": "order 7", "action_id": "one-form"}
    for visitor, path, form in (
        (olga, "/desk/adjustments", given),
        (fedor, "/desk/deposit/top-ups", topped),
    ):
        for _again in range(2):
            assert (await visitor.post(path, data=form)).status_code == 303
        answer = await visitor.post(path, data=form | {"amount": "50"})
        assert answer.status_code == 422
        assert "was sent before, with other values" in answer.text
    assert (await olga.post("/desk/adjustments", data=given | {"partner": "boris"})).status_code == 422
    assert await db.fetchval("SELECT sum(amount_minor) FROM adjustments") == 500
    assert await db.fetchval("SELECT sum(amount_minor) FROM deposit_top_ups") == 50_000


async def test_one_form_for_two_partners_at_once_is_one_adjustment(
    committing: TestEngines, browse: Browse
) -> None:
    cast = await make_cast()
    olga = await browse(cast.olga)
    form = {"direction": "give", "amount": "5", "reason": "a bonus", "action_id": "the-same-form"}
    sent = [
        olga.post("/desk/adjustments", data=form | {"partner": ("alice", "boris")[n % 2]}) for n in range(8)
    ]
    statuses = sorted(one.status_code for one in await asyncio.gather(*sent))
    assert statuses == [303] * 4 + [422] * 4
    assert await db.fetchval("SELECT count(*) FROM adjustments") == 1
    await proved(cast.north_id)


async def test_closing_a_customers_links_is_written_down(cast: Cast, browse: Browse) -> None:
    customer_id = await account_of(cast.north_id)
    olga = await browse(cast.olga)
    assert (await olga.post(f"/desk/cashback/{customer_id}/revoke")).status_code == 303
    record = await db.fetchrow("SELECT user_id, subject FROM audit_records ORDER BY id DESC LIMIT 1")
    assert record is not None
    assert tuple(record) == (cast.olga.user_id, f"customer:{customer_id}")


async def test_marketers_see_no_turnover(cast: Cast, browse: Browse) -> None:
    await sell(cast.north_id, "alice", "A-1", NOON, goods_minor=500_000_000, fulfilled=True)
    path = f"/desk/partners/{cast.alice.partner_id}"
    history = await db.fetchval("SELECT count(*) FROM partner_level_changes WHERE turnover_minor > 0")
    assert history > 0
    assert "By turnover" in (await (await browse(cast.olga)).get(path)).text
    assert "By turnover" not in (await (await browse(cast.max)).get(path)).text
