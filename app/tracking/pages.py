"""Partners' pages of links and promo codes, and the snippet that shops load."""

import io
from typing import Any
from urllib.parse import urlencode

import segno
from litestar import Request, Response, get, post

from app.errors import DomainError
from app.partners.shell import partner_shell
from app.programs.queries import program_by_id, terms_in_force
from app.tracking import links, promo_codes, queries
from app.tracking.links import MARKS, SUBS, NewLink
from app.ui.forms import Form
from app.ui.i18n import gettext as _
from app.ui.i18n import in_locale
from app.ui.paging import Cursor, number_in, page
from app.ui.render import STATIC, render, see_other
from app.users.identity import Membership, partner_of
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]
SVG = "image/svg+xml"


@get("/links", opt=policy("partner"))
async def show_links(request: AnyRequest) -> Response[str]:
    """The partner's links with their figures; `?new=1` opens the form, `?made=` shows the new one on top."""
    return await _links_page(request, Form.blank(), form_open="new" in request.query_params)


@post("/links", opt=policy("partner"))
async def make_link(request: AnyRequest) -> Response[str]:
    """A new link to any page of the shop."""
    member = partner_of(request)
    form = Form(await request.form())
    new = _new_link(form)
    if not form.errors:
        try:
            link_id = await links.create_link(member.program.id, member.partner_id, new)
        except DomainError as error:
            form.fail_with(error)
        else:
            return see_other(request, f"/links?made={link_id}", flash="link_created")
    return await _links_page(request, form, form_open=True, status=422)


@post("/links/{link_id:int}/archive", opt=policy("partner"))
async def archive(request: AnyRequest, link_id: int) -> Response[str]:
    """Out of sight; it goes on working."""
    await links.archive_link(partner_of(request).partner_id, link_id, archived=True)
    return see_other(request, "/links", flash="link_archived")


@post("/links/{link_id:int}/restore", opt=policy("partner"))
async def restore(request: AnyRequest, link_id: int) -> Response[str]:
    """Back in sight."""
    await links.archive_link(partner_of(request).partner_id, link_id, archived=False)
    return see_other(request, "/links?show=archived", flash="link_restored")


@get("/links/{link_id:int}/qr.svg", opt=policy("partner"))
async def qr_code(request: AnyRequest, link_id: int) -> Response[bytes]:
    """The link as a picture to print; what comes through it is marked by sub5."""
    link = await queries.link_by_id(partner_of(request).partner_id, link_id)
    picture = io.BytesIO()
    segno.make(f"{link.url}?sub5=qr", error="m").save(picture, kind="svg", scale=8, border=4, light="#fff")
    name = f'inline; filename="{link.code}.svg"'
    return Response(picture.getvalue(), media_type=SVG, headers={"Content-Disposition": name})


@get("/promo-codes", opt=policy("partner"))
async def show_promo_codes(request: AnyRequest) -> Response[str]:
    """The partner's promo codes and how many his level allows."""
    return await _codes_page(request, Form.blank(), form_open="new" in request.query_params)


@post("/promo-codes", opt=policy("partner"))
async def make_promo_code(request: AnyRequest) -> Response[str]:
    """A new promo code, of his choice or ours."""
    member = partner_of(request)
    form = Form(await request.form())
    code = form.text("code", required=False, max_length=promo_codes.LENGTH_MAX)
    if not form.errors:
        try:
            await promo_codes.create_promo_code(member.program.id, member.partner_id, code)
        except DomainError as error:
            form.fail_with(error)
        else:
            return see_other(request, "/promo-codes", flash="promo_code_created")
    return await _codes_page(request, form, form_open=True, status=422)


@post("/promo-codes/{code_id:int}/disable", opt=policy("partner"))
async def disable_promo_code(request: AnyRequest, code_id: int) -> Response[str]:
    """Orders from now on are no longer his by this code."""
    await promo_codes.disable_promo_code(partner_of(request).partner_id, code_id)
    return see_other(request, "/promo-codes", flash="promo_code_disabled")


@get("/static/tracker.js", opt=policy("public"))
async def tracker() -> Response[bytes]:
    """The shop's snippet. Its address stays, so it is kept for an hour only; shops' pages load it from elsewhere."""
    return Response(
        (STATIC / "tracker.js").read_bytes(),
        media_type="text/javascript; charset=utf-8",
        headers={
            "Cache-Control": "public, max-age=3600",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Access-Control-Allow-Origin": "*",
        },
    )


def _new_link(form: Form) -> NewLink:
    def texts(names: tuple[str, ...]) -> dict[str, str]:
        return {name: form.text(name, required=False, max_length=255) for name in names}

    return NewLink(
        target=form.text("target", max_length=2000),
        name=form.text("name", required=False, max_length=100),
        code=form.text("code", required=False, max_length=32),
        utm=texts(MARKS),
        sub=texts(SUBS),
    )


async def _links_page(
    request: AnyRequest, form: Form, *, form_open: bool = False, status: int = 200
) -> Response[str]:
    member = partner_of(request)
    program = await program_by_id(member.program.id)
    archived = request.query_params.get("show") == "archived"
    after = Cursor.decode(request.query_params.get("cursor"))
    rows = await queries.links(member.partner_id, archived=archived, after=after)
    shown = page(rows, lambda row: (row.created_at, row.id))
    show = "archived" if archived else "active"
    cursor = shown.next_cursor
    made = number_in(request.query_params.get("made", ""))
    return render(
        request,
        "tracking/links.html",
        block="rows",
        status=status,
        shell=await partner_shell(request),
        links=shown.rows,
        next_url=f"/links?{urlencode({'show': show, 'cursor': cursor})}" if cursor else None,
        currency=member.program.currency,
        show=show,
        hosts=list(program.hosts),
        form=form,
        form_open=form_open,
        created=await queries.link_by_id(member.partner_id, made) if made is not None else None,
        limit_text=_("Links can be made while you are active.") if member.state != "active" else "",
    )


async def _codes_page(
    request: AnyRequest, form: Form, *, form_open: bool = False, status: int = 200
) -> Response[str]:
    member = partner_of(request)
    terms = (await terms_in_force(member.program.id)).terms
    level = terms.level(member.level)
    codes = await queries.promo_codes(member.partner_id)
    return render(
        request,
        "tracking/promo_codes.html",
        status=status,
        shell=await partner_shell(request),
        codes=codes,
        used=sum(code.state == "active" for code in codes),
        limit=level.promo_codes_max if _active(member) else 0,
        level_name=in_locale(level.name) or level.code,
        next_level=queries.next_limit(terms, level),
        discount_rate=terms.promo_codes.discount_ppm,
        length_min=terms.promo_codes.length_min,
        form=form,
        form_open=form_open,
    )


def _active(member: Membership) -> bool:
    return member.state == "active"


ROUTES = [
    show_links,
    make_link,
    archive,
    restore,
    qr_code,
    show_promo_codes,
    make_promo_code,
    disable_promo_code,
    tracker,
]
