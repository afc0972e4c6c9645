"""Group commit: many at once, each once, none lost, no repeat counted by two processes."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import httpx
import pytest

from app import clock, db
from app.tracking import api, batcher
from app.tracking.api import click_app
from app.tracking.batcher import Batcher, NotWrittenError
from app.tracking.directory import load_links
from app.tracking.messages import Reason
from app.tracking.visitors import new_click_id
from app.tracking.writing import NewClick
from tests.conftest import TestEngines
from tests.integration.tracking.conftest import FIREFOX, Shop, make_shop, rows, verdicts

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
async def own_shop(committing: TestEngines) -> Shop:
    """A shop in a database where everything really commits."""
    return await make_shop()


@pytest.fixture
async def visitors(own_shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(click_app),
        base_url="http://portal.test",
        headers={"User-Agent": FIREFOX},
    ) as client:
        yield client


async def new_click(shop: Shop, visitor: str = "v1", *, known: bool = True) -> NewClick:
    target = (await load_links([shop.link_code]))[shop.link_code]
    return NewClick(
        new_click_id(),
        target.program,
        target.partner_id,
        target.link_id,
        visitor,
        known,
        NOON,
        Reason.COUNTED,
    )


async def test_many_at_once_are_written_in_few_transactions(
    own_shop: Shop, visitors: httpx.AsyncClient
) -> None:
    answers = await asyncio.gather(
        *(visitors.get(f"/r/{own_shop.link_code}", headers={"Cookie": ""}) for _ in range(300))
    )
    promised = sorted(
        answer.headers["location"].rpartition("pclid=")[2].removesuffix("#top") for answer in answers
    )
    assert promised == sorted(str(row["public_id"]) for row in await rows())
    assert await db.fetchval("SELECT sum(clicks) FROM daily_counts") == 300
    assert await db.fetchval("SELECT count(DISTINCT xmin::text) FROM clicks") < 30


async def test_one_visitor_clicking_at_two_processes_at_once_counts_once(own_shop: Shop) -> None:
    for turn in range(10):
        visitor = f"visitor-{turn}"
        clicks = [await new_click(own_shop, visitor) for _ in range(4)]
        await asyncio.gather(*(Batcher().submit(click) for click in clicks))
    assert sorted(await verdicts()) == ["counted"] * 10 + ["repeat"] * 30


async def test_batch_that_arrived_although_its_answer_did_not_is_not_doubled(own_shop: Shop) -> None:
    click = await new_click(own_shop)
    made = Batcher()
    await made.submit(click)
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    await made._try_again([(click, future)])
    assert future.done()
    assert len(await rows()) == 1
    assert await db.fetchval("SELECT sum(clicks) FROM daily_counts") == 1


async def test_connection_that_breaks_in_between_costs_no_click(
    own_shop: Shop, visitors: httpx.AsyncClient, committing: TestEngines
) -> None:
    """Every connection of the pool is cut by the server; the batch is written on a new one."""
    await visitors.get(f"/r/{own_shop.link_code}")
    owner = await asyncpg.connect(committing.owner_url)
    await owner.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await owner.close()
    answer = await visitors.get(f"/r/{own_shop.link_code}")
    assert "pclid=" in answer.headers["location"]
    assert len(await rows()) == 2


async def test_visitor_goes_to_the_shop_uncounted_when_nothing_can_be_written(
    own_shop: Shop, visitors: httpx.AsyncClient, committing: TestEngines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "BATCHER", Batcher())  # one that may go to rest without resting the other tests
    await visitors.get(f"/r/{own_shop.link_code}")
    owner = await asyncpg.connect(committing.owner_url)
    await owner.execute("REVOKE INSERT ON clicks FROM CURRENT_USER, tandem_app")
    await owner.close()
    answer = await visitors.get(f"/r/{own_shop.link_code}")
    assert answer.status_code == 302
    assert answer.headers["location"] == "https://shop.example/case?color=red&ref=alice#top"
    assert "set-cookie" not in answer.headers
    assert len(await rows()) == 1


async def test_queue_has_an_end(own_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batcher, "MAX_WAITING", 5)
    made = Batcher()
    clicks = [await new_click(own_shop, f"v{number}", known=False) for number in range(20)]
    answers = await asyncio.gather(*(made.submit(click) for click in clicks), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, NotWrittenError)]
    assert len(refused) == 15
    assert len(await rows()) == 5


async def test_visitor_who_hung_up_before_his_turn_is_not_written(own_shop: Shop) -> None:
    made = Batcher()
    tasks = [
        asyncio.create_task(made.submit(await new_click(own_shop, f"v{n}", known=False))) for n in range(3)
    ]
    await asyncio.sleep(0)
    tasks[2].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(await rows()) == 2


async def test_moment_of_writing_stands_beside_that_of_the_click(own_shop: Shop) -> None:
    with clock.at(NOON):
        await Batcher().submit(await new_click(own_shop))
    click = (await rows())[0]
    assert (click["clicked_at"], click["recorded_at"]) == (NOON, NOON)


async def test_click_that_cannot_be_stored_costs_the_others_nothing(own_shop: Shop) -> None:
    made = Batcher()
    clicks = [await new_click(own_shop, f"v{number}", known=False) for number in range(5)]
    clicks[2].referrer = "no \x00 text"
    answers = await asyncio.gather(*(made.submit(click) for click in clicks), return_exceptions=True)
    assert [isinstance(answer, NotWrittenError) for answer in answers] == [False, False, True, False, False]
    assert [row["visitor_id"] for row in await rows()] == ["v0", "v1", "v3", "v4"]
    await made.submit(await new_click(own_shop, "v9", known=False))
    assert await db.fetchval("SELECT sum(clicks) FROM daily_counts") == 5
