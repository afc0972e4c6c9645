"""The one place where errors become answers: a page, a fragment for htmx, or problem+json (RFC 9457) for the API.

An expected refusal is a `DomainError` and says what to do. Everything else is our own fault: the log gets the
traceback, the reader gets the request's id and nothing more.
"""

from typing import Any, TypeAlias

import asyncpg
import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from app.errors import DomainError, FieldError, Unauthenticated, Unavailable
from app.logs import without_tokens
from app.ui import i18n
from app.ui.i18n import lazy
from app.ui.render import HTML, is_htmx, own_path, render

log = structlog.get_logger(__name__)

Rendered: TypeAlias = str | bytes
AnyRequest: TypeAlias = Request[Any, Any, Any]

PROBLEM_JSON = "application/problem+json"

DATABASE_ERRORS: tuple[type[Exception], ...] = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.DiskFullError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the first statement on a connection that the server closed while it was idle
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.DeadlockDetectedError,
    OSError,
    TimeoutError,
)
"""What may mean that the server went away, is starting, is full or too busy; `is_database_down` decides."""

TITLES = {
    400: lazy("The request cannot be read"),
    401: lazy("Please sign in"),
    403: lazy("This is not allowed"),
    404: lazy("There is nothing here"),
    405: lazy("This address works differently"),
    409: lazy("It has changed meanwhile"),
    413: lazy("This is too large"),
    422: lazy("Something does not fit"),
    429: lazy("Too many attempts"),
    500: lazy("Our mistake"),
    503: lazy("Back in a moment"),
}

PAGES = frozenset((400, 403, 404, 409, 413, 422, 429, 500, 503))
"""Statuses with a page of their own; a 405 looks like a 400."""

_FRAMEWORK = {
    400: ("The request cannot be read.", "malformed"),
    404: ("There is nothing here.", "not_found"),
    405: ("This address does not take this kind of request.", "method_not_allowed"),
    413: ("What you sent is too large.", "too_large"),
}


def is_database_down(error: Exception) -> bool:
    """True for asyncpg's own errors of that kind, and for a socket's that came up through asyncpg."""
    if not isinstance(error, DATABASE_ERRORS):
        return False
    if not isinstance(error, OSError | TimeoutError):
        return True
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_globals.get("__name__", "").startswith("asyncpg."):
            return True
        step = step.tb_next
    return False


def unavailable(error: Exception) -> DomainError:
    """The refusal for a database that is not there; the log says what it said."""
    log.error("database.down", error=f"{type(error).__name__}: {error}")
    return Unavailable(
        "The portal is not available for a moment. Nothing was changed; try again.", retry_after=5
    )


def handle(request: AnyRequest, error: Exception) -> Response[Rendered]:
    """The app's one exception handler."""
    if isinstance(error, DomainError):
        return answer(request, error)
    if isinstance(error, HTTPException) and error.status_code < 500:
        return answer(request, _of_framework(error))
    if is_database_down(error):
        return answer(request, unavailable(error))
    log.error(
        "request.failed",
        path=without_tokens(path_of(request)),
        method=request.scope["method"],
        exc_info=error,
    )
    return answer(
        request,
        DomainError("Something went wrong on our side. We have been told.", code="internal", status=500),
    )


def answer(request: AnyRequest, error: DomainError) -> Response[Rendered]:
    """`error` in the form the reader understands."""
    response: Response[Rendered]
    if path_of(request).startswith(("/api/", "/admin/api/", "/admin/public/")):
        response = _problem(request, error)
    elif isinstance(error, Unauthenticated) and "sign_in" in error.values:
        response = _to_sign_in(request, own_path(str(error.values["sign_in"]), "/sign-in"))
    else:
        response = _page(request, error)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _of_framework(error: HTTPException) -> DomainError:
    """Litestar's own refusals: unknown address, wrong method, too large, parameters of the wrong type."""
    status = error.status_code
    message, code = _FRAMEWORK.get(status, ("The request cannot be read.", "malformed"))
    extra = error.extra if isinstance(error.extra, list) else []
    fields = [
        FieldError(str(wrong["key"]), "invalid", str(wrong.get("message", "")))
        for wrong in extra
        if isinstance(wrong, dict) and "key" in wrong
    ]
    return DomainError(message, code=code, status=status, fields=fields)


def _problem(request: AnyRequest, error: DomainError) -> Response[Rendered]:
    """RFC 9457. The API speaks English: its reader is a program's author, and texts may be matched."""
    body: dict[str, Any] = {
        "type": f"urn:tandem:error:{error.code}",
        "title": TITLES[error.status].message if error.status in TITLES else "Refused",
        "status": error.status,
        "detail": error.message % error.values if error.values else error.message,
        "code": error.code,
        "request_id": _request_id(request),
    }
    if error.fields:
        body["errors"] = [
            {
                "pointer": field.pointer,
                "code": field.code,
                "detail": field.detail % field.values if field.values else field.detail,
            }
            for field in error.fields
        ]
    return Response(msgspec.json.encode(body), status_code=error.status, media_type=PROBLEM_JSON)


def _to_sign_in(request: AnyRequest, url: str) -> Response[Rendered]:
    if is_htmx(request):
        return Response("", status_code=200, media_type=HTML, headers={"HX-Redirect": url})
    return Response("", status_code=303, media_type=HTML, headers={"Location": url})


def _page(request: AnyRequest, error: DomainError) -> Response[Rendered]:
    """errors/<status>.html; htmx gets errors/fragment.html, to stand where the answer would have stood."""
    own_words = error.code in ("not_found", "role", "internal")
    said = []
    with i18n.use_locale(_locale(request)):
        if is_htmx(request) or not own_words:
            said.append(i18n.gettext(error.message, **error.values))
        said += [f"{field.pointer}: {i18n.gettext(field.detail, **field.values)}" for field in error.fields]
    status = error.status if error.status in PAGES else (400 if error.status < 500 else 500)
    return render(  # type: ignore[return-value]
        request,
        "errors/fragment.html" if is_htmx(request) else f"errors/{status}.html",
        status=error.status,
        message=" ".join(said),
        request_id=_request_id(request) if error.status >= 500 else "",
        retry_url=path_of(request) if request.scope["method"] == "GET" else "/",
    )


def path_of(request: AnyRequest) -> str:
    """The path as it was asked for; a mounted app's scope has a shorter one."""
    return str(request.scope.get("state", {}).get("path") or request.scope["path"])


def _locale(request: AnyRequest) -> str:
    return str(
        request.scope.get("state", {}).get("locale")
        or i18n.choose_locale(
            cookie=request.cookies.get("lang"), accept_language=request.headers.get("Accept-Language")
        )
    )


def _request_id(request: AnyRequest) -> str:
    return str(request.scope.get("state", {}).get("request_id", ""))
