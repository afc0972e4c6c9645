"""Browsers for tests: httpx on the app itself, in the test's own loop and transaction."""

import re
from typing import Any, Protocol

import httpx

from app import db
from app.config import settings
from app.users import csrf, service, sessions
from app.users.sessions import Browser
from tests.cast import Person


class Visitor(httpx.AsyncClient):
    """One browser. It sends what browsers send with a form of the page itself, and the token of that form."""


class Browse(Protocol):
    """Opens a browser, signed in as `person` or as nobody."""

    async def __call__(self, person: Person | None = None) -> Visitor: ...


async def visitor_for(app: Any, user_id: int | None) -> Visitor:
    """A browser signed in as the user, or as nobody (None)."""
    config = settings()
    cookies: dict[str, str] = {}
    if user_id is None:
        visitor = csrf.new_visitor()
        cookies[csrf.cookie_name(config)] = visitor
        subject = f"visitor:{visitor}"
    else:
        async with db.transaction():
            made = await service.start_session_in_transaction(user_id, Browser("127.0.0.1", "tests"))
        found = await sessions.find(made.token)
        assert found is not None
        cookies[sessions.cookie_name(config)] = made.token
        subject = f"session:{found[0].id}"
    return Visitor(
        transport=httpx.ASGITransport(app),
        base_url=config.base_url,
        cookies=cookies,
        headers={
            csrf.HEADER: csrf.token_for(subject),
            "Sec-Fetch-Site": "same-origin",
            "Accept-Language": "en",
        },
    )


def same_words(answer: httpx.Response, typed: str) -> str:
    """The page without what was typed and without this answer's nonce: what it tells about who is known."""
    return re.sub(r'nonce="[^"]+"', "", answer.text).replace(typed, "")
