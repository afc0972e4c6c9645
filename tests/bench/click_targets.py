"""What clicks are measured against, in the same server: a bare redirect, and handlers that insert each click alone."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar, get
from litestar.datastructures import Cookie
from litestar.response import Redirect
from litestar.types import Receive, Scope, Send

from app import clock, db
from app.config import settings
from app.tracking import api
from app.tracking.writing import NewClick, write

TARGET = "https://shop.example/case?ref=alice"
INSERT = """
INSERT INTO clicks (
    program_id, public_id, partner_id, link_id, visitor_id, clicked_at, recorded_at, counted, reason,
    landing_url, referrer, user_agent, ip_digest, sub
)
VALUES (1, gen_random_uuid(), 1, 1, $1, now(), now(), true, '', $2, '', '', '', '{}')
"""


@asynccontextmanager
async def _connected(_app: Litestar) -> AsyncIterator[None]:
    url = settings().database_url
    assert url is not None
    await db.connect(url)
    yield
    await db.close()


@get("/r/{code:str}", status_code=302)
async def _bare(code: str) -> Redirect:
    visitor = secrets.token_hex(16)
    return Redirect(TARGET, cookies=[_cookie(visitor)])


@get("/r/{code:str}", status_code=302)
async def _row(code: str) -> Redirect:
    visitor = secrets.token_hex(16)
    await db.execute(INSERT, visitor, TARGET)
    return Redirect(TARGET, cookies=[_cookie(visitor)])


def _cookie(visitor: str) -> Cookie:
    return Cookie(
        "tandem_browser", value=visitor, max_age=365 * 86400, httponly=True, samesite="lax", path="/"
    )


bare = Litestar([_bare], openapi_config=None, logging_config=None)
"""A redirect with a cookie that writes nothing."""

row = Litestar([_row], lifespan=[_connected], openapi_config=None, logging_config=None)
"""The same with one INSERT per click: no counts, no link to look up, no bot rules."""


class _Alone:
    """In the batcher's place: every click in a transaction of its own."""

    async def submit(self, click: NewClick) -> None:
        async with db.connection() as held:
            await write(held, [click], clock.now())


async def ours_alone(scope: Scope, receive: Receive, send: Send) -> None:
    """The portal's own handler, with one INSERT (and its count) per click."""
    if scope["type"] == "lifespan":  # type: ignore[comparison-overlap]
        await row(scope, receive, send)  # its connections
        return
    api.BATCHER = _Alone()  # type: ignore[assignment,misc]
    await api.click_app(scope, receive, send)
