"""The audit log: what people did that others may have to answer for. Append-only; no secrets, no personal data."""

import structlog

from app import clock, db


async def write_in_transaction(
    action: str,
    subject: str = "",
    *,
    program_id: int | None = None,
    user_id: int | None = None,
    reason: str = "",
) -> None:
    """One record of the open transaction: `action` such as payout.paid, `subject` as kind:id, who, and why.

    `user_id` None: the system did it. The request's id is taken from the log's context.
    """
    await db.execute(
        """
        INSERT INTO audit_records (at, user_id, program_id, action, subject, reason, request_id, automatic)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $2::bigint IS NULL)
        """,
        clock.now(),
        user_id,
        program_id,
        action,
        subject[:100],
        reason,
        str(structlog.contextvars.get_contextvars().get("request_id", ""))[:64],
    )
