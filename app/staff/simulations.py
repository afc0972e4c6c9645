"""The desk's simulations of terms: asked for from the draft, their progress, their results, the partners as CSV."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Request, Response, get, post
from litestar.params import FromPath

from app import clock
from app.commissions import simulation_jobs
from app.errors import NotFound
from app.programs import drafts, service
from app.programs.queries import terms_in_force
from app.programs.terms_differences import told_difference
from app.staff.shell import desk_shell
from app.ui.forms import Form
from app.ui.i18n import gettext as _
from app.ui.render import render, see_other
from app.ui.spreadsheet import amount, csv_response
from app.users.identity import program_of, signed_in_user
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]
SHOWN = 50


@get("/desk/terms/simulations", opt=policy("manager"))
async def show_simulations(request: AnyRequest) -> Response[str]:
    """The last simulations, and the form that asks for another."""
    return await _list(request, _blank(program_of(request).zone))


@post("/desk/terms/simulations", opt=policy("manager"), status_code=303)
async def ask(request: AnyRequest) -> Response[str]:
    """Have the draft as it is stored now tried on history."""
    program = program_of(request)
    form = Form(await request.form())
    start, end = form.day("from"), form.day("to")
    note = form.text("note", required=False, max_length=300)
    if start is not None and end is not None and end < start:
        form.fail("to", _("The last day is before the first one."))
    terms = service.checked((await drafts.draft_of(program.id)).document) if not form.errors else None
    if start is None or end is None or terms is None:
        return await _list(request, form, status=422)
    zone = ZoneInfo(program.zone)
    simulation_id = await simulation_jobs.ask(
        program.id,
        terms,
        datetime.combine(start, time(), zone).astimezone(UTC),
        datetime.combine(end + timedelta(days=1), time(), zone).astimezone(UTC),
        author_id=signed_in_user(request).id,
        note=note,
    )
    return see_other(request, f"/desk/terms/simulations/{simulation_id}")


@get("/desk/terms/simulations/{simulation_id:int}", opt=policy("manager"))
async def show_simulation(request: AnyRequest, simulation_id: FromPath[int]) -> Response[str]:
    """How far it is, or what came out."""
    program = program_of(request)
    found = await _found(program.id, simulation_id)
    present = await terms_in_force(program.id)
    return render(
        request,
        "staff/simulation.html",
        block="result",
        shell=await desk_shell(request),
        simulation=found,
        shown=SHOWN,
        told=told_difference(present.terms.document, found.document),
        present=present.number,
    )


@get("/desk/terms/simulations/{simulation_id:int}/partners.csv", opt=policy("manager"))
async def download_partners(request: AnyRequest, simulation_id: FromPath[int]) -> Response[bytes]:
    """All partners of a result."""
    found = await _found(program_of(request).id, simulation_id)
    if found.result is None:
        raise NotFound("The simulation has no result yet.")
    currency = found.result.currency
    headings = [_("Code"), _("Partner"), _("Booked"), _("By the draft"), _("Difference"), _("Orders"), _("Level"), _("Level by the draft")]  # fmt: skip
    rows = [
        (one.code, one.name, amount(one.now_minor, currency), amount(one.then_minor, currency), amount(one.delta_minor, currency), one.orders, one.level_now, one.level_then)
        for one in found.result.partners
    ]  # fmt: skip
    return csv_response(f"simulation-{simulation_id}.csv", headings, rows)


ROUTES = [show_simulations, ask, show_simulation, download_partners]


async def _found(program_id: int, simulation_id: int) -> simulation_jobs.Simulation:
    return await simulation_jobs.simulation(program_id, simulation_id)


def _blank(zone: str) -> Form:
    """The last full year up to today."""
    today = clock.now().astimezone(ZoneInfo(zone)).date()
    return Form.blank(**{"from": (today - timedelta(days=365)).isoformat(), "to": today.isoformat()})


async def _list(request: AnyRequest, form: Form, *, status: int = 200) -> Response[str]:
    return render(
        request,
        "staff/simulations.html",
        status=status,
        shell=await desk_shell(request),
        simulations=await simulation_jobs.simulations(program_of(request).id),
        form=form,
    )
