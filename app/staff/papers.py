"""Papers on the desk: scans to look at, acts that wait, receipts that are missing, and what papers say of the shop."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from app import clock
from app.errors import DomainError
from app.payouts import act_signing, acts, paper_forms, paper_queries, receipts, requisites
from app.payouts.paper_pages import download, file_of, scan_of
from app.staff.shell import desk_shell
from app.ui.forms import Form
from app.ui.i18n import zone_named
from app.ui.paging import Cursor, Page
from app.ui.render import render, see_other
from app.users.identity import program_of, signed_in_user
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]

ACTS: dict[str, tuple[str, ...]] = {
    "scans": ("scanned",),
    "unsigned": ("made",),
    "signed": ("signed",),
    "cancelled": ("cancelled",),
}
"""States of the acts that `?show=` asks for."""

RECEIPTS: dict[str, tuple[str, ...]] = {"receipts": ("missing",), "given": ("given", "waived", "undone")}
"""The same of receipts."""


@get("/desk/papers", opt=policy("accountant", "manager"))
async def show_papers(request: AnyRequest) -> Response[str]:
    """Acts or receipts of the program, the newest first."""
    return await _page(request)


@get("/desk/acts/{act_id:int}/document", opt=policy("accountant", "manager"))
async def act_document(request: AnyRequest, act_id: FromPath[int]) -> Response[bytes]:
    """The PDF of an act."""
    found = await paper_queries.act(program_of(request).id, act_id)
    return download(await paper_queries.stored(await acts.typeset_act(found.id)), found.file_name)


@get("/desk/acts/{act_id:int}/scan", opt=policy("accountant", "manager"))
async def act_scan(request: AnyRequest, act_id: FromPath[int]) -> Response[bytes]:
    """The scan that the partner handed in last."""
    return await scan_of(await paper_queries.act(program_of(request).id, act_id))


@post("/desk/acts/{act_id:int}/approve", opt=policy("accountant", "manager"), status_code=303)
async def approve_scan(request: AnyRequest, act_id: FromPath[int]) -> Response[str]:
    """The scan is a signed act."""
    form = Form(await request.form())
    try:
        await act_signing.approve_scan(
            program_of(request).id,
            act_id,
            user_id=signed_in_user(request).id,
            digest=form.value("digest"),
        )
    except DomainError as error:
        return await _page(request, refused=(act_id, error))
    return see_other(request, "/desk/papers", flash="act_signed")


@post("/desk/acts/{act_id:int}/refuse", opt=policy("accountant", "manager"), status_code=303)
async def refuse_scan(request: AnyRequest, act_id: FromPath[int]) -> Response[str]:
    """The scan is not what is needed; the partner reads why."""
    try:
        await act_signing.refuse_scan(
            program_of(request).id,
            act_id,
            user_id=signed_in_user(request).id,
            reason=_reason(Form(await request.form())),
        )
    except DomainError as error:
        return await _page(request, refused=(act_id, error))
    return see_other(request, "/desk/papers", flash="act_refused")


@post("/desk/acts/{act_id:int}/renew", opt=policy("accountant", "manager"), status_code=303)
async def renew_act(request: AnyRequest, act_id: FromPath[int]) -> Response[str]:
    """Cancel the act and make it anew under the next number: its details, or the amount, have changed."""
    try:
        await acts.renew(
            program_of(request).id,
            act_id,
            user_id=signed_in_user(request).id,
            reason=_reason(Form(await request.form())),
        )
    except DomainError as error:
        return await _page(request, refused=(act_id, error))
    return see_other(request, "/desk/papers?show=unsigned", flash="act_renewed")


@get("/desk/receipts/{payout_id:int}/file", opt=policy("accountant", "manager"))
async def receipt_file(request: AnyRequest, payout_id: FromPath[int]) -> Response[bytes]:
    """The file of a receipt."""
    return await file_of(await paper_queries.receipt(program_of(request).id, payout_id))


@post("/desk/receipts/{payout_id:int}/refuse", opt=policy("accountant", "manager"), status_code=303)
async def refuse_receipt(request: AnyRequest, payout_id: FromPath[int]) -> Response[str]:
    """What was given is no receipt of this payout."""
    try:
        await receipts.refuse(
            program_of(request).id,
            payout_id,
            user_id=signed_in_user(request).id,
            reason=_reason(Form(await request.form())),
        )
    except DomainError as error:
        return await _page(request, refused=(payout_id, error), otherwise="given")
    return see_other(request, "/desk/papers?show=receipts", flash="receipt_refused")


@post("/desk/receipts/{payout_id:int}/waive", opt=policy("accountant"), status_code=303)
async def waive_receipt(request: AnyRequest, payout_id: FromPath[int]) -> Response[str]:
    """Do without the receipt, for a reason."""
    try:
        await receipts.waive(
            program_of(request).id,
            payout_id,
            user_id=signed_in_user(request).id,
            reason=_reason(Form(await request.form())),
        )
    except DomainError as error:
        return await _page(request, refused=(payout_id, error), otherwise="receipts")
    return see_other(request, "/desk/papers?show=receipts", flash="receipt_waived")


@get("/desk/requisites", opt=policy("accountant", "manager"))
async def show_requisites(request: AnyRequest) -> Response[str]:
    """What papers say of the shop."""
    return await _requisites_page(request, None)


@post("/desk/requisites", opt=policy("accountant", "manager"), status_code=303)
async def give_requisites(request: AnyRequest) -> Response[str]:
    """Change it, for the papers to come."""
    form = Form(await request.form())
    side = paper_forms.read_side(form, company=_is_company(form))
    if form.errors:
        return await _requisites_page(request, form)
    await requisites.give(program_of(request).id, None, side, user_id=signed_in_user(request).id)
    return see_other(request, "/desk/requisites", flash="saved")


def _is_company(form: Form) -> bool:
    """A sole trader's tax number has twelve digits, all else is taken for a company's."""
    return sum(sign.isdigit() for sign in form.value("tax_number")) != 12


async def _requisites_page(request: AnyRequest, form: Form | None) -> Response[str]:
    form, status = (
        (form, 422) if form else (paper_forms.blank(await requisites.of_program(program_of(request).id)), 200)
    )
    return render(
        request,
        "staff/requisites.html",
        status=status,
        shell=await desk_shell(request),
        form=form,
        labels=paper_forms.LABELS,
        company=_is_company(form),
    )


async def _page(
    request: AnyRequest, *, refused: tuple[int, DomainError] | None = None, otherwise: str = "scans"
) -> Response[str]:
    if refused is not None and refused[1].status == 404:
        raise refused[1]
    program = program_of(request)
    show = request.query_params.get("show", otherwise)
    show = show if show in ACTS or show in RECEIPTS else otherwise
    after = Cursor.decode(request.query_params.get("after"))
    found: Page[Any]
    if show in ACTS:
        found = await paper_queries.acts_of_program(program.id, ACTS[show], after=after)
    else:
        found = await paper_queries.receipts_of_program(program.id, RECEIPTS[show], after=after)
    ours = await requisites.of_program(program.id)
    return render(
        request,
        "staff/papers.html",
        status=200 if refused is None else 422,
        shell=await desk_shell(request),
        show=show,
        acts=found.rows if show in ACTS else None,
        receipts=found.rows if show in RECEIPTS else None,
        today=clock.now().astimezone(zone_named(program.zone)).date(),
        gaps=[str(paper_forms.LABELS[name]) for name in ours.missing(company=len(ours.tax_number) != 12)],
        error=(refused[0], _said(refused[1])) if refused is not None else None,
        next_url=f"/desk/papers?show={show}&after={found.next_cursor}" if found.next_cursor else None,
    )


def _said(error: DomainError) -> str:
    form = Form({})
    form.fail_with(error)
    return next(iter(form.errors.values()))


def _reason(form: Form) -> str:
    reason = form.text("reason", max_length=500, required=False)
    if form.errors:
        raise DomainError(form.errors["reason"], code="reason_wrong")
    return reason


ROUTES = [
    show_papers,
    act_document,
    act_scan,
    approve_scan,
    refuse_scan,
    renew_act,
    receipt_file,
    refuse_receipt,
    waive_receipt,
    show_requisites,
    give_requisites,
]
