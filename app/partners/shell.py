"""The frame of a partner's pages: what he sees around every page, in three reads."""

from typing import Any

from litestar import Request

from app import db
from app.notices.queries import unread_count
from app.partners.queries import agreed_terms_version
from app.programs.queries import terms_in_force
from app.ui.i18n import in_locale
from app.ui.shell import PartnerShell
from app.users.identity import partner_of, signed_in_user


async def partner_shell(request: Request[Any, Any, Any]) -> PartnerShell:
    """The shell of the partner at hand."""
    member, user = partner_of(request), signed_in_user(request)
    terms = (await terms_in_force(member.program.id)).terms
    debt_minor = await db.fetchval(
        """
        SELECT balance.balance_minor
        FROM ledger_accounts AS account JOIN ledger_balances AS balance ON balance.account_id = account.id
        WHERE account.program_id = $1 AND account.owner_id = $2 AND account.kind = 'debt'
        """,
        member.program.id,
        member.partner_id,
    )
    level = terms.level(member.level) if member.level else None
    return PartnerShell(
        program_name=member.program.name,
        partner_name=member.name,
        email=user.email,
        partner_state=member.state,
        level_name=(in_locale(level.name) or level.code) if level is not None else "",
        unread_notices=await unread_count(user.id),
        debt_minor=debt_minor or 0,
        currency=member.program.currency,
        terms_version=await agreed_terms_version(member.partner_id),
        staff=user.is_staff,
    )
