"""A partner's papers: acts to sign, receipts to give, and what papers say of him."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from app import clock
from app.errors import DomainError, NotFound
from app.partners.queries import partner
from app.partners.shell import partner_shell
from app.payouts import act_signing, acts, paper_forms, paper_queries, receipts, requisites
from app.payouts.decisions import SIGNS_ACTS
from app.payouts.paper_queries import Act, Receipt, Stored
from app.payouts.uploads import BODY_LIMIT, read_upload
from app.programs.queries import terms_in_force
from app.ui.filters import money
from app.ui.forms import Form
from app.ui.i18n import gettext as _
from app.ui.render import render, see_other
from app.users.identity import partner_of, signed_in_user
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]

ENDINGS = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}


@get("/papers", opt=policy("partner"))
async def show_papers(request: AnyRequest) -> Response[str]:
    """All acts and receipts, what waits for the partner first; the year's limit of a self-employed one."""
    member = partner_of(request)
    found = await partner(member.partner_id)
    zone = (await terms_in_force(member.program.id)).terms.zone
    today = clock.now().astimezone(zone).date()
    self_employed = found.kind == "self_employed"
    own = await requisites.of_partner(member.partner_id)
    gaps = own.missing(company=found.kind == "company") if found.kind in SIGNS_ACTS else []
    return render(
        request,
        "acts/papers.html",
        shell=await partner_shell(request),
        kind=found.kind,
        signs_acts=found.kind in SIGNS_ACTS,
        gaps=[str(paper_forms.LABELS[name]) for name in gaps],
        acts=await paper_queries.acts_of_partner(member.partner_id),
        receipts=await paper_queries.receipts_of_partner(member.partner_id),
        today=today,
        income=await receipts.income(member.partner_id, today.year) if self_employed else None,
        limit_minor=receipts.LIMIT_MINOR,
    )


@get("/acts/{act_id:int}", opt=policy("partner"))
async def show_act(request: AnyRequest, act_id: FromPath[int]) -> Response[str]:
    """One act: what stands in it, the PDF, and how to sign it."""
    return await _act_page(request, act_id, Form.blank())


@get("/acts/{act_id:int}/document", opt=policy("partner"))
async def act_document(request: AnyRequest, act_id: FromPath[int]) -> Response[bytes]:
    """The PDF; it is typeset now if that has not happened yet."""
    member = partner_of(request)
    found = await paper_queries.act(member.program.id, act_id, partner_id=member.partner_id)
    return download(await paper_queries.stored(await acts.typeset_act(found.id)), found.file_name)


@get("/acts/{act_id:int}/scan", opt=policy("partner"))
async def act_scan(request: AnyRequest, act_id: FromPath[int]) -> Response[bytes]:
    """The scan that he handed in last."""
    member = partner_of(request)
    return await scan_of(await paper_queries.act(member.program.id, act_id, partner_id=member.partner_id))


@post("/acts/{act_id:int}/accept", opt=policy("partner"), status_code=303)
async def accept_act(request: AnyRequest, act_id: FromPath[int]) -> Response[str]:
    """Accept online what the PDF says. Who, when, from where and the digest of the PDF are kept."""
    member, user = partner_of(request), signed_in_user(request)
    await paper_queries.act(member.program.id, act_id, partner_id=member.partner_id)
    form = Form(await request.form())
    form.consent("agree", _("Tick the box: that is your signature."))
    digest = form.code("digest", pattern=r"[0-9a-f]{64}", message=_("Open the page anew and try again."))
    if not form.errors:
        try:
            ip = str(request.scope["state"].get("client_ip", ""))
            await act_signing.accept(member.program.id, act_id, user_id=user.id, ip=ip, digest=digest)
        except DomainError as error:
            form.fail_with(error)
    if form.errors:
        return await _act_page(request, act_id, form)
    return see_other(request, f"/acts/{act_id}", flash="act_signed")


@post("/acts/{act_id:int}/scan", opt=policy("partner"), status_code=303, request_max_body_size=BODY_LIMIT)
async def hand_in_scan(request: AnyRequest, act_id: FromPath[int]) -> Response[str]:
    """Hand in a scan of the signed act."""
    member, user = partner_of(request), signed_in_user(request)
    await paper_queries.act(member.program.id, act_id, partner_id=member.partner_id)
    raw = await request.form()
    form = Form({})
    upload = await read_upload(form, "scan", raw.get("scan"))
    if upload is not None:
        try:
            await act_signing.hand_in_scan(member.program.id, act_id, user_id=user.id, upload=upload)
        except DomainError as error:
            form.fail_with(error)
    if form.errors:
        return await _act_page(request, act_id, form)
    return see_other(request, f"/acts/{act_id}", flash="act_scanned")


async def _act_page(request: AnyRequest, act_id: int, form: Form) -> Response[str]:
    member = partner_of(request)
    found = await paper_queries.act(member.program.id, act_id, partner_id=member.partner_id)
    if found.paper_id is None:
        await acts.typeset_act(act_id)
        found = await paper_queries.act(member.program.id, act_id, partner_id=member.partner_id)
    return render(
        request,
        "acts/act.html",
        status=422 if form.errors else 200,
        shell=await partner_shell(request),
        act=found,
        form=form,
    )


