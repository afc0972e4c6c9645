"""Batches on the desk: choosing payouts, files for the bank, its answer, and the program's own bank details."""

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath

from app.errors import DomainError
from app.partners.own_application import word
from app.partners.words import PAYOUT_METHODS
from app.payouts import bank_answer, batch_queries, payer, queries
from app.payouts import batches as service
from app.payouts.bank_statement import MAX_BYTES
from app.payouts.batch_queries import Happening
from app.payouts.decisions import PayoutState
from app.payouts.methods import METHODS
from app.payouts.queries import Choice
from app.staff.shell import desk_shell
from app.ui.forms import Form
from app.ui.i18n import LazyText, lazy
from app.ui.i18n import gettext as _
from app.ui.paging import number_in
from app.ui.render import render, see_other
from app.users.identity import StaffRole, program_of, signed_in_user
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]

IN_BATCHES = tuple(kind for kind, method in METHODS.items() if method.files)
SHOWN = 25

HAPPENED: dict[str, LazyText] = {
    "batch.made": lazy("Batch made, files ready"),
    "batch.downloaded": lazy("File downloaded"),
    "batch.paid": lazy("Marked as paid"),
    "batch.dissolved": lazy("Dissolved"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a batch's story."""

    text: str
    at: datetime
    detail: str
    bad: bool = False
    future: bool = False


@get("/desk/batches", opt=policy("accountant", "manager"))
async def show_batches(request: AnyRequest) -> Response[str]:
    """All batches, the newest first, with the bank's statements beside them."""
    return await _list(request, None)


@get("/desk/batches/new", opt=policy("accountant"))
async def choose(request: AnyRequest) -> Response[str]:
    """Approved payouts of one way of paying, to choose from."""
    return await _choose(request, None)


@post("/desk/batches", opt=policy("accountant"), status_code=303)
async def make(request: AnyRequest) -> Response[str]:
    """Make a batch of what was chosen."""
    form = Form(await request.form())
    chosen = [number_in(text) or 0 for text in form.values("payout")]
    token = form.code("batch_token", pattern=r"[\w-]{8,64}", message=_("Open the page anew and try again."))
    if not form.errors:
        try:
            made = await service.make_batch(
                program_of(request).id, chosen, user_id=signed_in_user(request).id, action_id=token
            )
            return see_other(request, f"/desk/batches/{made}", flash="batch_made")
        except DomainError as error:
            form.fail_with(error)
    return await _choose(request, form)


@get("/desk/batches/{batch_id:int}", opt=policy("accountant", "manager"))
async def show_batch(request: AnyRequest, batch_id: FromPath[int]) -> Response[str]:
    """One batch: its payments, files and story."""
    return await _batch(request, batch_id, None)


@get("/desk/batches/{batch_id:int}/{file_format:str}", opt=policy("accountant"))
async def download(
    request: AnyRequest, batch_id: FromPath[int], file_format: FromPath[str]
) -> Response[bytes]:
    """A file of the batch, the same bytes every time."""
    name, content = await service.download(
        program_of(request).id, batch_id, file_format, user_id=signed_in_user(request).id
    )
    return Response(
        content,
        media_type="text/csv" if file_format == "csv" else "application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@post("/desk/batches/{batch_id:int}/paid", opt=policy("accountant"), status_code=303)
async def mark_paid(request: AnyRequest, batch_id: FromPath[int]) -> Response[str]:
    """All that is with the bank still was paid."""
    try:
        await service.mark_batch_paid(program_of(request).id, batch_id, user_id=signed_in_user(request).id)
    except DomainError as error:
        return await _batch(request, batch_id, error)
    return see_other(request, f"/desk/batches/{batch_id}", flash="batch_paid")


@post("/desk/batches/{batch_id:int}/dissolve", opt=policy("accountant"), status_code=303)
async def dissolve(request: AnyRequest, batch_id: FromPath[int]) -> Response[str]:
    """The file was not given to the bank after all."""
    try:
        await service.dissolve(program_of(request).id, batch_id, user_id=signed_in_user(request).id)
    except DomainError as error:
        return await _batch(request, batch_id, error)
    return see_other(request, f"/desk/batches/{batch_id}", flash="batch_dissolved")


@post(
    "/desk/bank-answers", opt=policy("accountant"), status_code=303, request_max_body_size=MAX_BYTES + 65536
)
async def upload(request: AnyRequest) -> Response[str]:
    """Take a statement of the bank; the next page says what it would do."""
    sent = await request.form()
    form, file = Form({}), sent.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        form.fail("file", _("Choose the file first."))
        return await _list(request, form)
    try:
        taken = await bank_answer.upload(
            program_of(request).id, file.filename, await file.read(), user_id=signed_in_user(request).id
        )
    except DomainError as error:
        form.fail_with(error, "file")
        return await _list(request, form)
    return see_other(request, f"/desk/bank-answers/{taken}")


@get("/desk/bank-answers/{answer_id:int}", opt=policy("accountant", "manager"))
async def show_answer(request: AnyRequest, answer_id: FromPath[int]) -> Response[str]:
    """What the statement would do, or has done."""
    return await _answer(request, answer_id, None)


@post("/desk/bank-answers/{answer_id:int}/confirm", opt=policy("accountant"), status_code=303)
async def confirm(request: AnyRequest, answer_id: FromPath[int]) -> Response[str]:
    """Book it."""
    try:
        await bank_answer.confirm(program_of(request).id, answer_id, user_id=signed_in_user(request).id)
    except DomainError as error:
        return await _answer(request, answer_id, error)
    return see_other(request, f"/desk/bank-answers/{answer_id}", flash="bank_answer_confirmed")


@get("/desk/bank-details", opt=policy("accountant", "owner"))
async def show_payer(request: AnyRequest) -> Response[str]:
    """The program's own account, and what is known of partners' banks."""
    return await _payer(request, None, None)


@post("/desk/bank-details", opt=policy("accountant", "owner"), status_code=303)
async def save_payer(request: AnyRequest) -> Response[str]:
    """Give the program's own account."""
    form = Form(await request.form())
    details = payer.read_payer(form)
    if form.errors:
        return await _payer(request, form, None)
    await payer.set_payer(program_of(request).id, details, user_id=signed_in_user(request).id)
    return see_other(request, "/desk/bank-details", flash="saved")


@post("/desk/banks", opt=policy("accountant", "owner"), status_code=303)
async def save_bank(request: AnyRequest) -> Response[str]:
    """Say what a bank is called in payment orders."""
    form = Form(await request.form())
    bank = payer.read_bank(form)
    if form.errors:
        return await _payer(request, None, form)
    await payer.set_bank(program_of(request).id, bank, user_id=signed_in_user(request).id)
    return see_other(request, "/desk/bank-details", flash="saved")


async def _list(request: AnyRequest, form: Form | None) -> Response[str]:
    program = program_of(request)
    before = number_in(request.query_params.get("before", ""))
    rows = await batch_queries.batches(program.id, before=before, most=SHOWN)
    return render(
        request,
        "staff/batches.html",
        status=200 if form is None else 422,
        shell=await desk_shell(request),
        currency=program.currency,
        batches=rows[:SHOWN],
        method_labels=_labels(),
        answers=await batch_queries.answers(program.id),
        form=form or Form.blank(),
        may_act=_may_act(request),
        next_url=f"/desk/batches?before={rows[SHOWN - 1].number}" if len(rows) > SHOWN else None,
    )


async def _choose(request: AnyRequest, form: Form | None) -> Response[str]:
    program, user = program_of(request), signed_in_user(request)
    asked = form.value("method") if form is not None else request.query_params.get("method", "")
    method = asked if asked in IN_BATCHES else IN_BATCHES[0]
    found = await queries.queue(
        program.id,
        [PayoutState.APPROVED],
        user_id=user.id,
        choice=Choice(method=method),
        size=service.MOST,
    )
    return render(
        request,
        "staff/batch_new.html",
        status=200 if form is None else 422,
        shell=await desk_shell(request),
        currency=program.currency,
        methods=[(kind, word(PAYOUT_METHODS, kind)) for kind in IN_BATCHES],
        method=method,
        payouts=found.rows,
        total_minor=sum(one.payable_minor for one in found.rows),
        more=found.next_cursor is not None,
        form=form or Form.blank(batch_token=secrets.token_urlsafe(18)),
        payer=await payer.payer_of(program.id),
    )


async def _batch(request: AnyRequest, batch_id: int, error: DomainError | None) -> Response[str]:
    if error is not None and error.status == 404:
        raise error
    program = program_of(request)
    found = await batch_queries.batch(program.id, batch_id)
    return render(
        request,
        "staff/batch.html",
        status=200 if error is None else error.status,
        shell=await desk_shell(request),
        currency=program.currency,
        batch=found,
        method_label=word(PAYOUT_METHODS, found.row.method),
        story=_steps(found.story),
        may_act=_may_act(request),
        may_dissolve=found.row.waiting == found.row.payouts,
        error=_(error.message, **error.values) if error is not None else "",
    )


async def _answer(request: AnyRequest, answer_id: int, error: DomainError | None) -> Response[str]:
    if error is not None and error.status == 404:
        raise error
    program = program_of(request)
    return render(
        request,
        "staff/bank_answer.html",
        status=200 if error is None else error.status,
        shell=await desk_shell(request),
        currency="RUB",
        answer=await bank_answer.answer(program.id, answer_id),
        may_act=_may_act(request),
        error=_(error.message, **error.values) if error is not None else "",
    )


async def _payer(request: AnyRequest, form: Form | None, bank_form: Form | None) -> Response[str]:
    program = program_of(request)
    known = await payer.payer_of(program.id)
    blank = Form.blank(**asdict(known)) if known is not None else Form.blank(purpose=payer.PURPOSE)
    return render(
        request,
        "staff/bank_details.html",
        status=200 if form is None and bank_form is None else 422,
        shell=await desk_shell(request),
        known=known is not None,
        form=form or blank,
        bank_form=bank_form or Form.blank(),
        unknown=await payer.unknown_biks(program.id),
        banks=await payer.all_banks(),
    )


def _labels() -> dict[str, str]:
    return {kind: word(PAYOUT_METHODS, kind) for kind in PAYOUT_METHODS}


def _steps(story: Sequence[Happening]) -> list[Step]:
    return [
        Step(str(HAPPENED.get(one.action, one.action)), one.at, one.who, bad=one.action == "batch.dissolved")
        for one in story
    ]


def _may_act(request: AnyRequest) -> bool:
    return signed_in_user(request).may(program_of(request).id, StaffRole.ACCOUNTANT)


ROUTES = [
    show_batches,
    choose,
    make,
    show_batch,
    download,
    mark_paid,
    dissolve,
    upload,
    show_answer,
    confirm,
    show_payer,
    save_payer,
    save_bank,
]
