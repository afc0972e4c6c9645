"""The two public endpoints of clicks, as a plain ASGI callable that stands before the framework.

    GET  /r/{link code}    302 to the shop; the click is committed before the answer goes out
    POST /t/{program}      the snippet on the shop's pages; answers the visitor's id

A visitor is never shown an error page: what cannot be resolved leads to the program's home page, and while the
database is away he is sent on uncounted. Only a link that this process has never seen is answered 503 then, because
nobody could say where it leads.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

import msgspec
from litestar.enums import ScopeType
from litestar.types import HTTPScope, Receive, Scope, Send

from app import clock
from app.config import Settings, settings
from app.tracking.batcher import BATCHER, NotWrittenError
from app.tracking.destinations import Address, Landing, within
from app.tracking.directory import DATABASE_ERRORS, DIRECTORY, Program, Target
from app.tracking.messages import Reason
from app.tracking.snippet import MAX_BODY, Beacon, answer_beacon
from app.tracking.visitors import (
    AddressDigest,
    VisitorCookie,
    clean,
    client_address,
    is_mark,
    new_click_id,
    new_visitor_id,
    reason_of_request,
)
from app.tracking.writing import NewClick

Headers: TypeAlias = list[tuple[bytes, bytes]]

MAX_URL = 2000
MAX_AGENT = 400
MAX_SUB = 255
_CODE = re.compile(r"[A-Za-z0-9-]{1,32}")
_ALIASES = {"subid": "sub1"}
_TO = ("to", "ulp", "deeplink")

_ALWAYS: Headers = [
    (b"cache-control", b"no-store"),
    (b"x-robots-tag", b"noindex, nofollow"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-length", b"0"),
]
_NO_BODY = {"type": "http.response.body", "body": b""}


class Edge:
    """What of the settings a click needs; made once."""

    def __init__(self, config: Settings) -> None:
        self.cookie = VisitorCookie(config)
        self.digest = AddressDigest(config.secret_key)
        self.trusted = config.trusted_proxies
        self.home = config.base_url + "/"

    def address_of(self, scope: HTTPScope, headers: Mapping[bytes, bytes]) -> str:
        client = scope.get("client")
        peer = client[0] if client else ""
        if not self.trusted:
            return peer
        return client_address(peer, headers.get(b"x-forwarded-for", b"").decode("latin-1"), self.trusted)


@lru_cache(maxsize=1)
def edge() -> Edge:
    """That of this process."""
    return Edge(settings())


async def click_app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer /r/… and /t/…; anything else is not ours: 404."""
    assert scope["type"] == ScopeType.HTTP, "clicks come over http"
    path = scope["path"]
    if path.startswith("/r/"):
        await _redirect(scope, send, path[3:])
    elif path.startswith("/t/"):
        await _snippet(scope, receive, send, path[3:])
    else:
        await _answer(send, 404, _ALWAYS)


# -- GET /r/{code} --------------------------------------------------------------------------------------------------


async def _redirect(scope: HTTPScope, send: Send, code: str) -> None:
    method = scope["method"]
    if method not in ("GET", "HEAD"):
        await _answer(send, 405, [*_ALWAYS, (b"allow", b"GET, HEAD")])
        return
    try:
        target = await DIRECTORY.link(code.lower()) if _CODE.fullmatch(code) else None
        if target is None:
            await _go(send, await _nowhere())
            return
    except DATABASE_ERRORS:
        await _answer(send, 503, [*_ALWAYS, (b"retry-after", b"5")])
        return
    await _click(scope, send, target)


async def _nowhere() -> str:
    """Where an unknown link leads: the program's home page, if there is but one program."""
    program = await DIRECTORY.program("")
    return str(program.home) if program is not None else edge().home


async def _click(scope: HTTPScope, send: Send, target: Target) -> None:
    """Write the click of a known link down and send the visitor on."""
    headers: dict[bytes, bytes] = dict(scope["headers"])
    to, incoming = _marks(scope["query_string"], target) if scope["query_string"] else (None, {})
    user_agent = clean(headers.get(b"user-agent", b"").decode("latin-1"), MAX_AGENT)
    reason = reason_of_request(scope["method"], headers, user_agent)
    if not target.active:
        landing, reason = Landing(str(target.program.home), "", ""), Reason.INACTIVE
    elif to is None and not incoming:
        landing = DIRECTORY.plain(target)
    else:
        landing = target.landing(to=to, incoming=incoming)
    known = edge().cookie.read(headers.get(b"cookie", b""))
    now = clock.now()
    click = NewClick(
        public_id=new_click_id(),
        program=target.program,
        partner_id=target.partner_id,
        link_id=target.link_id,
        visitor_id=known or new_visitor_id(),
        known_visitor=bool(known),
        clicked_at=now,
        reason=reason,
        landing_url=landing.plain,
        referrer=clean(headers.get(b"referer", b"").decode("latin-1"), MAX_URL),
        user_agent=user_agent,
        ip_digest=edge().digest(edge().address_of(scope, headers), now),
        sub=msgspec.json.encode(incoming) if incoming else b"{}",
    )
    try:
        await BATCHER.submit(click)
    except NotWrittenError:
        await _go(send, landing.plain)
        return
    if reason is not Reason.COUNTED:
        # Bots, prefetches and dead links get no cookie and no click id: nothing that an order could be credited by.
        await _go(send, landing.plain)
        return
    await _go(
        send, f"{landing.before}{click.public_id}{landing.after}", edge().cookie.write(click.visitor_id)
    )


