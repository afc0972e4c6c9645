"""Simulations that staff asked for: kept as rows, worked off one at a time by a worker, their results kept.

The row is the queue, as with events. Whoever works on one holds a lease that he renews while he gets on; a worker
that was killed lets it run out, and the next one begins again: a simulation writes nothing, so nothing is doubled.
"""

import asyncio
import contextvars
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from app import clock, db
from app.commissions.simulation import Simulated, facts_of, from_json, simulate, to_json
from app.errors import Conflict, NotFound
from app.rules.terms import Terms
from app.rules.terms_document import parse_terms
from app.users import audit

LEASE = timedelta(seconds=30)
BEAT_SECONDS = 1
WAITING_MAX = 5
"""So many of one program may wait at a time."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """One simulation as it stands."""

    id: int
    from_at: datetime
    to_at: datetime
    note: str
    author: str
    asked_at: datetime
    state: str
    """waiting, running, done or failed."""
    facts: int
    facts_done: int
    finished_at: datetime | None
    error: str
    document: dict[str, Any]
    result: Simulated | None = None


async def ask(
    program_id: int,
    terms: Terms,
    from_at: datetime,
    to_at: datetime,
    *,
    author_id: int | None,
    note: str = "",
) -> int:
    """Have a draft tried on the orders paid in [from_at, to_at); the simulation's id."""
    async with db.transaction():
        waiting = await db.fetchval(
            "SELECT count(*) FROM terms_simulations WHERE program_id = $1 AND state IN ('waiting', 'running')",
            program_id,
        )
        if waiting >= WAITING_MAX:
            raise Conflict("Enough simulations are waiting; look at their results first.", code="too_many")
        simulation_id: int = await db.fetchval(
            """
            INSERT INTO terms_simulations (program_id, document, from_at, to_at, note, author_id, asked_at, state,
                facts, facts_done, error)
            VALUES ($1, $2::jsonb, $3, $4, $5, $6, $7, 'waiting', 0, 0, '')
            RETURNING id
            """,
            program_id,
            msgspec.json.encode(terms.document).decode(),
            from_at,
            to_at,
            note,
            author_id,
            clock.now(),
        )
        await audit.write_in_transaction(
            "terms.simulated", f"simulation:{simulation_id}", program_id=program_id, user_id=author_id
        )
    return simulation_id


async def work_off() -> int:
    """Do the simulations that wait, oldest first; how many were done here."""
    done = 0
    while (row := await _lease()) is not None:
        await _run(row["id"], row["program_id"], parse_terms(msgspec.json.decode(row["document"])), row)
        done += 1
    return done


async def simulations(program_id: int, *, limit: int = 20) -> list[Simulation]:
    """The newest ones, without their results."""
    rows = await db.fetch(_SELECT + " ORDER BY simulation.id DESC LIMIT $3", program_id, None, limit)
    return [_simulation(row) for row in rows]


async def simulation(program_id: int, simulation_id: int) -> Simulation:
    """One of the program's with its result; NotFound for another program's."""
    rows = await db.fetch(_SELECT + " LIMIT $3", program_id, simulation_id, 1)
    if not rows:
        raise NotFound("There is no such simulation.")
    return _simulation(rows[0], with_result=True)


_SELECT = """
SELECT simulation.*, coalesce(nullif(author.first_name, ''), author.email, '') AS author
FROM terms_simulations AS simulation LEFT JOIN users AS author ON author.id = simulation.author_id
WHERE simulation.program_id = $1 AND ($2::bigint IS NULL OR simulation.id = $2)
"""


def _simulation(row: Any, *, with_result: bool = False) -> Simulation:
    names = (
        "id",
        "from_at",
        "to_at",
        "note",
        "author",
        "asked_at",
        "state",
        "facts",
        "facts_done",
        "finished_at",
        "error",
    )
    result = from_json(row["result"]) if with_result and row["result"] is not None else None
    return Simulation(
        **{name: row[name] for name in names}, document=msgspec.json.decode(row["document"]), result=result
    )


async def _lease() -> Any:
    return await db.fetchrow(
        """
        UPDATE terms_simulations SET state = 'running', leased_until = $2, facts_done = 0
        WHERE id = (
            SELECT id FROM terms_simulations
            WHERE state = 'waiting' OR (state = 'running' AND leased_until < $1)
            ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
        )
        RETURNING id, program_id, document::text AS document, from_at, to_at
        """,
        clock.now(),
        clock.now() + LEASE,
    )


async def _run(simulation_id: int, program_id: int, terms: Terms, row: Any) -> None:
    progress = [0]
    await db.execute(
        "UPDATE terms_simulations SET facts = $2 WHERE id = $1", simulation_id, await facts_of(program_id)
    )
    # In a context of its own: the simulation's view of the database is read-only.
    beating = asyncio.create_task(_beat(simulation_id, progress), context=contextvars.Context())

    def tell(facts: int) -> None:
        progress[0] = facts

    try:
        result = await simulate(program_id, terms, row["from_at"], row["to_at"], tell)
    except (LookupError, ValueError, AssertionError, ArithmeticError) as error:
        await _finish(simulation_id, "failed", None, f"{type(error).__name__}: {error}"[:500], progress[0])
        raise
    finally:
        beating.cancel()
    await _finish(simulation_id, "done", result, "", progress[0])


async def _finish(simulation_id: int, state: str, result: Simulated | None, error: str, facts: int) -> None:
    await db.execute(
        """
        UPDATE terms_simulations
        SET state = $2, result = $3::jsonb, error = $4, finished_at = $5, leased_until = NULL, facts_done = $6
        WHERE id = $1
        """,
        simulation_id,
        state,
        None if result is None else msgspec.json.encode(to_json(result)).decode(),
        error,
        clock.now(),
        facts,
    )


async def _beat(simulation_id: int, progress: list[int]) -> None:
    """Show how far it is, and hold the lease."""
    while True:
        await asyncio.sleep(BEAT_SECONDS)
        await db.execute(
            "UPDATE terms_simulations SET facts_done = $2, leased_until = $3 WHERE id = $1 AND state = 'running'",
            simulation_id,
            progress[0],
            clock.now() + LEASE,
        )
