"""The outbox: nothing that happened is lost, and nobody holds up the others."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from app import clock, db
from app.events import service
from app.events.service import Event, NewEvent

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)


@pytest.fixture
def handled() -> Iterator[list[int]]:
    """Numbers that a handler of `test.happened` got; it refuses number 13."""
    numbers: list[int] = []

    async def handler(events: Sequence[Event]) -> None:
        if any(event.payload["number"] == 13 for event in events):
            raise ValueError("thirteen")
        numbers.extend(event.payload["number"] for event in events)

    service.register("test.happened", handler)
    yield numbers
    service._handlers.pop("test.happened")


async def emit(*numbers: int) -> None:
    async with db.transaction():
        await service.emit_in_transaction(
            [NewEvent("test.happened", None, f"number:{number}", {"number": number}) for number in numbers]
        )


async def states() -> dict[str, int]:
    rows = await db.fetch("SELECT state, count(*) AS events FROM events GROUP BY state")
    return {row["state"]: row["events"] for row in rows}


async def let_leases_run_out() -> None:
    await db.execute("UPDATE events SET leased_until = $1", datetime.now(UTC) - timedelta(seconds=1))


async def test_events_are_handled_in_order_and_once(transaction: None, handled: list[int]) -> None:
    await emit(1, 2, 3)
    assert await service.work_off() == 3
    assert handled == [1, 2, 3]
    assert await service.work_off() == 0
    assert await states() == {"done": 3}


async def test_rolled_back_event_never_happened(transaction: None, handled: list[int]) -> None:
    async def fail() -> None:
        async with db.transaction():
            await service.emit_in_transaction([NewEvent("test.happened", None, "number:1", {"number": 1})])
            raise RuntimeError("undo")

    with pytest.raises(RuntimeError, match="undo"):
        await fail()
    assert await service.work_off() == 0
    assert handled == []


async def test_killed_worker_leaves_its_events_to_the_next_one(transaction: None, handled: list[int]) -> None:
    await emit(1, 2)
    claimed = await service.claim(10)
    assert [event.payload["number"] for event in claimed] == [1, 2]  # and here the worker is killed
    assert await service.work_off() == 0
    await let_leases_run_out()
    assert await service.work_off() == 2
    assert handled == [1, 2]


async def test_failing_event_does_not_hold_up_its_neighbours(transaction: None, handled: list[int]) -> None:
    with clock.at(NOW):
        await emit(1, 13, 2)
        assert await service.work_off() == 2
    assert handled == [1, 2]
    row = await db.fetchrow(
        "SELECT state, attempts, due_at, leased_until, last_error FROM events WHERE state = 'new'"
    )
    assert row is not None
    assert row["attempts"] == 1
    assert row["due_at"] == NOW + timedelta(seconds=5)
    assert row["leased_until"] is None
    assert row["last_error"] == "ValueError: thirteen"


async def test_event_is_dead_after_ten_tries_and_can_be_brought_back(
    transaction: None, handled: list[int]
) -> None:
    with clock.at(NOW):
        await emit(13)
    for hour in range(1, 12):
        with clock.at(NOW + timedelta(hours=2 * hour)):
            assert await service.work_off() == 0
    row = await db.fetchrow("SELECT id, state, attempts FROM events")
    assert row is not None
    assert (row["state"], row["attempts"]) == ("dead", 10)
    await db.execute("UPDATE events SET payload = '{\"number\": 14}'")
    await service.bring_back(row["id"])
    assert await service.work_off() == 1
    assert handled == [14]


async def test_events_without_a_listener_are_done(transaction: None) -> None:
    async with db.transaction():
        await service.emit_in_transaction([NewEvent("nobody.listens", None, "thing:1")])
    assert await service.work_off() == 1


async def test_pauses_grow_to_an_hour() -> None:
    pauses = [service.pause_after(attempts).total_seconds() for attempts in (1, 2, 3, 10, 30)]
    assert pauses == [5, 10, 20, 2560, 3600]


async def test_two_workers_share_the_events(committing: object, handled: list[int]) -> None:
    await emit(*range(1000, 1400))
    done = await asyncio.gather(service.work_off(), service.work_off())
    assert sum(done) == 400
    assert sorted(handled) == list(range(1000, 1400))
    assert await states() == {"done": 400}
