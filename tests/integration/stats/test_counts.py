"""Daily counts: what is added is there, once, day by day and link by link."""

import asyncio
from datetime import date, timedelta

import pytest

from app import db
from app.stats.queries import Day, LinkFigures, Totals, figures, figures_by_link, totals
from app.stats.service import Delta, add_in_transaction
from tests.conftest import TestEngines
from tests.factories import make_partner, make_program

FIRST = date(2026, 3, 1)


async def add(program_id: int, *deltas: Delta) -> None:
    async with db.transaction():
        await add_in_transaction(program_id, deltas)


@pytest.fixture
async def program_id(transaction: None) -> int:
    return await make_program("north")


async def test_several_of_one_key_are_summed_and_added_to_what_is_there(program_id: int) -> None:
    alice = await make_partner(program_id, "alice")
    await add(program_id, Delta(alice, 5, FIRST, clicks=1), Delta(alice, 5, FIRST, clicks=2, orders=1))
    await add(program_id, Delta(alice, 5, FIRST, earned_minor=700, base_minor=10_000))
    await add(program_id, Delta(alice, 5, FIRST, earned_minor=-200))
    assert await totals(alice, FIRST, FIRST) == Totals(3, 0, 1, 10_000, 500)
    assert await db.fetchval("SELECT count(*) FROM daily_counts") == 1


async def test_period_stands_beside_the_one_of_the_same_length_before_it(program_id: int) -> None:
    alice, boris = await make_partner(program_id, "alice"), await make_partner(program_id, "boris")
    await add(
        program_id,
        Delta(alice, 0, FIRST - timedelta(days=4), clicks=1000),
        Delta(alice, 0, FIRST - timedelta(days=3), clicks=1),
        Delta(alice, 0, FIRST - timedelta(days=1), clicks=2),
        Delta(alice, 0, FIRST, clicks=4),
        Delta(alice, 7, FIRST + timedelta(days=2), clicks=8),
        Delta(alice, 0, FIRST + timedelta(days=3), clicks=1000),
        Delta(boris, 0, FIRST, clicks=1000),
    )
    found = await figures(alice, FIRST, FIRST + timedelta(days=2))
    assert found.totals.clicks == 12
    assert [day.clicks for day in found.days] == [4, 0, 8]
    assert found.days[1] == Day(FIRST + timedelta(days=1))
    assert found.previous.clicks == 3
    assert [day.clicks for day in found.previous_days] == [1, 0, 2]


async def test_links_have_their_own_figures(program_id: int) -> None:
    alice = await make_partner(program_id, "alice")
    await add(
        program_id,
        Delta(alice, 1, FIRST, clicks=3, orders=1, earned_minor=50),
        Delta(alice, 1, FIRST + timedelta(days=1), orders=1, earned_minor=20),
        Delta(alice, 2, FIRST, clicks_not_counted=5),
    )
    assert await figures_by_link(alice, [1, 2, 3]) == {
        1: LinkFigures(3, 2, 70, FIRST),
        2: LinkFigures(0, 0, 0, None),
    }


async def test_many_at_once_in_any_order_neither_deadlock_nor_lose(committing: TestEngines) -> None:
    program_id = await make_program("north")
    alice, boris = await make_partner(program_id, "alice"), await make_partner(program_id, "boris")
    deltas = [Delta(one, link, FIRST, clicks=1) for one in (alice, boris) for link in range(20)]
    await asyncio.gather(*(add(program_id, *(deltas if turn % 2 else deltas[::-1])) for turn in range(30)))
    assert await db.fetchval("SELECT sum(clicks) FROM daily_counts") == 30 * 40
