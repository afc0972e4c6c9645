"""The desk's page of one version of the terms: who, when, from when, and what it changed."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from app import clock
from app.errors import NotFound
from app.programs import queries, service
from app.programs.terms_differences import told_difference
from app.rules import terms_words as words
from app.rules.terms_shape import SHAPE
from app.staff.shell import desk_shell
from app.ui.filters import money
from app.ui.i18n import locale
from app.ui.render import render, see_other
from app.users.identity import StaffRole, program_of, signed_in_user
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]
NUMBER_MAX = 2**31 - 1


@get("/desk/terms/versions/{number:int}", opt=policy("manager", "developer"))
async def show_version(request: AnyRequest, number: FromPath[int]) -> Response[str]:
    """What a version says, and how it differs from the one before or from `?with=`."""
    program = program_of(request)
    found = await _version(program.id, number)
    versions = await queries.terms_versions(program.id)
    asked = request.query_params.get("with", "")
    other = int(asked) if asked.isdecimal() and len(asked) < 10 else number - 1
    before = next((one for one in versions if one.number == other), None)
    newest = versions[-1]
    return render(
        request,
        "staff/terms_version.html",
        shell=await desk_shell(request),
        version=found,
        others=[one.number for one in versions if one.number != number],
        before=before,
        told=told_difference(before.terms.document, found.terms.document) if before is not None else {},
        said=_said(found.terms.document),
        may_withdraw=newest.number == number
        and number > 1
        and found.in_force_from > clock.now()
        and signed_in_user(request).may(program.id, StaffRole.MANAGER),
    )


@post("/desk/terms/versions/{number:int}/withdraw", opt=policy("manager"), status_code=303)
async def withdraw(request: AnyRequest, number: FromPath[int]) -> Response[str]:
    """Have a version that is not in force yet never come into force."""
    program = program_of(request)
    await _version(program.id, number)
    await service.withdraw_scheduled(program.id, number, author_id=signed_in_user(request).id)
    return see_other(request, "/desk/terms", flash="terms_withdrawn")


ROUTES = [show_version, withdraw]


async def _version(program_id: int, number: int) -> queries.PublishedTerms:
    if not 0 < number <= NUMBER_MAX:
        raise NotFound("There is no such version of the terms.")
    return await queries.terms_version(program_id, number)


def _said(document: dict[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """The whole document in words: section by section, name and value."""

    def value(path: str, one: Any, item: dict[str, Any] | None = None) -> str:
        amount = lambda minor: money(minor, document["currency"])  # noqa: E731 - a formatter, not a function of its own
        return words.shown(path, one, document, locale(), amount, item)

    sections = []
    for key in SHAPE.keys:
        if key not in document:
            continue
        found = document[key]
        if isinstance(found, dict):
            rows = _rows(key, found, value)
        elif isinstance(found, list):
            rows = [
                (
                    str(one.get("code", place)),
                    "; ".join(f"{name}: {text}" for name, text in _rows(f"{key}[]", one, value)),
                )
                for place, one in enumerate(found, start=1)
            ]
        else:
            rows = [(words.label(key, locale()), value(key, found))]
        sections.append((words.label(key, locale()), rows))
    return sections


def _rows(path: str, table: dict[str, Any], value: Any) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, one in table.items():
        inner = f"{path}.{key}"
        if isinstance(one, list) and one and isinstance(one[0], dict):
            rows.extend(
                (
                    item["code"],
                    "; ".join(f"{name}: {text}" for name, text in _rows(f"{inner}[]", item, value)),
                )
                for item in one
            )
        elif key != "code" and one not in ([], {}):
            rows.append((words.label(inner, locale()), value(inner, one, table)))
    return rows
