"""The outermost layer: which hosts we answer to, an id for each request, the security headers of each answer.

It stands before the framework, so that nothing answers without it: not a static file, not an unknown address, not
piccolo-admin, not an error of the session's own query.
"""

import re
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, cast

import structlog
from litestar.connection import Request
from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.response import Response
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from app.config import Settings
from app.errors import DomainError, Malformed
from app.ui.error_pages import DATABASE_ERRORS, Rendered, is_database_down, unavailable
from app.users import csrf

REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
ANY_HOST = ("/healthz",)
NO_REFERRER = ("/reset/", "/sign-in/link/", "/confirm/")
"""Pages whose address is itself a secret: other sites never learn it, not even our host's."""

ADMIN_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""piccolo-admin's own script writes style attributes; everything else is as strict as elsewhere.

It also tries `new Function` and goes on without it, so its pages would report a violation each: they send no reports.
"""


MEDIA_CSP = "default-src 'none'; sandbox"
"""A picture that somebody uploaded is shown and does nothing else, even when it is opened by itself."""


def page_csp(nonce: str) -> str:
    """The policy of our pages; `nonce` lets ApexCharts add its style sheet."""
    style = f"'self' 'nonce-{nonce}'" if nonce else "'self'"
    return (
        f"default-src 'none'; script-src 'self'; style-src {style}; img-src 'self' data:; connect-src 'self'; "
        "font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'; "
        "report-uri /csp-reports"
    )


def headers_for(config: Settings, path: str, nonce: str) -> dict[str, str]:
    """The security headers of an answer at `path` (reliability of the web: CSP, no sniffing, no framing, no leaks)."""
    if path.startswith("/media/"):
        policy = MEDIA_CSP
    else:
        policy = ADMIN_CSP if path.startswith("/admin") else page_csp(nonce)
    headers = {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "same-origin"
        if path.startswith(NO_REFERRER)
        else "strict-origin-when-cross-origin",
        "cross-origin-opener-policy": "same-origin",
        # Banners are shown on partners' sites, and the snippet is loaded by the shop's pages.
        "cross-origin-resource-policy": "cross-origin"
        if path.startswith(("/media/", "/static/tracker.js"))
        else "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
    }
    if config.secure:
        headers["strict-transport-security"] = "max-age=31536000; includeSubDomains"
    return headers


class Edge:
    """See the module."""

    def __init__(
        self, app: ASGIApp, config: Settings, render_error: Callable[[Any, Exception], Response[Rendered]]
    ) -> None:
        self._app = app
        self._config = config
        self._render_error = render_error
        self._hosts = csrf.own_hosts(config)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        headers = Headers.from_scope(scope)
        given = headers.get("x-request-id", "")
        request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        state: dict[str, Any] = scope["state"]
        state["request_id"] = request_id
        # Mounted apps are shown a shorter path.
        state["path"] = scope["path"]
        state["client_ip"] = client_ip(scope, headers, self._config.trusted_proxies)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        sending = self._sending(scope, send, request_id)
        if scope["method"] == "HEAD":  # RFC 9110 §9.3.2: as GET, without the content
            scope = cast("Scope", {**scope, "method": "GET"})
            sending = without_content(sending)
        try:
            check_path(scope)
            self._check_host(scope, headers)
            await self._app(scope, receive, sending)
        except DomainError as error:
            await self._refuse(scope, receive, sending, error)
        except DATABASE_ERRORS as error:
            if not is_database_down(error):
                raise
            await self._refuse(scope, receive, sending, unavailable(error))

    def _check_host(self, scope: Scope, headers: Headers) -> None:
        host = headers.get("host", "")
        if host not in self._hosts and host.partition(":")[0] not in self._config.allowed_hosts:
            if scope["path"] in ANY_HOST:
                return
            raise Malformed("This portal does not answer to that host name.", code="unknown_host")

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, error: DomainError) -> None:
        request: Request[Any, Any, Any] = Request(scope, receive=receive, send=send)
        response = self._render_error(request, error)
        await response.to_asgi_response(app=None, request=request)(scope, receive, send)

    def _sending(self, scope: Scope, send: Send, request_id: str) -> Callable[[Message], Awaitable[None]]:
        path = scope["path"]

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableScopeHeaders.from_message(message)
                present = set(answer)  # asking the headers themselves walks through all of them each time
                for name, value in headers_for(self._config, path, scope["state"].get("nonce", "")).items():
                    if name not in present:
                        answer.add(name, value)
                if message["status"] == 200 and path.startswith(("/static/", "/media/")):
                    answer["cache-control"] = kept_for(path, scope["query_string"])
                answer["x-request-id"] = request_id
            await send(message)

        return sending


def check_path(scope: Scope) -> None:
    """Neither a file nor a row has a NUL in its name, and neither the file system nor the database takes one."""
    if "\x00" in scope["path"]:
        raise Malformed("The request cannot be read.")


def without_content(send: Callable[[Message], Awaitable[None]]) -> Callable[[Message], Awaitable[None]]:
    """Send an answer's headers alone."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return sending


def kept_for(path: str, query: bytes) -> str:
    """Cache-Control of a file: for ever when its address changes with its content (a digest, a random name)."""
    if path.startswith("/media/") or query.startswith(b"v="):
        return "public, max-age=31536000, immutable"
    return "public, max-age=3600"


def client_ip(scope: Scope, headers: Headers, trusted: tuple[str, ...]) -> str:
    """Address of the browser: the last one of X-Forwarded-For that no proxy of ours put there.

    Believed only when the connection itself comes from a trusted proxy (or from a unix socket, which has no address).
    """
    client = scope.get("client")
    peer = client[0] if client else ""
    hops = [part.strip() for part in headers.get("x-forwarded-for", "").split(",") if part.strip()]
    while hops and (peer in trusted or (not peer and "unix" in trusted)):
        peer = hops.pop()
    return peer
