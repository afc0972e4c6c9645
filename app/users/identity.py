"""Who asks: the user, his session, his roles and memberships, as the session middleware puts them on a request.

user_of(request)      the signed-in user, or None
partner_of(request)   his membership in the program at hand; refuses when there is none
program_of(request)   the program at hand; refuses when there is none
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from litestar.connection import ASGIConnection

from app.errors import Forbidden, NotFound

AnyConnection = ASGIConnection[Any, Any, Any, Any]


class StaffRole(StrEnum):
    """What a member of staff may do; `owner` may do everything."""

    MANAGER = "manager"
    """Applications, partners, orders, terms."""
    MARKETER = "marketer"
    """Materials."""
    ACCOUNTANT = "accountant"
    """Payouts and the books."""
    DEVELOPER = "developer"
    """API keys and webhooks; reads everything."""
    OWNER = "owner"
    """Everything, users and roles included."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A role for one program, or for every program (`program_id` None)."""

    role: StaffRole
    program_id: int | None


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser."""

    id: int
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The user of a session."""

    id: int
    email: str
    name: str
    locale: str
    theme: str
    time_zone: str
    """IANA name; empty: the program's."""
    email_confirmed: bool
    grants: tuple[Grant, ...] = ()

    @property
    def is_staff(self) -> bool:
        return bool(self.grants)

    def roles_in(self, program_id: int | None) -> frozenset[StaffRole]:
        """Roles that hold for `program_id`; with None, those that hold for every program."""
        return frozenset(grant.role for grant in self.grants if grant.program_id in (None, program_id))

    def may(self, program_id: int | None, *roles: StaffRole) -> bool:
        """True when one of `roles`, or owner, holds for the program."""
        held = self.roles_in(program_id)
        return StaffRole.OWNER in held or not held.isdisjoint(roles)


@dataclass(frozen=True, slots=True)
class ProgramRef:
    """The program at hand, as far as every page needs it."""

    id: int
    code: str
    name: str
    currency: str
    zone: str


@dataclass(frozen=True, slots=True)
class Membership:
    """A user's membership in one program."""

    partner_id: int
    program: ProgramRef
    code: str
    name: str
    state: str
    """applied, active, inactive, rejected or closed."""
    level: str


@dataclass(frozen=True, slots=True)
class Lookups:
    """What the middleware asks of higher slices; `app/main.py` hands it in, since users know nothing of partners."""

    memberships: Callable[[int], Awaitable[tuple[Membership, ...]]]
    """All memberships of a user, active ones first."""
    programs: Callable[[], Awaitable[tuple[ProgramRef, ...]]]
    """All active programs, oldest first."""


def user_of(connection: AnyConnection) -> SignedIn | None:
    """The signed-in user; None: nobody."""
    found = connection.scope.get("user")
    return found if isinstance(found, SignedIn) else None


def signed_in_user(connection: AnyConnection) -> SignedIn:
    """The user on a route whose policy lets nobody else in."""
    found = user_of(connection)
    assert found is not None, "the route's policy must not let anonymous visitors in"
    return found


def partner_of(connection: AnyConnection) -> Membership:
    """The user's membership in the program at hand."""
    found = connection.scope["state"].get("partner")
    if not isinstance(found, Membership):
        raise Forbidden("This page is for partners of the program.")
    return found


def program_of(connection: AnyConnection) -> ProgramRef:
    """The program at hand: chosen by `?program=` or the cookie of that name, else the first one."""
    found = connection.scope["state"].get("program")
    if not isinstance(found, ProgramRef):
        raise NotFound("There is no program yet.")
    return found


def session_of(connection: AnyConnection) -> Session | None:
    """The session of the request; None: nobody is signed in."""
    found = connection.scope["state"].get("session")
    return found if isinstance(found, Session) else None


def request_id_of(connection: AnyConnection) -> str:
    """The id that the answer carries and the log shows; empty outside a request."""
    return str(connection.scope.get("state", {}).get("request_id", ""))
