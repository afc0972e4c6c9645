"""Pending commissions paid without a payout request: by a periodic run, or by staff for chosen partners (rules.md §11)."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from app import clock, db
from app.commissions.cards import refresh_cards_in_transaction
from app.commissions.deposit import write_settlements_in_transaction
from app.commissions.partner_state import load_purses
from app.commissions.writes import notice_events
from app.errors import DomainError, FieldError, message_id
from app.events.service import emit_in_transaction
from app.ledger.service import Entry, book_in_transaction
from app.rules.deposit import Due, hand_over
from app.rules.effects import AccountKind, Notice, NoticeKind
from app.rules.postings import Purse
from app.rules.state import State
from app.users import audit

ACCOUNTS = {"paid": AccountKind.PAID, "internal": AccountKind.INTERNAL}
BATCH = 500


async def release_pending(program_id: int, partner_id: int, account: str, *, author_id: int | None) -> int:
    """Pay all that is pending of a partner, whose hold is over or not; how much, in minor units.

    `account`: paid (in money, outside of the portal) or internal. What waits for the deposit is not touched, nor what
    is held for a check.
    """
    now = clock.now()
    total = 0
    while True:
        async with db.transaction():
            rows = await db.fetch(_PENDING, program_id, partner_id, BATCH)
            orders = sorted({row["order_id"] for row in rows if row["order_id"] is not None})
            await db.execute(
                "SELECT id FROM orders WHERE id = ANY($1::bigint[]) ORDER BY id FOR NO KEY UPDATE", orders
            )
            rows = [
                row
                for row in await db.fetch(_PENDING, program_id, partner_id, BATCH)
                if row["order_id"] is None or row["order_id"] in set(orders)
            ]
            if not rows:
                return total
            paid = await hand_over_in_transaction(program_id, rows, "hand", account, now)
            await audit.write_in_transaction(
                f"partner.released_to_{account}",
                f"partner:{partner_id}",
                program_id=program_id,
                user_id=author_id,
                reason=str(paid),
            )
            total += paid


async def hand_over_in_transaction(
    program_id: int, rows: Sequence[asyncpg.Record], way: str, account: str, now: datetime
) -> int:
    """Pay these commissions (id, partner_id, order_id, pending_minor, accrued_minor); the orders are locked."""
    if not rows:
        return 0
    state = State()
    await load_purses(state, program_id, {row["partner_id"] for row in rows})
    purses = {one.partner_id: Purse(one.partner_id, one.balances) for one in state.partners.values()}
    settled = [
        hand_over(
            Due(row["id"], row["partner_id"], row["pending_minor"]),
            purses[row["partner_id"]],
            ACCOUNTS[account],
        )
        for row in rows
    ]
    entries = [
        Entry("settlement", f"settlement:{row['id']}:{row['accrued_minor']}", now, one.postings)
        for row, one in zip(rows, settled, strict=True)
    ]
    booked = await book_in_transaction(program_id, entries)
    assert None not in booked, "a commission was paid before"
    await write_settlements_in_transaction(program_id, way, account, settled, booked, now)
    orders = sorted({row["order_id"] for row in rows if row["order_id"] is not None})
    await refresh_cards_in_transaction(program_id, orders, now)
    notices = [
        Notice(NoticeKind.COMMISSION_PAID, one.due.partner_id, now, row["order_id"], one.paid_minor)
        for row, one in zip(rows, settled, strict=True)
        if one.paid_minor
    ]
    await emit_in_transaction(notice_events(program_id, notices))
    return sum(one.paid_minor for one in settled)


async def refuse_own_account(partner_ids: Sequence[int], user_id: int) -> None:
    """Nobody pays himself: neither a payout of his own nor past payouts."""
    own = await db.fetchval(
        "SELECT EXISTS (SELECT FROM partners WHERE id = ANY($1::bigint[]) AND user_id = $2)",
        list(partner_ids),
        user_id,
    )
    if own:
        message = message_id("One of the partners is you: somebody else must pay him.")
        raise DomainError(
            message, code="own_account", fields=[FieldError("partners", "own_account", message)]
        )


def refuse_by_deposit(*, by_deposit: bool) -> None:
    """Under `settle = "deposit"` the deposit pays, and nothing goes past it."""
    if by_deposit:
        message = message_id("The terms pay from the merchant's deposit; nothing can be paid past it.")
        raise DomainError(message, code="by_deposit", fields=[FieldError("action", "by_deposit", message)])


_PENDING = """
    SELECT id, partner_id, order_id, pending_minor, accrued_minor FROM commissions AS commission
    WHERE program_id = $1 AND partner_id = $2 AND pending_minor > 0 AND settle = 'merchant'
        AND NOT EXISTS (
            SELECT FROM order_flags AS flag WHERE flag.order_id = commission.order_id AND flag.state = 'open'
        )
    ORDER BY id
    LIMIT $3
"""
