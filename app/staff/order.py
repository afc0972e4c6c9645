"""One order on the desk: who is credited and why, and what staff may say about it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from app import db
from app.commissions.kinds import kind_words
from app.commissions.reviews import name_partner
from app.errors import DomainError, NotFound
from app.fraud.queries import flags_of
from app.fraud.service import raise_flag
from app.orders.messages import CardMessage
from app.orders.plan import DECODERS
from app.shops.answers import order_answer
from app.shops.queries import stored_orders
from app.staff.shell import desk_shell
from app.ui.forms import Form
from app.ui.i18n import gettext as _
from app.ui.i18n import locale
from app.ui.render import render, see_other
from app.users.identity import StaffRole, program_of, signed_in_user
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]

MANAGER = policy("manager")
CHOICES = ("partner", "nobody", "rules")


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that an operator or staff said about who is to be credited."""

    at: datetime
    text: str
    who: str
    """Empty: the shop's operator."""
    reason: str


@get("/desk/orders/{order_id:int}", opt=policy("manager", "accountant", "developer"))
async def show_order(request: AnyRequest, order_id: FromPath[int]) -> Response[str]:
    """The order with its commissions, each explained, its flags and its choices."""
    return await _page(request, order_id)


@post("/desk/orders/{order_id:int}/partner", opt=MANAGER)
async def credit_order(request: AnyRequest, order_id: FromPath[int]) -> Response[str]:
    """Credit the order to a partner, to nobody, or to whom the rules say again; the reason is kept."""
    form = Form(await request.form())
    choice = form.one_of("choice", CHOICES)
    partner = form.text("partner", max_length=32, required=choice == "partner")
    reason = form.text("reason", min_length=3, max_length=500)
    if not form.errors:
        try:
            await name_partner(
                program_of(request).id,
                order_id,
                partner=partner if choice == "partner" else "",
                nobody=choice == "nobody",
                reason=reason,
                user_id=signed_in_user(request).id,
            )
        except DomainError as error:
            if error.status != 422:
                raise
            form.fail_with(error, "partner")
    if form.errors:
        return await _page(request, order_id, partner_form=form, status=422)
    return see_other(request, f"/desk/orders/{order_id}", flash="order_credited")


@post("/desk/orders/{order_id:int}/flag", opt=MANAGER)
async def flag_order(request: AnyRequest, order_id: FromPath[int]) -> Response[str]:
    """Hold the order's commissions until somebody has looked at it."""
    form = Form(await request.form())
    reason = form.text("doubt", min_length=3, max_length=500)
    if form.errors:
        return await _page(request, order_id, flag_form=form, status=422)
    await raise_flag(program_of(request).id, order_id, reason=reason, user_id=signed_in_user(request).id)
    return see_other(request, f"/desk/orders/{order_id}", flash="order_flagged")


ROUTES = [show_order, credit_order, flag_order]


async def _page(
    request: AnyRequest,
    order_id: int,
    *,
    partner_form: Form | None = None,
    flag_form: Form | None = None,
    status: int = 200,
) -> Response[str]:
    program = program_of(request)
    stored = (await stored_orders(program.id, [order_id])).get(order_id)
    if stored is None or stored.row["status"] == "awaited":
        raise NotFound("There is no such order.")
    order = order_answer(stored, locale(), for_page=True)
    return render(
        request,
        "staff/order.html",
        status=status,
        shell=await desk_shell(request),
        currency=program.currency,
        order_id=order_id,
        order=order,
        kinds={(one.kind, one.tier): kind_words(one.kind, one.tier) for one in order.commissions},
        flags=await flags_of(order_id),
        choices=await choices_of(order_id),
        may_decide=signed_in_user(request).may(program.id, StaffRole.MANAGER),
        partner_form=partner_form or Form.blank(choice="partner"),
        flag_form=flag_form or Form.blank(),
    )


async def choices_of(order_id: int) -> list[Choice]:
    """What operators and staff said about the order, the newest first."""
    rows = await db.fetch(
        """
        SELECT event.body, event.occurred_at,
            coalesce(nullif(author.first_name, ''), author.email, '') AS who
        FROM order_events AS event
        LEFT JOIN users AS author ON author.id = (event.body ->> 'author_id')::bigint
        WHERE event.order_id = $1 AND event.kind = 'card'
        ORDER BY event.id DESC LIMIT 100
        """,
        order_id,
    )
    found = []
    for row in rows:
        message = DECODERS["card"](row["body"])
        assert isinstance(message, CardMessage)
        reason = message.reason if isinstance(message.reason, str) else ""
        found.append(Choice(row["occurred_at"], _said(message), row["who"], reason))
    return found


def _said(message: CardMessage) -> str:
    if message.rejected is True:
        return _("Commissions taken back after a review")
    if message.rejected is False:
        return _("Commissions given again after a review")
    if message.nobody is True:
        return _("Nobody is credited")
    if message.partner:
        return _("Credited to %(partner)s", partner=message.partner)
    if message.promo_code:
        return _("Promo code %(code)s", code=message.promo_code)
    return _("The rules decide again")
