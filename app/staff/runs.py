"""The desk's pages of periodic calculation: start a run, see how far it is, pause and go on; what partners are paid."""

import secrets
from datetime import datetime
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from app.commissions import run_queries as queries
from app.commissions.runs import ACTIONS, STEP, STEP_MAX, NewRun, pause_run, resume_run, start_run
from app.commissions.schedules import set_schedule
from app.errors import DomainError
from app.staff.partner_actions import PARTNER_ACTIONS, act
from app.staff.shell import desk_shell
from app.ui.forms import Form
from app.ui.i18n import gettext as _
from app.ui.i18n import zone_named
from app.ui.paging import Cursor, number_in
from app.ui.render import render, see_other
from app.users.identity import StaffRole, program_of, signed_in_user
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]
ITEMS_SHOWN = 50


@get("/desk/runs", opt=policy("accountant", "manager"))
async def show_runs(request: AnyRequest) -> Response[str]:
    """What waits, all runs, and the forms."""
    return await _page(request)


@post("/desk/runs", opt=policy("accountant"), status_code=303)
async def add_run(request: AnyRequest) -> Response[str]:
    """Start a run; pressing twice is one run."""
    program = program_of(request)
    form = Form(await request.form())
    zone = program.zone
    moments = {name: _moment(form, name, zone) for name in ("from", "to", "plan_from", "plan_to")}
    new = NewRun(
        action=form.one_of("action", ACTIONS),
        from_at=moments["from"],
        to_at=moments["to"],
        plan_from_at=moments["plan_from"],
        plan_to_at=moments["plan_to"],
        step=form.integer("step", minimum=1, maximum=STEP_MAX),
        partner_ids=tuple(await _partners(form, program.id, required=False)),
    )
    token = _token(form)
    run_id = 0
    if not form.errors:
        try:
            run_id = await start_run(program.id, new, action_id=token, author_id=signed_in_user(request).id)
        except DomainError as error:
            form.fail_with(error, "action")
    if form.errors:
        return await _page(request, run_form=form)
    return see_other(request, f"/desk/runs/{run_id}", flash="run_started")


@get("/desk/runs/{run_id:int}", opt=policy("accountant", "manager"))
async def show_run(request: AnyRequest, run_id: FromPath[int]) -> Response[str]:
    """How far a run is, partner by partner; htmx asks for the progress alone."""
    program = program_of(request)
    run = await queries.run(program.id, run_id)
    after = number_in(request.query_params.get("after", "") or "0") or 0
    items = await queries.items(run_id, after=after, size=ITEMS_SHOWN)
    shown = items[:ITEMS_SHOWN]
    more = len(items) > ITEMS_SHOWN
    return render(
        request,
        "staff/run.html",
        block="rows" if after else "progress",
        shell=await desk_shell(request),
        currency=program.currency,
        run=run,
        items=shown,
        next_url=f"/desk/runs/{run_id}?after={shown[-1].id}" if more else None,
        may_act=signed_in_user(request).may(program.id, StaffRole.ACCOUNTANT),
    )


@post("/desk/runs/{run_id:int}/pause", opt=policy("accountant"), status_code=303)
async def pause(request: AnyRequest, run_id: FromPath[int]) -> Response[str]:
    """Stop after the step at hand."""
    await pause_run(program_of(request).id, run_id, author_id=signed_in_user(request).id)
    return see_other(request, f"/desk/runs/{run_id}", flash="run_paused")


@post("/desk/runs/{run_id:int}/resume", opt=policy("accountant"), status_code=303)
async def resume(request: AnyRequest, run_id: FromPath[int]) -> Response[str]:
    """Go on where it stopped."""
    await resume_run(program_of(request).id, run_id, author_id=signed_in_user(request).id)
    return see_other(request, f"/desk/runs/{run_id}", flash="run_resumed")


@post("/desk/runs/partners", opt=policy("accountant"), status_code=303)
async def act_on_partners(request: AnyRequest) -> Response[str]:
    """Release, clear, activate or deactivate chosen partners."""
    program = program_of(request)
    form = Form(await request.form())
    action = form.one_of("partner_action", PARTNER_ACTIONS)
    chosen = await _partners(form, program.id, required=True)
    if not form.errors:
        try:
            await act(program.id, action, chosen, user_id=signed_in_user(request).id)
        except DomainError as error:
            form.fail_with(error, "partner_action")
    if form.errors:
        return await _page(request, partners_form=form)
    return see_other(request, "/desk/runs", flash="partners_done")


