"""What staff decide about an order: who is credited, and what a doubt comes to (rules.md §4.1, §9).

Each decision is a fact of the order like the shop's own, kept with author and reason, so that it is judged by the
same fold, survives every later message of the shop, and is found again by a replay.
"""

from app import clock, db
from app.commissions.intake import take_in_transaction
from app.errors import DomainError, NotFound
from app.fraud.queries import held_orders
from app.fraud.service import decide_in_transaction, lock_order_in_transaction, order_of_flag
from app.orders.messages import CardMessage
from app.partners.queries import partner_by_code
from app.users import audit


async def name_partner(
    program_id: int, order_id: int, *, partner: str, nobody: bool, reason: str, user_id: int
) -> None:
    """Credit an order to a partner by his code, to nobody, or (neither) to whom the rules say again.

    422 where the partner does not exist or was not active when the order was placed.
    """
    if not reason.strip():
        raise DomainError("Say why you decide so.", code="reason_missing")
    async with db.transaction():
        external_id = await lock_order_in_transaction(program_id, order_id)
        if partner:
            await _check_partner(program_id, order_id, partner)
        await _tell(
            program_id,
            CardMessage(
                external_id,
                clock.now(),
                partner=partner or None,
                by_staff=True,
                nobody=nobody,
                author_id=user_id,
                reason=reason[:500],
            ),
        )
        await audit.write_in_transaction(
            "order.partner_named",
            f"order:{order_id}",
            program_id=program_id,
            user_id=user_id,
            reason=reason[:500],
        )


async def decide_flag(program_id: int, flag_id: int, *, confirm: bool, reason: str, user_id: int) -> None:
    """Clear a flag: the next job releases what is due. Confirm it: the order's commissions are taken back.

    Clearing what was confirmed gives them again, unless another flag of the order stays confirmed.
    """
    order_id = await order_of_flag(program_id, flag_id)
    async with db.transaction():
        external_id = await lock_order_in_transaction(program_id, order_id)
        was_rejected = await _is_confirmed(order_id)
        await decide_in_transaction(program_id, flag_id, confirm=confirm, reason=reason, user_id=user_id)
        is_rejected = await _is_confirmed(order_id)
        if was_rejected != is_rejected:
            card = CardMessage(
                external_id,
                clock.now(),
                by_staff=True,
                rejected=is_rejected,
                author_id=user_id,
                reason=reason[:500],
            )
            await _tell(program_id, card)


async def is_held(order_id: int) -> bool:
    """Whether an open flag holds the order's commissions."""
    return bool(await held_orders([order_id]))


async def _tell(program_id: int, message: CardMessage) -> None:
    outcome = (await take_in_transaction(program_id, [message]))[0]
    if outcome.refused is not None:
        raise outcome.refused


async def _is_confirmed(order_id: int) -> bool:
    return bool(
        await db.fetchval(
            "SELECT EXISTS (SELECT FROM order_flags WHERE order_id = $1 AND state = 'confirmed')", order_id
        )
    )


async def _check_partner(program_id: int, order_id: int, code: str) -> None:
    """Who was not active when the order was placed is passed over by every source (rules.md §16)."""
    found = await partner_by_code(program_id, code)
    if found is None:
        raise DomainError("There is no partner with this code.", code="unknown_partner")
    row = await db.fetchrow(
        """
        SELECT partners.joined_at <= orders.placed_at AS joined, coalesce(
            (SELECT after = 'active' FROM partner_state_changes AS change
             WHERE change.partner_id = partners.id AND change.at <= orders.placed_at
             ORDER BY change.at DESC, change.id DESC LIMIT 1), true) AS active
        FROM partners, orders WHERE partners.id = $1 AND orders.id = $2
        """,
        found.id,
        order_id,
    )
    if row is None:
        raise NotFound("There is no such order.")
    if not row["joined"] or not row["active"]:
        raise DomainError(
            "%(partner)s was not active when the order was placed.",
            code="partner_not_active",
            partner=found.code,
        )
