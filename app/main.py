"""The only wiring: `create_app()` makes the portal, `create_asgi()` puts the click endpoints in front of it.

create_asgi()           what servers run: /r/… and /t/… go straight to tracking, all else to
  Edge                  request id, hosts, security headers
    SessionMiddleware   user, program, language, CSRF token
      Litestar          policies, routes, one error handler
"""

import importlib
import importlib.util
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from litestar import Litestar, MediaType, Request, asgi, get, post
from litestar.enums import ScopeType
from litestar.static_files import create_static_files_router
from litestar.types import ASGIApp, ControllerRouterHandler, Receive, Scope, Send

from app import db, logs, queue
from app.config import SettingError, Settings, settings
from app.edge import Edge
from app.errors import Malformed
from app.partners.membership import active_programs, memberships_of
from app.ui import error_pages, render
from app.users.identity import Lookups, StaffRole
from app.users.middleware import SessionMiddleware
from app.users.policy import check_routes, guard, policy

PAGES = (
    "app.users.pages",
    "app.programs.pages",
    "app.partners.pages",
    "app.notices.pages",
    "app.tracking.pages",
    "app.demo.pages",
    "app.materials.pages",
    "app.commissions.pages",
    "app.payouts.pages",
    "app.shops.api",
    "app.shops.pages",
    "app.reports.pages",
    "app.staff.pages",
)
"""Modules whose `ROUTES` make up the portal; each is a list of handlers or a function of the settings."""

BODY_LIMIT = 64 * 1024
"""Bytes of a request's body; routes that take files raise it with `request_max_body_size`."""

CLICK_PATHS = ("/r/", "/t/")


def create_app(config: Settings | None = None) -> Litestar:
    """The portal. Raises when a route declares no policy."""
    config = config or settings()
    logs.configure()
    render.configure(render.Site(base_url=config.base_url, demo=config.demo))
    config.media_dir.mkdir(parents=True, exist_ok=True)
    app = Litestar(
        route_handlers=[*_routes(config), health, csp_report, *_files(config)],
        guards=[guard],
        exception_handlers={Exception: error_pages.handle},
        lifespan=[_engines(config)],
        request_max_body_size=BODY_LIMIT,
        openapi_config=None,
        logging_config=None,
    )
    check_routes(app)
    lookups = Lookups(memberships=memberships_of, programs=active_programs)
    app.asgi_handler = Edge(SessionMiddleware(app.asgi_handler, config, lookups), config, error_pages.handle)
    return app


def create_asgi(config: Settings | None = None) -> ASGIApp:
    """What servers run. A click never enters the framework: its middleware would cost more than the click."""
    app = create_app(config)
    clicks = _attribute("app.tracking.api", "click_app")
    if clicks is None:
        return app

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and scope["path"].startswith(CLICK_PATHS):
            await clicks(scope, receive, send)
        else:
            await app(scope, receive, send)

    return dispatch


def _routes(config: Settings) -> list[ControllerRouterHandler]:
    found: list[ControllerRouterHandler] = []
    for name in PAGES:
        routes = _attribute(name, "ROUTES")
        if callable(routes):
            routes = routes(config)
        found.extend(routes or ())
    admin = _attribute("app.staff.admin", "admin_app")
    if admin is not None:
        found.append(_admin_mount(admin(config)))
    return found


def _attribute(module: str, name: str) -> Any:
    """`name` of a module of ours; None when this installation has no such module."""
    package, _dot, _leaf = module.rpartition(".")
    if importlib.util.find_spec(package) is None or importlib.util.find_spec(module) is None:
        return None
    return getattr(importlib.import_module(module), name)


def _admin_mount(inner: ASGIApp) -> ControllerRouterHandler:
    """piccolo-admin; its gate refuses whoever is not staff, in the way its page understands."""

    @asgi("/admin", is_mount=True, copy_scope=True, opt=policy(*StaffRole, form_token=False))
    async def admin(scope: Scope, receive: Receive, send: Send) -> None:
        await inner(scope, receive, send)

    return admin


def _files(config: Settings) -> Sequence[ControllerRouterHandler]:
    """static/ and the media folder; how long they may be kept is the edge's business."""
    return [
        create_static_files_router(
            path, directories=[folder], name=name, opt=policy("public"), include_in_schema=False
        )
        for path, folder, name in (
            ("/static", render.STATIC, "static"),
            ("/media", config.media_dir, "media"),
        )
    ]


def _engines(config: Settings) -> AbstractAsyncContextManager[None]:
    """Connections to the database and to Redis, for as long as the app runs."""

    @asynccontextmanager
    async def connected(_app: Litestar) -> AsyncIterator[None]:
        if config.database_url is None or config.redis_url is None:
            raise SettingError(
                "DATABASE_URL and REDIS_URL are missing; `tandem serve` starts engines of its own"
            )
        await db.connect(config.database_url)
        await queue.connect(config.redis_url)
        try:
            yield
        finally:
            await queue.close()
            await db.close()

    return connected  # type: ignore[return-value]


@get("/healthz", opt=policy("public"), media_type=MediaType.TEXT)
async def health() -> str:
    """For load balancers: the process answers and its database does."""
    await db.fetchval("SELECT 1")
    return "ok"


@post("/csp-reports", opt=policy("public", form_token=False), status_code=204)
async def csp_report(request: Request[Any, Any, Any]) -> None:
    """Browsers tell here what the Content-Security-Policy stopped."""
    body = await request.body()
    if len(body) > 8192:
        raise Malformed("A report is at most 8 KiB.")
    logs.csp_reported(body)
