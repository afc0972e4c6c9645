"""The partner's page of banners and texts."""

from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get

from app.materials import queries
from app.materials.queries import Choice
from app.partners.shell import partner_shell
from app.programs.queries import program_by_id, terms_in_force
from app.tracking.queries import main_link
from app.ui.forms import Form
from app.ui.paging import Cursor, page
from app.ui.render import render
from app.users.identity import Membership, partner_of
from app.users.policy import policy


@get("/materials", opt=policy("partner"))
async def show_materials(request: Request[Any, Any, Any]) -> Response[str]:
    """Materials of the program; what the partner's level does not open is shown closed."""
    member = partner_of(request)
    form = Form(request.query_params)
    choice = Choice(form.one_of("kind", queries.KINDS, required=False), form.value("size")[:11])
    terms = (await terms_in_force(member.program.id)).terms
    after = Cursor.decode(request.query_params.get("cursor"))
    link = await _link_of(member)
    found = await queries.materials(member.program.id, member.level, link, terms, choice, after=after)
    shown = page(found, lambda card: (card.order.moment, card.order.id))
    asked = {"kind": choice.kind, "size": choice.size, "cursor": shown.next_cursor or ""}
    return render(
        request,
        "materials/materials.html",
        block="items",
        shell=await partner_shell(request),
        materials=shown.rows,
        form=form,
        kinds=[(kind, queries.kind_label(kind)) for kind in queries.KINDS],
        sizes=[(size, size.replace("x", " × ")) for size in await queries.sizes(member.program.id)],
        filtered=bool(choice.kind or choice.size),
        next_url=f"/materials?{urlencode(asked)}" if shown.next_cursor else None,
    )


async def _link_of(member: Membership) -> str:
    """The partner's main link; without one, the shop's home page with his code, which the snippet counts."""
    main = await main_link(member.partner_id)
    if main is not None:
        return main.url
    program = await program_by_id(member.program.id)
    mark = urlencode({program.partner_parameter: member.code})
    return f"{program.home_url}{'&' if '?' in program.home_url else '?'}{mark}"


ROUTES = [show_materials]
