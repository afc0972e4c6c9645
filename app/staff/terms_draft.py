"""The desk's draft of the next terms: forms section by section, what would change, publish.

Two people may edit at once: every form carries the revision it was made from, and a save of an older one comes back
as 409 with both, what is stored and what was typed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from app.errors import Conflict, DomainError, NotFound
from app.programs import drafts, queries
from app.programs.drafts import Draft
from app.programs.terms_differences import told_difference
from app.rules import terms_words as words
from app.rules.terms_document import complete_document, parse_terms
from app.rules.terms_messages import TermsError, TermsProblem
from app.staff.shell import desk_shell
from app.staff.terms import moment_typed
from app.staff.terms_fields import SECTIONS, Typed, section_groups, typed_from
from app.staff.terms_reading import change_rows, read_section, section_of, typed_of
from app.ui.forms import Form
from app.ui.i18n import gettext as _
from app.ui.i18n import locale
from app.ui.render import render, see_other
from app.users.identity import program_of, signed_in_user
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]
MAX_BODY = 512 * 1024


@dataclass(frozen=True, slots=True)
class SectionRow:
    """One section in the list."""

    key: str
    title: str
    hint: str
    changes: int
    problems: int


@dataclass(frozen=True, slots=True)
class DraftProblem:
    """What keeps the draft from being published."""

    path: str
    text: str
    section: str
    """The page where it is mended; empty: none."""


@get("/desk/terms/draft", opt=policy("manager"))
async def show_draft(request: AnyRequest) -> Response[str]:
    """The sections, what would change, and the form that publishes."""
    return await _overview(request, Form.blank())


@get("/desk/terms/draft/{section:str}", opt=policy("manager"))
async def show_section(request: AnyRequest, section: FromPath[str]) -> Response[str]:
    """One section as a form."""
    draft = await drafts.draft_of(program_of(request).id)
    return await _section(request, _known(section), draft, typed_from(_known(section), draft.document))


@post("/desk/terms/draft/{section:str}", opt=policy("manager"), request_max_body_size=MAX_BODY)
async def save_section(request: AnyRequest, section: FromPath[str]) -> Response[str]:
    """Save a section, or only add, remove or move a row of it."""
    _known(section)
    program = program_of(request)
    sent = await request.form()
    draft = await drafts.draft_of(program.id)
    typed, action = typed_of(sent), str(sent.get("do") or "save")
    if action != "save":
        typed = change_rows(typed, action, draft.document)
        return await _section(request, section, draft, typed, revision=str(sent.get("revision") or ""))
    form = Form({**typed, "revision": str(sent.get("revision") or "")})
    revision = form.integer("revision", minimum=0, maximum=2**31 - 1)
    values = read_section(section, form, draft.document)
    if form.errors:
        return await _section(request, section, draft, typed, form=form, revision=str(revision))
    try:
        await drafts.save_sections(
            program.id, values, revision=revision, author_id=signed_in_user(request).id
        )
    except Conflict:
        draft = await drafts.draft_of(program.id)
        mine = {key: one for key, one in {**draft.document, **values}.items() if one is not None}
        return await _section(request, section, draft, typed, conflict=told_difference(draft.document, mine))
    return see_other(request, "/desk/terms/draft", flash="terms_draft_saved")


@post("/desk/terms/draft", opt=policy("manager"))
async def act_on_draft(request: AnyRequest) -> Response[str]:
    """Publish, lay over the newest version, or throw away."""
    program, user = program_of(request), signed_in_user(request)
    form = Form(await request.form())
    revision = form.integer("revision", minimum=0, maximum=2**31 - 1)
    note = form.text("note", required=False, max_length=300)
    moment = moment_typed(form, program.zone)
    action = form.one_of("do", ("publish", "rebase", "discard"))
    if form.errors:
        return await _overview(request, form, status=422)
    try:
        if action == "discard":
            await drafts.discard(program.id, revision=revision, author_id=user.id)
            return see_other(request, "/desk/terms", flash="terms_draft_discarded")
        if action == "rebase":
            await drafts.rebase(program.id, revision=revision, author_id=user.id)
            return see_other(request, "/desk/terms/draft", flash="terms_draft_saved")
        await drafts.publish_draft(
            program.id, revision=revision, from_moment=moment, author_id=user.id, note=note
        )
    except DomainError as error:
        if not error.fields:
            form.fail_with(error, "valid_from" if error.code == "terms_in_the_past" else "")
        else:
            form.fail("", _("The draft cannot be published: see what is wrong below."))
        return await _overview(request, form, status=error.status)
    return see_other(request, "/desk/terms", flash="terms_published")


ROUTES = [show_draft, show_section, save_section, act_on_draft]


def problems_of(document: dict[str, Any]) -> list[DraftProblem]:
    """What is wrong with a draft as a whole, each with the section where it is mended."""
    found: Sequence[TermsProblem] = ()
    try:
        parse_terms(document)
    except TermsError as error:
        found = error.problems
    return [DraftProblem(one.path, one.message(locale()), section_of(one.path)) for one in found]


async def _overview(request: AnyRequest, form: Form, *, status: int = 200) -> Response[str]:
    program = program_of(request)
    draft = await drafts.draft_of(program.id)
    newest = await queries.latest_terms(program.id)
    assert newest is not None, "a draft is begun from a version"
    problems = problems_of(draft.document)
    told = told_difference(newest.terms.document, _whole(draft.document))
    changed = {title: len(sentences) for title, sentences in told.items()}
    rows = [
        SectionRow(
            section,
            words.label(section, locale()),
            words.help_text(section, locale()),
            sum(changed.get(words.label(key, locale()), 0) for key in keys),
            sum(one.section == section for one in problems),
        )
        for section, keys in SECTIONS.items()
    ]
    return render(
        request,
        "staff/terms_draft.html",
        status=status,
        shell=await desk_shell(request),
        draft=draft,
        newest=newest.number,
        rows=rows,
        told=told,
        problems=problems,
        form=form,
        currency=draft.document["currency"],
        zone=draft.document["time_zone"],
    )


def _whole(document: dict[str, Any]) -> dict[str, Any]:
    """The draft in its canonical form where it has one."""
    try:
        return complete_document(document)
    except TermsError:
        return document


async def _section(
    request: AnyRequest,
    section: str,
    draft: Draft,
    typed: Typed,
    *,
    form: Form | None = None,
    revision: str = "",
    conflict: dict[str, list[str]] | None = None,
) -> Response[str]:
    status = 409 if conflict is not None else 422 if form is not None else 200
    return render(
        request,
        "staff/terms_section.html",
        status=status,
        shell=await desk_shell(request),
        section=section,
        title=words.label(section, locale()),
        groups=section_groups(section, typed, draft.document),
        form=form or Form(typed),
        draft=draft,
        revision=revision or draft.revision,
        conflict=conflict,
        sections=[(key, words.label(key, locale())) for key in SECTIONS],
    )


def _known(section: str) -> str:
    if section not in SECTIONS:
        raise NotFound("There is no such section of the terms.")
    return section
