"""Signing in and out, links that work once, language and theme."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie

from app.config import settings
from app.errors import DomainError
from app.ui.forms import Form
from app.ui.i18n import LOCALES
from app.ui.render import LANG_COOKIE, THEME_COOKIE, THEMES, own_path, render, see_other
from app.users import service
from app.users.cookies import browser_of, session_cookie, signed_in
from app.users.identity import session_of, user_of
from app.users.policy import policy
from app.users.service import Purpose

AnyRequest = Request[Any, Any, Any]
YEAR = 365 * 86400


@get("/home", opt=policy("signed_in"))
async def home(request: AnyRequest) -> Response[str]:
    """Where a user begins: his overview, the desk, or the state of his application."""
    user = user_of(request)
    partner = request.scope["state"].get("partner")
    if partner is not None and partner.state in ("active", "inactive"):
        return see_other(request, "/overview")
    if user is not None and user.is_staff:
        return see_other(request, "/desk")
    return see_other(request, "/apply/status" if partner is not None else "/")


@get("/sign-in", opt=policy("public"))
async def show_sign_in(request: AnyRequest) -> Response[str]:
    """The form; who is signed in already goes on."""
    after = own_path(request.query_params.get("next"), "/home")
    if user_of(request) is not None:
        return see_other(request, after)
    return render(request, "users/sign_in.html", form=Form.blank(next=after))


@post("/sign-in", opt=policy("public"))
async def sign_in(request: AnyRequest) -> Response[str]:
    """A new session, whatever the browser had before: a planted cookie is worth nothing."""
    form = Form(await request.form())
    email, password = form.text("email", max_length=254), form.secret("password")
    if not form.errors:
        try:
            made = await service.sign_in(email, password, browser_of(request))
        except DomainError as error:
            form.fail_with(error)
            return render(request, "users/sign_in.html", status=error.status, form=form, headers=_wait(error))
        await _leave(request)
        return signed_in(request, made, own_path(form.value("next"), "/home"))
    return render(request, "users/sign_in.html", status=422, form=form)


@post("/sign-out", opt=policy("public"))
async def sign_out(request: AnyRequest) -> Response[str]:
    """End the session, here and in piccolo-admin."""
    await _leave(request)
    response = see_other(request, "/sign-in", flash="signed_out")
    response.set_cookie(session_cookie("", 0))
    return response


@get("/forgot", opt=policy("public"))
async def show_forgot(request: AnyRequest) -> Response[str]:
    return render(request, "users/forgot.html", form=Form.blank())


@post("/forgot", opt=policy("public"))
async def forgot(request: AnyRequest) -> Response[str]:
    """The same answer whether the address is known or not."""
    form = Form(await request.form())
    email = form.email("email")
    if form.errors:
        return render(request, "users/forgot.html", status=422, form=form)
    await service.ask_for_link(email, browser_of(request).ip)
    return render(request, "users/check_mail.html", email=email, kind="sign_in", dev_mail=settings().demo)


@get("/reset/{token:str}", opt=policy("public"))
async def show_reset(request: AnyRequest, token: str) -> Response[str]:
    """The form for a new password. Opening the link does not use it up."""
    email = await service.find_link(Purpose.RESET, token)
    if email is None:
        return _dead(request, "sign_in")
    return render(request, "users/reset.html", form=Form.blank(token=token), email=email)


@post("/reset", opt=policy("public"))
async def reset(request: AnyRequest) -> Response[str]:
    form = Form(await request.form())
    token, password = form.value("token"), form.secret("password")
    email = await service.find_link(Purpose.RESET, token)
    if email is None:
        return _dead(request, "sign_in")
    if not form.errors:
        try:
            made = await service.reset_password(token, password, browser_of(request))
        except DomainError as error:
            form.fail_with(error, "password")
        else:
            await _leave(request)
            return signed_in(request, made, "/home", flash="password_changed")
    return render(request, "users/reset.html", status=422, form=form, email=email)


@get("/sign-in/link/{token:str}", opt=policy("public"))
async def show_sign_in_link(request: AnyRequest, token: str) -> Response[str]:
    """A button: mail scanners open links too, and must not use them up."""
    expired = await service.find_link(Purpose.SIGN_IN, token) is None
    if expired:
        return _dead(request, "sign_in")
    return render(
        request, "users/confirm.html", token=token, action="/sign-in/link", kind="sign_in", expired=False
    )


@post("/sign-in/link", opt=policy("public"))
async def sign_in_by_link(request: AnyRequest) -> Response[str]:
    token = Form(await request.form()).value("token")
    try:
        made = await service.sign_in_by_link(token, browser_of(request))
    except DomainError as error:
        if error.code != "dead_link":
            raise
        return _dead(request, "sign_in")
    await _leave(request)
    return signed_in(request, made, "/home")


@post("/preferences", opt=policy("public"))
async def preferences(request: AnyRequest) -> Response[str]:
    """Language and theme: in cookies, and with the user where there is one."""
    form = Form(await request.form())
    user = user_of(request)
    state = request.scope["state"]
    locale = form.value("lang") if form.value("lang") in LOCALES else state["locale"]
    theme = form.value("theme") if form.value("theme") in THEMES else state["theme"]
    theme = theme if theme in THEMES else "auto"
    if user is not None:
        await service.choose_preferences(user.id, locale=locale, theme=theme)
    response = see_other(request, own_path(form.value("next"), "/"))
    for name, value in ((LANG_COOKIE, locale), (THEME_COOKIE, theme)):
        response.set_cookie(
            Cookie(
                name,
                value=value,
                path="/",
                max_age=YEAR,
                secure=settings().secure,
                httponly=True,
                samesite="lax",
            )
        )
    return response


async def _leave(request: AnyRequest) -> None:
    """End the session that the browser had before: nobody could end it later, its token is gone."""
    before = session_of(request)
    if before is not None:
        await service.sign_out(before.id)


def _dead(request: AnyRequest, kind: str) -> Response[str]:
    """The page of a link that no longer works."""
    return render(request, "users/confirm.html", status=410, token="", action="", kind=kind, expired=True)


def _wait(error: DomainError) -> dict[str, str]:
    return {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}


ROUTES = [
    home,
    show_sign_in,
    sign_in,
    sign_out,
    show_forgot,
    forgot,
    show_reset,
    reset,
    show_sign_in_link,
    sign_in_by_link,
    preferences,
]
