"""A short campaign of `python -m tests.faults`, in a process of its own: it has its own engines and connections."""

import subprocess
import sys

import pytest

from tests.bench.measure import ROOT


@pytest.mark.faults
@pytest.mark.parametrize("seed", [1])
def test_nothing_acknowledged_is_lost_or_doubled(seed: int) -> None:
    command = [sys.executable, "-m", "tests.faults", "--rounds", "3", "--days", "15", "--seed", str(seed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    assert "3 rounds: nothing acknowledged was lost or doubled" in done.stdout
