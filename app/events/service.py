"""The outbox. What happened is written in the transaction in which it happened; here it is worked off.

A worker claims due events with a lease (`FOR UPDATE SKIP LOCKED`, so that several share the work), hands them to the
handlers of their kind and marks them done. A worker that is killed in between leaves its lease behind; when that has
run out, the events are claimed again. So a handler may see an event twice and must be safe against it. A handler that
fails is tried again later and later; after `GIVE_UP_AFTER` tries the event is dead, which staff see.

Handlers belong to higher slices. They register here when `tasks/` is imported; nothing here knows them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import msgspec
import structlog

from app import clock, db, queue

LEASE = timedelta(seconds=90)
GIVE_UP_AFTER = 10
BATCH = 200
SECONDS_PER_RUN = 20.0
"""Well below the worker's job timeout of 30 s: what is left then is handed back, not killed."""
TASK = "work_off_events"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class NewEvent:
    """Something that has just happened. `payload` holds ids, codes and amounts, never personal data."""

    kind: str
    """partner.approved, commission.created, … (api.md, webhooks out)."""
    program_id: int | None
    subject: str
    """kind:id of the object, such as partner:17."""
    payload: Mapping[str, Any] = field(default_factory=dict)
    occurred_at: datetime | None = None
    """None: now."""


@dataclass(frozen=True, slots=True)
class Event:
    """One claimed event, as handlers get it."""

    id: int
    kind: str
    program_id: int | None
    subject: str
    payload: dict[str, Any]
    occurred_at: datetime
    attempts: int
    """This try included."""


Handler = Callable[[Sequence[Event]], Awaitable[None]]
"""Gets events of one kind, oldest first; safe to be called twice with the same ones."""

_handlers: dict[str, list[Handler]] = {}


def register(kind: str, handler: Handler) -> None:
    """Have `handler` called with events of `kind`. Registering twice is the same as once."""
    registered = _handlers.setdefault(kind, [])
    if handler not in registered:
        registered.append(handler)


async def emit_in_transaction(events: Sequence[NewEvent]) -> None:
    """Write `events` down with what happened, and wake a worker once that is committed."""
    inserts = db.Inserts()
    add_events(inserts, events)
    await inserts.run()


COLUMNS = {
    "program_id": "bigint",
    "kind": "text",
    "subject": "text",
    "payload": "jsonb",
    "occurred_at": "timestamptz",
    "state": "text",
    "attempts": "integer",
    "due_at": "timestamptz",
    "last_error": "text",
}


def add_events(inserts: db.Inserts, events: Sequence[NewEvent]) -> None:
    """As `emit_in_transaction`, written with the caller's other rows."""
    if not events:
        return
    now = clock.now()
    inserts.add(
        "events",
        COLUMNS,
        [
            (
                event.program_id,
                event.kind,
                event.subject,
                msgspec.json.encode(dict(event.payload)).decode(),
                event.occurred_at or now,
                "new",
                0,
                now,
                "",
            )
            for event in events
        ],
    )
    db.after_commit(_wake)


async def work_off(limit: int = 10_000, *, program_id: int | None = None) -> int:
    """Work off up to `limit` due events (None: of all programs), for at most `SECONDS_PER_RUN`; how many were done.

    Called by the wake-up, by the sweep, and by burst runs; any number may run at a time.
    """
    started = monotonic()
    done = 0
    while done < limit and monotonic() - started < SECONDS_PER_RUN:
        claimed = await claim(min(BATCH, limit - done), program_id=program_id)
        if not claimed:
            break
        done += await _handle(claimed, until=started + SECONDS_PER_RUN)
    return done


