"""The cookie of a session, for every page that signs somebody in."""

from typing import Any

from litestar import Request, Response
from litestar.datastructures import Cookie

from app import clock
from app.config import settings
from app.ui.render import see_other
from app.users import sessions
from app.users.service import NewSession
from app.users.sessions import Browser

AnyRequest = Request[Any, Any, Any]


def browser_of(request: AnyRequest) -> Browser:
    """Where the request comes from."""
    return Browser(request.scope["state"].get("client_ip", ""), request.headers.get("user-agent", ""))


def signed_in(request: AnyRequest, made: NewSession, url: str, *, flash: str | None = None) -> Response[str]:
    """The answer to a sign-in: the new cookie, and on to `url`."""
    response = see_other(request, url, flash=flash)
    response.set_cookie(session_cookie(made.token, int((made.expires_at - clock.now()).total_seconds())))
    return response


def session_cookie(token: str, max_age: int) -> Cookie:
    """The cookie that holds a session's token for `max_age` seconds; 0 takes it away."""
    config = settings()
    return Cookie(
        sessions.cookie_name(config),
        value=token,
        path="/",
        max_age=max_age,
        secure=config.secure,
        httponly=True,
        samesite="lax",
    )
