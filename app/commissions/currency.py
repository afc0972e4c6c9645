"""Currency rates are entered, and the orders that waited for them are judged at once (rules.md §5)."""

from collections.abc import Sequence

from app import db
from app.commissions.service import judge_waiting
from app.programs.currency_rates import NewRate, write_rates_in_transaction
from app.users import audit


async def enter_rates(program_id: int, rates: Sequence[NewRate], *, author_id: int | None = None) -> int:
    """Store rates and judge what waited for them; how many orders that were."""
    async with db.transaction():
        await write_rates_in_transaction(program_id, rates)
        for one in rates:
            await audit.write_in_transaction(
                "currency_rate.set",
                f"currency:{one.currency}:{one.day}",
                program_id=program_id,
                user_id=author_id,
                reason=f"{one.rate} {one.source}".strip(),
            )
    return await judge_waiting(program_id)
