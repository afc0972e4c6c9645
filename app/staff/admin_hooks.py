"""What happens when somebody saves a row in piccolo-admin: what he typed is checked, and the edit is audited.

Refusals are HTTP 422 with a sentence, which piccolo-admin shows over the form. Everything of one save is one
transaction, opened by the gate.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import HTTPException
from piccolo.columns import Column
from piccolo.table import Table
from piccolo_api.crud.hooks import Hook, HookType
from starlette.requests import Request

from app import clock
from app.programs.queries import latest_terms, program_by_id
from app.staff import admin_scope
from app.staff.admin_images import size_of
from app.ui.i18n import gettext as _
from app.users import audit, sessions

Values = dict[Column, Any]


def refuse(message: str) -> HTTPException:
    """A refusal that the admin shows over its form."""
    return HTTPException(status_code=422, detail=message)


def edit_hooks(table: type[Table], check: Callable[..., Any] | None = None) -> list[Hook]:
    """Hooks for a table whose rows may be edited: only some columns, checked, audited."""
    name = table._meta.tablename

    async def before_patch(row_id: Any, values: Values, request: Request) -> Values:
        values = {column: _not_null(column, value) for column, value in values.items()}
        before = await table.select().where(table._meta.primary_key == row_id).first()
        if before is None:
            raise refuse(_("There is nothing here."))
        changed = {column: value for column, value in values.items() if before[column._meta.name] != value}
        closed = sorted(
            column._meta.name for column in changed if column._meta.name not in admin_scope.EDITABLE[name]
        )
        if closed:
            raise refuse(_("These fields cannot be changed here: %(fields)s.", fields=", ".join(closed)))
        _check_program(row_id if name == "programs" else before.get("program_id"), name)
        if check is not None:
            after = before | {column._meta.name: value for column, value in changed.items()}
            changed |= {getattr(table, key): value for key, value in (await check(after)).items()}
        await _audited(f"{name}.edited", f"{name}:{row_id}", before.get("program_id"), changed)
        if name == "users" and changed.get(table._meta.get_column_by_name("active")) is False:
            await sessions.revoke_all_in_transaction(int(row_id))
        # An empty UPDATE is no SQL, so at least one column is written again.
        return changed or {table._meta.primary_key: row_id}

    async def before_save(row: Table, request: Request) -> Table:
        for column in table._meta.columns:
            setattr(row, column._meta.name, _not_null(column, getattr(row, column._meta.name)))
        values = {column._meta.name: getattr(row, column._meta.name) for column in table._meta.columns}
        _check_program(values.get("program_id"), name)
        if check is not None:
            for key, value in (await check(values)).items():
                setattr(row, key, value)
        await _audited(f"{name}.made", name, values.get("program_id"), {})
        return row

    return [Hook(HookType.pre_patch, before_patch), Hook(HookType.pre_save, before_save)]


def _not_null(column: Column, value: Any) -> Any:
    """An empty field comes as null; a column that takes none holds its default instead."""
    return column.get_default_value() if value is None and not column._meta.null else value


def _check_program(program_id: int | None, table: str) -> None:
    """The reader may write in this row's program: his role may hold for another one only."""
    allowed = admin_scope.programs_of(admin_scope.reader.get(), admin_scope.WRITERS[table])
    if allowed is not None and program_id not in allowed:
        raise refuse(_("Your role does not allow this in that program."))


async def _audited(action: str, subject: str, program_id: int | None, changed: Mapping[Column, Any]) -> None:
    user = admin_scope.reader.get()
    assert user is not None, "the gate lets nobody in who is not signed in"
    names = ", ".join(sorted(column._meta.name for column in changed))
    await audit.write_in_transaction(
        action, subject, program_id=program_id, user_id=user.id, reason=names and f"changed: {names}"
    )


def material_check(media_dir: Path) -> Callable[[Mapping[str, Any]], Any]:
    """The check of a material as it would be saved; what it adds: picture's size, level's spelling, moment."""

    async def check(values: Mapping[str, Any]) -> dict[str, Any]:
        if values.get("program_id") is None:
            raise refuse(_("Choose the program."))
        for key in ("title_ru", "title_en"):
            if not str(values.get(key) or "").strip():
                raise refuse(_("Give it a name in both languages."))
        found: dict[str, Any] = {"level": await _level(values["program_id"], str(values.get("level") or ""))}
        await _check_landing(values["program_id"], str(values.get("landing_url") or ""))
        found |= _content(media_dir, values)
        if values.get("created_at") is None:
            found["created_at"] = clock.now()
        return found

    return check


async def _level(program_id: int, typed: str) -> str:
    """The level's code, however its code or name was typed."""
    wanted = typed.strip().casefold()
    if not wanted:
        return ""
    terms = await latest_terms(program_id)
    levels = terms.terms.levels if terms is not None else ()
    for level in levels:
        if wanted in {level.code.casefold(), *(name.casefold() for name in level.name.values())}:
            return level.code
    known = ", ".join(level.code for level in levels)
    raise refuse(_("There is no such level. The program has these: %(levels)s.", levels=known))


async def _check_landing(program_id: int, url: str) -> None:
    if not url:
        return
    parts = urlsplit(url)
    hosts = (await program_by_id(program_id)).hosts
    if parts.scheme not in ("http", "https") or parts.netloc.lower() not in hosts:
        raise refuse(_("Only pages of these sites can be used: %(hosts)s.", hosts=", ".join(hosts)))


def _content(media_dir: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    image, text = str(values.get("image") or ""), str(values.get("text") or "")
    if values.get("kind") == "banner":
        size = size_of(media_dir, image)
        if size is None:
            raise refuse(_("A banner needs a picture: upload one."))
        return {"width": size[0], "height": size[1]}
    if values.get("kind") == "text":
        if not text.strip():
            raise refuse(_("A text material needs its text."))
        return {"width": 0, "height": 0}
    raise refuse(_("The kind is banner or text."))


async def program_check(values: Mapping[str, Any]) -> dict[str, Any]:
    """A program as it would be saved: its home page is on one of its hosts."""
    hosts = [str(host).strip().lower() for host in values.get("hosts") or [] if str(host).strip()]
    if not hosts or any("/" in host or " " in host for host in hosts):
        raise refuse(_("Hosts look like shop.example, without https:// and without a path."))
    parts = urlsplit(str(values.get("home_url") or ""))
    if parts.scheme not in ("http", "https") or parts.netloc.lower() not in hosts:
        raise refuse(_("The home page must be on one of the program's hosts."))
    if not str(values.get("name") or "").strip():
        raise refuse(_("Give it a name."))
    return {"hosts": hosts}


async def partner_check(values: Mapping[str, Any]) -> dict[str, Any]:
    """A partner as he would be saved."""
    if not str(values.get("name") or "").strip():
        raise refuse(_("Give it a name."))
    if values.get("kind") not in ("person", "self_employed", "sole_trader", "company"):
        raise refuse(_("The kind is person, self_employed, sole_trader or company."))
    return {}


async def user_check(values: Mapping[str, Any]) -> dict[str, Any]:
    """A user as he would be saved; nobody can lock himself out."""
    reader = admin_scope.reader.get()
    if reader is not None and values["id"] == reader.id and not values["active"]:
        raise refuse(_("You cannot switch yourself off."))
    if values["locale"] not in ("ru", "en") or values["theme"] not in ("auto", "light", "dark"):
        raise refuse(_("The language is ru or en, the theme auto, light or dark."))
    return {}