@post("/desk/runs/schedule", opt=policy("accountant"), status_code=303)
async def schedule(request: AnyRequest) -> Response[str]:
    """Set or switch off the monthly run."""
    program = program_of(request)
    form = Form(await request.form())
    new = queries.Schedule(
        day=form.integer("day", minimum=1, maximum=28),
        action=form.one_of("schedule_action", ACTIONS),
        step=STEP,
        active=form.checked("active"),
    )
    if not form.errors:
        try:
            await set_schedule(program.id, new, author_id=signed_in_user(request).id)
        except DomainError as error:
            form.fail_with(error, "schedule_action")
    if form.errors:
        return await _page(request, schedule_form=form)
    return see_other(request, "/desk/runs", flash="saved")


async def _page(
    request: AnyRequest,
    *,
    run_form: Form | None = None,
    partners_form: Form | None = None,
    schedule_form: Form | None = None,
) -> Response[str]:
    program = program_of(request)
    found = await queries.runs(program.id, after=Cursor.decode(request.query_params.get("after")))
    known = await queries.schedule(program.id)
    wrong = next((form for form in (run_form, partners_form, schedule_form) if form is not None), None)
    blank = Form.blank(action_id=secrets.token_urlsafe(18), action="reserve", step=STEP)
    scheduled = Form.blank(
        day=known.day if known is not None else 1,
        schedule_action=known.action if known is not None else "reserve",
        active="yes" if known is not None and known.active else "",
    )
    return render(
        request,
        "staff/runs.html",
        block="rows",
        status=200 if wrong is None else 422,
        shell=await desk_shell(request),
        currency=program.currency,
        waiting=await queries.waiting(program.id),
        runs=found.rows,
        next_url=f"/desk/runs?after={found.next_cursor}" if found.next_cursor else None,
        form=run_form or blank,
        partners_form=partners_form or Form.blank(),
        schedule_form=schedule_form or scheduled,
        actions=_actions(),
        partner_actions=_partner_actions(),
        may_act=signed_in_user(request).may(program.id, StaffRole.ACCOUNTANT),
    )


def _actions() -> list[tuple[str, str]]:
    return [
        ("reserve", _("Reserve: pending until the hold is over")),
        ("reserve_and_credit", _("Pay to the partners' internal accounts")),
        ("reserve_and_mark_paid", _("Mark as paid: the money goes outside of the portal")),
    ]


def _partner_actions() -> list[tuple[str, str]]:
    return [
        ("release_paid", _("Pay all that is pending, outside of the portal")),
        ("release_internal", _("Pay all that is pending to the internal account")),
        ("clear_reserved", _("Clear what is reserved: open payouts were paid in cash")),
        ("activate", _("Activate")),
        ("deactivate", _("Deactivate")),
    ]


def _token(form: Form) -> str:
    return form.code("action_id", pattern=r"[\w-]{8,64}", message=_("Open the page anew and try again."))


def _moment(form: Form, name: str, zone: str) -> datetime | None:
    """A moment of the form; without an offset it is the program's local time. None: left empty."""
    typed = form.text(name, required=False, max_length=40)
    if not typed:
        return None
    try:
        moment = datetime.fromisoformat(typed)
    except ValueError:
        form.fail(name, _("Enter a date and time such as 2026-11-22 09:00."))
        return None
    if not 2000 <= moment.year <= 2200:
        form.fail(name, _("Enter a date and time such as 2026-11-22 09:00."))
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone_named(zone))


async def _partners(form: Form, program_id: int, *, required: bool) -> list[int]:
    """Ids of the partners whose codes were typed, in their order; an unknown one is named."""
    typed = form.text("partners", required=required, max_length=2000).replace(",", " ").split()
    known = await queries.partner_ids(program_id, typed)
    unknown = [code for code in typed if code.lower() not in known]
    if unknown:
        form.fail("partners", _("There is no partner with the code %(code)s.", code=unknown[0]))
    return list(dict.fromkeys(known[code.lower()] for code in typed if code.lower() in known))


ROUTES = [show_runs, add_run, act_on_partners, schedule, show_run, pause, resume]
