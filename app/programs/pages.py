"""The public pages of a program: what it offers, and the texts that applicants agree to."""

from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath

from app.errors import NotFound
from app.programs import queries
from app.programs.offers import offer_of
from app.programs.queries import Program
from app.ui.render import render
from app.users.identity import program_of
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]


@get("/", opt=policy("public"))
async def show_first_program(request: AnyRequest) -> Response[str]:
    """The program at hand: the one of `?program=`, of the cookie, or the first."""
    return await _landing(request, await queries.program_by_id(program_of(request).id))


@get("/p/{code:str}", opt=policy("public"))
async def show_program(request: AnyRequest, code: FromPath[str]) -> Response[str]:
    """A program by its code: the address that its shop links to."""
    return await _landing(request, await _program(code))


@get("/p/{code:str}/terms", opt=policy("public"))
async def show_terms(request: AnyRequest, code: FromPath[str]) -> Response[str]:
    """The conditions and the privacy text, as an applicant accepts them."""
    program = await _program(code)
    texts = await queries.consent_texts(program.id)
    published = await queries.terms_in_force(program.id)
    return render(request, "programs/terms.html", offer=offer_of(program, published), texts=texts)


ROUTES = [show_first_program, show_program, show_terms]


async def _landing(request: AnyRequest, program: Program) -> Response[str]:
    published = await queries.terms_in_force(program.id)
    others = [one for one in await queries.programs() if one.id != program.id]
    return render(request, "programs/landing.html", offer=offer_of(program, published), others=others)


async def _program(code: str) -> Program:
    program = await queries.program_by_code(code)
    if program is None or not program.active:
        raise NotFound("There is no such program.")
    return program
