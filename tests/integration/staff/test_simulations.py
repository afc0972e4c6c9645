"""Simulations asked for on the desk: the row, the worker, progress, result and file."""

from datetime import timedelta

import pytest

from app import clock, db
from app.commissions import simulation_jobs
from app.programs import drafts
from tests.cast import Cast
from tests.integration.staff.test_terms_draft import Browse, fields_of
from tests.sales import sell

pytestmark = pytest.mark.usefixtures("transaction")


async def asked(cast: Cast, browse: Browse, days: str) -> int:
    """A draft with another hold or rate is tried on the last year."""
    olga = await browse(cast.olga)
    await sell(cast.north_id, "alice", "A-1", clock.now() - timedelta(days=3))
    fields = fields_of((await olga.get("/desk/terms/draft/levels")).text) | {"levels[0].rate": [days]}
    saved = await olga.post("/desk/terms/draft/levels", data={**fields, "do": ["save"]})
    assert saved.status_code == 303
    today = clock.now().date()
    answer = await olga.post(
        "/desk/terms/simulations",
        data={"from": str(today - timedelta(days=30)), "to": str(today), "note": "=1+1"},
    )
    assert answer.status_code == 303, answer.text
    return int(answer.headers["location"].rsplit("/", 1)[1].partition("?")[0])


async def test_a_draft_is_tried_and_the_result_kept(cast: Cast, browse: Browse) -> None:
    number = await asked(cast, browse, "50")
    olga = await browse(cast.olga)
    waiting = await olga.get(f"/desk/terms/simulations/{number}")
    assert 'hx-trigger="every 2s"' in waiting.text
    assert (await olga.get(f"/desk/terms/simulations/{number}/partners.csv")).status_code == 404
    entries = await db.fetchval("SELECT count(*) FROM commission_entries")
    assert await simulation_jobs.work_off() == 1
    assert await simulation_jobs.work_off() == 0
    found = await simulation_jobs.simulation(cast.north_id, number)
    assert (found.state, found.facts, found.facts_done) == ("done", 1, 1)
    assert found.result is not None
    assert found.result.orders == 1
    assert found.result.then_minor > found.result.now_minor
    page = await olga.get(f"/desk/terms/simulations/{number}")
    assert "By the draft" in page.text
    assert "every 2s" not in page.text
    file = await olga.get(f"/desk/terms/simulations/{number}/partners.csv")
    assert "alice" in file.text
    assert await db.fetchval("SELECT count(*) FROM commission_entries") == entries
    assert (await drafts.draft_of(cast.north_id)).begun


async def test_a_killed_worker_leaves_it_to_the_next(cast: Cast, browse: Browse) -> None:
    number = await asked(cast, browse, "8")
    await db.execute(
        "UPDATE terms_simulations SET state = 'running', leased_until = now() + interval '1 minute'"
    )
    assert await simulation_jobs.work_off() == 0
    await db.execute("UPDATE terms_simulations SET leased_until = now() - interval '1 minute'")
    assert await simulation_jobs.work_off() == 1
    assert (await simulation_jobs.simulation(cast.north_id, number)).state == "done"


async def test_wrong_days_come_back(cast: Cast, browse: Browse) -> None:
    olga = await browse(cast.olga)
    answer = await olga.post("/desk/terms/simulations", data={"from": "2026-03-02", "to": "2026-03-01"})
    assert answer.status_code == 422
    assert "The last day is before the first one." in answer.text
