"""A shop: a client with a key of the program North."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from app.shops.keys import create_key, forget_keys
from tests.cast import Cast
from tests.conftest import BASE_URL, TestEngines
from tests.factories import make_partner, make_program


@dataclass(frozen=True, slots=True)
class Shop:
    """Calls the API as one shop."""

    program: str
    http: httpx.AsyncClient

    async def put_order(self, external_id: str = "1001", **changes: Any) -> httpx.Response:
        body = {"status": "paid", "partner": "alice", "lines": [line()]} | changes
        return await self.http.put(f"/api/v1/orders/{external_id}", json=body)


def line(**changes: Any) -> dict[str, Any]:
    """Two pieces of 100.00."""
    return {"external_id": "1", "quantity": 2, "unit_price_minor": 10_000} | changes


async def shop_of(portal: Any, program: str, scopes: tuple[str, ...] = ("admin",)) -> Shop:
    """A shop with a new key."""
    key = await create_key(program, "test", scopes)
    http = httpx.AsyncClient(
        transport=httpx.ASGITransport(portal),
        base_url=BASE_URL,
        headers={"Authorization": f"Bearer {key}"},
    )
    return Shop(program, http)


@pytest.fixture(autouse=True)
def keys_forgotten() -> Iterator[None]:
    """Keys that a test rolled back must not be remembered."""
    forget_keys()
    yield
    forget_keys()


@pytest.fixture
async def shop(cast: Cast, portal: object) -> AsyncIterator[Shop]:
    """The shop of North, rolled back."""
    made = await shop_of(portal, "north")
    yield made
    await made.http.aclose()


@pytest.fixture
async def real_shop(committing: TestEngines, portal: object) -> AsyncIterator[Shop]:
    """A shop whose orders really commit."""
    program_id = await make_program("north")
    await make_partner(program_id, "boris")
    await make_partner(program_id, "alice", parent="boris")
    made = await shop_of(portal, "north")
    yield made
    await made.http.aclose()
