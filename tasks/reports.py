"""Proofs that run by themselves."""

from typing import Any

from app.commissions import simulation_jobs
from app.reports import nightly


async def check_books(_ctx: dict[Any, Any]) -> int:
    """Run all checks over the whole database and keep what they find."""
    return await nightly.check_everything()


async def simulate_terms(_ctx: dict[Any, Any]) -> int:
    """Do the simulations of terms that staff asked for."""
    return await simulation_jobs.work_off()
