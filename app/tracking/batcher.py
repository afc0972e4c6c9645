"""Group commit: all clicks that wait at this moment are written in one transaction, and only then answered.

At rest a batch is one click and goes out at once; under load it is what came in while the last one was being
committed. Nothing ever sleeps to gather more. 32 requests at once make batches of about thirty, so a click costs the
database a thirtieth of a commit.

When the connection breaks, a batch is tried once more on another one. A try whose end is not known cannot be doubled:
ids are random and unique, so the second one finds the first. If that fails too, or the database hangs, the waiting
visitors are sent on uncounted, and for `PAUSE` seconds nobody is made to wait for a database that is not there: a
visitor always gets to the shop, and a click that was promised (its id is in his address bar) is never missing.
"""

import asyncio
import time
from collections import deque
from contextlib import suppress
from typing import TypeAlias

import asyncpg
import structlog

from app import clock, db
from app.tracking.directory import DATABASE_ERRORS
from app.tracking.writing import NewClick, is_written, write

Waiting: TypeAlias = tuple[NewClick, asyncio.Future[None]]

MAX_WAITING = 10_000
MAX_BATCH = 500
TIMEOUT = 1.5
"""Seconds for one try; a visitor waits little longer."""
PAUSE = 1.0

log = structlog.get_logger()


class NotWrittenError(Exception):
    """The click could not be written down; nothing of it is kept."""


class Batcher:
    """The queue of this process and the one task that works it off, alive only while there is something to do."""

    def __init__(self) -> None:
        self._waiting: deque[Waiting] = deque()
        self._running: asyncio.Task[None] | None = None
        self._closed_until = 0.0

    async def submit(self, click: NewClick) -> None:
        """Return once `click` is committed. Raises NotWrittenError."""
        if time.monotonic() < self._closed_until or len(self._waiting) >= MAX_WAITING:
            raise NotWrittenError
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((click, future))
        if self._running is None:
            # It inherits this request's context, and with it the transaction that a test holds.
            self._running = asyncio.create_task(self._run())
        await future

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._work_off()
        finally:
            self._running = None
            self._refuse(self._take(len(self._waiting)))

    async def _work_off(self) -> None:
        """Write batch after batch on one connection, as long as something waits."""
        batch: list[Waiting] = []
        try:
            async with db.connection(seconds=TIMEOUT) as held:
                while self._waiting:
                    batch = self._take(MAX_BATCH)
                    await self._write(held, batch)
                    batch = []
        except TimeoutError as error:
            self._give_up(batch, error)
        except DATABASE_ERRORS as error:
            log.warning("clicks.write_failed", error=type(error).__name__, clicks=len(batch))
            batch = batch or self._take(MAX_BATCH)
            await self._try_again(batch)
        finally:
            self._refuse(batch)  # whatever happened, nobody is left waiting

    async def _write(self, held: db.Connection, batch: list[Waiting]) -> None:
        try:
            async with asyncio.timeout(TIMEOUT):
                await write(held, [click for click, _future in batch], clock.now())
        except TimeoutError as error:
            # Before the connection is let go: a server that hangs makes that take as long again.
            self._give_up(batch, error)
            raise
        _answer(batch)

    async def _try_again(self, batch: list[Waiting]) -> None:
        """Once more after a connection was lost; a server that hangs is not asked twice."""
        clicks = [click for click, _future in batch]
        try:
            async with db.connection(seconds=TIMEOUT) as held, asyncio.timeout(TIMEOUT):
                with suppress(asyncpg.UniqueViolationError):  # the first try is committing this very moment
                    if not await is_written(held, clicks):
                        await write(held, clicks, clock.now())
                _answer(batch)
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
            log.error("clicks.refused", error=type(error).__name__, clicks=len(batch))
            await self._one_by_one(batch)
        except DATABASE_ERRORS as error:
            self._give_up(batch, error)

    async def _one_by_one(self, batch: list[Waiting]) -> None:
        """One click that the database cannot take must not cost the others theirs."""
        for waiting in batch if len(batch) > 1 else ():
            await self._try_again([waiting])
        self._refuse(batch)

    def _give_up(self, batch: list[Waiting], error: Exception) -> None:
        """Send everybody on uncounted, and nobody in for a while."""
        self._closed_until = time.monotonic() + PAUSE
        log.error("clicks.not_written", error=type(error).__name__, clicks=len(batch) + len(self._waiting))
        self._refuse(batch)
        self._refuse(self._take(len(self._waiting)))

    def _take(self, most: int) -> list[Waiting]:
        """The next ones whose requests are still there; who hung up is not written."""
        taken: list[Waiting] = []
        while self._waiting and len(taken) < most:
            waiting = self._waiting.popleft()
            if not waiting[1].done():
                taken.append(waiting)
        return taken

    @staticmethod
    def _refuse(batch: list[Waiting]) -> None:
        for _click, future in batch:
            if not future.done():
                future.set_exception(NotWrittenError())
                future.exception()  # looked at: nobody may be left to ask for it


def _answer(batch: list[Waiting]) -> None:
    for _click, future in batch:
        if not future.done():
            future.set_result(None)


BATCHER = Batcher()
"""The one of this process."""
