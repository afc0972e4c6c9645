"""A replay of a portal that goes on working."""

import asyncio
from contextvars import Context
from datetime import UTC, datetime, timedelta

import pytest

from app.commissions import replay as module
from app.commissions.replay import replay
from tests.factories import make_partner, make_program
from tests.sales import sell

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


async def test_orders_that_come_meanwhile_are_no_differences(
    committing: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    program_id = await make_program()
    await make_partner(program_id, "alice")
    await sell(program_id, "alice", "1", NOON)
    compare = module._differences

    async def meanwhile(*args: object) -> object:
        other = sell(program_id, "alice", "2", NOON + timedelta(hours=1))
        await asyncio.create_task(other, context=Context())
        return await compare(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_differences", meanwhile)
    replayed = await replay(program_id)
    assert (replayed.facts, replayed.differences) == (1, [])
    monkeypatch.undo()
    assert (await replay(program_id)).facts == 2
