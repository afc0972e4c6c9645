"""`tandem scenario`, `check`, `replay`: proofs that the sums are right."""

import logging
from collections.abc import Sequence
from pathlib import Path

import rich_click as click
from rich.markup import escape
from rich.table import Table

from app import logs
from app.cli.surroundings import REFUSED, console, on_portal
from app.cli.terms import program_named
from app.commissions.replay import Difference
from app.commissions.replay import replay as replay_program
from app.ledger.chain import verify
from app.main import create_app
from app.partners.queries import partner_codes
from app.programs.queries import Program, latest_terms, programs
from app.reports.checks import run_checks
from app.rules.explain import plain_amount
from app.scenario.files import ScenarioError, load
from app.scenario.runner import Report, run


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--quiet", "-q", is_flag=True, help="Show only what does not hold.")
@on_portal
async def scenario(files: tuple[Path, ...], quiet: bool) -> int:
    """Run worked examples on the real application and through the rules alone.

    Each file gets a scratch program. Exits 0 only if every expectation holds.
    """
    app = create_app()
    logs.configure(logging.WARNING)
    codes = []
    for path in files:
        try:
            report = await run(app, load(path))
        except ScenarioError as error:
            console.print(f"[bold red]✗[/] {path.name}: {error}")
            codes.append(REFUSED)
        else:
            _show(path, report, quiet=quiet)
            codes.append(0 if report.holds else REFUSED)
    failed = codes.count(REFUSED)
    console.print(f"{len(codes) - failed} hold, {failed} do not")
    return REFUSED if failed else 0


@click.command()
@click.option("--program", help="Code of one program; all without it.")
@on_portal
async def check(program: str | None) -> int:
    """Prove the books: postings, balances, commissions, payouts, turnovers, counts, the sealed chain.

    Keep the head that is printed somewhere else: it proves later that nothing was cut off the end.
    """
    one = None if program is None else await program_named(program)
    results = await run_checks(None if one is None else one.id)
    for result in results:
        mark = "[bold red]✗[/]" if result.count else "[green]✓[/]"
        count = f": {result.count} broken" if result.count else ""
        console.print(f"{mark} {result.name}  {result.says}{count}", soft_wrap=True)
        for row in result.rows:
            console.print(f"    {row}", soft_wrap=True, markup=False)
    for shown in await _programs(program):
        if not shown.active and program is None:
            continue  # scratch programs of scenarios are proved with the rest, but nobody keeps their heads
        chain = await verify(shown.id)
        console.print(
            f"{shown.code}: {chain.entries} entries in {chain.blocks} sealed blocks, head {chain.head or 'none'}",
            soft_wrap=True,
        )
    return REFUSED if any(result.count for result in results) else 0


@click.command()
@click.option("--program", help="Code of one program; all without it.")
@on_portal
async def replay(program: str | None) -> int:
    """Fold the whole history again in memory and compare it with what is booked. Writes nothing."""
    different = 0
    for one in await _programs(program):
        replayed = await replay_program(one.id)
        different += len(replayed.differences)
        mark = "[bold red]✗[/]" if replayed.differences else "[green]✓[/]"
        console.print(f"{mark} {one.code}: {replayed.orders} orders, {replayed.facts} facts")
        if replayed.differences:
            await _show_differences(one.id, replayed.differences)
    return REFUSED if different else 0


SHOWN = 50
"""Differences of a program; the rest is counted."""


async def _show_differences(program_id: int, differences: Sequence[Difference]) -> None:
    """A row each: the order (or bonus, adjustment, run), whose, what is recorded and what comes out."""
    published = await latest_terms(program_id)
    currency = published.terms.currency if published is not None else ""
    codes = await partner_codes(program_id, [row.partner_id for row in differences[:SHOWN]])
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("Order", "Partner", "Kind", "Tier"):
        table.add_column(title, overflow="fold")
    for title in ("Recorded", "Replayed"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in differences[:SHOWN]:
        table.add_row(
            escape(row.order),
            escape(codes.get(row.partner_id, "the customer")),
            row.kind,
            str(row.tier or ""),
            plain_amount(row.recorded_minor, currency),
            plain_amount(row.replayed_minor, currency),
        )
    console.print(table)
    if len(differences) > SHOWN:
        console.print(f"… and {len(differences) - SHOWN} more")


async def _programs(code: str | None) -> list[Program]:
    if code is not None:
        return [await program_named(code)]
    return list(await programs(active_only=False))


def _show(path: Path, report: Report, *, quiet: bool) -> None:
    mark = "[green]✓[/]" if report.holds else "[bold red]✗[/]"
    console.print(f"{mark} {path.name}: {report.scenario.title}")
    shown = [row for row in report.rows if not (quiet and row.holds)]
    if shown:
        table = Table("", "", "Expected", "Actual", "Place", box=None, padding=(0, 2, 0, 0))
        for row in shown:
            what = f"{row.what} (rules alone)" if row.by_rules else row.what
            style = "" if row.holds else "bold red"
            table.add_row("✓" if row.holds else "✗", what, row.expected, row.actual, row.place, style=style)
        console.print(table)
    for failure in report.failures:
        console.print(f"  [bold red]✗[/] {failure}")
