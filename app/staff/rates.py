"""The desk's page of rates: what foreign currencies are worth, and partners' own rates and fixed plans (rules.md §5, §6)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile

from app import db
from app.commissions.currency import enter_rates
from app.errors import DomainError
from app.partners.queries import partner_by_code
from app.partners.service import set_own_rates
from app.programs.currency_rates import NewRate, known_rates, read_csv
from app.programs.queries import latest_terms
from app.staff.shell import desk_shell
from app.ui.forms import Form
from app.ui.i18n import gettext as _
from app.ui.render import render, see_other
from app.users.identity import StaffRole, program_of, signed_in_user
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]

MAX_FILE = 512 * 1024


@dataclass(frozen=True, slots=True)
class OwnRate:
    """What staff have set for one partner by hand."""

    code: str
    name: str
    external: int | None
    direct: int | None
    plan: str
    since: datetime
    note: str
    author: str


@get("/desk/rates", opt=policy("manager", "accountant"))
async def show_rates(request: AnyRequest) -> Response[str]:
    """Currency rates, newest day first, and who has rates of his own."""
    return await _page(request, Form.blank())


@post("/desk/rates/currencies", opt=policy("manager", "accountant"), status_code=303)
async def add_currency_rates(request: AnyRequest) -> Response[str]:
    """One rate typed in, or a file of them; orders that wait for them are judged at once."""
    sent = await request.form()
    form, program = Form(sent), program_of(request)
    try:
        rates = await _file_of(sent.get("file")) or [_typed(form)]
        if not form.errors:
            await enter_rates(program.id, rates, author_id=signed_in_user(request).id)
    except DomainError as error:
        form.fail_with(error, "file")
    if form.errors:
        return await _page(request, form)
    return see_other(request, "/desk/rates", flash="currency_rates_entered")


@post("/desk/rates/partners", opt=policy("manager"), status_code=303)
async def set_partner_rates(request: AnyRequest) -> Response[str]:
    """A partner's own rates and fixed plan, for the orders paid from now on; empty fields take them away."""
    form, program = Form(await request.form()), program_of(request)
    found = await partner_by_code(program.id, form.text("partner", max_length=32))
    if found is None:
        form.fail("partner", _("There is no partner with this code."))
    external = form.rate("external") if form.value("external").strip() else None
    direct = form.rate("direct") if form.value("direct").strip() else None
    reason = form.text("reason", max_length=300)
    if not form.errors and found is not None:
        try:
            await set_own_rates(
                found.id,
                external=external,
                direct=direct,
                plan=form.value("plan"),
                author_id=signed_in_user(request).id,
                note=reason,
            )
        except DomainError as error:
            form.fail_with(error, "plan")
    if form.errors:
        return await _page(request, form)
    return see_other(request, "/desk/rates", flash="own_rates_set")


ROUTES = [show_rates, add_currency_rates, set_partner_rates]


def _typed(form: Form) -> NewRate:
    return NewRate(
        form.text("currency", max_length=3).upper(),
        form.text("day", max_length=10),
        form.text("rate", max_length=30).replace(",", "."),
        form.text("source", required=False, max_length=100),
    )


async def _file_of(file: object) -> list[NewRate]:
    """The rates of an uploaded file; none: no file was chosen."""
    if not isinstance(file, UploadFile) or not file.filename:
        return []
    raw = await file.read(MAX_FILE + 1)
    if len(raw) > MAX_FILE:
        raise DomainError("The file is too large.", code="file_too_large")
    try:
        return read_csv(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DomainError("The file is not a text in UTF-8.", code="file_not_text") from error


async def _page(request: AnyRequest, form: Form) -> Response[str]:
    program, user = program_of(request), signed_in_user(request)
    terms = await latest_terms(program.id)
    return render(
        request,
        "staff/rates.html",
        status=422 if form.errors else 200,
        shell=await desk_shell(request),
        currency=program.currency,
        rates=await known_rates(program.id),
        own_rates=await own_rates(program.id),
        plans=[plan.code for plan in terms.terms.plans] if terms is not None else [],
        form=form,
        may_set=user.may(program.id, StaffRole.MANAGER),
    )


async def own_rates(program_id: int, *, limit: int = 200) -> list[OwnRate]:
    """Partners whose own rates or fixed plan are in force, the latest change first."""
    rows = await db.fetch(
        """
        SELECT partners.code, partners.name, change.own_rate AS external, change.own_rate_direct AS direct,
            change.plan, change.at AS since, change.note, coalesce(author.email, '') AS author
        FROM partners
        CROSS JOIN LATERAL (
            SELECT id, at, own_rate, own_rate_direct, plan, note, author_id FROM partner_own_rate_changes
            WHERE partner_id = partners.id ORDER BY at DESC, id DESC LIMIT 1
        ) AS change
        LEFT JOIN users AS author ON author.id = change.author_id
        WHERE partners.program_id = $1
            AND (change.own_rate IS NOT NULL OR change.own_rate_direct IS NOT NULL OR change.plan <> '')
        ORDER BY change.at DESC, change.id DESC LIMIT $2
        """,
        program_id,
        limit,
    )
    return [OwnRate(**dict(row)) for row in rows]
