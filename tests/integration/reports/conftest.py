"""Until the shared fixtures are used: a database of its own on the developers' server."""

import os
from collections.abc import AsyncIterator

import pytest

from app import db

URL = os.environ.get("TANDEM_TEST_URL", "postgresql://tandem_app@/tandem_cabinet?host=/tmp/devpg&port=5499")


@pytest.fixture(scope="session")
async def pool() -> AsyncIterator[None]:
    await db.connect(URL, max_size=16)
    yield
    await db.close()


@pytest.fixture
async def rolled_back(pool: None) -> AsyncIterator[None]:
    async with db.transaction_for_tests():
        yield
