"""Pages: `render(request, "payouts/payouts.html", payouts=…)` and, for htmx, one named block of the same file.

What a request carries when it comes here (set by the middleware of `app/users`):

    request.state.locale      "ru" | "en": chosen by the user, else cookie `lang`, else Accept-Language
    request.state.zone        name of the zone in which moments are shown
    request.state.theme       "auto" | "light" | "dark": cookie `theme`
    request.state.nonce       of this response's Content-Security-Policy, for styles that ApexCharts adds
    request.state.csrf_token  goes into every form (macro `csrf`) and, by portal.js, into every htmx request
    scope["user"]             who is signed in; None or missing: nobody

A request that never reached the middleware (an unknown address, a broken cookie) has none of these; its error page
speaks the browser's language and shows nobody's name. That is the only case the defaults in `_context` are for.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2_fragments import render_block
from litestar import Request
from litestar.datastructures import Cookie
from litestar.response import Response

from app.ui import charts, filters, i18n, states

ROOT = Path(__file__).resolve().parent.parent.parent
TEMPLATES = ROOT / "templates"
STATIC = ROOT / "static"

CSRF_FIELD = "csrf_token"
CSRF_HEADER = "X-CSRF-Token"
LANG_COOKIE = "lang"
THEME_COOKIE = "theme"
FLASH_COOKIE = "flash"
THEMES = ("auto", "light", "dark")

HTML = "text/html"  # Litestar adds the charset

AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Site:
    """What every page knows of the portal as a whole; given once by `configure`."""

    name: str = "Tandem"
    base_url: str = "http://127.0.0.1:8000"
    demo: bool = False
    version: str = ""


def configure(site: Site) -> None:
    """Called once by `create_app()` and by the worker before anything is rendered."""
    i18n.warm_up()
    environment().globals["site"] = site
    environment().auto_reload = site.demo


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The one Jinja environment: everything is escaped, an undefined name is an error, the file's text is cached."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=True,
    )
    # Jinja's new style fills the places itself and escapes what goes into them.
    made.install_gettext_callables(i18n.translate, i18n.translate_plural, newstyle=True)  # type: ignore[attr-defined]
    made.policies["ext.i18n.trimmed"] = True
    made.filters.update(filters.FILTERS)
    made.filters["in_locale"] = i18n.in_locale
    made.globals.update(
        asset=asset,
        site=Site(),
        state_of=states.state_of,
        sparkline=charts.sparkline,
        period=filters.period,
        locale=i18n.locale,
        locales=i18n.LOCALES,
        csrf_field=CSRF_FIELD,
        csrf_header=CSRF_HEADER,
    )
    return made


def is_htmx(request: AnyRequest) -> bool:
    """True when htmx asks for a part of a page, not when it loads a whole one (boosted or after Back)."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Request-Type") != "full"


def render(
    request: AnyRequest,
    template: str,
    *,
    block: str | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> Response[str]:
    """The whole page; when htmx asks and the page has a `block` for it, that block alone."""
    context = _context(request)
    flash = states.FLASHES.get(request.cookies.get(FLASH_COOKIE, ""))
    with i18n.use_locale(context["page"].locale, context["page"].zone):
        if block is not None and is_htmx(request):
            html = render_block(environment(), template, block, context | values)
            flash = None
        else:
            html = environment().get_template(template).render(context | {"flash": flash} | values)
    response = Response(html, media_type=HTML, status_code=status, headers=dict(headers or {}))
    response.headers["Vary"] = "HX-Request, Cookie"
    if flash is not None:
        response.delete_cookie(FLASH_COOKIE)
    return response


def see_other(request: AnyRequest, url: str, *, flash: str | None = None) -> Response[str]:
    """The answer to a POST that did its work: go to `url` (a path of ours) and say `flash` there."""
    cookies = []
    if flash is not None:
        assert flash in states.FLASHES, flash
        cookies.append(Cookie(FLASH_COOKIE, value=flash, max_age=60, httponly=True, samesite="lax", path="/"))
    if is_htmx(request):
        # A 303 would be followed by fetch and its page put into the target; htmx itself must go there.
        return Response("", status_code=200, media_type=HTML, headers={"HX-Redirect": url}, cookies=cookies)
    return Response("", status_code=303, media_type=HTML, headers={"Location": url}, cookies=cookies)


def render_text(template: str, *, locale: str, zone: str | None = None, **values: Any) -> str:
    """A template outside a request, such as a document for a task; values are escaped like everywhere."""
    with i18n.use_locale(locale, zone):
        return environment().get_template(template).render(values)


def own_path(url: str | None, otherwise: str = "/") -> str:
    """`url` when it is a path of this portal (for `next` after sign-in), else `otherwise`: never another site."""
    if (
        not url
        or not url.startswith("/")
        or url.startswith(("//", "/\\"))
        or any(ord(sign) < 32 for sign in url)
    ):
        return otherwise
    parts = urlsplit(url)
    # A header is ASCII; what is encoded already stays.
    return (
        otherwise
        if parts.scheme or parts.netloc or "\\" in url
        else quote(url, safe="/?#[]!$&'()*+,;=:@%-._~|")
    )


def asset(path: str) -> str:
    """Address of a file of static/, with its digest: it may be kept for ever and changes when the file does."""
    file = STATIC / path
    return f"/static/{path}?v={_digest(file, file.stat().st_mtime_ns)}"


@lru_cache(maxsize=512)
def _digest(file: Path, _changed: int) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class PageContext:
    """What templates know of the request, as `page`."""

    path: str
    """Path and query, to come back to after changing the language."""
    locale: str
    zone: str
    theme: str
    nonce: str
    csrf_token: str
    signed_in: bool


def _context(request: AnyRequest) -> dict[str, Any]:
    state = request.scope.get("state", {})
    theme = state.get("theme") or request.cookies.get(THEME_COOKIE, "auto")
    query = request.scope.get("query_string", b"").decode("latin-1")
    return {
        # The macros come with the context, not by {% import %}: a block rendered alone runs no import of its page.
        "ui": environment().get_template("components/ui.html").module,
        "flash": None,
        "page": PageContext(
            path=request.scope["path"] + (f"?{query}" if query else ""),
            locale=state.get("locale")
            or i18n.choose_locale(
                cookie=request.cookies.get(LANG_COOKIE),
                accept_language=request.headers.get("Accept-Language"),
            ),
            zone=state.get("zone") or i18n.DEFAULT_ZONE,
            theme=theme if theme in THEMES else "auto",
            nonce=state.get("nonce", ""),
            csrf_token=state.get("csrf_token", ""),
            signed_in=request.scope.get("user") is not None,
        ),
    }
