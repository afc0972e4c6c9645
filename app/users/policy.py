"""One declared policy per route: `@get("/overview", opt=policy("partner"))`.

    policy("public")                    everybody
    policy("signed_in")                 any user
    policy("applicant")                 a membership of the program at hand, in any state
    policy("partner")                   an active membership (an inactive one may look, not act)
    policy("manager", "accountant")     staff with one of these roles, or owner
    policy("api_key", scope="orders")   a program's API key; the guard that reads keys is given by the slice that has them

`guard` is the app's one guard, and `check_routes` refuses to start an app with a route that declares nothing.
A route of another program's or partner's thing answers 404: that is not a matter of policy but of SQL, which always
names the partner or program at hand.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from litestar import Litestar
from litestar.exceptions import ImproperlyConfiguredException
from litestar.handlers.base import BaseRouteHandler
from litestar.routes import ASGIRoute, HTTPRoute

from app.errors import Forbidden, NotFound, Unauthenticated
from app.users import csrf
from app.users.identity import AnyConnection, Membership, StaffRole, user_of

OPT = "policy"
ID_MAX = 2**63 - 1
SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
_KINDS = frozenset(("public", "signed_in", "applicant", "partner", "api_key"))


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may use a route."""

    kind: str
    """public, signed_in, applicant, partner, staff or api_key."""
    roles: frozenset[StaffRole] = frozenset()
    scope: str = ""
    """The scope that an API key needs."""
    form_token: bool = True
    """False: a POST without our CSRF token: one that is nobody's (a browser's report), or a mounted app's own."""


def policy(*allowed: str, scope: str = "", form_token: bool = True) -> dict[str, Policy]:
    """The `opt` of a route: one kind, or the staff roles that may use it. ValueError for an unknown word."""
    if len(allowed) == 1 and allowed[0] in _KINDS:
        return {OPT: Policy(allowed[0], scope=scope, form_token=form_token)}
    if not allowed:
        raise ValueError("a policy names who is allowed")
    return {OPT: Policy("staff", roles=frozenset(StaffRole(role) for role in allowed), form_token=form_token)}


def policy_of(handler: BaseRouteHandler) -> Policy | None:
    """The policy that `handler` declares; None: it forgot."""
    found = handler.opt.get(OPT)
    return found if isinstance(found, Policy) else None


def routes_of(app: Litestar) -> Iterable[tuple[str, str, BaseRouteHandler]]:
    """Path, method and handler of every route; the method of a mounted ASGI app is `*`."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                yield from ((route.path, method, handler) for method in sorted(handler.http_methods))
        elif isinstance(route, ASGIRoute):
            yield route.path, "*", route.route_handler


def check_routes(app: Litestar) -> None:
    """Refuse to start with a route whose policy nobody declared. OPTIONS is answered by the framework itself."""
    bare = sorted(
        f"{method} {path}"
        for path, method, handler in routes_of(app)
        if policy_of(handler) is None and method != "OPTIONS"
    )
    if bare:
        raise ImproperlyConfiguredException(f"routes without a policy: {', '.join(bare)}")


async def guard(connection: AnyConnection, handler: BaseRouteHandler) -> None:
    """Let the request through to `handler`, or refuse it."""
    declared = policy_of(handler)
    if declared is None:
        if connection.scope.get("method") == "OPTIONS":
            return
        raise Forbidden("Nobody may use this address.")
    if declared.kind == "api_key":
        return
    _check(connection, declared)
    if declared.form_token and connection.scope.get("method") not in SAFE_METHODS:
        await csrf.check(connection)


def check_ids(connection: AnyConnection) -> None:
    """A number in an address is a row's id; one that no row can have is asked of no table."""
    for value in connection.path_params.values():
        if isinstance(value, int) and not 0 <= value <= ID_MAX:
            raise NotFound


def _check(connection: AnyConnection, declared: Policy) -> None:
    if declared.kind == "public":
        return
    user = user_of(connection)
    if user is None:
        raise Unauthenticated("Please sign in first.", code="sign_in", sign_in=sign_in_url(connection))
    state: dict[str, Any] = connection.scope["state"]
    if declared.kind == "staff":
        program = state.get("program")
        if not user.may(program.id if program else None, *declared.roles):
            raise Forbidden("Your role does not allow this. Ask the owner of the portal.", code="role")
    elif declared.kind != "signed_in":
        _check_member(state.get("partner"), declared.kind, connection.scope.get("method") in SAFE_METHODS)


def _check_member(member: Membership | None, kind: str, safe: bool) -> None:
    if member is None:
        raise Forbidden("This page is for partners of the program.")
    if kind == "applicant" or member.state == "active" or (member.state == "inactive" and safe):
        return
    if member.state == "inactive":
        raise Forbidden("Your partnership is paused. Write to the manager of the program.", code="inactive")
    if member.state == "applied":
        raise Forbidden("Your application is still on review.", code="on_review")
    raise Forbidden("Your partnership has ended.", code="ended")


def state_path(connection: AnyConnection) -> str:
    """The path as it was asked for; a mounted app's scope has a shorter one."""
    return str(connection.scope["state"].get("path") or connection.scope["path"])


def sign_in_url(connection: AnyConnection) -> str:
    """Where to sign in, and to come back from; only a page that can be opened again is come back to."""
    if connection.scope.get("method") != "GET":
        return "/sign-in"
    query = connection.scope.get("query_string", b"").decode("latin-1")
    return f"/sign-in?next={quote(state_path(connection) + (f'?{query}' if query else ''), safe='/')}"
