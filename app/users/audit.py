"""What staff did, written down in the transaction in which they did it; append-only (trigger)."""

from app import clock, db


async def write_in_transaction(
    action: str, subject: str, *, user_id: int | None, program_id: int | None = None, reason: str = ""
) -> None:
    """One record: `action` like `payout.paid`, `subject` as kind:id; `user_id` None: the system or a command."""
    await db.execute(
        """
        INSERT INTO audit_records (at, user_id, program_id, action, subject, reason, request_id, automatic)
        VALUES ($1, $2, $3, $4, $5, $6, '', $7)
        """,
        clock.now(),
        user_id,
        program_id,
        action,
        subject,
        reason,
        user_id is None,
    )
