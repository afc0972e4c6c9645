"""Papers that are made and asked for in the background."""

from typing import Any

from app.payouts import acts, receipts


async def typeset_acts(_ctx: dict[Any, Any]) -> int:
    """PDFs of acts that have none yet. Woken after each approval, swept every minute."""
    return await acts.typeset_waiting()


async def remind_of_receipts(_ctx: dict[Any, Any]) -> int:
    """Receipts of the self-employed that are due soon or overdue."""
    return await receipts.remind_due()