@get("/receipts/{payout_id:int}", opt=policy("partner"))
async def show_receipt(request: AnyRequest, payout_id: FromPath[int]) -> Response[str]:
    """The receipt of one payout: what is wanted, or what was given."""
    return await _receipt_page(request, payout_id, Form.blank())


@get("/receipts/{payout_id:int}/file", opt=policy("partner"))
async def receipt_file(request: AnyRequest, payout_id: FromPath[int]) -> Response[bytes]:
    """The file that he gave."""
    member = partner_of(request)
    return await file_of(
        await paper_queries.receipt(member.program.id, payout_id, partner_id=member.partner_id)
    )


@post("/receipts/{payout_id:int}", opt=policy("partner"), status_code=303, request_max_body_size=BODY_LIMIT)
async def give_receipt(request: AnyRequest, payout_id: FromPath[int]) -> Response[str]:
    """Give the receipt: its link, or a file."""
    member, user = partner_of(request), signed_in_user(request)
    await paper_queries.receipt(member.program.id, payout_id, partner_id=member.partner_id)
    raw = await request.form()
    form = Form({"url": raw.get("url", "")})
    url = paper_forms.read_receipt_url(form)
    upload = None
    if not url and not form.errors:
        upload = await read_upload(form, "file", raw.get("file"))
    if not form.errors:
        try:
            await receipts.give(
                member.program.id, member.partner_id, payout_id, user_id=user.id, url=url, upload=upload
            )
        except DomainError as error:
            form.fail_with(error)
    if form.errors:
        return await _receipt_page(request, payout_id, form)
    return see_other(request, f"/receipts/{payout_id}", flash="receipt_given")


async def _receipt_page(request: AnyRequest, payout_id: int, form: Form) -> Response[str]:
    member = partner_of(request)
    found = await paper_queries.receipt(member.program.id, payout_id, partner_id=member.partner_id)
    return render(
        request,
        "acts/receipt.html",
        status=422 if form.errors else 200,
        shell=await partner_shell(request),
        receipt=found,
        blocked_from=receipts.blocked_from(found.due_on),
        form=form,
    )


@get("/requisites", opt=policy("partner"))
async def show_requisites(request: AnyRequest) -> Response[str]:
    """What acts say of the partner."""
    return await _requisites_page(request, None)


@post("/requisites", opt=policy("partner"), status_code=303)
async def give_requisites(request: AnyRequest) -> Response[str]:
    """Change it, for the acts to come."""
    member, user = partner_of(request), signed_in_user(request)
    form = Form(await request.form())
    side = paper_forms.read_side(form, company=(await partner(member.partner_id)).kind == "company")
    if form.errors:
        return await _requisites_page(request, form)
    await requisites.give(member.program.id, member.partner_id, side, user_id=user.id)
    return see_other(request, "/requisites", flash="saved")


async def _requisites_page(request: AnyRequest, form: Form | None) -> Response[str]:
    member = partner_of(request)
    kind = (await partner(member.partner_id)).kind
    return render(
        request,
        "acts/requisites.html",
        status=200 if form is None else 422,
        shell=await partner_shell(request),
        form=form or paper_forms.blank(await requisites.of_partner(member.partner_id)),
        labels=paper_forms.LABELS,
        vat_options=paper_forms.vat_options(),
        company=kind == "company",
        signs_acts=kind in SIGNS_ACTS,
    )


def download(paper: Stored, name: str) -> Response[bytes]:
    """A stored file as a download: no browser opens it within our pages, whatever is in it."""
    return Response(
        paper.content,
        media_type=paper.media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "private, no-store",
        },
    )


async def scan_of(found: Act) -> Response[bytes]:
    """An act's scan; NotFound where nobody handed one in."""
    if found.scan_id is None:
        raise NotFound
    name = f"act-{found.year}-{found.number}-scan.{ENDINGS[found.scan_type]}"
    return download(await paper_queries.stored(found.scan_id), name)


async def file_of(found: Receipt) -> Response[bytes]:
    """A receipt's file; NotFound where it is a link, or missing."""
    if found.paper_id is None:
        raise NotFound
    paper = await paper_queries.stored(found.paper_id)
    return download(paper, f"receipt-{found.payout_number}.{ENDINGS[paper.media_type]}")


async def to_do(partner_id: int) -> list[tuple[str, str]]:
    """What waits for the partner: sentence and address, for the page of payouts."""
    texts = [
        (
            _(
                "Act no. %(number)s of %(year)s for %(amount)s waits for your signature",
                number=one.number,
                year=one.year,
                amount=money(one.amount_minor, one.currency),
            ),
            f"/acts/{one.id}",
        )
        for one in await paper_queries.acts_of_partner(partner_id, limit=20)
        if one.state == "made" and one.payout_state == "approved"
    ]
    texts += [
        (
            _("The receipt for payout no. %(number)s is missing", number=one.payout_number),
            f"/receipts/{one.payout_id}",
        )
        for one in await paper_queries.receipts_of_partner(partner_id, limit=20)
        if one.state == "missing"
    ]
    return texts


ROUTES = [
    show_papers,
    show_act,
    act_document,
    act_scan,
    accept_act,
    hand_in_scan,
    show_receipt,
    receipt_file,
    give_receipt,
    show_requisites,
    give_requisites,
]
