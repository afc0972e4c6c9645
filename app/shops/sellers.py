"""Sellers of a marketplace: who brought them, and when they registered (rules.md §8, api.md "Tracking")."""

from datetime import datetime
from typing import Annotated

import msgspec

from app import clock, db
from app.errors import FieldError, invalid
from app.partners.queries import partner_by_code
from app.shops.bodies import Body, Check, Moment
from app.shops.reading import read


class SellerRegistrationBody(Body):
    """A seller registered with the marketplace."""

    registered_at: Moment
    partner: Annotated[str, msgspec.Meta(max_length=32)] | None = None


_seller = msgspec.json.Decoder(SellerRegistrationBody)


def parse_seller(raw: bytes, external_id: str, now: datetime) -> SellerRegistrationBody:
    """The body of `PUT /sellers/{external_id}`, with its moment in UTC."""
    body = read(raw, _seller)
    check = Check(now)
    check.external_id(external_id)
    at = check.moment("/registered_at", body.registered_at)
    check.finish()
    return msgspec.structs.replace(body, registered_at=at)


async def take_seller(program_id: int, external_id: str, body: SellerRegistrationBody) -> None:
    """Write the seller down as he stands; orders that come from now on go by it."""
    partner_id = None
    if body.partner:
        found = await partner_by_code(program_id, body.partner)
        if found is None or found.joined_at is None:
            raise invalid(FieldError("/partner", "unknown_partner", "There is no partner with this code."))
        partner_id = found.id
    async with db.transaction():
        await db.execute(
            """
            INSERT INTO sellers (program_id, external_id, partner_id, registered_at, created_at, changed_at)
            VALUES ($1, $2, $3, $4, $5, $5)
            ON CONFLICT (program_id, external_id) DO UPDATE
            SET partner_id = excluded.partner_id, registered_at = excluded.registered_at,
                changed_at = excluded.changed_at
            WHERE (sellers.partner_id, sellers.registered_at)
                IS DISTINCT FROM (excluded.partner_id, excluded.registered_at)
            """,
            program_id,
            external_id,
            partner_id,
            body.registered_at,
            clock.now(),
        )
