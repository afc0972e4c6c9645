"""Tasks of the shop API."""

from typing import Any

from app.shops.idempotency import forget_old_answers


async def forget_answers(_ctx: dict[Any, Any]) -> int:
    """Remove answers to repeated requests that are older than thirty days."""
    return await forget_old_answers()
