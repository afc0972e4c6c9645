"""What time does to commissions."""

from typing import Any

from app.commissions import rewards, runs, schedules, service
from app.commissions.service import only_program


async def release_commissions(_ctx: dict[Any, Any]) -> int:
    """Make available what has waited long enough."""
    return await service.release_due()


async def recalculate_levels(_ctx: dict[Any, Any]) -> int:
    """Levels of programs that recalculate them daily, at each program's midnight."""
    return await service.recalculate_levels_due()


async def give_rewards(_ctx: dict[Any, Any]) -> int:
    """Bonuses for what partners have reached, and volume bonuses of periods that have ended."""
    return await rewards.give_rewards_due()


async def retry_judgements(_ctx: dict[Any, Any]) -> int:
    """Judge again what could not be judged for a reason of ours."""
    return await service.retry_failed_judgements()


async def judge_waiting(_ctx: dict[Any, Any]) -> int:
    """Judge what waited for the rate of its currency, where staff entered that in a table."""
    return await service.judge_waiting()


async def work_off_run(_ctx: dict[Any, Any], run_id: int) -> int:
    """Steps of one periodic run. Woken when it is started or resumed; it wakes itself while something is left."""
    return await runs.work_off_run(run_id)


async def sweep_runs(_ctx: dict[Any, Any]) -> int:
    """Start the runs of schedules, and go on with runs that a dead worker left behind."""
    only = only_program.get()
    return await schedules.start_scheduled_runs(only) + await runs.work_off_runs(only)
