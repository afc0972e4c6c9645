"""A shop and its visitors during the faults: they keep what was acknowledged, and come again with what was not."""

import asyncio
import random
import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.bench.measure import FIREFOX

CLICK = re.compile(r"pclid=([0-9a-f-]{36})")


@dataclass(slots=True)
class Acknowledged:
    """What the portal has promised to keep."""

    orders: dict[str, int] = field(default_factory=dict)
    """Refunded minor units of each order, by the shop's id."""
    refunds: dict[str, str] = field(default_factory=dict)
    """The order of each refund."""
    clicks: list[str] = field(default_factory=list)
    repeated: int = 0
    """Calls that had to be made again because their outcome was not known."""


class Traffic:
    """`async with Traffic(port, key, links)` sends until `pause()`; `resume()` goes on."""

    def __init__(self, port: int, key: str, partners: list[str], links: list[str], seed: int) -> None:
        self.acknowledged = Acknowledged()
        self._http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {key}"},
            timeout=httpx.Timeout(20, connect=2),
        )
        self._port = port
        self._partners, self._links = partners, links
        self._chance = random.Random(seed)
        self._going = asyncio.Event()
        self._count = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._calls = 0

    async def __aenter__(self) -> "Traffic":
        self._going.set()
        self._tasks = [asyncio.create_task(self._shop()) for _ in range(6)]
        self._tasks += [asyncio.create_task(self._visitor()) for _ in range(3)]
        return self

    async def __aexit__(self, *_failure: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.aclose()

    async def pause(self) -> None:
        """Begin nothing new, and wait until everything begun is acknowledged."""
        self._going.clear()
        async with asyncio.timeout(60):
            while self._calls:
                await asyncio.sleep(0.02)

    def resume(self) -> None:
        """Go on."""
        self._going.set()

    async def order(self) -> None:
        """One order of one of the partners, for some of them with a refund, each until it is acknowledged."""
        self._calls += 1
        try:
            self._count += 1
            number = f"live-{self._count}"
            body = self._body()
            await self._until_acknowledged("PUT", f"/api/v1/orders/{number}", body)
            self.acknowledged.orders[number] = 0
            if self._chance.random() < 0.25:
                refund = {
                    "external_id": f"R{number}",
                    "at": datetime.now(UTC).isoformat(),
                    "amount_minor": self._chance.randrange(1, 9000),
                }
                await self._until_acknowledged("POST", f"/api/v1/orders/{number}/refunds", refund)
                self.acknowledged.orders[number] = refund["amount_minor"]  # type: ignore[assignment]
                self.acknowledged.refunds[f"R{number}"] = number
        finally:
            self._calls -= 1

    def _body(self) -> dict[str, Any]:
        now = datetime.now(UTC)
        line = {"external_id": "1", "quantity": 1, "total_minor": self._chance.randrange(10_000, 90_000)}
        return {
            "status": "fulfilled",
            "placed_at": (now - timedelta(minutes=5)).isoformat(),
            "paid_at": now.isoformat(),
            "fulfilled_at": now.isoformat(),
            "updated_at": now.isoformat(),
            "partner": self._chance.choice(self._partners),
            "lines": [line],
        }

    async def _until_acknowledged(self, method: str, path: str, body: dict[str, Any]) -> None:
        headers = {"Idempotency-Key": f"{method} {path}"}
        while True:
            with suppress(httpx.TransportError):
                answer = await self._http.request(method, path, json=body, headers=headers)
                if answer.status_code in (200, 201):
                    return
                retried = answer.status_code in (409, 429, 500, 502, 503)
                assert retried, f"{method} {path}: {answer.status_code} {answer.text[:300]}"
            self.acknowledged.repeated += 1
            await asyncio.sleep(0.1)

    async def _shop(self) -> None:
        while True:
            await self._going.wait()
            await self.order()

    async def _visitor(self) -> None:
        async with httpx.AsyncClient(headers={"User-Agent": FIREFOX}) as browser:
            while True:
                await self._going.wait()
                browser.cookies.clear()
                with suppress(httpx.TransportError):
                    address = f"http://127.0.0.1:{self._port}/r/{self._chance.choice(self._links)}"
                    answer = await browser.get(address)
                    found = CLICK.search(answer.headers.get("location", ""))
                    if answer.status_code == 302 and found:
                        self.acknowledged.clicks.append(found[1])
                await asyncio.sleep(0.02)
