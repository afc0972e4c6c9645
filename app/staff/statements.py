"""A partner's statement on the desk: the same as he reads it."""

from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath

from app.errors import NotFound
from app.partners.queries import Partner, partner
from app.payouts.statement_files import FORMATS
from app.payouts.statement_pages import statement_file, statement_values
from app.staff.shell import desk_shell
from app.ui.render import render
from app.users.identity import program_of
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]


@get("/desk/statements/{partner_id:int}", opt=policy("accountant", "manager"))
async def show_statement(request: AnyRequest, partner_id: FromPath[int]) -> Response[str]:
    """One month of one partner."""
    found = await _partner(request, partner_id)
    url = f"/desk/statements/{partner_id}"
    values = await statement_values(request, program_of(request), partner_id, url, own=False)
    values["files"] = [(kind.upper(), f"{url}/{kind}?month={values['month_key']}") for kind in FORMATS]
    return render(
        request,
        "partners/statement.html",
        block="rows",
        layout="layouts/desk.html",
        shell=await desk_shell(request),
        partner_name=f"{found.name} ({found.code})",
        **values,
    )


@get("/desk/statements/{partner_id:int}/{kind:str}", opt=policy("accountant", "manager"))
async def download_statement(
    request: AnyRequest, partner_id: FromPath[int], kind: FromPath[str]
) -> Response[bytes]:
    """The month as CSV, XLSX or PDF."""
    found = await _partner(request, partner_id)
    if kind not in FORMATS:
        raise NotFound
    return await statement_file(
        request, program_of(request), partner_id, f"{found.name} ({found.code})", kind
    )


async def _partner(request: AnyRequest, partner_id: int) -> Partner:
    """The partner of the program at hand; NotFound for another program's."""
    found = await partner(partner_id)
    if found.program_id != program_of(request).id:
        raise NotFound
    return found


ROUTES = [show_statement, download_statement]
