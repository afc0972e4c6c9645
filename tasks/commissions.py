"""What time does to commissions."""

from typing import Any

from app.commissions import service


async def release_commissions(_ctx: dict[Any, Any]) -> int:
    """Make available what has waited long enough."""
    return await service.release_due()


async def recalculate_levels(_ctx: dict[Any, Any]) -> int:
    """Levels of programs that recalculate them daily, at each program's midnight."""
    return await service.recalculate_levels_due()


async def retry_judgements(_ctx: dict[Any, Any]) -> int:
    """Judge again what could not be judged for a reason of ours."""
    return await service.retry_failed_judgements()


async def judge_waiting(_ctx: dict[Any, Any]) -> int:
    """Judge what waited for the rate of its currency, where staff entered that in a table."""
    return await service.judge_waiting()
