"""Figures and goals as tables in the terminal."""

from collections.abc import Mapping

from rich import box
from rich.console import Console
from rich.table import Table

from tests.bench.measure import Runs

console = Console(highlight=False)


def show(runs: Mapping[str, Runs], *, what: str = "req/s") -> None:
    """One row per target: median, smallest and largest rate, latencies, CPU time of server and database."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("")
    for name in (what, "min..max", "p50 ms", "p99 ms", "CPU µs/op", "errors"):
        table.add_column(name, justify="right")
    for name, one in runs.items():
        rates = [run.per_second for run in one.runs]
        table.add_row(
            name,
            f"{one.median('per_second'):,.0f}",
            f"{min(rates):,.0f}..{max(rates):,.0f}",
            f"{one.median('p50_ms'):.2f}",
            f"{one.median('p99_ms'):.2f}",
            f"{one.median('cpu_us'):,.0f}",
            str(sum(run.errors for run in one.runs)),
        )
    console.print(table)
