"""The gate before piccolo-admin: our session instead of its own, the reader's language, one transaction per edit.

piccolo-admin has a sign-in of its own with its own cookie. Here a session of the portal is the only way in: the gate
shows it to piccolo-admin as the cookie it expects, and closes what would make or end sessions otherwise.
What the admin's own page asks for is answered with names in the reader's language (admin_words.py).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from html import escape
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import quote

import asyncpg
import msgspec
import structlog
from litestar.datastructures import Headers
from litestar.types import Message, Receive, Scope, Send
from piccolo_admin.endpoints import AdminRouter
from piccolo_api.media.base import MediaStorage
from piccolo_api.session_auth.tables import SessionsBase

from app import db
from app.config import settings
from app.errors import DomainError, Forbidden, Malformed, NotFound
from app.staff import admin_words
from app.staff.admin_images import MAX_BYTES
from app.staff.admin_scope import EDITABLE, MAKERS, READERS, WRITERS, may, reader
from app.ui import i18n
from app.ui.render import asset
from app.users import csrf, service, sessions
from app.users.identity import Session, SignedIn
from app.users.middleware import cookie, read_cookies

PREFIX = "/admin"
BODY_LIMIT = MAX_BYTES + 64 * 1024
CLOSED = (
    "/public/login",
    "/public/docs",
    "/public/openapi.json",
    "/api/docs",
    "/api/openapi.json",
    "/api/change-password",
    "/openapi.json",
)
"""Its own sign-in, change of password and documentation."""
SAFE = ("GET", "HEAD", "OPTIONS")

log = structlog.get_logger(__name__)


class AdminSession(SessionsBase, tablename="user_sessions"):
    """piccolo-admin's idea of a session, answered by ours. Never read or written as a table."""

    @classmethod
    async def get_user_id(cls, token: str, increase_expiry: object = None) -> int | None:
        """The user of one of our tokens."""
        found = await sessions.find(token)
        return found[1].id if found is not None else None

    @classmethod
    async def remove_session(cls, token: str) -> None:
        """Signing out is done by the gate."""


@dataclass(slots=True)
class _Answer:
    """What piccolo-admin said."""

    status: int = 500
    headers: list[tuple[bytes, bytes]] | None = None
    body: bytes = b""


class _RollBack(Exception):  # noqa: N818 - not an error: it only leaves the transaction
    """Leaves the transaction of an edit that piccolo-admin refused."""


class Gate:
    """See the module."""

    def __init__(self, router: AdminRouter) -> None:
        self._router = router
        plain = router._get_media_storage

        def storage(table_name: str, column_name: str) -> MediaStorage:
            return plain(admin_words.table_of(table_name), column_name)

        router._get_media_storage = storage  # type: ignore[method-assign]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state: dict[str, Any] = scope["state"]
        path = str(state["path"])[len(PREFIX) :]
        if not path:
            await _say(send, _Answer(308, [(b"location", b"/admin/")]))
            return
        user, session = scope.get("user"), state.get("session")
        assert isinstance(user, SignedIn), "the route's policy lets staff in only"
        assert isinstance(session, Session), "who is signed in has a session"
        if path.startswith(CLOSED):
            raise NotFound
        with i18n.use_locale(state["locale"]):
            token = reader.set(user)
            try:
                await self._serve(path, scope, receive, send, session)
            finally:
                reader.reset(token)

    async def _serve(self, path: str, scope: Scope, receive: Receive, send: Send, session: Session) -> None:
        method = str(scope.get("method", "GET"))
        if method not in SAFE:
            csrf.check_origin(Headers.from_scope(scope))
        if path == "/":
            await _say(send, self._page())
        elif path.startswith("/public/logout"):
            await service.sign_out(session.id)
            name = sessions.cookie_name(settings())
            gone = cookie(settings(), name, "", max_age=0).encode()
            await _say(
                send, _Answer(200, [(b"content-type", b"application/json"), (b"set-cookie", gone)], b"{}")
            )
        elif _is_closed_choice(path):
            await _say(send, _Answer(200, [(b"content-type", b"application/json")], b"{}"))
        elif path.startswith(("/api/", "/public/")):
            try:
                answer = await self._ask(path, method, scope, receive)
            except (ValueError, asyncpg.DataError) as error:
                log.warning("admin.parameter_refused", path=path, error=type(error).__name__)
                # piccolo-admin asks the database for what it has not checked: unknown columns, numbers of any size.
                raise Malformed("A parameter of the address cannot be read.") from error
            if method in SAFE:
                _put_into_words(path, answer)
            await _say(send, answer)
        else:
            await _starlette(self._router)(_inner(scope, path), receive, send)

    def _page(self) -> _Answer:
        """piccolo-admin's page, in the reader's language, with our few lines of script and style."""
        rights = escape(msgspec.json.encode(_rights()).decode())
        html = self._router.template.replace(
            '<html lang="en">', f'<html lang="{i18n.locale()}" data-rights="{rights}">'
        ).replace(
            "<title>Piccolo Admin</title>",
            f'<title>Tandem</title><script src="{asset("js/admin.js")}"></script>'
            f'<link rel="stylesheet" href="{asset("css/admin.css")}">'
            f'<link rel="icon" href="{asset("img/logo.svg")}" type="image/svg+xml">',
        )
        return _Answer(200, [(b"content-type", b"text/html; charset=utf-8")], html.encode())

    async def _ask(self, path: str, method: str, scope: Scope, receive: Receive) -> _Answer:
        """Have piccolo-admin answer. An edit, its audit record and what hooks write are one transaction."""
        inner = _inner(scope, _with_table_name(path))
        if method in SAFE or path.startswith("/api/media/generate-file-url"):
            return await _collect(_starlette(self._router), inner, _limited(receive))
        if path.startswith("/api/media/") and not may(reader.get(), "materials", MAKERS):
            raise Forbidden("Your role does not allow this. Ask the owner of the portal.")
        answer = _Answer()
        try:
            async with db.transaction():
                answer = await _collect(_starlette(self._router), inner, _limited(receive))
                if answer.status >= 400:
                    raise _RollBack
        except _RollBack:
            pass
        return answer


