"""Writes of flags. What a decision does to commissions is `commissions/reviews.py`'s, in the same transaction.

Whoever raises or decides holds the order's lock, and so does a release: money never becomes available between a
look at the flags and a new one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app import clock, db
from app.errors import Conflict, DomainError, NotFound
from app.users import audit


@dataclass(frozen=True, slots=True)
class SelfReferral:
    """A partner who is the buyer himself, where the terms ask staff about it."""

    order_id: int
    partner_id: int


async def hold_self_referrals_in_transaction(
    program_id: int, judged: Sequence[int], found: Sequence[SelfReferral]
) -> None:
    """Keep the flags of self-referral in step with what was judged; the caller holds the orders' locks.

    Orders judged without one lose their open flag: somebody else is credited by now. A partner whom staff have
    decided about for an order is not asked about again.
    """
    now = clock.now()
    await db.execute(
        """
        UPDATE order_flags AS flag SET state = 'cleared', decided_at = $4
        WHERE flag.order_id = ANY($1::bigint[]) AND flag.kind = 'self_referral' AND flag.state = 'open'
            AND NOT EXISTS (
                SELECT FROM unnest($2::bigint[], $3::bigint[]) AS found (order_id, partner_id)
                WHERE found.order_id = flag.order_id AND found.partner_id = flag.partner_id
            )
        """,
        list(judged),
        [one.order_id for one in found],
        [one.partner_id for one in found],
        now,
    )
    await db.execute(
        """
        INSERT INTO order_flags (program_id, order_id, partner_id, kind, state, reason, raised_at, decision)
        SELECT $1, order_id, partner_id, 'self_referral', 'open', '', $2, ''
        FROM unnest($3::bigint[], $4::bigint[]) AS found (order_id, partner_id)
        WHERE NOT EXISTS (
            SELECT FROM order_flags AS known
            WHERE known.order_id = found.order_id AND known.partner_id = found.partner_id
                AND known.kind = 'self_referral' AND (known.state = 'open' OR known.decided_by_id IS NOT NULL)
        )
        ORDER BY order_id, partner_id
        """,
        program_id,
        now,
        [one.order_id for one in found],
        [one.partner_id for one in found],
    )


async def raise_flag(program_id: int, order_id: int, *, reason: str, user_id: int) -> int:
    """Hold an order's commissions by hand; returns the flag's id. One open flag of staff is enough."""
    if not reason.strip():
        raise DomainError("Say why the order has to be looked at.", code="reason_missing")
    async with db.transaction():
        await lock_order_in_transaction(program_id, order_id)
        flag_id: int | None = await db.fetchval(
            """
            INSERT INTO order_flags (program_id, order_id, kind, state, reason, raised_at, raised_by_id, decision)
            SELECT $1, $2, 'staff', 'open', $3, $4, $5, ''
            WHERE NOT EXISTS (
                SELECT FROM order_flags WHERE order_id = $2 AND kind = 'staff' AND state = 'open'
            )
            RETURNING id
            """,
            program_id,
            order_id,
            reason[:500],
            clock.now(),
            user_id,
        )
        if flag_id is None:
            raise Conflict("This order is on review already.")
        await audit.write_in_transaction(
            "order.flagged", f"order:{order_id}", program_id=program_id, user_id=user_id, reason=reason[:500]
        )
        return flag_id


async def decide_in_transaction(
    program_id: int, flag_id: int, *, confirm: bool, reason: str, user_id: int
) -> int:
    """Write a decision down; returns the order's id. A confirmed flag may still be cleared: staff err, too.

    The caller has locked the order; Conflict where the flag is decided so already.
    """
    if not reason.strip():
        raise DomainError("Say why you decide so.", code="reason_missing")
    row = await db.fetchrow(
        "SELECT order_id, state FROM order_flags WHERE id = $1 AND program_id = $2 FOR NO KEY UPDATE",
        flag_id,
        program_id,
    )
    if row is None:
        raise NotFound("There is no such flag.")
    state = "confirmed" if confirm else "cleared"
    if row["state"] == state or (confirm and row["state"] != "open"):
        raise Conflict("Somebody has decided about this already.")
    await db.execute(
        """
        UPDATE order_flags SET state = $2, decided_at = $3, decided_by_id = $4, decision = $5 WHERE id = $1
        """,
        flag_id,
        state,
        clock.now(),
        user_id,
        reason[:500],
    )
    await audit.write_in_transaction(
        f"order.flag_{state}",
        f"order:{row['order_id']}",
        program_id=program_id,
        user_id=user_id,
        reason=reason[:500],
    )
    order_id: int = row["order_id"]
    return order_id


async def lock_order_in_transaction(program_id: int, order_id: int) -> str:
    """The shop's id of the order, locked until the transaction ends; NotFound where there is none."""
    external_id: str | None = await db.fetchval(
        "SELECT external_id FROM orders WHERE id = $1 AND program_id = $2 FOR NO KEY UPDATE",
        order_id,
        program_id,
    )
    if external_id is None:
        raise NotFound("There is no such order.")
    return external_id


async def order_of_flag(program_id: int, flag_id: int) -> int:
    """The order of a flag of the program; NotFound where there is none."""
    order_id: int | None = await db.fetchval(
        "SELECT order_id FROM order_flags WHERE id = $1 AND program_id = $2", flag_id, program_id
    )
    if order_id is None:
        raise NotFound("There is no such flag.")
    return order_id
