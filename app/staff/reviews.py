"""The desk's doubts about orders: what is on hold, and the two decisions (rules.md §9)."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from app.commissions.reviews import decide_flag
from app.errors import DomainError
from app.fraud.queries import flags
from app.fraud.service import order_of_flag
from app.staff.shell import desk_shell
from app.ui.forms import Form
from app.ui.i18n import gettext as _
from app.ui.paging import Cursor, page
from app.ui.render import render, see_other
from app.users.identity import StaffRole, program_of, signed_in_user
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]

SHOWN = ("open", "decided")


@get("/desk/reviews", opt=policy("manager", "accountant"))
async def show_reviews(request: AnyRequest) -> Response[str]:
    """Open flags, or the decided ones, newest first."""
    return await _page(request)


@post("/desk/reviews/{flag_id:int}/clear", opt=policy("manager"))
async def clear_flag(request: AnyRequest, flag_id: FromPath[int]) -> Response[str]:
    """The order is in order: its commissions go on."""
    return await _decide(request, flag_id, confirm=False)


@post("/desk/reviews/{flag_id:int}/confirm", opt=policy("manager"))
async def confirm_flag(request: AnyRequest, flag_id: FromPath[int]) -> Response[str]:
    """The doubt was right: the order's commissions are taken back."""
    return await _decide(request, flag_id, confirm=True)


ROUTES = [show_reviews, clear_flag, confirm_flag]


async def _decide(request: AnyRequest, flag_id: int, *, confirm: bool) -> Response[str]:
    program = program_of(request)
    form = Form(await request.form())
    reason = form.text("reason", min_length=3, max_length=500)
    order_id = await order_of_flag(program.id, flag_id)
    try:
        if form.errors:
            raise DomainError(form.errors["reason"], code="reason_wrong")
        await decide_flag(
            program.id, flag_id, confirm=confirm, reason=reason, user_id=signed_in_user(request).id
        )
    except DomainError as error:
        if error.status == 404:
            raise
        return await _page(request, refused=(flag_id, error))
    back = f"/desk/orders/{order_id}" if form.value("back") == "order" else "/desk/reviews"
    return see_other(request, back, flash="flag_confirmed" if confirm else "flag_cleared")


async def _page(request: AnyRequest, *, refused: tuple[int, DomainError] | None = None) -> Response[str]:
    program = program_of(request)
    asked = request.query_params.get("show", "")
    show = asked if asked in SHOWN else SHOWN[0]
    after = Cursor.decode(request.query_params.get("after"))
    found = page(
        await flags(program.id, is_open=show == "open", after=after), lambda flag: (flag.raised_at, flag.id)
    )
    return render(
        request,
        "staff/reviews.html",
        block="rows",
        status=200 if refused is None else refused[1].status,
        shell=await desk_shell(request),
        currency=program.currency,
        show=show,
        flags=found.rows,
        may_decide=signed_in_user(request).may(program.id, StaffRole.MANAGER),
        error=(refused[0], _(refused[1].message, **refused[1].values)) if refused is not None else None,
        next_url=f"/desk/reviews?show={show}&after={found.next_cursor}" if found.next_cursor else None,
    )
