"""The desk's page of the nightly check: the last runs, and what did not hold."""

from dataclasses import replace
from typing import Any

from litestar import Request, Response, get

from app.reports.nightly import check_runs
from app.staff.shell import desk_shell
from app.ui.i18n import gettext as _
from app.ui.render import render
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]


@get("/desk/checks", opt=policy("manager", "accountant", "developer"))
async def show_checks(request: AnyRequest) -> Response[str]:
    """The newest run check by check, and the runs before it."""
    runs = await check_runs()
    latest = runs[0] if runs else None
    if latest is not None:
        told = [replace(one, says=_(one.says)) for one in latest.results]
        latest = replace(latest, results=tuple(told))
    return render(
        request,
        "staff/checks.html",
        shell=await desk_shell(request),
        latest=latest,
        runs=runs,
    )


ROUTES = [show_checks]
