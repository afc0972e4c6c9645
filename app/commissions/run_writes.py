"""What orders under periodic terms count for their partners, kept in the transaction of the fact that changes it."""

from typing import TYPE_CHECKING

from app import db

if TYPE_CHECKING:
    from app.commissions.writes import Written

CREDIT_COLUMNS = {
    "program_id": "bigint",
    "order_id": "bigint",
    "partner_id": "bigint",
    "paid_at": "timestamptz",
    "base_minor": "bigint",
    "quantity_micro": "bigint",
}

COUNTED_AGAIN = """
ON CONFLICT (order_id, partner_id) DO UPDATE
SET base_minor = excluded.base_minor, quantity_micro = excluded.quantity_micro
"""


async def add_credits(inserts: db.Inserts, written: "Written") -> None:
    """One row per order and partner; of partners who are credited no more, waiting rows go and others count nothing."""
    if not written.credits:
        return
    order_ids = list(written.credits)
    kept = [one.partner_id for credits in written.credits.values() for one in credits]
    pairs = [f"{one.order_id}:{one.partner_id}" for credits in written.credits.values() for one in credits]
    if set(order_ids) - set(written.made):
        gone = "order_id = ANY($1::bigint[]) AND order_id || ':' || partner_id <> ALL($2::text[])"
        await db.execute(f"DELETE FROM calculation_orders WHERE {gone} AND item_id IS NULL", order_ids, pairs)  # noqa: S608
        await db.execute(
            f"UPDATE calculation_orders SET base_minor = 0, quantity_micro = 0 WHERE {gone}",  # noqa: S608
            order_ids,
            pairs,
        )
    if kept:
        inserts.add(
            "calculation_orders",
            CREDIT_COLUMNS,
            [
                (
                    written.program_id,
                    one.order_id,
                    one.partner_id,
                    one.paid_at,
                    one.base_minor,
                    one.quantity_micro,
                )
                for credits in written.credits.values()
                for one in credits
            ],
            conflict=COUNTED_AGAIN,
        )
