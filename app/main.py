"""The only wiring: `create_app()` makes the portal, `create_asgi()` puts the click endpoints in front of it.

create_asgi()           what servers run: /r/… and /t/… go straight to tracking, all else to
  Edge                  request id, hosts, security headers
    SessionMiddleware   user, program, language, CSRF token
      Litestar          policies, routes, one error handler
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from litestar import Litestar, MediaType, Request, asgi, get, post
from litestar.enums import ScopeType
from litestar.handlers.base import BaseRouteHandler
from litestar.static_files import create_static_files_router
from litestar.types import ASGIApp, ControllerRouterHandler, Receive, Scope, Send

from app import db, logs, queue
from app.cashback import pages as cashback
from app.commissions import pages as commissions
from app.config import SettingError, Settings, settings
from app.demo import pages as demo
from app.edge import Edge
from app.errors import Malformed
from app.materials import pages as materials
from app.notices import pages as notices
from app.partners import pages as partners
from app.partners.membership import active_programs, memberships_of
from app.payouts import pages as payouts
from app.programs import pages as programs
from app.reports import pages as reports
from app.shops import api as shops
from app.shops.http import check_key
from app.staff import pages as staff
from app.staff.admin import admin_app
from app.tracking import pages as tracking
from app.tracking.api import click_app
from app.ui import error_pages, render
from app.users import pages as users
from app.users.identity import AnyConnection, Lookups, StaffRole
from app.users.middleware import SessionMiddleware
from app.users.policy import check_ids, check_routes, guard, policy, policy_of

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
        guards=[let_in],
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


async def let_in(connection: AnyConnection, handler: BaseRouteHandler) -> None:
    """The one guard of all routes: a shop's key where the route asks for one, else the user's session.

    One and not two: the framework copies the handler for each guard of each request.
    """
    declared = policy_of(handler)
    check_ids(connection)
    if declared is not None and declared.kind == "api_key":
        await check_key(connection, declared.scope)
    else:
        await guard(connection, handler)


def create_asgi(config: Settings | None = None) -> ASGIApp:
    """What servers run. A click never enters the framework: its middleware would cost more than the click."""
    app = create_app(config)

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and scope["path"].startswith(CLICK_PATHS):
            await click_app(scope, receive, send)
        else:
            await app(scope, receive, send)

    return dispatch


def _routes(config: Settings) -> list[ControllerRouterHandler]:
    """All routes of the slices. A new slice with pages is one line here."""
    return [
        *users.ROUTES,
        *programs.ROUTES,
        *partners.ROUTES,
        *notices.ROUTES(config),
        *tracking.ROUTES,
        *materials.ROUTES,
        *cashback.ROUTES,
        *commissions.ROUTES,
        *payouts.ROUTES,
        *reports.ROUTES,
        *staff.ROUTES,
        *shops.ROUTES,
        *demo.ROUTES(config),
        _admin_mount(admin_app(config)),
    ]


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
