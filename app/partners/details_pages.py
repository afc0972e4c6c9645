"""The partner's payment details: what is in use, and a form for others, which asks for the password again."""

from typing import Any

from litestar import Request, Response, get, post

from app import clock, db
from app.partners import payout_details
from app.partners.forms import read_payout
from app.partners.shell import partner_shell
from app.partners.words import PAYOUT_METHODS
from app.programs import queries as programs
from app.ui.forms import Form
from app.ui.i18n import gettext as _
from app.ui.render import render, see_other
from app.users import limits, passwords
from app.users.cookies import browser_of
from app.users.identity import partner_of, signed_in_user
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]


@get("/payout-details", opt=policy("partner"))
async def show_details(request: AnyRequest) -> Response[str]:
    """Where the money goes now, and a form for other details."""
    return await _page(request, None)


@post("/payout-details", opt=policy("partner"), status_code=303)
async def give_details(request: AnyRequest) -> Response[str]:
    """Give other details; they wait 72 hours and for a check."""
    member, form = partner_of(request), Form(await request.form())
    terms = (await programs.terms_in_force(member.program.id, clock.now())).terms
    details = read_payout(form, terms.payout.methods)
    await _confirm(request, form)
    if form.errors:
        return await _page(request, form)
    await payout_details.change_details(
        member.program.id, member.partner_id, details, user_id=signed_in_user(request).id
    )
    return see_other(request, "/payout-details", flash="details_given")


async def _confirm(request: AnyRequest, form: Form) -> None:
    """Who stole a session does not know the password. A user who has none signs in by letters alone."""
    user = signed_in_user(request)
    stored = await db.fetchval("SELECT password FROM users WHERE id = $1", user.id)
    if not stored:
        return
    password = form.secret("password", max_length=200)
    if not password:
        return
    taken = await limits.take(limits.sign_in_limits(user.email, browser_of(request).ip))
    if await passwords.verify_in_thread(stored, password):
        await limits.give_back(taken)
    else:
        form.fail("password", _("This is not your password."))


async def _page(request: AnyRequest, form: Form | None) -> Response[str]:
    member = partner_of(request)
    terms = (await programs.terms_in_force(member.program.id, clock.now())).terms
    now = await payout_details.details_in_use(member.partner_id)
    has_password = await db.fetchval(
        "SELECT password <> '' FROM users WHERE id = $1", signed_in_user(request).id
    )
    return render(
        request,
        "partners/payout_details.html",
        status=200 if form is None else 422,
        shell=await partner_shell(request),
        details=now,
        method_label=str(PAYOUT_METHODS[now.method]) if now is not None else "",
        form=form or Form.blank(),
        methods=[(kind, label) for kind, label in PAYOUT_METHODS.items() if kind in terms.payout.methods],
        has_password=has_password,
    )


ROUTES = [show_details, give_details]
