"""Puts on every request who asks and in which language: what `app/ui/render.py` and the policies read.

Plain ASGI round the framework, so that error pages and piccolo-admin have it too. Addresses that belong to nobody
(static files, the API) are passed through untouched: they cost no query and get no cookie.
"""

import secrets
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from app.config import Settings
from app.ui import i18n, render
from app.users import csrf, sessions
from app.users.identity import Lookups, Membership, ProgramRef, SignedIn

WITHOUT_SESSION = ("/static/", "/media/", "/api/", "/healthz", "/csp-reports")
PROGRAM_COOKIE = "program"
STAFF_PATHS = ("/desk", "/admin")
SHARED_PATHS = ("/notices", "/notices/read")
"""A partner's as a partner; else shown in the frame of the desk, of programs in which the reader has a role."""


class SessionMiddleware:
    """See the module."""

    def __init__(self, app: ASGIApp, config: Settings, lookups: Lookups) -> None:
        self._app = app
        self._config = config
        self._lookups = lookups
        self._session_cookie = sessions.cookie_name(config)
        self._visitor_cookie = csrf.cookie_name(config)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["path"].startswith(WITHOUT_SESSION):
            await self._app(scope, receive, send)
            return
        headers = Headers.from_scope(scope)
        cookies = read_cookies(headers.get("cookie", ""))
        state: dict[str, Any] = scope["state"]
        state["nonce"] = secrets.token_urlsafe(16)
        set_cookies = await self._sign_in(scope, state, cookies)
        user: SignedIn | None = scope.get("user")
        set_cookies += await self._choose_program(scope, state, cookies)
        program: ProgramRef | None = state["program"]
        state["locale"] = i18n.choose_locale(
            chosen=user.locale if user else None,
            cookie=cookies.get(render.LANG_COOKIE),
            accept_language=headers.get("accept-language"),
        )
        state["theme"] = user.theme if user else cookies.get(render.THEME_COOKIE, "auto")
        state["zone"] = (user.time_zone if user else "") or (program.zone if program else i18n.DEFAULT_ZONE)
        # Handlers speak, too: errors of forms and charts are worded before the page is rendered.
        with i18n.use_locale(state["locale"], state["zone"]):
            await self._app(scope, receive, _with_cookies(send, scope, set_cookies))

    async def _sign_in(self, scope: Scope, state: dict[str, Any], cookies: dict[str, str]) -> list[str]:
        """Find the session; the cookie of a visitor is set once he has none, for the tokens of his forms."""
        token = cookies.get(self._session_cookie)
        found = await sessions.find(token) if token else None
        state["session"], scope["user"] = found or (None, None)
        if found is not None:
            state["csrf_token"] = csrf.token_for(f"session:{found[0].id}")
            return []
        visitor = cookies.get(self._visitor_cookie, "")
        known = 20 <= len(visitor) <= 64
        if not known:
            visitor = csrf.new_visitor()
        state["csrf_token"] = csrf.token_for(f"visitor:{visitor}")
        return [] if known else [cookie(self._config, self._visitor_cookie, visitor)]

    async def _choose_program(
        self, scope: Scope, state: dict[str, Any], cookies: dict[str, str]
    ) -> list[str]:
        """The program at hand, and the user's membership in it."""
        user: SignedIn | None = scope.get("user")
        memberships = await self._lookups.memberships(user.id) if user else ()
        asked = parse_qs(scope["query_string"].decode("latin-1")).get("program", [""])[0]
        as_staff = scope["path"].startswith(STAFF_PATHS) or (
            not memberships and scope["path"] in SHARED_PATHS
        )
        if memberships and not as_staff:
            offered = tuple(membership.program for membership in memberships)
        else:
            offered = await self._lookups.programs()
            if as_staff and user is not None:
                offered = tuple(program for program in offered if user.roles_in(program.id))
        chosen = _by_code(offered, asked) or _by_code(offered, cookies.get(PROGRAM_COOKIE, ""))
        state["program"] = program = chosen or next(iter(offered), None)
        state["programs"] = offered
        state["partner"] = _membership_in(memberships, program)
        if program is not None and asked == program.code != cookies.get(PROGRAM_COOKIE):
            return [cookie(self._config, PROGRAM_COOKIE, program.code, max_age=365 * 86400)]
        return []


def _by_code(programs: tuple[ProgramRef, ...], code: str) -> ProgramRef | None:
    return next((program for program in programs if program.code == code), None)


def _membership_in(memberships: tuple[Membership, ...], program: ProgramRef | None) -> Membership | None:
    if program is None:
        return None
    return next((found for found in memberships if found.program.id == program.id), None)


def cookie(config: Settings, name: str, value: str, *, max_age: int | None = None) -> str:
    """A Set-Cookie line; without `max_age` it ends with the browser."""
    parts = [f"{name}={value}", "Path=/", "HttpOnly", "SameSite=Lax"]
    if max_age is not None:
        parts.append(f"Max-Age={max_age}")
    if config.secure:
        parts.append("Secure")
    return "; ".join(parts)


def read_cookies(header: str) -> dict[str, str]:
    """Cookies by name; a header that cannot be read holds none."""
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(header[:8192])
    except CookieError:
        return {}
    return {name: morsel.value for name, morsel in jar.items()}


def _with_cookies(send: Send, scope: Scope, lines: list[str]) -> Send:
    """Add cookies to answers that are pages; what is signed in is never stored by anybody on the way."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableScopeHeaders.from_message(message)
            if lines and headers.get("content-type", "").startswith("text/html"):
                for line in lines:
                    headers.add("set-cookie", line)
            if scope.get("user") is not None or headers.get("set-cookie"):
                headers["cache-control"] = "no-store"
        await send(message)

    return sending