def _inner(scope: Scope, path: str) -> Scope:
    """The request as piccolo-admin is to see it: its own paths, and the session in its own cookie."""
    config = settings()
    headers = [(name, value) for name, value in scope["headers"] if name != b"cookie"]
    cookies = read_cookies(Headers.from_scope(scope).get("cookie", ""))
    shown: SimpleCookie = SimpleCookie()
    shown["id"] = cookies.get(sessions.cookie_name(config), "")
    if "csrftoken" in cookies:
        shown["csrftoken"] = cookies["csrftoken"]
    headers.append((b"cookie", shown.output(header="", sep=";").strip().encode()))
    inner = dict(scope)
    inner.pop("app", None)
    inner |= {
        "headers": headers,
        "path": path,
        "raw_path": quote(path).encode(),
        "root_path": "",
        "state": {},
    }
    return inner  # type: ignore[return-value]


def _is_closed_choice(path: str) -> bool:
    """A form asks what a key may be, in a table that its reader may not read: there is nothing to choose from."""
    parts = path.strip("/").split("/")
    if len(parts) != 4 or parts[:2] != ["api", "tables"] or parts[3] != "ids":
        return False
    return not may(reader.get(), admin_words.table_of(parts[2]), READERS)


def _with_table_name(path: str) -> str:
    parts = path.split("/")
    if len(parts) > 3 and parts[1:3] == ["api", "tables"]:
        parts[3] = admin_words.table_of(parts[3])
    return "/".join(parts)


def _limited(receive: Receive) -> Receive:
    taken = 0

    async def receiving() -> Any:
        nonlocal taken
        message = await receive()
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            if taken > BODY_LIMIT:
                raise DomainError("What you sent is too large.", code="too_large", status=413)
        return message

    return receiving


def _starlette(router: AdminRouter) -> Callable[..., Awaitable[None]]:
    """The same ASGI, in other types."""
    return router


async def _collect(app: Callable[..., Awaitable[None]], scope: Scope, receive: Receive) -> _Answer:
    answer = _Answer()
    body = bytearray()

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = [
                (bytes(name), bytes(value)) for name, value in message["headers"] if name != b"content-length"
            ]
        elif message["type"] == "http.response.body":
            body.extend(message.get("body", b""))

    await app(scope, receive, sending)
    answer.body = bytes(body)
    return answer


async def _say(send: Send, answer: _Answer) -> None:
    headers = [*(answer.headers or []), (b"content-length", str(len(answer.body)).encode())]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})


def _put_into_words(path: str, answer: _Answer) -> None:
    """Names of tables, groups, columns and help in the reader's language; tables that he may not read are left out."""
    parts = path.strip("/").split("/")
    if answer.status != 200 or (parts[:1] == ["public"] and parts[1:] != ["translations"]):
        return
    change = {
        ("api", "tables"): _tables,
        ("api", "tables", "grouped"): _grouped,
        ("api", "links"): _links,
        ("public", "translations"): _translations,
    }.get(tuple(parts))
    if change is None and parts[-1] == "schema":
        change = _schema
    if change is None and parts[-1] == "references":
        change = _references
    if change is not None:
        answer.body = msgspec.json.encode(change(msgspec.json.decode(answer.body)))


def _rights() -> dict[str, dict[str, list[str]]]:
    """What this reader may do with which table, for static/js/admin.js; it only shows what the rules decide."""
    user = reader.get()
    return {
        admin_words.alias_of(table): {
            "edit": sorted(fields) if may(user, table, WRITERS) else [],
            "make": sorted(fields | {"program_id"}) if may(user, table, MAKERS) else [],
        }
        for table, fields in EDITABLE.items()
    }


def _readable(tables: list[str]) -> list[str]:
    user: SignedIn | None = reader.get()
    return [admin_words.alias_of(table) for table in tables if may(user, table, READERS)]


def _tables(said: Any) -> Any:
    return _readable(said)


def _grouped(said: Any) -> Any:
    groups = {str(admin_words.GROUPS[group]): _readable(tables) for group, tables in said["grouped"].items()}
    return {"grouped": {name: tables for name, tables in groups.items() if tables}, "ungrouped": []}


def _links(_said: Any) -> Any:
    return {i18n.gettext("Desk"): "/desk", i18n.gettext("To the portal"): "/home"}


def _translations(said: Any) -> Any:
    return said | {"default_language_code": i18n.locale()}


def _references(said: Any) -> Any:
    user = reader.get()
    return {
        "references": [
            one | {"tableName": admin_words.alias_of(one["tableName"])}
            for one in said["references"]
            if may(user, one["tableName"], READERS)
        ]
    }


def _schema(said: Any) -> Any:
    columns = said.get("properties", {})
    # What is never read has no field in the form either.
    said["properties"] = {
        name: column for name, column in columns.items() if not column.get("extra", {}).get("secret")
    }
    for name, column in said["properties"].items():
        column["title"] = admin_words.label_of(name)
        extra = column.get("extra", {})
        if extra.get("help_text"):
            extra["help_text"] = admin_words.help_of(name, extra["help_text"])
        if extra.get("foreign_key"):
            extra["foreign_key"]["to"] = admin_words.alias_of(extra["foreign_key"]["to"])
    return said
