"""`make bench`: every measurement, or those that are named; `--short` takes less time and says less.

    make bench ARGS="clicks orders --short"

Each module bench_<name>.py has a `main(short=…)` that prints its figures and returns its goals with what came out.
"""

import argparse
import importlib
import platform
from pathlib import Path

from tests.bench.bench_clicks import Goal, told
from tests.bench.measure import load_average

NAMES = sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all without a name")
    parser.add_argument("--short", action="store_true", help="a few seconds each, for a first look")
    chosen = parser.parse_args()
    unknown = set(chosen.names) - set(NAMES)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    goals: list[Goal] = []
    for name in chosen.names or NAMES:
        print(f"\n=== {name} · {platform.machine()} · load {load_average()}", flush=True)
        goals += importlib.import_module(f"tests.bench.bench_{name}").main(short=chosen.short)
    print(f"\n{told(goals)}")
    print(f"\n{sum(goal.met for goal in goals)} of {len(goals)} goals met")


if __name__ == "__main__":
    main()