async def claim(limit: int, *, program_id: int | None = None) -> list[Event]:
    """Take a lease on up to `limit` due events, the oldest first.

    What is due goes by the clock, which a scenario may set; a lease goes by the real time, in which workers die.
    """
    present = datetime.now(UTC)
    async with db.transaction():
        rows = await db.fetch(
            """
            UPDATE events SET leased_until = $3, attempts = attempts + 1
            WHERE id IN (
                SELECT id FROM events
                WHERE state = 'new' AND due_at <= $1 AND (leased_until IS NULL OR leased_until <= $2)
                    AND ($5::bigint IS NULL OR program_id = $5)
                ORDER BY due_at, id
                LIMIT $4
                FOR UPDATE SKIP LOCKED
            )
            RETURNING id, kind, program_id, subject, payload, occurred_at, attempts
            """,
            clock.now(),
            present,
            present + LEASE,
            limit,
            program_id,
        )
    events = [
        Event(
            id=row["id"],
            kind=row["kind"],
            program_id=row["program_id"],
            subject=row["subject"],
            payload=msgspec.json.decode(row["payload"]),
            occurred_at=row["occurred_at"],
            attempts=row["attempts"],
        )
        for row in rows
    ]
    return sorted(events, key=lambda event: event.id)


async def bring_back(event_id: int) -> None:
    """Try a dead event again, from the first try on."""
    async with db.transaction():
        await db.execute(
            "UPDATE events SET state = 'new', attempts = 0, due_at = $2, leased_until = NULL "
            "WHERE id = $1 AND state = 'dead'",
            event_id,
            clock.now(),
        )
        db.after_commit(_wake)


async def _wake() -> None:
    await queue.wake(TASK)


async def _handle(claimed: Sequence[Event], *, until: float) -> int:
    """Run the handlers kind by kind; what does not fit into the time is handed back. How many are done."""
    done: list[Event] = []
    left: list[Event] = []
    by_kind: dict[str, list[Event]] = {}
    for event in claimed:
        by_kind.setdefault(event.kind, []).append(event)
    for kind, events in by_kind.items():
        if monotonic() > until:
            left.extend(events)
        elif await _run_handlers(kind, events) is None:
            done.extend(events)
        else:
            await _handle_singly(kind, events, done, left, until=until)
    await _mark_done(done)
    await _hand_back(left)
    return len(done)


async def _handle_singly(
    kind: str, events: Sequence[Event], done: list[Event], left: list[Event], *, until: float
) -> None:
    """After a failure of many together: one by one, so that a bad one does not hold up the others."""
    for event in events:
        if monotonic() > until:
            left.append(event)
            continue
        error = await _run_handlers(kind, [event])
        if error is None:
            done.append(event)
        else:
            await _put_off(event, error)


async def _run_handlers(kind: str, events: Sequence[Event]) -> str | None:
    """None when all handlers went through, else what failed."""
    for handler in _handlers.get(kind, ()):
        try:
            await handler(events)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 — the worker's edge: whatever failed is kept with the event
            log.warning("event.failed", kind=kind, events=len(events), error=type(error).__name__)
            return f"{type(error).__name__}: {error}"[:2000]
    return None


async def _mark_done(events: Sequence[Event]) -> None:
    if events:
        await db.execute(
            "UPDATE events SET state = 'done', leased_until = NULL, last_error = '' WHERE id = ANY($1::bigint[])",
            [event.id for event in events],
        )


async def _hand_back(events: Sequence[Event]) -> None:
    if events:
        await db.execute(
            "UPDATE events SET leased_until = NULL, attempts = attempts - 1 WHERE id = ANY($1::bigint[])",
            [event.id for event in events],
        )


async def _put_off(event: Event, error: str) -> None:
    dead = event.attempts >= GIVE_UP_AFTER
    await db.execute(
        "UPDATE events SET state = $2, due_at = $3, leased_until = NULL, last_error = $4 WHERE id = $1",
        event.id,
        "dead" if dead else "new",
        clock.now() + pause_after(event.attempts),
        error,
    )
    if dead:
        log.error("event.dead", id=event.id, kind=event.kind)


def pause_after(attempts: int) -> timedelta:
    """How long to wait after so many failed tries: 5 s, 10 s, 20 s … at most an hour."""
    return timedelta(seconds=min(5 * 2 ** (attempts - 1), 3600))
