"""What time does to cashback."""

from typing import Any

from app.cashback import service


async def release_cashback(_ctx: dict[Any, Any]) -> int:
    """Make available what has waited long enough."""
    return await service.release_due()


async def expire_cashback(_ctx: dict[Any, Any]) -> int:
    """Burn what is left of lots whose day has come."""
    return await service.expire_due()
