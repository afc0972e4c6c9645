"""The desk's applications: read, approve with a level, reject with a reason."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from app.errors import DomainError
from app.partners.applications import reject
from app.programs.queries import terms_in_force
from app.staff import queries, service
from app.staff.shell import desk_shell
from app.ui.filters import percent
from app.ui.forms import Form
from app.ui.i18n import gettext as _
from app.ui.i18n import in_locale
from app.ui.paging import Cursor, page
from app.ui.render import render, see_other
from app.users.identity import program_of, signed_in_user
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]
MANAGER = policy("manager")
STATES = ("submitted", "unconfirmed", "approved", "rejected")


@get("/desk/applications", opt=MANAGER)
async def show_applications(request: AnyRequest) -> Response[str]:
    """Applications in a state, newest first."""
    asked = request.query_params.get("show", "")
    state = asked if asked in STATES else STATES[0]
    after = Cursor.decode(request.query_params.get("after"))
    found = page(
        await queries.applications(program_of(request).id, state, after=after),
        lambda row: (row.sent_at, row.id),
    )
    more = f"/desk/applications?show={state}&after={found.next_cursor}" if found.next_cursor else None
    return render(
        request,
        "staff/applications.html",
        block="rows",
        shell=await desk_shell(request),
        applications=found.rows,
        show=state,
        next_url=more,
    )


@get("/desk/applications/{application_id:int}", opt=MANAGER)
async def show_application(request: AnyRequest, application_id: FromPath[int]) -> Response[str]:
    """One application with its checks and the two decisions."""
    return await _page(request, application_id)


@post("/desk/applications/{application_id:int}/approve", opt=MANAGER)
async def approve_application(request: AnyRequest, application_id: FromPath[int]) -> Response[str]:
    """Make the applicant a partner."""
    await queries.application(program_of(request).id, application_id)
    form = Form(await request.form())
    try:
        await service.approve_application(
            application_id, level=form.value("level"), author_id=signed_in_user(request).id
        )
    except DomainError as error:
        if error.status != 422:
            raise  # somebody else decided meanwhile, or the address is not proved
        form.fail_with(error, "level")
        return await _page(request, application_id, approve_form=form, status=422)
    return see_other(request, "/desk/applications", flash="application_approved")


@post("/desk/applications/{application_id:int}/reject", opt=MANAGER)
async def reject_application(request: AnyRequest, application_id: FromPath[int]) -> Response[str]:
    """Refuse the application; the applicant reads why."""
    await queries.application(program_of(request).id, application_id)
    form = Form(await request.form())
    reason = form.text("reason", min_length=5, max_length=1000)
    if form.errors:
        return await _page(request, application_id, reject_form=form, status=422)
    await reject(application_id, reason=reason, author_id=signed_in_user(request).id)
    return see_other(request, "/desk/applications", flash="application_rejected")


ROUTES = [show_applications, show_application, approve_application, reject_application]


async def _page(
    request: AnyRequest,
    application_id: int,
    *,
    approve_form: Form | None = None,
    reject_form: Form | None = None,
    status: int = 200,
) -> Response[str]:
    program = program_of(request)
    levels = (await terms_in_force(program.id)).terms.levels
    return render(
        request,
        "staff/application.html",
        status=status,
        shell=await desk_shell(request),
        application=await queries.application(program.id, application_id),
        levels=[
            (level.code, f"{in_locale(level.name) or level.code} · {percent(level.rate_ppm)}")
            for level in levels
        ],
        approve_form=approve_form or Form.blank(level=levels[0].code),
        reject_form=reject_form or Form.blank(),
        may_decide=True,
        reasons=[
            _("Your site or channel does not fit our shop."),
            _("We could not verify what you told us about yourself."),
            _("We do not take new partners in this sector at the moment."),
        ],
    )
