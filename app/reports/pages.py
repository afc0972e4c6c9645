"""The partner's overview."""

from typing import Any

from litestar import Request, Response, get

from app.commissions.explanation import earning_row
from app.commissions.queries import recent
from app.partners.shell import partner_shell
from app.payouts.queries import money
from app.reports import overview
from app.tracking.queries import main_link
from app.ui.render import render
from app.users.identity import partner_of
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]


@get("/overview", opt=policy("partner"))
async def show_overview(request: AnyRequest) -> Response[str]:
    """The first page; every part of it is one or two queries, whatever has been clicked and sold."""
    member = partner_of(request)
    currency = member.program.currency
    chosen = overview.span(request.query_params.get("period", ""), overview.today(member))
    steps = await overview.first_steps(member.partner_id)
    report = await overview.report(member, chosen, ever=any(step.done for step in steps[1:]))
    return render(
        request,
        "partners/overview.html",
        block="report",
        shell=await partner_shell(request),
        currency=currency,
        link=await main_link(member.partner_id),
        todo=steps if not all(step.done for step in steps) else [],
        period=chosen,
        periods=overview.periods(),
        figures=report.figures,
        chart=report.chart,
        level=await overview.level_progress(member),
        level_history=await overview.level_history(member),
        balance=overview.balance(await money(member.program.id, member.partner_id)),
        commissions=[earning_row(earning, currency) for earning in await recent(member.partner_id)],
    )


ROUTES = [show_overview]
