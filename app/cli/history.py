"""`tandem import history` and `tandem export history`: a shop's past, in and out."""

from datetime import UTC, datetime
from pathlib import Path

import rich_click as click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from app.cli.surroundings import console, errors, on_portal
from app.cli.terms import FILE, program_named, read_file
from app.commissions.history import HistoryFolder
from app.commissions.history_export import export_history
from app.commissions.history_import import import_history
from app.programs.queries import program_by_code
from app.programs.service import NewProgram, create_program
from app.rules.terms_document import parse_terms

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group("import")
def import_() -> None:
    """Bring data in."""


@click.group("export")
def export() -> None:
    """Write data out."""


@import_.command("history")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--terms", "terms_file", type=FILE, required=True, help="The program's terms, when it is made.")
@click.option("--program", required=True, help="The program's code; it is made if there is none.")
@click.option(
    "--clicks", "clicks_file", default="clicks.csv.gz", show_default=True, help="Which file of clicks."
)
@click.option(
    "--fulfilled", is_flag=True, help="Take orders for fulfilled when they were paid: the files do not tell."
)
@on_portal
async def import_folder(
    folder: Path, terms_file: Path, program: str, clicks_file: str, fulfilled: bool
) -> int:
    """Import partners, clicks, orders and returns of FOLDER through the same services as the API.

    It can be stopped and started again: it goes on where it was, and a second run changes nothing.
    """
    document = read_file(terms_file)
    if document is None:
        return 1
    if await program_by_code(program) is None:
        new = NewProgram(program, program, "https://shop.example/", ["shop.example"])
        await create_program(new, document, from_moment=BEGINNING)
    found = await program_named(program)
    terms = parse_terms(document)
    history = HistoryFolder(folder, terms.zone, terms.currency, Path(clicks_file).name, fulfilled)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        tasks = {
            "clicks": bar.add_task("clicks", total=None),
            "events": bar.add_task("orders and returns", total=None),
        }
        done = await import_history(
            found.id, history, progress=lambda what, count: bar.advance(tasks[what], count)
        )
    for refused in done.refused[:20]:
        errors.print(f"[yellow]![/] {refused}", markup=True)
    console.print(
        f"[green]✓[/] {done.partners} partners, {done.clicks} clicks, {done.events} orders and returns, "
        f"{len(done.refused)} refused"
    )
    return 0


@export.command("history")
@click.argument("out_dir", type=FOLDER)
@click.option("--program", required=True, help="The program's code.")
@on_portal
async def export_folder(out_dir: Path, program: str) -> None:
    """Write ledger.csv, totals.csv, level_changes.csv and, where it gives any, cashback.csv of a program into OUT_DIR."""
    for name, rows in (await export_history((await program_named(program)).id, out_dir)).items():
        console.print(f"[green]✓[/] {out_dir / name}: {rows} rows")
