"""The desk's page of the merchant's deposit: what is left, what waits for it, its history, and the top-up."""

import secrets
from typing import Any

from litestar import Request, Response, get, post

from app.commissions import deposit_queries as queries
from app.commissions.deposit import NewTopUp, top_up
from app.errors import DomainError
from app.staff.shell import desk_shell
from app.ui.forms import Form
from app.ui.i18n import gettext as _
from app.ui.paging import Cursor
from app.ui.render import render, see_other
from app.users.identity import StaffRole, program_of, signed_in_user
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]


@get("/desk/deposit", opt=policy("accountant", "manager"))
async def show_deposit(request: AnyRequest) -> Response[str]:
    """What is left, what waits, what was moved."""
    return await _page(request, None)


@post("/desk/deposit/top-ups", opt=policy("accountant"), status_code=303)
async def add_top_up(request: AnyRequest) -> Response[str]:
    """Write down what the merchant has put on the deposit; pressing twice is one top-up."""
    program = program_of(request)
    form = Form(await request.form())
    amount_minor = form.money("amount", program.currency)
    reference = form.text("reference", max_length=100)
    note = form.text("note", required=False, max_length=500)
    token = form.code("action_id", pattern=r"[\w-]{8,64}", message=_("Open the page anew and try again."))
    if not form.errors:
        try:
            await top_up(
                program.id,
                NewTopUp(amount_minor, reference, note),
                action_id=token,
                author_id=signed_in_user(request).id,
            )
        except DomainError as error:
            form.fail_with(error, "amount")
    if form.errors:
        return await _page(request, form)
    return see_other(request, "/desk/deposit", flash="deposit_topped_up")


async def _page(request: AnyRequest, form: Form | None) -> Response[str]:
    program, user = program_of(request), signed_in_user(request)
    after = Cursor.decode(request.query_params.get("after"))
    history = await queries.history(program.id, after=after)
    return render(
        request,
        "staff/deposit.html",
        block="rows",
        status=200 if form is None else 422,
        shell=await desk_shell(request),
        currency=program.currency,
        deposit=await queries.deposit(program.id),
        waiting=await queries.waiting(program.id),
        history=history.rows,
        next_url=f"/desk/deposit?after={history.next_cursor}" if history.next_cursor else None,
        form=form or Form.blank(action_id=secrets.token_urlsafe(18)),
        may_act=user.may(program.id, StaffRole.ACCOUNTANT),
    )


ROUTES = [show_deposit, add_top_up]
