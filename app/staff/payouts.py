"""Payouts on the desk: what waits for the accountant, with the button for its next step."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from cryptography.fernet import InvalidToken
from litestar import Request, Response, get, post
from litestar.params import FromPath

from app import clock
from app.errors import DomainError
from app.partners.own_application import word
from app.partners.payout_details import NewPayoutDetails, unseal
from app.partners.words import PAYOUT_METHODS
from app.payouts import paper_queries, queries, service
from app.payouts.decisions import Approval, PayoutState
from app.payouts.methods import METHODS
from app.payouts.queries import Choice, Payout, ToPay
from app.staff.shell import desk_shell
from app.ui.filters import date
from app.ui.forms import Form
from app.ui.i18n import gettext as _
from app.ui.paging import Cursor
from app.ui.render import render, see_other
from app.users.identity import StaffRole, program_of, signed_in_user
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]

SHOWN: dict[str, tuple[PayoutState, ...]] = {
    "open": (PayoutState.REQUESTED, PayoutState.APPROVED, PayoutState.SENT),
    "requested": (PayoutState.REQUESTED,),
    "approved": (PayoutState.APPROVED,),
    "sent": (PayoutState.SENT,),
    "closed": (PayoutState.PAID, PayoutState.REJECTED, PayoutState.RETURNED, PayoutState.CANCELLED),
    "paid": (PayoutState.PAID,),
    "rejected": (PayoutState.REJECTED, PayoutState.RETURNED, PayoutState.CANCELLED),
}
"""What `?show=` may ask for."""

FLASH = {
    Approval.FIRST: "payout_approved",
    Approval.SECOND: "payout_second_approved",
    Approval.PAID: "payout_paid",
}

OPEN = ("open", "requested", "approved", "sent")
FILTERS = ("method", "partner", "from", "to")
NEW_DETAILS = timedelta(days=7)
"""Details younger than this are pointed out, although they may be used after 72 hours."""


@dataclass(frozen=True, slots=True)
class DeskPayout:
    """One payout as staff see it."""

    id: int
    number: int
    partner_name: str
    partner_code: str
    partner_url: str
    statement_url: str
    requested_at: datetime
    amount_minor: int
    payable_minor: int
    """What may be paid after debt that came in between is cut off; of a closed one, what was."""
    cut_minor: int
    state: str
    method_label: str
    account_text: str
    """In full for who pays, else the last digits."""
    holder: str
    warnings: Sequence[str] = ()
    pending_minor: int = 0
    available_minor: int = 0
    reserved_minor: int = 0
    debt_minor: int = 0
    approved_by: str = ""
    second_approved_by: str = ""
    may_agree: bool = False
    """The reader may agree to it as the second person."""
    batch_id: int | None = None
    batch_number: int | None = None
    returned_at: datetime | None = None
    may_take_back: bool = False
    """A bank had it, and it has not come back yet."""
    closed_at: datetime | None = None
    """None: it is open."""
    reason: str = ""


@get("/desk/payouts", opt=policy("accountant", "manager"))
async def show_payouts(request: AnyRequest) -> Response[str]:
    """The queue, oldest first, or what is closed, newest first."""
    return await _page(request)


@post("/desk/payouts/{payout_id:int}/approve", opt=policy("accountant"), status_code=303)
async def approve(request: AnyRequest, payout_id: FromPath[int]) -> Response[str]:
    """Agree to a request."""
    try:
        done = await service.approve(program_of(request).id, payout_id, user_id=signed_in_user(request).id)
    except DomainError as error:
        return await _page(request, refused=(payout_id, error))
    return see_other(request, f"/desk/payouts#payout-{payout_id}", flash=FLASH[done])


@post("/desk/payouts/{payout_id:int}/paid", opt=policy("accountant"), status_code=303)
async def mark_paid(request: AnyRequest, payout_id: FromPath[int]) -> Response[str]:
    """Say that the money was sent; the form carries the amount that the accountant saw."""
    form = Form(await request.form())
    expected = form.integer("expected_minor", minimum=0, maximum=10**15, required=False)
    seen = expected if form.value("expected_minor") and not form.errors else None
    try:
        await service.mark_paid(
            program_of(request).id, payout_id, user_id=signed_in_user(request).id, expected_minor=seen
        )
    except DomainError as error:
        return await _page(request, refused=(payout_id, error))
    return see_other(request, "/desk/payouts", flash="payout_paid")


@post("/desk/payouts/{payout_id:int}/reject", opt=policy("accountant"), status_code=303)
async def reject(request: AnyRequest, payout_id: FromPath[int]) -> Response[str]:
    """Refuse a request, or take back one that the bank returned."""
    form = Form(await request.form())
    reason = form.text("reason", max_length=500, required=False)
    try:
        if form.errors:
            raise DomainError(form.errors["reason"], code="reason_wrong")
        await service.reject(
            program_of(request).id, payout_id, user_id=signed_in_user(request).id, reason=reason
        )
    except DomainError as error:
        return await _page(request, refused=(payout_id, error))
    return see_other(request, "/desk/payouts", flash="payout_rejected")


@post("/desk/payouts/{payout_id:int}/returned", opt=policy("accountant"), status_code=303)
async def take_back(request: AnyRequest, payout_id: FromPath[int]) -> Response[str]:
    """The bank sent the money back, before or after it was marked paid."""
    form = Form(await request.form())
    reason = form.text("reason", max_length=500, required=False)
    try:
        if form.errors:
            raise DomainError(form.errors["reason"], code="reason_wrong")
        await service.take_back(
            program_of(request).id, payout_id, user_id=signed_in_user(request).id, reason=reason
        )
    except DomainError as error:
        return await _page(request, refused=(payout_id, error))
    return see_other(request, "/desk/payouts", flash="payout_returned")


def _choice(request: AnyRequest) -> tuple[Choice, Form]:
    """What the filters ask for, and the form that shows it. A filter that is wrong filters nothing."""
    form = Form(dict(request.query_params))
    zone = ZoneInfo(program_of(request).zone)
    first, last = form.day("from", required=False), form.day("to", required=False)
    choice = Choice(
        method=form.one_of("method", tuple(PAYOUT_METHODS), required=False),
        partner=form.text("partner", required=False, max_length=100),
        start=datetime.combine(first, time.min, zone) if first is not None else None,
        end=datetime.combine(last, time.min, zone) + timedelta(days=1) if last is not None else None,
    )
    return choice, form


def _next_url(request: AnyRequest, show: str, more: str) -> str:
    kept = {name: request.query_params.get(name, "") for name in FILTERS}
    return "/desk/payouts?" + urlencode({"show": show, **{k: v for k, v in kept.items() if v}, "after": more})


async def _page(request: AnyRequest, *, refused: tuple[int, DomainError] | None = None) -> Response[str]:
    if refused is not None and refused[1].status == 404:
        raise refused[1]
    program, user = program_of(request), signed_in_user(request)
    may_act = user.may(program.id, StaffRole.ACCOUNTANT)
    show = request.query_params.get("show", "open")
    show = show if show in SHOWN else "open"
    after = Cursor.decode(request.query_params.get("after"))
    choice, form = _choice(request)
    if show in OPEN:
        waiting = await queries.queue(program.id, SHOWN[show], user_id=user.id, choice=choice, after=after)
        rows, more = [_open(one, in_full=may_act) for one in waiting.rows], waiting.next_cursor
    else:
        closed = await queries.of_program(program.id, SHOWN[show], choice=choice, after=after)
        rows, more = [_closed(one) for one in closed.rows], closed.next_cursor
    return render(
        request,
        "staff/payouts.html",
        block="rows",
        status=200 if refused is None else refused[1].status,
        shell=await desk_shell(request),
        currency=program.currency,
        show=show,
        is_open=show in OPEN,
        payouts=rows,
        may_act=may_act,
        form=form,
        filtered=choice != queries.ALL,
        methods=[(kind, word(PAYOUT_METHODS, kind)) for kind in PAYOUT_METHODS],
        next_url=_next_url(request, show, more) if more else None,
        acts=await paper_queries.acts_of_payouts([row.id for row in rows]),
        receipts=await paper_queries.receipts_of_payouts([row.id for row in rows]),
        error=(refused[0], _(refused[1].message, **refused[1].values)) if refused is not None else None,
    )


def _open(one: ToPay, *, in_full: bool) -> DeskPayout:
    payout = one.payout
    details = _details(one) if in_full else None
    return DeskPayout(
        id=payout.id,
        number=payout.number,
        partner_name=payout.partner_name,
        partner_code=payout.partner_code,
        partner_url=f"/admin/#/partners/{payout.partner_id}",
        statement_url=f"/desk/statements/{payout.partner_id}",
        requested_at=payout.requested_at,
        amount_minor=payout.requested_minor,
        payable_minor=one.payable_minor,
        cut_minor=one.cut_minor,
        state=payout.state.value,
        method_label=word(PAYOUT_METHODS, payout.method),
        account_text=_account(details) if details is not None else payout.details_masked,
        holder=details.holder if details is not None else "",
        warnings=_warnings(one, unreadable=in_full and details is None),
        pending_minor=one.balances.pending_minor,
        available_minor=one.balances.available_minor,
        reserved_minor=one.balances.reserved_minor,
        debt_minor=one.balances.debt_minor,
        approved_by=payout.approved_by,
        second_approved_by=payout.second_approved_by,
        may_agree=one.second_person_missing and not one.needs_second_person and not one.own,
        batch_id=payout.batch_id,
        batch_number=payout.batch_number,
        may_take_back=payout.state is PayoutState.SENT,
    )


def _closed(payout: Payout) -> DeskPayout:
    paid = payout.state is PayoutState.PAID
    return DeskPayout(
        id=payout.id,
        number=payout.number,
        partner_name=payout.partner_name,
        partner_code=payout.partner_code,
        partner_url=f"/admin/#/partners/{payout.partner_id}",
        statement_url=f"/desk/statements/{payout.partner_id}",
        requested_at=payout.requested_at,
        amount_minor=payout.requested_minor,
        payable_minor=payout.amount_minor if paid else payout.requested_minor,
        cut_minor=payout.debt_repaid_minor,
        state=payout.state.value,
        method_label=word(PAYOUT_METHODS, payout.method),
        account_text=payout.details_masked,
        holder="",
        approved_by=payout.approved_by,
        batch_id=payout.batch_id,
        batch_number=payout.batch_number,
        returned_at=payout.returned_at,
        may_take_back=paid and payout.returned_at is None and not METHODS[payout.method].at_once,
        closed_at=payout.paid_at or payout.rejected_at or payout.returned_at or payout.cancelled_at,
        reason=payout.reason,
    )


def _details(one: ToPay) -> NewPayoutDetails | None:
    """Where to pay, in full; None where the key of the portal was changed and they cannot be read any more."""
    try:
        return unseal(one.details_sealed)
    except InvalidToken:
        return None


def _account(details: NewPayoutDetails) -> str:
    return f"{details.account}, {details.bik}" if details.bik else details.account


def _warnings(one: ToPay, *, unreadable: bool) -> list[str]:
    found = []
    if one.own:
        found.append(_("This is your own payout: somebody else must decide on it."))
    if one.needs_second_person:
        found.append(_("You approved it; from this amount on a second person must mark it as paid."))
    if one.cut_minor:
        found.append(_("Orders were refunded after the request: part of it repays the partner's debt."))
    if one.details_since is None or one.details_since > one.payout.requested_at:
        found.append(
            _(
                "The partner has changed his payment details since the request. This payout keeps the old ones."
            )
        )
    elif clock.now() - one.details_since < NEW_DETAILS:
        found.append(_("The payment details are new: given on %(date)s.", date=date(one.details_since)))
    if unreadable:
        found.append(
            _("The payment details cannot be read with the portal's present key. Ask the partner for them.")
        )
    return found


ROUTES = [show_payouts, approve, mark_paid, reject, take_back]
