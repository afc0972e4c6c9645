"""The nightly check: its result is kept, shown, and staff are told when the books are wrong."""

from collections.abc import Awaitable, Callable

import pytest
from httpx import AsyncClient

from app import clock, db
from app.events.service import work_off
from app.reports.nightly import check_everything, check_runs
from tests.cast import Cast
from tests.sales import sell

Browse = Callable[..., Awaitable[AsyncClient]]
pytestmark = pytest.mark.usefixtures("transaction")


async def test_right_books_are_on_record(cast: Cast, browse: Browse) -> None:
    olga = await browse(cast.olga)
    assert "No check has run yet" in (await olga.get("/desk/checks")).text
    await sell(cast.north_id, "alice", "A-1", clock.now())
    assert await check_everything() == 0
    (run,) = await check_runs()
    assert run.broken == 0
    assert {one.name for one in run.results} >= {"balances_equal_postings", "chain_unbroken"}
    page = await olga.get("/desk/checks")
    assert "The books are right" in page.text
    assert "found something wrong" not in (await olga.get("/desk")).text


async def test_wrong_books_are_shown_to_staff_on_every_page(cast: Cast, browse: Browse) -> None:
    await sell(cast.north_id, "alice", "A-1", clock.now())
    await db.execute("UPDATE ledger_balances SET balance_minor = balance_minor + 1 WHERE balance_minor > 0")
    assert await check_everything() > 0
    while await work_off():
        """Staff are told."""
    olga = await browse(cast.olga)
    page = await olga.get("/desk/checks")
    assert "balances_equal_postings" in page.text
    assert "Pay nothing before it is known why" in page.text
    assert "found something wrong" in (await olga.get("/desk")).text
    told = await db.fetch("SELECT user_id FROM notices WHERE kind = 'check.failed'")
    assert {row["user_id"] for row in told} >= {cast.olga.user_id}