def _marks(query: bytes, target: Target) -> tuple[Address | None, dict[str, str]]:
    """`?to=` where it may lead, and the click's own utm_* and sub1 … sub5.

    An address that leads elsewhere means the home page (never the link's page: a partner must see that it is wrong).
    """
    to: Address | None = None
    found: dict[str, str] = {}
    for name, value in _pairs(query):
        if name in _TO:
            to = within(value, target.program.hosts) or target.program.home
            continue
        name = _ALIASES.get(name, name)
        if is_mark(name):
            found[name] = clean(value, MAX_SUB)
    return to, found


def _pairs(query: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=50)
    except ValueError:
        return []


async def _go(send: Send, location: str, cookie: bytes | None = None) -> None:
    headers: Headers = [*_ALWAYS, (b"location", location.encode("ascii"))]
    if cookie is not None:
        headers.append((b"set-cookie", cookie))
    await _answer(send, 302, headers)


async def _answer(send: Send, status: int, headers: Headers) -> None:
    start: Any = {"type": "http.response.start", "status": status, "headers": headers}
    await send(start)
    await send(_NO_BODY)  # type: ignore[arg-type]


# -- POST /t/{program} ----------------------------------------------------------------------------------------------


async def _snippet(scope: HTTPScope, receive: Receive, send: Send, code: str) -> None:
    headers: dict[bytes, bytes] = dict(scope["headers"])
    origin = headers.get(b"origin", b"").decode("latin-1")
    try:
        program = await DIRECTORY.program(code) if _CODE.fullmatch(code) else None
    except DATABASE_ERRORS:
        await _say(send, 503, {"code": "unavailable"}, [(b"retry-after", b"5")])
        return
    if program is None:
        await _say(send, 404, {"code": "not_found"})
        return
    if within(origin, program.hosts) is None:
        await _say(send, 403, {"code": "foreign_origin"})
        return
    cors: Headers = [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-allow-methods", b"POST"),
        (b"access-control-allow-headers", b"content-type"),
        (b"access-control-max-age", b"86400"),
        (b"vary", b"origin"),
    ]
    if scope["method"] == "OPTIONS":
        await _answer(send, 204, [*_ALWAYS[:-1], *cors])
    elif scope["method"] != "POST":
        await _say(send, 405, {"code": "method_not_allowed"}, [*cors, (b"allow", b"POST, OPTIONS")])
    else:
        status, body = await _tell(scope, receive, headers, program)
        await _say(send, status, body, cors)


async def _tell(
    scope: HTTPScope, receive: Receive, headers: Mapping[bytes, bytes], program: Program
) -> tuple[int, Mapping[str, object]]:
    """Status and body of the answer to a beacon."""
    raw = await _body(receive)
    if raw is None:
        return 413, {"code": "too_large"}
    try:
        beacon = msgspec.json.decode(raw, type=Beacon)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:  # ValueError: not UTF-8
        return 400, {"code": "malformed", "detail": str(error)}
    now = clock.now()
    try:
        return await answer_beacon(
            program,
            beacon,
            user_agent=clean(headers.get(b"user-agent", b"").decode("latin-1"), MAX_AGENT),
            ip_digest=edge().digest(edge().address_of(scope, headers), now),
            now=now,
        )
    except (NotWrittenError, *DATABASE_ERRORS):
        return 503, {"code": "unavailable"}


async def _body(receive: Receive) -> bytes | None:
    """The request's body; None when it is too large."""
    parts: list[bytes] = []
    size = 0
    while True:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            return b""
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY:
            return None
        if not message.get("more_body", False):
            return b"".join(parts)


async def _say(send: Send, status: int, body: Mapping[str, object], more: Headers | None = None) -> None:
    payload = msgspec.json.encode(body)
    headers: Headers = [
        *_ALWAYS[:-1],
        (b"content-type", b"application/json"),
        (b"content-length", str(len(payload)).encode()),
        *(more or ()),
    ]
    start: Any = {"type": "http.response.start", "status": status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": payload, "more_body": False})
