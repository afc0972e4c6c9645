"""Requests that change something must come from a page of ours.

Two walls. The browser's own word: `Sec-Fetch-Site`, or `Origin` where a browser does not send that, must name this
site. And a token bound to the session: an HMAC over the session's id, in the form's field or in a header, which no
other site can know. A visitor who is not signed in has a random cookie of his own in place of the session.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping

from litestar import Request

from app.config import Settings, settings
from app.errors import Forbidden, Malformed
from app.users.identity import AnyConnection

FIELD = "csrf_token"
HEADER = "X-CSRF-Token"


def cookie_name(config: Settings) -> str:
    """Cookie of a visitor who is not signed in; `__Host-` keeps neighbours on other subdomains from setting it."""
    # Not `tandem_visitor`: the snippet's cookie has that name on the shop's pages, which may be on the same host.
    return "__Host-tandem_form" if config.secure else "tandem_form"


def new_visitor() -> str:
    return secrets.token_urlsafe(24)


def token_for(subject: str) -> str:
    """The token of `subject`: `session:<id>` or `visitor:<cookie>`."""
    return hmac.new(settings().secret_key, f"csrf:{subject}".encode(), hashlib.sha256).hexdigest()


def check_origin(headers: Mapping[str, str]) -> None:
    """Refuse a request that another site makes this browser send."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        if site != "same-origin":
            raise Forbidden("This request came from another site.", code="cross_site")
        return
    origin = headers.get("origin")
    if origin is not None and origin not in own_origins(settings()):
        raise Forbidden("This request came from another site.", code="cross_site")


def own_origins(config: Settings) -> frozenset[str]:
    """Origins of the portal: that of `base_url`, and the other host names it answers to."""
    scheme = config.base_url.partition("://")[0]
    return frozenset(f"{scheme}://{host}" for host in own_hosts(config))


def own_hosts(config: Settings) -> frozenset[str]:
    """Host headers the portal answers to. On the loopback both of its names are meant."""
    hosts = {config.host, *config.allowed_hosts}
    name, colon, port = config.host.partition(":")
    if name in ("127.0.0.1", "localhost"):
        hosts |= {f"127.0.0.1{colon}{port}", f"localhost{colon}{port}"}
    return frozenset(hosts)


async def check(connection: AnyConnection) -> None:
    """Refuse an unsafe request without both: a page of ours, and the session's token."""
    check_origin(connection.headers)
    expected = connection.scope["state"].get("csrf_token", "")
    in_form = await _form_token(connection)
    given = connection.headers.get(HEADER) or in_form
    if not expected or not hmac.compare_digest(given.encode(), expected.encode()):
        raise Forbidden(
            "This form is out of date: it was opened before you signed in or out. Open the page again.",
            code="csrf",
        )


async def _form_token(connection: AnyConnection) -> str:
    """The token of the form; the form is read here for everybody, so one that is no text is refused at one place."""
    if not isinstance(connection, Request):
        return ""
    if connection.content_type[0] not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return ""
    try:
        form = await connection.form()
        # Letters that no text has come through a part's own charset; neither the database nor a page takes them.
        "".join(part for pair in form.multi_items() for part in pair if isinstance(part, str)).encode()
    except (UnicodeError, LookupError) as error:
        raise Malformed("The request cannot be read.") from error
    found = form.get(FIELD)
    return found if isinstance(found, str) else ""
