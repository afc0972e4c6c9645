"""`tandem terms`: a program's rules as one file."""

from datetime import UTC, datetime
from pathlib import Path

import click as plain_click
import rich_click as click
from rich.markup import escape

from app.cli.surroundings import REFUSED, console, errors, on_portal
from app.errors import NotFound
from app.programs.queries import Program, latest_terms, program_by_code, terms_version
from app.programs.service import NewProgram, create_program, publish_terms
from app.programs.terms_differences import told_difference
from app.rules.terms_document import Document, parse_terms, read_toml
from app.rules.terms_messages import TermsError
from app.rules.terms_toml import dump_toml
from app.ui.i18n import LOCALES, use_locale

LANGUAGE = click.option(
    "--lang",
    "language",
    type=click.Choice(LOCALES),
    default="en",
    show_default=True,
    help="Language of what is said.",
)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class _Terms(click.RichGroup):
    """`tandem terms simulate` is `tandem simulate`; its module uses this one, so it is imported when it is asked for."""

    def list_commands(self, ctx: plain_click.Context) -> list[str]:
        """All names, in the order of use."""
        return [*super().list_commands(ctx), "simulate"]

    def get_command(self, ctx: plain_click.Context, cmd_name: str) -> plain_click.Command | None:
        """The command; None: there is no such."""
        if cmd_name == "simulate":
            from app.cli.simulations import simulate

            return simulate
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Terms)
def terms() -> None:
    """The terms of a program: shown, checked and published as one TOML document."""


@terms.command("show")
@click.argument("program")
@click.option("--version", "number", type=int, help="The version's number; the newest without it.")
@on_portal
async def show(program: str, number: int | None) -> None:
    """Print the complete terms of PROGRAM as TOML."""
    found = await program_named(program)
    published = await terms_version(found.id, number) if number else await latest_terms(found.id)
    if published is None:
        raise NotFound("The program has no terms yet.")
    click.echo(
        f"# {program}, version {published.number}, in force from {published.in_force_from.isoformat()}\n"
    )
    click.echo(dump_toml(published.terms.document), nl=False)


@terms.command("check")
@click.argument("file", type=FILE)
@LANGUAGE
def check(file: Path, language: str) -> None:
    """Check a document without publishing it; every mistake is named by the path of its key.

    Exits 1 if there is any.
    """
    document = read_file(file, language)
    if document is None:
        raise SystemExit(REFUSED)
    console.print(f"[green]✓[/] {file} can be published")


@terms.command("diff")
@click.argument("program")
@click.argument("before")
@click.argument("after", required=False)
@click.option("--exit-code", is_flag=True, help="Exit 1 if anything is different.")
@LANGUAGE
@on_portal
async def diff(program: str, before: str, after: str | None, exit_code: bool, language: str) -> int:
    """Say in words what is different between two documents of PROGRAM's terms.

    BEFORE and AFTER are numbers of versions or files. With one of them alone it is compared with the newest version.
    """
    found = await program_named(program)
    newest = await latest_terms(found.id)
    if newest is None:
        raise NotFound("The program has no terms yet.")
    documents: list[Document] = []
    for one in (before, after) if after is not None else (None, before):
        read = newest.terms.document if one is None else await _document(found.id, one, language)
        if read is None:
            return REFUSED
        documents.append(read)
    with use_locale(language):
        told = told_difference(*documents)
    for section, sentences in told.items():
        console.print(f"[bold]{section}[/]")
        for text in sentences:
            console.print(f"  {text}", markup=False, soft_wrap=True)
    if not told:
        console.print("[green]✓[/] nothing is different")
    return REFUSED if told and exit_code else 0


async def _document(program_id: int, named: str, language: str) -> Document | None:
    """A version by its number, or a file; None: its mistakes were printed."""
    if named.isdecimal():
        return (await terms_version(program_id, int(named))).terms.document
    read = read_file(Path(named), language)
    return None if read is None else parse_terms(read).document


@terms.command("apply")
@click.argument("file", type=FILE)
@click.option("--program", required=True, help="The program's code.")
@click.option(
    "--from", "start", type=click.DateTime(), help="In force from this moment (UTC); at once without it."
)
@click.option("--note", default="", help="What changes, in words.")
@click.option("--create", "name", help="Make the program first, with this name.")
@click.option("--home", default="", help="With --create: the shop's home page.")
@on_portal
async def apply(
    file: Path, program: str, start: datetime | None, note: str, name: str | None, home: str
) -> int:
    """Publish FILE as the next version. Orders already paid keep the version they were paid under."""
    document = read_file(file)
    if document is None:
        return 1
    moment = start.replace(tzinfo=UTC) if start else None
    if name is not None:
        host = home.partition("://")[2].partition("/")[0]
        new = NewProgram(program, name, home, [host])
        await create_program(new, document, from_moment=moment or datetime(1970, 1, 1, tzinfo=UTC))
        number = 1
    else:
        number = await publish_terms(
            (await program_named(program)).id, document, from_moment=moment, note=note
        )
    console.print(f"[green]✓[/] {program}: version {number}")
    return 0


def read_file(file: Path, language: str = "en") -> Document | None:
    """A checked document; None: its mistakes were printed."""
    try:
        document = read_toml(file.read_text(encoding="utf-8"))
        parse_terms(document)
    except TermsError as error:
        for problem in error.problems:
            path, said = escape(problem.path or str(file)), escape(problem.message(language))
            errors.print(f"[bold red]✗[/] [bold]{path}[/]: {said}", markup=True, soft_wrap=True)
        return None
    except UnicodeDecodeError:
        errors.print(f"[bold red]✗[/] {file} is not UTF-8", markup=True)
        return None
    except OSError as error:
        errors.print(f"[bold red]✗[/] {file}: {error.strerror}", markup=True)
        return None
    return document


async def program_named(code: str) -> Program:
    """The program of this code."""
    found = await program_by_code(code)
    if found is None:
        raise NotFound("There is no program %(program)s.", program=code)
    return found
