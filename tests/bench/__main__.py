"""`python -m tests.bench [clicks|orders|import|overview|check|replay|levels …] [--full]`, or `make bench ARGS="orders --full"`.

Each measurement runs in processes of its own on new engines. Without `--full` all of them together take under four
minutes; the figures of docs/figures.md are those of `--full`. Exit code 1: a goal was missed.
"""

import argparse
import os
import platform
import subprocess
import sys
import time

from tests.bench.measure import ROOT, load_average
from tests.bench.tables import console

BENCHES: dict[str, tuple[list[str], list[str]]] = {
    "clicks": (["--short"], []),
    "orders": (["--short"], []),
    "import": (["--short"], []),
    "overview": (["--large", "300000", "--requests", "60"], []),
    "check": (["--postings", "100000"], []),
    "replay": (["--orders", "3000"], []),
    "levels": (["--orders", "20000", "200000", "--rounds", "2"], []),
}
"""What each is given without and with `--full`."""


def main() -> int:
    """Run what was asked for, one after the other."""
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument("--full", action="store_true", help="the long runs")
    asked = parser.parse_args()
    unknown = set(asked.names) - set(BENCHES)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; choose from {', '.join(BENCHES)}")
    console.print(
        f"{time.strftime('%Y-%m-%d %H:%M')}, Python {platform.python_version()}, {os.cpu_count()} processors, "
        f"load {load_average()}"
    )
    missed = []
    for name in asked.names or BENCHES:
        short, full = BENCHES[name]
        console.rule(f"[bold]{name}")
        command = [sys.executable, "-m", f"tests.bench.bench_{name}", *(full if asked.full else short)]
        done = subprocess.run(command, cwd=ROOT, check=False)
        if done.returncode:
            missed.append(name)
    if missed:
        console.print(f"[red]goals were missed, or a run has failed: {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
