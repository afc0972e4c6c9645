"""piccolo-admin sees tables only through these: each query is cut to the programs in which the reader has a role.

piccolo-admin knows whole tables and whole users, no rows and no roles. So it gets subclasses of our tables whose
`select`, `count`, `update` … add a WHERE themselves, by what the gate (admin_gate.py) put into `reader` for this
request. The rules of who reads and writes what stand here as data.
"""

import copy
import types
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any, TypeVar

from piccolo.columns import Column
from piccolo.table import Table

from app.users.identity import SignedIn, StaffRole

AnyTable = TypeVar("AnyTable", bound=Table)

reader: ContextVar[SignedIn | None] = ContextVar("admin_reader", default=None)
"""Who uses the admin in this request. None: nobody, who sees nothing."""

MANAGER, MARKETER, ACCOUNTANT, DEVELOPER = (
    StaffRole.MANAGER,
    StaffRole.MARKETER,
    StaffRole.ACCOUNTANT,
    StaffRole.DEVELOPER,
)
EVERYBODY = frozenset((MANAGER, MARKETER, ACCOUNTANT, DEVELOPER))
BOOKS = frozenset((ACCOUNTANT, DEVELOPER))
SALES = frozenset((MANAGER, ACCOUNTANT, DEVELOPER))
NOBODY: frozenset[StaffRole] = frozenset()
"""Only an owner, who may everything."""

READERS: dict[str, frozenset[StaffRole]] = {
    "programs": EVERYBODY,
    "program_terms": SALES,
    "partners": SALES,
    "partner_level_changes": SALES,
    "orders": SALES,
    "order_lines": SALES,
    "order_refunds": SALES,
    "attributions": SALES,
    "commissions": SALES,
    "commission_entries": SALES,
    "payouts": SALES,
    "materials": frozenset((MANAGER, MARKETER, DEVELOPER)),
    "journal_entries": BOOKS,
    "postings": BOOKS,
    "ledger_accounts": BOOKS,
    "ledger_balances": BOOKS,
    "users": NOBODY,
    "user_roles": NOBODY,
    "audit_records": NOBODY,
}

WRITERS: dict[str, frozenset[StaffRole]] = {
    "programs": frozenset((MANAGER,)),
    "partners": frozenset((MANAGER,)),
    "materials": frozenset((MANAGER, MARKETER)),
    "users": NOBODY,
}
"""Tables that may be edited at all. All others only grow by services, and the admin shows them."""

MAKERS: dict[str, frozenset[StaffRole]] = {"materials": frozenset((MANAGER, MARKETER))}
"""Tables in which the admin may make rows. It deletes none: what is no longer wanted is made inactive."""

EDITABLE: dict[str, frozenset[str]] = {
    "programs": frozenset(("name", "home_url", "hosts", "utm", "about_ru", "about_en", "active")),
    "partners": frozenset(("name", "kind")),
    "materials": frozenset(
        ("kind", "title_ru", "title_en", "level", "image", "text", "landing_url", "active", "valid_to")
    ),
    "users": frozenset(("first_name", "last_name", "phone", "locale", "theme", "time_zone", "active")),
}
"""Columns that may be changed. A partner's level, state and rates have a history, so they go through the desk."""

_NO_ROW = [-1]


def programs_of(user: SignedIn | None, roles: frozenset[StaffRole]) -> frozenset[int] | None:
    """Programs in which the user has one of `roles` or is owner; None: in all."""
    if user is None:
        return frozenset()
    allowed = roles | {StaffRole.OWNER}
    held = [grant.program_id for grant in user.grants if grant.role in allowed]
    if None in held:
        return None
    return frozenset(program_id for program_id in held if program_id is not None)


def may(user: SignedIn | None, table: str, rules: dict[str, frozenset[StaffRole]]) -> bool:
    """True when the user may, in some program at least. A table without a rule is closed to everybody."""
    if table not in rules:
        return False
    programs = programs_of(user, rules[table])
    return programs is None or bool(programs)


def scoped(table: type[AnyTable], program: str, *, hidden: Sequence[str] = ()) -> type[AnyTable]:
    """A subclass of `table` whose queries are cut to the reader's programs.

    `program` is the path to the column with the program's id, such as `order_id.program`; empty: for owners of all
    programs only. `hidden` columns are never read: sealed details, digests.
    """
    name = table._meta.tablename

    def within() -> Any:
        allowed = programs_of(reader.get(), READERS[name])
        if allowed is None:
            return None
        column: Any = made
        for part in program.split(".") if program else ["id"]:
            column = getattr(column, part)
        return column.is_in(sorted(allowed) if allowed and program else _NO_ROW)

    def cut(method: str) -> Any:
        plain = getattr(table, method).__func__

        def query(cls: type[Table], *values: Any, **options: Any) -> Any:
            found, clause = plain(cls, *values, **options), within()
            return found if clause is None else found.where(clause)

        return classmethod(query)

    def body(namespace: dict[str, Any]) -> None:
        namespace["__doc__"] = table.__doc__
        for column in table._meta.foreign_key_columns:
            # Where a key is called `program` here and `program_id` there, piccolo-admin mixes the two up.
            renamed = copy.deepcopy(column)
            namespace[column._meta.name] = None
            namespace[column._meta.db_column_name] = renamed
        for method in ("select", "objects", "count", "exists", "update", "delete"):
            namespace[method] = cut(method)

    made: type[AnyTable] = types.new_class(table.__name__, (table,), {"tablename": name}, body)
    for column in hidden:
        _column(made, column)._meta.secret = True
        # piccolo-admin lets its readers filter by any column that is not in here.
        made._meta.secret_columns.append(_column(made, column))
    return made


def _column(table: type[Table], name: str) -> Column:
    return table._meta.get_column_by_name(name)
