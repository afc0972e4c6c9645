"""Partners on the desk: levels set by hand, parents, states; each change with its author and reason."""

from datetime import datetime
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from app import clock
from app.errors import DomainError, NotFound
from app.partners.queries import (
    Partner,
    find_partners,
    level_changes,
    parent_changes,
    partner,
    partner_by_code,
    pin_of,
    state_changes,
)
from app.partners.service import set_level, set_parent, set_state
from app.programs.queries import terms_in_force
from app.rules.terms import Terms
from app.staff.shell import desk_shell
from app.ui.filters import percent
from app.ui.forms import Form
from app.ui.i18n import gettext as _
from app.ui.i18n import in_locale, zone_named
from app.ui.paging import Cursor, page
from app.ui.render import render, see_other
from app.users.identity import StaffRole, program_of, signed_in_user
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]

MANAGER = policy("manager")
STATES = ("active", "inactive", "closed")


@get("/desk/partners", opt=policy("manager", "accountant", "marketer"))
async def show_partners(request: AnyRequest) -> Response[str]:
    """The program's partners, newest first; a search goes by code, name and e-mail."""
    program = program_of(request)
    form = Form(request.query_params)
    words = form.text("words", required=False, max_length=100)
    after = Cursor.decode(request.query_params.get("after"))
    found = page(await find_partners(program.id, words, after=after), lambda row: (row.created_at, row.id))
    terms = (await terms_in_force(program.id)).terms
    return render(
        request,
        "staff/partners.html",
        block="rows",
        shell=await desk_shell(request),
        form=form,
        partners=found.rows,
        level_names=_level_names(terms),
        next_url=f"/desk/partners?words={words}&after={found.next_cursor}" if found.next_cursor else None,
    )


@get("/desk/partners/{partner_id:int}", opt=policy("manager", "accountant", "marketer"))
async def show_partner(request: AnyRequest, partner_id: FromPath[int]) -> Response[str]:
    """One partner with his histories and what staff may set."""
    return await _page(request, partner_id)


@post("/desk/partners/{partner_id:int}/level", opt=MANAGER)
async def pin_level(request: AnyRequest, partner_id: FromPath[int]) -> Response[str]:
    """Set a level by hand: pinned until a day or until it is taken off, or only until the next recalculation."""
    await _own(request, partner_id)
    form = Form(await request.form())
    level = form.text("level", max_length=60)
    reason = form.text("reason", min_length=3, max_length=300)
    until = form.day("until", required=False)
    zone = zone_named(program_of(request).zone)
    ends = datetime(until.year, until.month, until.day, tzinfo=zone) if until is not None else None
    if ends is not None and ends <= clock.now():
        form.fail("until", _("Choose a day in the future."))
    if not form.errors:
        try:
            await set_level(
                partner_id,
                level,
                pinned=form.checked("pinned"),
                pinned_until=ends if form.checked("pinned") else None,
                author_id=signed_in_user(request).id,
                note=reason,
            )
        except DomainError as error:
            form.fail_with(error, "level")
    return await _after(request, partner_id, "level", form)


@post("/desk/partners/{partner_id:int}/unpin", opt=MANAGER)
async def unpin_level(request: AnyRequest, partner_id: FromPath[int]) -> Response[str]:
    """Take the pin off; the turnover decides again."""
    await _own(request, partner_id)
    form = Form(await request.form())
    reason = form.text("unpin_reason", min_length=3, max_length=300)
    if not form.errors:
        await set_level(partner_id, None, author_id=signed_in_user(request).id, note=reason)
    return await _after(request, partner_id, "unpin", form)


@post("/desk/partners/{partner_id:int}/parent", opt=MANAGER)
async def move_partner(request: AnyRequest, partner_id: FromPath[int]) -> Response[str]:
    """Put the partner under another parent, or under nobody; orders placed from now on go by it."""
    await _own(request, partner_id)
    form = Form(await request.form())
    code = form.text("parent", required=False, max_length=32)
    reason = form.text("parent_reason", min_length=3, max_length=300)
    above = await partner_by_code(program_of(request).id, code) if code else None
    if code and above is None:
        form.fail("parent", _("There is no partner with this code."))
    if not form.errors:
        try:
            await set_parent(
                partner_id,
                above.id if above is not None else None,
                author_id=signed_in_user(request).id,
                note=reason,
            )
        except DomainError as error:
            form.fail_with(error, "parent")
    return await _after(request, partner_id, "parent", form)


@post("/desk/partners/{partner_id:int}/state", opt=MANAGER)
async def change_state(request: AnyRequest, partner_id: FromPath[int]) -> Response[str]:
    """Switch the partner on or off from now on."""
    await _own(request, partner_id)
    form = Form(await request.form())
    state = form.one_of("state", STATES)
    reason = form.text("state_reason", min_length=3, max_length=300)
    if not form.errors:
        try:
            await set_state(partner_id, state, reason=reason, author_id=signed_in_user(request).id)
        except DomainError as error:
            form.fail_with(error, "state")
    return await _after(request, partner_id, "state", form)


ROUTES = [show_partners, show_partner, pin_level, unpin_level, move_partner, change_state]


async def _own(request: AnyRequest, partner_id: int) -> Partner:
    """The partner, if he is the program's at hand."""
    found = await partner(partner_id)
    if found.program_id != program_of(request).id:
        raise NotFound("There is no such partner.")
    return found


async def _after(request: AnyRequest, partner_id: int, which: str, form: Form) -> Response[str]:
    if form.errors:
        return await _page(request, partner_id, forms={which: form}, status=422)
    return see_other(request, f"/desk/partners/{partner_id}", flash="partner_changed")


async def _page(
    request: AnyRequest, partner_id: int, *, forms: dict[str, Form] | None = None, status: int = 200
) -> Response[str]:
    program = program_of(request)
    found = await _own(request, partner_id)
    terms = (await terms_in_force(program.id)).terms
    parent = await partner(found.parent_id) if found.parent_id is not None else None
    blank = {
        "level": Form.blank(level=found.level, pinned="yes"),
        "unpin": Form.blank(),
        "parent": Form.blank(parent=parent.code if parent is not None else ""),
        "state": Form.blank(state=found.state),
    }
    return render(
        request,
        "staff/partner.html",
        status=status,
        shell=await desk_shell(request),
        currency=program.currency,
        partner=found,
        parent=parent,
        pin=await pin_of(partner_id, clock.now()),
        level_names=_level_names(terms),
        levels=[(code, name) for code, name in _level_names(terms, rates=True).items()],
        states=[(state, _STATES[state]()) for state in STATES],
        counts=terms.levels_policy.count,
        sees_money=signed_in_user(request).may(program.id, StaffRole.MANAGER, StaffRole.ACCOUNTANT),
        level_history=await level_changes(partner_id),
        parent_history=await parent_changes(partner_id),
        state_history=await state_changes(partner_id),
        may_change=found.joined_at is not None and signed_in_user(request).may(program.id, StaffRole.MANAGER),
        forms=blank | (forms or {}),
    )


def _level_names(terms: Terms, *, rates: bool = False) -> dict[str, str]:
    return {
        level.code: (in_locale(level.name) or level.code) + (f" · {percent(level.rate_ppm)}" if rates else "")
        for level in terms.levels
    }


_STATES = {
    "active": lambda: _("Active"),
    "inactive": lambda: _("Inactive"),
    "closed": lambda: _("Closed"),
}
