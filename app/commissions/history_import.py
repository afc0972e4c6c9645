"""`tandem import history`: a folder of a shop's past through the same services as the API.

Every batch is one transaction that also moves the position reached, so a killed import goes on where it stopped and
a finished one changes nothing. The clock is that of the events: midnights recalculate levels and release what is due.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TypeVar

from app import clock, db
from app.commissions.history import HistoryFolder
from app.commissions.history_cashback import cashback_at_midnight, take_with_cashback
from app.commissions.intake import take_in_transaction
from app.commissions.service import recalculate_program_levels, release_due
from app.errors import DomainError
from app.orders.messages import Message
from app.partners.imports import import_partners_in_transaction
from app.programs.versions import versions
from app.rules.periods import next_midnight
from app.tracking.service import record_clicks_in_transaction

T = TypeVar("T")

CLICKS_PER_BATCH = 2000
ORDERS_PER_BATCH = 500

Progress = Callable[[str, int], None]
"""Told what is done ("clicks", "events") and how many more of it."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import has done this time."""

    partners: int
    clicks: int
    events: int
    refused: tuple[str, ...]
    """Orders and refunds that were refused, with the reason."""


async def import_history(
    program_id: int,
    folder: HistoryFolder,
    *,
    progress: Progress = lambda _what, _count: None,
    until: datetime | None = None,
) -> Imported:
    """Import the folder into a program; `until`: events before this moment only (an import may go on from there)."""
    async with db.transaction():
        partners = await import_partners_in_transaction(program_id, folder.partners())
    clicks = await _import_clicks(program_id, folder, progress)
    events, refused = await _import_events(program_id, folder, progress, until)
    return Imported(len(partners), clicks, events, tuple(refused))


async def _import_clicks(program_id: int, folder: HistoryFolder, progress: Progress) -> int:
    position = f"{program_id}:{folder.clicks_file}"
    done = await _position(position)
    progress("clicks", done)
    count = 0
    async for batch in _read_ahead(_batches(islice(folder.clicks(), done, None), CLICKS_PER_BATCH)):
        last = batch[-1].at
        assert last is not None
        with clock.at(last):
            async with db.transaction():
                outcomes = await record_clicks_in_transaction(program_id, batch)
                for outcome in outcomes:
                    if outcome.refused is not None:
                        raise outcome.refused
                await _reached(position, done + count + len(batch))
        count += len(batch)
        progress("clicks", len(batch))
    return count


async def _import_events(
    program_id: int, folder: HistoryFolder, progress: Progress, until: datetime | None
) -> tuple[int, list[str]]:
    position = f"{program_id}:events"
    done = await _position(position)
    progress("events", done)
    count = 0
    refused: list[str] = []
    terms = await versions(program_id)
    if not terms:
        raise DomainError("The program has no terms.", code="no_terms")
    zone = terms[-1].terms.zone
    gives = any(version.terms.cashback is not None for version in terms)
    asked = folder.spend_requests() if gives else frozenset()
    midnight: datetime | None = None
    async for batch in _read_ahead(_days(islice(folder.events(), done, None), folder, until)):
        first, last = batch[0][0], batch[-1][0]
        while midnight is not None and midnight <= first:
            await _turn_of_day(program_id, midnight)
            midnight = next_midnight(midnight, zone)
        with clock.at(last):
            async with db.transaction():
                if gives:
                    outcomes = await take_with_cashback(program_id, terms, batch, asked)
                else:
                    outcomes = await take_in_transaction(program_id, [message for _, message in batch])
                await _reached(position, done + count + len(batch))
        refused.extend(str(outcome.refused) for outcome in outcomes if outcome.refused is not None)
        count += len(batch)
        progress("events", len(batch))
        midnight = next_midnight(last, zone)
    while midnight is not None:
        await _turn_of_day(program_id, midnight)
        midnight = next_midnight(midnight, zone)
        if until is None or midnight > until:
            break
    return count, refused


async def _turn_of_day(program_id: int, midnight: datetime) -> None:
    with clock.at(midnight):
        await recalculate_program_levels(program_id, midnight)
        await release_due(midnight)
        await cashback_at_midnight(midnight)


def _days(
    events: Iterable[tuple[datetime, Message]], folder: HistoryFolder, until: datetime | None
) -> Iterator[list[tuple[datetime, Message]]]:
    """Batches that never go over a local midnight."""
    batch: list[tuple[datetime, Message]] = []
    day = None
    for at, message in events:
        if until is not None and at >= until:
            break
        here = at.astimezone(folder.zone).date()
        if batch and (here != day or len(batch) == ORDERS_PER_BATCH):
            yield batch
            batch = []
        day = here
        batch.append((at, message))
    if batch:
        yield batch


async def _read_ahead(batches: Iterator[list[T]]) -> AsyncIterator[list[T]]:
    """The batches, each read from its file by a thread while PostgreSQL works on the one before."""
    here = asyncio.get_running_loop()
    with ThreadPoolExecutor(max_workers=1) as reader:
        coming = here.run_in_executor(reader, next, batches, None)
        while (batch := await coming) is not None:
            coming = here.run_in_executor(reader, next, batches, None)
            yield batch


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


async def _position(what: str) -> int:
    """How much of a file earlier imports have done."""
    result = await db.fetchval("SELECT result FROM job_runs WHERE job = 'import' AND period = $1", what)
    return int(result) if result else 0


async def _reached(what: str, position: int) -> None:
    await db.execute(
        """
        INSERT INTO job_runs (job, period, started_at, finished_at, result) VALUES ('import', $1, $2, $2, $3)
        ON CONFLICT (job, period) DO UPDATE SET finished_at = excluded.finished_at, result = excluded.result
        """,
        what,
        clock.now(),
        str(position),
    )
