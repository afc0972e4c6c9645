"""Visitors for tests that kill servers: they click without a pause and remember what they were promised."""

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass, field

from tests.bench.measure import FIREFOX

_CLICK = re.compile(rb"pclid=([0-9a-f-]{36})")


@dataclass(slots=True)
class Answers:
    """What the visitors got."""

    promised: list[str] = field(default_factory=list)
    """Ids of clicks that stood in a redirect: these must be in the table, whatever dies."""
    uncounted: int = 0
    """Redirects without an id."""
    refused: int = 0
    """Answers that are no redirect."""
    broken: int = 0
    """Connections that ended without an answer."""


class Clickers:
    """`async with Clickers(port, paths) as answers:` clicks until the block ends."""

    def __init__(self, port: int, paths: list[str], *, connections: int = 16) -> None:
        self._port = port
        self._paths = paths
        self._connections = connections
        self._tasks: list[asyncio.Task[None]] = []
        self.answers = Answers()

    async def __aenter__(self) -> Answers:
        self._tasks = [asyncio.create_task(self._click(number)) for number in range(self._connections)]
        return self.answers

    async def __aexit__(self, *_failure: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _click(self, number: int) -> None:
        path = self._paths[number % len(self._paths)]
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: {FIREFOX}\r\n\r\n".encode()
        while True:
            with suppress(OSError, EOFError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                try:
                    while True:
                        writer.write(request)
                        await writer.drain()
                        self._note(await reader.readuntil(b"\r\n\r\n"))
                except (OSError, EOFError):
                    self.answers.broken += 1
                    raise
                finally:
                    writer.close()
            await asyncio.sleep(0.02)

    def _note(self, answer: bytes) -> None:
        found = _CLICK.search(answer)
        if not answer.startswith(b"HTTP/1.1 302"):
            self.answers.refused += 1
        elif found:
            self.answers.promised.append(found[1].decode())
        else:
            self.answers.uncounted += 1
