"""Payouts and the statement, as the partner sees them."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

from litestar import Request, Response, get, post
from litestar.params import FromPath

from app.errors import DomainError
from app.partners.own_application import word
from app.partners.shell import partner_shell
from app.partners.words import PAYOUT_METHODS
from app.payouts import paper_pages, paper_queries, queries, service, statement_pages
from app.payouts.decisions import Obstacle, PayoutState
from app.payouts.paper_queries import Act, Receipt
from app.payouts.queries import Money, Payout
from app.ui.filters import amount_input, moment, money
from app.ui.forms import Form
from app.ui.i18n import gettext as _
from app.ui.paging import Cursor
from app.ui.render import render, see_other
from app.users.identity import partner_of
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Balance:
    """The money equation: earned − paid − reserved − debt = available − debt, always."""

    earned_minor: int
    """Whatever became available and was not taken back or kept for debt."""
    paid_minor: int
    reserved_minor: int
    debt_minor: int
    available_minor: int
    pending_minor: int
    min_minor: int


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a payout, done or to come."""

    text: str
    at: datetime | None = None
    """None: not yet."""
    future: bool = False
    bad: bool = False
    detail: str = ""


@dataclass(frozen=True, slots=True)
class PayoutRow:
    """One payout in words."""

    id: int
    number: int
    requested_at: datetime
    amount_minor: int
    cut_minor: int
    state: str
    method_label: str
    account_text: str
    reason: str
    timeline: Sequence[Step]
    act: Act | None
    """None: it has none (yet), or it is cancelled."""
    receipt: Receipt | None
    """None: none is wanted (yet)."""
    may_cancel: bool
    was_returned: bool
    """It was paid, and the bank sent it back."""


@get("/payouts", opt=policy("partner"))
async def payouts(request: AnyRequest) -> Response[str]:
    """The money equation, the request form and the history; htmx gets the next rows alone."""
    return await _page(request, None)


@post("/payouts", opt=policy("partner"), status_code=303)
async def request_payout(request: AnyRequest) -> Response[str]:
    """Ask for a payout. Pressing twice is one request: the form carries its own id."""
    member = partner_of(request)
    form = Form(await request.form())
    amount_minor = form.money("amount", member.program.currency)
    token = form.code("request_token", pattern=r"[\w-]{8,64}", message=_("Open the page anew and try again."))
    if not form.errors:
        try:
            await service.request_payout(
                member.program.id, member.partner_id, amount_minor=amount_minor, action_id=token
            )
        except DomainError as error:
            form.fail_with(error)
    if form.errors:
        return await _page(request, form)
    return see_other(request, "/payouts", flash="payout_requested")


@post("/payouts/{payout_id:int}/cancel", opt=policy("partner"), status_code=303)
async def cancel_payout(request: AnyRequest, payout_id: FromPath[int]) -> Response[str]:
    """Take an own request back."""
    member = partner_of(request)
    try:
        await service.cancel(member.program.id, member.partner_id, payout_id)
    except DomainError as error:
        if error.status == 404:
            raise
        form = Form.blank(request_token=secrets.token_urlsafe(18))
        form.fail_with(error)
        return await _page(request, form)
    return see_other(request, "/payouts#history", flash="payout_cancelled")


async def _page(request: AnyRequest, form: Form | None) -> Response[str]:
    """The page; `form` as it was sent when it is wrong, None for a new one with the whole sum in it."""
    member = partner_of(request)
    purse = await queries.money(member.program.id, member.partner_id)
    after = Cursor.decode(request.query_params.get("after"))
    history = await queries.of_partner(member.program.id, member.partner_id, after=after)
    details = purse.ready.details
    act_of = await paper_queries.acts_of_payouts([payout.id for payout in history.rows])
    receipt_of = await paper_queries.receipts_of_payouts([payout.id for payout in history.rows])
    whole = amount_input(purse.balances.available_minor, purse.currency)
    return render(
        request,
        "payouts/payouts.html",
        block="rows",
        status=200 if form is None else 422,
        shell=await partner_shell(request),
        currency=purse.currency,
        balance=_balance(purse),
        form=form or Form.blank(amount=whole, request_token=secrets.token_urlsafe(18)),
        may_request=not purse.ready.obstacles or form is not None,
        why_not=" ".join(why_not(purse)),
        method_label=word(PAYOUT_METHODS, details.method) if details is not None else "",
        account_text=details.masked if details is not None else "",
        payouts=[
            _row(payout, purse.currency, act_of.get(payout.id), receipt_of.get(payout.id))
            for payout in history.rows
        ],
        to_do=await paper_pages.to_do(member.partner_id),
        next_url=f"/payouts?after={history.next_cursor}" if history.next_cursor else None,
    )


