"""The portal behind https, and with a database that drops its connections."""

from collections.abc import Iterator

import asyncpg
import pytest

from app.config import settings
from app.main import create_asgi
from tests.browsers import Browse, visitor_for
from tests.cast import Cast, make_cast
from tests.conftest import TestEngines
from tests.factories import PASSWORD


@pytest.fixture
def https(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The settings of a portal that is reached over https."""
    monkeypatch.setenv("TANDEM_BASE_URL", "https://portal.test")
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


async def test_over_https_every_cookie_is_secure_and_bound_to_the_host(cast: Cast, https: None) -> None:
    visitor = await visitor_for(create_asgi(), None)
    visitor.cookies.clear()
    page = await visitor.get("/sign-in")
    assert page.headers["strict-transport-security"]
    line = page.headers["set-cookie"]
    assert line.startswith("__Host-tandem_form=")
    assert {"Secure", "HttpOnly", "Path=/"} <= {part.strip() for part in line.split(";")}
    token = page.text.partition('name="csrf_token" value="')[2].partition('"')[0]
    del visitor.headers["X-CSRF-Token"]
    answer = await visitor.post(
        "/sign-in", data={"email": cast.alice.email, "password": PASSWORD, "csrf_token": token}
    )
    assert answer.status_code == 303
    lines = [line for line in answer.headers.get_list("set-cookie") if line.startswith("__Host-tandem=")]
    assert len(lines) == 1
    assert {"Secure", "HttpOnly", "Path=/"} <= {part.strip() for part in lines[0].split(";")}
    assert "domain" not in lines[0].lower()
    assert (await visitor.get("/home")).headers["location"] == "/overview"


async def test_dropped_connections_are_a_503_at_most_and_heal(
    committing: TestEngines, browse: Browse
) -> None:
    cast = await make_cast()
    alice = await browse(cast.alice)
    assert (await alice.get("/home")).status_code == 303
    owner = await asyncpg.connect(committing.owner_url)
    try:
        await owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    finally:
        await owner.close()
    answers = [await alice.get("/home") for _ in range(25)]
    assert {answer.status_code for answer in answers} <= {303, 503}
    assert answers[-1].status_code == 303
    assert all("x-request-id" in answer.headers for answer in answers)
