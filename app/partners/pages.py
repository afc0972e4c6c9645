"""The questionnaire, the confirmation of its address, and what an applicant sees until he is a partner."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from app.config import settings
from app.errors import Conflict, DomainError
from app.partners import applications, details_pages, own_application
from app.partners.applications import NewUser
from app.partners.forms import Answers, NewAccount, read_account, read_answers
from app.partners.shell import partner_shell
from app.partners.words import CHANNELS, KINDS, PAYOUT_METHODS, SECTORS
from app.programs import queries as programs
from app.programs.queries import PublishedTerms
from app.ui.forms import Form
from app.ui.render import render, see_other
from app.users import limits, service
from app.users.cookies import browser_of, signed_in
from app.users.identity import partner_of, program_of, user_of
from app.users.policy import policy
from app.users.service import Purpose

AnyRequest = Request[Any, Any, Any]

TRAP = "website"
"""A field that people do not see and robots fill in."""


@get("/apply", opt=policy("public"))
async def show_apply(request: AnyRequest) -> Response[str]:
    """The empty questionnaire; who has applied already sees how it stands."""
    if request.scope["state"].get("partner") is not None:
        return see_other(request, "/apply/status")
    user = user_of(request)
    return await _questionnaire(request, Form.blank(name=user.name if user else "", kind="person"))


@post("/apply", opt=policy("public"))
async def apply(request: AnyRequest) -> Response[str]:
    """Check everything, take the application, ask to confirm the address."""
    form = Form(await request.form())
    user, program = user_of(request), program_of(request)
    if form.value(TRAP):
        return _look_into_mail(request, form.value("email"))
    terms = await programs.terms_in_force(program.id)
    version = await _consent_version(program.id, terms)
    answers = read_answers(form, methods=terms.terms.payout.methods, terms_version=version)
    account = read_account(form) if user is None else None
    if form.errors:
        return await _questionnaire(request, form, status=422)
    if account is None:
        assert user is not None
        await applications.apply_as_user(program.id, answers, user_id=user.id)
        return see_other(request, "/apply/status")
    return await _apply_as_new_user(request, program.id, answers, account)


@get("/apply/status", opt=policy("applicant"))
async def show_status(request: AnyRequest) -> Response[str]:
    """How the application stands."""
    member = partner_of(request)
    return render(
        request,
        "partners/apply_status.html",
        shell=await partner_shell(request),
        application=await own_application.own_application(member.partner_id),
    )


@get("/confirm/{token:str}", opt=policy("public"))
async def show_confirm(request: AnyRequest, token: FromPath[str]) -> Response[str]:
    """A button: mail scanners open links too, and must not use them up."""
    expired = await service.find_link(Purpose.CONFIRM_EMAIL, token) is None
    return render(
        request, "users/confirm.html", token=token, action="/confirm", kind="confirm", expired=expired
    )


@post("/confirm", opt=policy("public"))
async def confirm(request: AnyRequest) -> Response[str]:
    """The address is proved; the application goes to the manager, the applicant is signed in."""
    token = Form(await request.form()).value("token")
    await limits.take(limits.link_limits(browser_of(request).ip))
    try:
        made = await applications.confirm(token, browser_of(request))
    except DomainError as error:
        if error.code != "dead_link":
            raise
        return render(
            request,
            "users/confirm.html",
            token="",
            action="/confirm",
            kind="confirm",
            expired=True,
            status=422,
        )
    return signed_in(request, made, "/apply/status", flash="email_confirmed")


@post("/confirm/resend", opt=policy("applicant"))
async def resend(request: AnyRequest) -> Response[str]:
    """Another letter to confirm the address."""
    user, member = user_of(request), partner_of(request)
    assert user is not None
    await limits.take(limits.letter_limits(user.email, browser_of(request).ip))
    await applications.resend_confirmation(member.partner_id)
    return see_other(request, "/apply/status", flash="letter_sent")


ROUTES = [show_apply, apply, show_status, show_confirm, confirm, resend, *details_pages.ROUTES]


async def _apply_as_new_user(
    request: AnyRequest, program_id: int, answers: Answers, account: NewAccount
) -> Response[str]:
    await limits.take(limits.letter_limits(account.email, browser_of(request).ip))
    stored = await service.new_password_hash(account.password, email=account.email)
    user = NewUser(account.email, stored, request.scope["state"]["locale"])
    await applications.apply_as_new_user(program_id, answers, user)
    return _look_into_mail(request, account.email)


async def _questionnaire(request: AnyRequest, form: Form, *, status: int = 200) -> Response[str]:
    program = program_of(request)
    if not (await programs.program_by_id(program.id)).active:
        raise Conflict("New applications are closed at the moment.", code="closed")
    terms = await programs.terms_in_force(program.id)
    return render(
        request,
        "partners/apply.html",
        status=status,
        form=form,
        account_known=user_of(request) is not None,
        program_name=program.name,
        terms_version=await _consent_version(program.id, terms),
        terms_url=f"/p/{program.code}/terms#terms",
        privacy_url=f"/p/{program.code}/terms#privacy",
        kinds=[(code, name, hint) for code, (name, hint) in KINDS.items()],
        sectors=list(SECTORS.items()),
        channels=list(CHANNELS.items()),
        methods=[(code, name) for code, name in PAYOUT_METHODS.items() if code in terms.terms.payout.methods],
    )


async def _consent_version(program_id: int, terms: PublishedTerms) -> int:
    """Version of the conditions that are agreed to: of the text, or of the rules where there is no text."""
    text = (await programs.consent_texts(program_id)).get("terms")
    return text.version if text else terms.number


def _look_into_mail(request: AnyRequest, email: str) -> Response[str]:
    return render(request, "users/check_mail.html", email=email, kind="confirm", dev_mail=settings().demo)
