"""The desk's terms: versions, their files, and a new version by file or in the form."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath

from app import clock
from app.errors import DomainError
from app.programs import drafts, queries, service
from app.rules.terms_document import read_toml
from app.rules.terms_messages import TermsError
from app.rules.terms_toml import dump_toml
from app.staff.shell import desk_shell
from app.ui.forms import YEARS, Form
from app.ui.i18n import gettext as _
from app.ui.paging import number_in
from app.ui.render import render, see_other
from app.users.identity import StaffRole, program_of, signed_in_user
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]
MAX_DOCUMENT = 200_000


@dataclass(frozen=True, slots=True)
class TermsRow:
    """One version in the list."""

    version: int
    state: str
    """future, current or past."""
    valid_from: datetime
    published_by: str
    note: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake of a document."""

    path: str
    text: str


@get("/desk/terms", opt=policy("manager", "developer"))
async def show_terms(request: AnyRequest) -> Response[str]:
    """All versions, and a form that begins with the newest."""
    return await _page(request, None, ())


@get("/desk/terms/{name:str}", opt=policy("manager", "developer"))
async def download_terms(request: AnyRequest, name: FromPath[str]) -> Response[str]:
    """One version as the file that `tandem terms apply` takes: `/desk/terms/3.toml`."""
    if name == "draft.toml":
        draft = await drafts.draft_of(program_of(request).id)
        return _file(f"{program_of(request).code}-draft.toml", draft.document)
    number = number_in(name.removesuffix(".toml"), 2**31 - 1)
    found = await queries.terms_version(program_of(request).id, number or 0)
    return _file(f"{program_of(request).code}-{found.number}.toml", found.terms.document)


@post("/desk/terms", opt=policy("manager"), request_max_body_size=512 * 1024)
async def publish_terms(request: AnyRequest) -> Response[str]:
    """Check a document, and publish it unless only a check was asked for."""
    sent = await request.form()
    form = Form(sent)
    uploaded, wrong = await _uploaded(sent.get("file"))
    document = uploaded or form.value("document")
    form = Form({"document": document, **{name: form.value(name) for name in ("note", "valid_from")}})
    if wrong:
        form.fail("file", wrong)
    note = form.text("note", required=False, max_length=300)
    moment = moment_typed(form, program_of(request).zone)
    if form.errors:
        return await _page(request, form, (), status=422)
    try:
        read = read_toml(document)
        if sent.get("do") == "check":
            service.checked(read)
            return await _page(request, form, (), checked=True)
        await service.publish_terms(
            program_of(request).id, read, from_moment=moment, author_id=signed_in_user(request).id, note=note
        )
    except (TermsError, DomainError) as error:
        return await _page(request, form, _problems(error, form), status=422)
    return see_other(request, "/desk/terms", flash="terms_published")


ROUTES = [show_terms, download_terms, publish_terms]


def _file(name: str, document: Mapping[str, Any]) -> Response[str]:
    return Response(
        dump_toml(document),
        media_type="application/toml; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _page(
    request: AnyRequest,
    form: Form | None,
    problems: tuple[Problem, ...],
    *,
    status: int = 200,
    checked: bool = False,
) -> Response[str]:
    program = program_of(request)
    versions = await queries.terms_versions(program.id)
    current = max((one.number for one in versions if one.in_force_from <= clock.now()), default=0)
    rows = [
        TermsRow(
            version=one.number,
            state="current" if one.number == current else "past" if one.number < current else "future",
            valid_from=one.in_force_from,
            published_by=one.author,
            note=one.note,
        )
        for one in reversed(versions)
    ]
    newest = versions[-1]
    return render(
        request,
        "staff/terms.html",
        status=status,
        shell=await desk_shell(request),
        versions=rows,
        form=form or Form.blank(document=dump_toml(newest.terms.document)),
        problems=problems,
        checked=checked,
        may_publish=signed_in_user(request).may(program.id, StaffRole.MANAGER),
        current_version=newest.number,
        draft_begun=(await drafts.draft_of(program.id)).begun,
    )


async def _uploaded(file: object) -> tuple[str, str]:
    """The text of an uploaded document and what is wrong with it; both empty when no file was chosen."""
    if not isinstance(file, UploadFile) or not file.filename:
        return "", ""
    raw = await file.read(MAX_DOCUMENT + 1)
    if len(raw) > MAX_DOCUMENT:
        return "", _("The file is too large for a document of terms.")
    try:
        return raw.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        return "", _("The file is not a text in UTF-8.")


def moment_typed(form: Form, zone: str) -> datetime | None:
    """When the version begins; None: at once. The field holds the program's local time."""
    typed = form.text("valid_from", required=False, max_length=30)
    if not typed:
        return None
    try:
        moment = datetime.fromisoformat(typed)
    except ValueError:
        form.fail("valid_from", _("Enter a date and time such as 2026-11-22 09:00."))
        return None
    if not YEARS[0] <= moment.year <= YEARS[1]:
        form.fail("valid_from", _("Enter a date and time such as 2026-11-22 09:00."))
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))
    if moment < clock.now():
        form.fail("valid_from", _("New terms begin now or later: earlier orders stay as they were judged."))
    return moment


def _problems(error: TermsError | DomainError, form: Form) -> tuple[Problem, ...]:
    if isinstance(error, TermsError):
        error = service.terms_refused(error)
    if not error.fields:
        form.fail_with(error, "valid_from")
    return tuple(Problem(one.pointer, _(one.detail)) for one in error.fields)
