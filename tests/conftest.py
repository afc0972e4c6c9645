"""What all tests share: engines, databases, the app, and browsers of the cast.

    async def test_…(transaction)                  one transaction, rolled back at the end
    async def test_…(committing)                   a database of its own, for what must really commit or run at once
    async def test_…(cast, browse)                 the people of tests/cast.py, and `browse(cast.alice)` to be one

Engines are started for the session, embedded and throw-away, by each process of a run on several processors its own;
TANDEM_TEST_OWNER_URL, TANDEM_TEST_URL and TANDEM_TEST_REDIS_URL name others, whose database must be empty.
"""

import asyncio
import atexit
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

VAR = Path(tempfile.mkdtemp(prefix="tandem-tests-"))
atexit.register(shutil.rmtree, VAR, ignore_errors=True)
BASE_URL = "http://portal.test"

# Before any module of the app reads its settings.
os.environ["TANDEM_VAR"] = str(VAR)
os.environ["TANDEM_BASE_URL"] = BASE_URL
os.environ["TANDEM_SECRET_KEY"] = "only-for-tests-" + "0" * 32
for _key in (
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "REDIS_URL",
    "SMTP_URL",
    "TANDEM_DEMO",
    "TANDEM_ALLOWED_HOSTS",
):
    os.environ.pop(_key, None)

from app import db, migrations  # noqa: E402
from app.embedded import temporary  # noqa: E402
from app.main import create_asgi  # noqa: E402
from app.programs import queries, versions  # noqa: E402
from app.tracking.directory import DIRECTORY  # noqa: E402
from tests.browsers import Browse, Visitor, visitor_for  # noqa: E402
from tests.cast import Cast, Person, make_cast  # noqa: E402

PROCESSES_MAX = 4


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """What `-n auto` means: a process per processor for the whole suite, none beside this one for a few tests."""
    narrowed = config.option.keyword or config.option.markexpr
    if narrowed or config.args_source is pytest.Config.ArgsSource.ARGS:
        return 0
    return min(len(os.sched_getaffinity(0)), PROCESSES_MAX)


@dataclass(frozen=True, slots=True)
class TestEngines:
    """Where this run's servers are."""

    __test__ = False

    owner_url: str
    app_url: str
    redis_url: str

    def database(self, name: str) -> "TestEngines":
        return TestEngines(_named(self.owner_url, name), _named(self.app_url, name), self.redis_url)


def _named(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@pytest.fixture(scope="session")
def engines() -> Iterator[TestEngines]:
    """PostgreSQL and Valkey of this run."""
    owner_url = os.environ.get("TANDEM_TEST_OWNER_URL")
    if owner_url is not None:
        assert "PYTEST_XDIST_WORKER" not in os.environ, (
            "several processes cannot share one database: add -n 0"
        )
        yield TestEngines(
            owner_url,
            os.environ.get("TANDEM_TEST_URL", owner_url),
            os.environ.get("TANDEM_TEST_REDIS_URL", "redis://127.0.0.1:6379"),
        )
        return
    with temporary() as made:
        yield TestEngines(made.database_owner_url, made.database_url, made.redis_url)


@pytest.fixture(scope="session")
def template(engines: TestEngines) -> str:
    """Name of a migrated, empty database that others are copied from. Nobody stays connected to it."""
    asyncio.run(recreate(engines, "tandem_template", "template0"))
    asyncio.run(migrations.migrate(engines.database("tandem_template").owner_url))
    return "tandem_template"


async def recreate(engines: TestEngines, name: str, template: str) -> None:
    """Make the database `name` anew from `template`."""
    # CREATE DATABASE needs a connection to another database than the two it is about.
    owner = await asyncpg.connect(_named(engines.owner_url, "postgres"))
    try:
        await owner.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await owner.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    finally:
        await owner.close()


@pytest.fixture(scope="session")
async def database(engines: TestEngines, template: str) -> AsyncIterator[TestEngines]:
    """The database of all tests that roll back, connected."""
    await recreate(engines, "tandem_tests", template)
    made = engines.database("tandem_tests")
    await db.connect(made.app_url, max_size=10)
    yield made
    await db.close()


@pytest.fixture
async def transaction(database: TestEngines) -> AsyncIterator[None]:
    """All that the test writes is rolled back; services inside get savepoints."""
    _forget_rows()
    async with db.transaction_for_tests():
        yield


def _forget_rows() -> None:
    """What the process remembers by row id: ids come again in the next database, or after a roll-back."""
    DIRECTORY.forget_all()
    queries._parsed.clear()
    versions._parsed.clear()


_numbers = count(1)


@pytest.fixture
async def committing(database: TestEngines, template: str) -> AsyncIterator[TestEngines]:
    """A fresh database that the app is connected to for this test alone; what commits stays to its end."""
    name = f"tandem_own_{next(_numbers)}"
    await recreate(database, name, template)
    made = database.database(name)
    _forget_rows()
    await db.close()
    await db.connect(made.app_url, max_size=20)
    try:
        yield made
    finally:
        _forget_rows()
        await db.close()
        await db.connect(database.app_url, max_size=10)
        owner = await asyncpg.connect(_named(database.owner_url, "postgres"))
        try:
            await owner.execute(f"DROP DATABASE {name} WITH (FORCE)")
        finally:
            await owner.close()


@pytest.fixture(scope="session")
def portal() -> object:
    """The whole app as servers run it."""
    return create_asgi()


@pytest.fixture
async def cast(transaction: None) -> Cast:
    """Alice, Boris, Clara, Olga, Max, Fedor and the rest, in the test's transaction."""
    return await make_cast()


@pytest.fixture
async def browse(portal: object) -> AsyncIterator[Browse]:
    """`browse(cast.alice)` is her browser, signed in; `browse()` is nobody's."""
    opened: list[Visitor] = []

    async def browse(person: Person | None = None) -> Visitor:
        made = await visitor_for(portal, None if person is None else person.user_id)
        opened.append(made)
        return made

    yield browse
    for visitor in opened:
        await visitor.aclose()


@pytest.fixture
async def anonymous(browse: Callable[..., Awaitable[Visitor]], transaction: None) -> Visitor:
    """A browser that nobody is signed in with."""
    return await browse()
