"""Payment details that staff have to check before money goes there."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.fernet import InvalidToken
from litestar import Request, Response, get, post
from litestar.params import FromPath

from app import db
from app.partners.own_application import word
from app.partners.payout_details import unseal, verify_details
from app.partners.words import PAYOUT_METHODS
from app.staff.shell import desk_shell
from app.ui.render import render, see_other
from app.users.identity import program_of, signed_in_user
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class ToCheck:
    """Details of an active partner that nobody has checked."""

    id: int
    partner_name: str
    partner_code: str
    method_label: str
    account_text: str
    """In full; as masked where the portal's key has changed."""
    holder: str
    created_at: datetime
    own: bool


@get("/desk/payout-details", opt=policy("accountant"))
async def show_details(request: AnyRequest) -> Response[str]:
    """What waits for a check, the oldest first."""
    program, user = program_of(request), signed_in_user(request)
    rows = await db.fetch(
        """
        SELECT details.id, partner.name, partner.code, details.method, details.masked, details.encrypted,
            details.created_at, partner.user_id
        FROM partner_payout_details AS details
        JOIN partners AS partner ON partner.id = details.partner_id
        WHERE partner.program_id = $1 AND partner.state = 'active'
            AND details.superseded_at IS NULL AND details.verified_at IS NULL
        ORDER BY details.id
        LIMIT 200
        """,
        program.id,
    )
    found = [_to_check(dict(row), user.id) for row in rows]
    return render(request, "staff/payout_details.html", shell=await desk_shell(request), details=found)


@post("/desk/payout-details/{details_id:int}/verify", opt=policy("accountant"), status_code=303)
async def verify(request: AnyRequest, details_id: FromPath[int]) -> Response[str]:
    """These very details are checked."""
    await verify_details(program_of(request).id, details_id, user_id=signed_in_user(request).id)
    return see_other(request, "/desk/payout-details", flash="details_verified")


def _to_check(row: dict[str, Any], user_id: int) -> ToCheck:
    try:
        details = unseal(row["encrypted"])
        text, holder = ", ".join(part for part in (details.account, details.bik) if part), details.holder
    except InvalidToken:
        text, holder = row["masked"], ""
    return ToCheck(
        id=row["id"],
        partner_name=row["name"],
        partner_code=row["code"],
        method_label=word(PAYOUT_METHODS, row["method"]),
        account_text=text,
        holder=holder,
        created_at=row["created_at"],
        own=row["user_id"] == user_id,
    )


ROUTES = [show_details, verify]
