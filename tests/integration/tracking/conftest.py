"""What tests of clicks share: a clean memory of links, a shop's visitors, and rows as they were written."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import httpx
import pytest

from app import db
from app.tracking.api import click_app
from app.tracking.links import NewLink, create_link
from tests.factories import make_partner, make_program

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@dataclass(frozen=True, slots=True)
class Shop:
    """A program at shop.example with one partner and his link."""

    program_id: int
    program_code: str
    partner_id: int
    link_id: int
    link_code: str


async def make_shop(code: str = "north", **terms: object) -> Shop:
    program_id = await make_program(code, **terms)
    partner_id = await make_partner(program_id, "alice")
    link_id = await create_link(
        program_id, partner_id, NewLink("https://shop.example/case?color=red#top", code=f"{code}-link")
    )
    return Shop(program_id, code, partner_id, link_id, f"{code}-link")


@pytest.fixture
async def shop(transaction: None) -> Shop:
    return await make_shop()


@pytest.fixture
async def visitor() -> AsyncIterator[httpx.AsyncClient]:
    """A person's browser in front of the click endpoints; keeps its cookies."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(click_app),
        base_url="http://portal.test",
        headers={"User-Agent": FIREFOX, "Sec-Fetch-Dest": "document"},
    ) as client:
        yield client


async def rows() -> list[asyncpg.Record]:
    """All clicks in order of arrival."""
    return await db.fetch("SELECT * FROM clicks ORDER BY id")


async def verdicts() -> list[str]:
    """Per click in order of arrival: `counted`, or why it is not."""
    return [row["reason"] or "counted" for row in await rows()]
