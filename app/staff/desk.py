"""The desk's first page, and the notices of whoever is signed in."""

from typing import Any

from litestar import Request, Response, get, post

from app.notices.queries import notices, unread_count
from app.notices.service import mark_read
from app.partners.shell import partner_shell
from app.staff import queries
from app.staff.shell import EVERYBODY, desk_shell
from app.ui.paging import Cursor, page
from app.ui.render import render, see_other
from app.users.identity import program_of, signed_in_user
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]


@get("/desk", opt=policy(*EVERYBODY))
async def show_desk(request: AnyRequest) -> Response[str]:
    """What waits, and what was done last."""
    shell = await desk_shell(request)
    program = program_of(request)
    return render(
        request,
        "staff/desk.html",
        shell=shell,
        queues=await queries.queues(program.id, shell.may_see),
        figures=[],
        recent=await queries.done_last(program.id),
    )


@get("/notices", opt=policy("signed_in"))
async def show_notices(request: AnyRequest) -> Response[str]:
    """The reader's notices, in the frame of his pages: a partner's, else the desk's."""
    user = signed_in_user(request)
    after = Cursor.decode(request.query_params.get("after"))
    found = page(await notices(user.id, after=after), lambda row: (row.at, row.id))
    partner = request.scope["state"].get("partner") is not None
    return render(
        request,
        "notices/notices.html",
        block="items",
        layout="layouts/partner.html" if partner else "layouts/desk.html",
        shell=await partner_shell(request) if partner else await desk_shell(request),
        notices=found.rows,
        next_url=f"/notices?after={found.next_cursor}" if found.next_cursor else None,
        unread=await unread_count(user.id),
    )


@post("/notices/read", opt=policy("signed_in"))
async def read_notices(request: AnyRequest) -> Response[str]:
    """Mark all of the reader's notices as read."""
    await mark_read(signed_in_user(request).id)
    return see_other(request, "/notices", flash="notices_read")


ROUTES = [show_desk, show_notices, read_notices]