def why_not(purse: Money) -> list[str]:
    """What stands in the way of a request, with what to do or when it ends."""
    ready = purse.ready
    texts = {
        Obstacle.PARTNER_STATE: _("Payouts are closed for you. Write to the manager of the program."),
        Obstacle.BY_DEPOSIT: _(
            "You need not ask: each commission is paid from the merchant's deposit as soon as its hold is over. "
            "When the deposit is empty, commissions wait, pending, for its top-up."
        ),
        Obstacle.DEBT: _("Payouts open again when the debt is repaid."),
        Obstacle.RECEIPT_OVERDUE: _(
            "A receipt is overdue. Payouts open again when you have given it under Papers."
        ),
        Obstacle.DETAILS_MISSING: _("Nobody knows where to send the money yet. Give your payment details."),
        Obstacle.METHOD_OFF: _("The program no longer pays this way. Give other payment details."),
        Obstacle.DETAILS_UNVERIFIED: _("Your payment details are still being checked."),
        Obstacle.DETAILS_COOLING: _(
            "New payment details wait for 72 hours, so that nobody else can send your money elsewhere. "
            "They can be used from %(moment)s.",
            moment=moment(ready.cooling_until),
        ),
        Obstacle.BELOW_MINIMUM: _(
            "The smallest payout is %(amount)s.", amount=money(ready.min_minor, purse.currency)
        ),
    }
    return [texts[obstacle] for obstacle in ready.obstacles]


def _balance(purse: Money) -> Balance:
    found = purse.balances
    paid = found.paid_minor + found.internal_minor
    return Balance(
        earned_minor=found.available_minor + found.reserved_minor + paid,
        paid_minor=paid,
        reserved_minor=found.reserved_minor,
        debt_minor=found.debt_minor,
        available_minor=found.available_minor,
        pending_minor=found.pending_minor,
        min_minor=purse.ready.min_minor,
    )


def _row(payout: Payout, currency: str, act: Act | None, receipt: Receipt | None) -> PayoutRow:
    paid = payout.state is PayoutState.PAID
    return PayoutRow(
        id=payout.id,
        number=payout.number,
        requested_at=payout.requested_at,
        amount_minor=payout.amount_minor if paid else payout.requested_minor,
        cut_minor=payout.debt_repaid_minor,
        state=payout.state.value,
        method_label=word(PAYOUT_METHODS, payout.method),
        account_text=payout.details_masked,
        reason=payout.reason,
        timeline=steps(payout, currency),
        act=act,
        receipt=receipt,
        may_cancel=payout.state is PayoutState.REQUESTED,
        was_returned=paid and payout.returned_at is not None,
    )


def steps(payout: Payout, currency: str) -> list[Step]:
    """What happened to a payout and what comes next."""
    asked = money(payout.requested_minor, currency)
    found = [Step(_("Requested: %(amount)s", amount=asked), payout.requested_at)]
    if payout.approved_at is not None:
        found.append(Step(_("Approved"), payout.approved_at))
    if payout.sent_at is not None:
        found.append(Step(_("Given to the bank"), payout.sent_at))
    match payout.state:
        case PayoutState.REQUESTED:
            found += [Step(_("Check by the accountant"), future=True), Step(_("Payment"), future=True)]
        case PayoutState.APPROVED:
            found.append(Step(_("Payment"), future=True))
        case PayoutState.SENT:
            found.append(Step(_("Answer of the bank"), future=True))
        case PayoutState.PAID:
            sent = _("Paid: %(amount)s", amount=money(payout.amount_minor, currency))
            found.append(Step(sent, payout.paid_at, detail=_repaid(payout, currency)))
            if payout.returned_at is not None:
                found.append(_ended(_("Returned by the bank"), payout.returned_at, payout.reason))
        case PayoutState.REJECTED:
            found.append(_ended(_("Rejected"), payout.rejected_at, payout.reason, _repaid(payout, currency)))
        case PayoutState.RETURNED:
            found.append(
                _ended(
                    _("Returned by the bank"), payout.returned_at, payout.reason, _repaid(payout, currency)
                )
            )
        case PayoutState.CANCELLED:
            found.append(Step(_("Cancelled by you"), payout.cancelled_at, detail=_repaid(payout, currency)))
        case _:
            assert_never(payout.state)
    return found


def _ended(text: str, at: datetime | None, *details: str) -> Step:
    return Step(text, at, bad=True, detail=" ".join(part for part in details if part))


def _repaid(payout: Payout, currency: str) -> str:
    if not payout.debt_repaid_minor:
        return ""
    return _("%(amount)s repaid the debt after refunds.", amount=money(payout.debt_repaid_minor, currency))


ROUTES = [payouts, request_payout, cancel_payout, *statement_pages.ROUTES, *paper_pages.ROUTES]
