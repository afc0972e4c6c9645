"""The desk's orders that wait: their facts are kept, their commission is not computed yet."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from litestar import Request, Response, get, post
from litestar.params import FromPath

from app import db
from app.commissions.service import judge_again
from app.errors import NotFound
from app.staff.shell import desk_shell
from app.ui.forms import Form
from app.ui.i18n import gettext as _
from app.ui.paging import PAGE_SIZE, Cursor, page
from app.ui.render import render, see_other
from app.users.identity import StaffRole, program_of, signed_in_user
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WaitingOrder:
    """One order that waits."""

    id: int
    number: str
    received_at: datetime
    reason: str
    detail: str
    may_retry: bool
    """False: judging it again would change nothing before the shop tells more."""


@get("/desk/orders", opt=policy("manager", "accountant", "developer"))
async def show_orders(request: AnyRequest) -> Response[str]:
    """Orders that wait, newest first, each with the reason."""
    program = program_of(request)
    form = Form(request.query_params)
    number = form.text("number", required=False, max_length=200)
    if number:
        matches = await orders_numbered(program.id, number)
        if len(matches) == 1:
            return see_other(request, f"/desk/orders/{matches[0].id}")
        return render(
            request,
            "staff/orders_found.html",
            block="rows",
            shell=await desk_shell(request),
            form=form,
            orders=matches,
        )
    after = Cursor.decode(request.query_params.get("after"))
    found = page(await waiting_orders(program.id, after=after), lambda row: (row.received_at, row.id))
    return render(
        request,
        "staff/orders_waiting.html",
        block="rows",
        shell=await desk_shell(request),
        form=form,
        orders=found.rows,
        may_retry=signed_in_user(request).may(program.id, StaffRole.MANAGER, StaffRole.DEVELOPER),
        next_url=f"/desk/orders?after={found.next_cursor}" if found.next_cursor else None,
    )


@post("/desk/orders/{order_id:int}/retry", opt=policy("manager", "developer"))
async def retry_order(request: AnyRequest, order_id: FromPath[int]) -> Response[str]:
    """Judge the order now instead of with the next sweep."""
    program = program_of(request)
    external_id = await db.fetchval(
        "SELECT external_id FROM orders WHERE id = $1 AND program_id = $2", order_id, program.id
    )
    if external_id is None:
        raise NotFound("There is no such order.")
    await judge_again(program.id, [external_id])
    log.info("order.retried", id=order_id)
    return see_other(request, "/desk/orders", flash="orders_retried")


ROUTES = [show_orders, retry_order]


@dataclass(frozen=True, slots=True)
class FoundOrder:
    """One order that a search has found."""

    id: int
    number: str
    external_id: str
    status: str
    placed_at: datetime | None
    reward_minor: int


async def orders_numbered(program_id: int, number: str) -> list[FoundOrder]:
    """Orders with this number or id of the shop, newest first, at most 50."""
    rows = await db.fetch(
        """
        SELECT id, coalesce(nullif(number, ''), external_id) AS number, external_id, status, placed_at, reward_minor
        FROM orders
        WHERE program_id = $1 AND (external_id = $2 OR number = $2) AND status <> 'awaited'
        ORDER BY id DESC LIMIT 50
        """,
        program_id,
        number,
    )
    return [FoundOrder(**dict(row)) for row in rows]


async def waiting_orders(
    program_id: int, *, after: Cursor | None = None, size: int = PAGE_SIZE
) -> list[WaitingOrder]:
    """Orders of the program that are not judged though they should be, one more than `size` where there are more."""
    rows = await db.fetch(
        """
        SELECT orders.id, coalesce(nullif(orders.number, ''), orders.external_id) AS number, orders.created_at,
            orders.status, orders.judging_error, orders.currency, terms.document ->> 'currency' AS program_currency
        FROM orders
        LEFT JOIN program_terms AS terms ON terms.program_id = orders.program_id AND terms.number = 1
        WHERE orders.program_id = $1
            AND (orders.judging_error <> '' OR orders.status = 'awaited'
                OR (orders.paid_at IS NOT NULL AND orders.judged_at IS NULL))
            AND ($2::timestamptz IS NULL OR (orders.created_at, orders.id) < ($2, $3))
        ORDER BY orders.created_at DESC, orders.id DESC
        LIMIT $4
        """,
        program_id,
        after.moment if after else None,
        after.id if after else None,
        size + 1,
    )
    return [
        WaitingOrder(
            id=row["id"],
            number=row["number"],
            received_at=row["created_at"],
            reason=_reason(row["status"], row["judging_error"], row["currency"], row["program_currency"]),
            detail=row["judging_error"],
            may_retry=row["status"] != "awaited",
        )
        for row in rows
    ]


def _reason(status: str, error: str, currency: str, program_currency: str | None) -> str:
    if error:
        return _("Computing its commission failed; it is tried again every minute.")
    if status == "awaited":
        return _("A refund came, but the order itself has not come yet.")
    if currency != program_currency:
        return _(
            "It is in %(currency)s and waits for that currency's rate of the day of its payment: enter it under Rates.",
            currency=currency,
        )
    return _("No terms were in force when it was paid.")
