"""Any sequence of what a shop, time and accountants can do, on a real database: the books hold after every step.

Hypothesis makes up the sequences. TANDEM_MACHINE_EXAMPLES asks for more of them than the suite has time for.
"""

import asyncio
import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.integration.commissions.machine import Shop
from tests.integration.commissions.machine_wide import WideShop

EXAMPLES = int(os.environ.get("TANDEM_MACHINE_EXAMPLES", "6"))
STEPS = int(os.environ.get("TANDEM_MACHINE_STEPS", "30"))


@pytest.fixture
async def loop(committing: object) -> asyncio.AbstractEventLoop:
    """The loop that the connections belong to; it stands still while a plain test runs."""
    return asyncio.get_running_loop()


@pytest.mark.parametrize("machine", [Shop, WideShop], ids=["usual", "wide"])
def test_the_books_hold_whatever_happens(loop: asyncio.AbstractEventLoop, machine: type[Shop]) -> None:
    run_state_machine_as_test(
        type("Machine", (machine,), {"loop": loop}),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
