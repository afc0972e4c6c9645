"""What staff decide, where it takes more than one slice."""

from app import db
from app.partners.applications import (
    Approved,
    approve_in_transaction,
    tell_approved_in_transaction,
)
from app.tracking.links import ensure_main_links_in_transaction


async def approve_application(
    application_id: int, *, level: str, author_id: int | None, code: str = ""
) -> Approved:
    """Make the applicant a partner with a level, ledger accounts and his first link, in one transaction.

    Conflict where the application is decided already or its address is not proved; 422 for an unknown level.
    """
    async with db.transaction():
        approved = await approve_in_transaction(application_id, level=level, author_id=author_id, code=code)
        links = await ensure_main_links_in_transaction(approved.program_id, [approved.partner_id])
        await tell_approved_in_transaction(approved, link_code=links[approved.partner_id])
    return approved
