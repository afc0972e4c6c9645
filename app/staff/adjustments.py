"""The desk's page of adjustments: money given or taken by hand, with who did it and why."""

import secrets
from typing import Any

from litestar import Request, Response, get, post

from app.commissions.adjustments import REASON_MAX, NewAdjustment, adjust_partner
from app.commissions.adjustments_queries import adjustments, partner_by_code
from app.errors import DomainError
from app.staff.shell import desk_shell
from app.ui.forms import Form
from app.ui.i18n import gettext as _
from app.ui.paging import Cursor
from app.ui.render import render, see_other
from app.users.identity import program_of, signed_in_user
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]

DIRECTIONS = ("give", "take")


@get("/desk/adjustments", opt=policy("accountant", "manager"))
async def show_adjustments(request: AnyRequest) -> Response[str]:
    """What was given and taken so far, and the form."""
    return await _page(request, None)


@post("/desk/adjustments", opt=policy("accountant", "manager"), status_code=303)
async def add_adjustment(request: AnyRequest) -> Response[str]:
    """Give or take; pressing twice is one adjustment."""
    program = program_of(request)
    form = Form(await request.form())
    code = form.text("partner", max_length=32)
    direction = form.one_of("direction", DIRECTIONS)
    amount_minor = form.money("amount", program.currency)
    reason = form.text("reason", max_length=REASON_MAX)
    token = form.code("action_id", pattern=r"[\w-]{8,64}", message=_("Open the page anew and try again."))
    partner_id = await partner_by_code(program.id, code) if code else None
    if code and partner_id is None:
        form.fail("partner", _("There is no partner with this code."))
    if not form.errors and partner_id is not None:
        signed = amount_minor if direction == "give" else -amount_minor
        try:
            await adjust_partner(
                program.id,
                NewAdjustment(partner_id, signed, reason),
                action_id=token,
                author_id=signed_in_user(request).id,
            )
        except DomainError as error:
            form.fail_with(error, "partner")
    if form.errors:
        return await _page(request, form)
    return see_other(request, "/desk/adjustments", flash="partner_adjusted")


async def _page(request: AnyRequest, form: Form | None) -> Response[str]:
    program = program_of(request)
    found = await adjustments(program.id, after=Cursor.decode(request.query_params.get("after")))
    blank = Form.blank(
        action_id=secrets.token_urlsafe(18),
        partner=request.query_params.get("partner", "")[:32],
        direction="give",
    )
    return render(
        request,
        "staff/adjustments.html",
        block="rows",
        status=200 if form is None else 422,
        shell=await desk_shell(request),
        currency=program.currency,
        rows=found.rows,
        next_url=f"/desk/adjustments?after={found.next_cursor}" if found.next_cursor else None,
        form=form or blank,
        directions=[
            ("give", _("Give"), _("Available to the partner at once; debt is repaid first.")),
            ("take", _("Take"), _("From what is available to the partner; what is missing becomes debt.")),
        ],
    )


ROUTES = [show_adjustments, add_adjustment]
