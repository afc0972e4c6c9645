"""The desk's view of customers' cashback: what the program owes, what was written off, each customer's history."""

from dataclasses import dataclass
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from app import db
from app.cashback import links, queries
from app.cashback.words import step_of
from app.errors import NotFound
from app.staff.shell import desk_shell
from app.ui.paging import number_in
from app.ui.render import render, see_other
from app.users import audit
from app.users.identity import program_of, signed_in_user
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]

ROWS = 50


@dataclass(frozen=True, slots=True)
class WrittenOff:
    """An order whose cashback could not be taken back, because it was spent."""

    id: int
    order: str
    customer_id: int
    customer: str
    amount_minor: int


@get("/desk/cashback", opt=policy("manager", "accountant"))
async def show_cashback(request: AnyRequest) -> Response[str]:
    """All of the program in figures, what was written off, and the way to one customer by the shop's id."""
    program = program_of(request)
    wanted = request.query_params.get("customer", "").strip()[:200]
    found = await queries.owner(program.id, wanted) if wanted and wanted.isprintable() else None
    if found is not None and found.link_number:
        return see_other(request, f"/desk/cashback/{found.customer_id}")
    rows = await _written_off(program.id, number_in(request.query_params.get("before", "")))
    return render(
        request,
        "staff/cashback.html",
        block="rows",
        shell=await desk_shell(request),
        currency=program.currency,
        sums=await _program_sums(program.id),
        rows=rows[:ROWS],
        next_url=f"/desk/cashback?before={rows[ROWS - 1].id}" if len(rows) > ROWS else None,
        wanted=wanted,
    )


@get("/desk/cashback/{customer_id:int}", opt=policy("manager", "accountant"))
async def show_customer(request: AnyRequest, customer_id: FromPath[int]) -> Response[str]:
    """One customer's cashback with every step."""
    program = program_of(request)
    owner = await queries.owner_by_id(customer_id)
    if owner is None or owner.program_id != program.id:
        raise NotFound("There is no such customer.")
    steps = await queries.history(customer_id, before=number_in(request.query_params.get("before", "")))
    more = (
        f"/desk/cashback/{customer_id}?before={steps[-1].id}" if len(steps) >= queries.HISTORY_ROWS else None
    )
    return render(
        request,
        "staff/cashback_customer.html",
        block="rows",
        shell=await desk_shell(request),
        currency=program.currency,
        owner=owner,
        sums=(await queries.sums([customer_id]))[customer_id],
        lots=await queries.lots(customer_id),
        waiting=await queries.waiting(customer_id),
        history=[(step, step_of(step)) for step in steps],
        page_url=links.page_url(owner),
        next_url=more,
    )


@post("/desk/cashback/{customer_id:int}/revoke", opt=policy("manager"))
async def revoke_links(request: AnyRequest, customer_id: FromPath[int]) -> Response[str]:
    """No link to the customer's page that was given out so far opens it any more."""
    async with db.transaction():
        if not await links.revoke_links_in_transaction(program_of(request).id, customer_id):
            raise NotFound("There is no such customer.")
        await audit.write_in_transaction(
            "cashback.links_revoked",
            f"customer:{customer_id}",
            program_id=program_of(request).id,
            user_id=signed_in_user(request).id,
        )
    return see_other(request, f"/desk/cashback/{customer_id}", flash="cashback_links_revoked")


async def _program_sums(program_id: int) -> queries.Sums:
    """Over all customers of the program."""
    row = await db.fetchrow(
        """
        SELECT coalesce(sum(pending_minor), 0)::bigint, coalesce(sum(available_minor), 0)::bigint,
            coalesce(sum(reserved_minor), 0)::bigint, coalesce(sum(spent_minor), 0)::bigint,
            coalesce(sum(expired_minor), 0)::bigint, coalesce(sum(written_off_minor), 0)::bigint
        FROM cashback_entries WHERE program_id = $1
        """,
        program_id,
    )
    assert row is not None, "sums always have a row"
    return queries.Sums(*row)


async def _written_off(program_id: int, before: int | None) -> list[WrittenOff]:
    rows = await db.fetch(
        """
        SELECT earning.id, orders.external_id, customer.id, customer.external_id, earning.written_off_minor
        FROM cashback_earnings AS earning
        JOIN orders ON orders.id = earning.order_id
        JOIN customers AS customer ON customer.id = earning.customer_id
        WHERE earning.program_id = $1 AND earning.written_off_minor > 0 AND ($2::bigint IS NULL OR earning.id < $2)
        ORDER BY earning.id DESC LIMIT $3
        """,
        program_id,
        before,
        ROWS + 1,
    )
    return [WrittenOff(*row) for row in rows]


ROUTES = [show_cashback, show_customer, revoke_links]
