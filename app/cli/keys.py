"""`tandem key`: shops' API keys."""

import rich_click as click
from rich.table import Table

from app.cli.surroundings import console, on_portal
from app.shops import keys as service


@click.group()
def key() -> None:
    """API keys of shops."""


SCOPES = ", ".join(scope.value for scope in service.Scope)


@key.command("create")
@click.argument("program", default="")
@click.option("--program", "named", default="", help="The program's code, where it is not given as PROGRAM.")
@click.option("--name", default="shop", show_default=True, help="Which shop or person uses it.")
@click.option(
    "--scopes",
    "--scope",
    "scopes",
    default="track,orders,read",
    show_default=True,
    help=f"What it may do, with commas between: {SCOPES}.",
)
@on_portal
async def create(program: str, named: str, name: str, scopes: str) -> None:
    """Make a key for PROGRAM and print it. It is never shown again."""
    if not (program or named):
        raise click.UsageError("Name the program.")
    wanted = [scope.strip() for scope in scopes.split(",") if scope.strip()]
    console.print(await service.create_key(program or named, name, wanted), soft_wrap=True)


@key.command("feed")
@click.argument("key_id", type=int)
@click.argument("program")
@click.option("--products", default="", help="Product codes that are this program's, with commas between.")
@click.option("--categories", default="", help="Category codes that are this program's, with commas between.")
@on_portal
async def feed(key_id: int, program: str, products: str, categories: str) -> None:
    """Let the key with this id feed PROGRAM, too: orders are routed by click, code, goods and customer."""
    await service.feed_program(key_id, program, products=_listed(products), categories=_listed(categories))
    console.print("[green]✓[/] it feeds the program")


def _listed(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


@key.command("list")
@click.argument("program", default="")
@on_portal
async def show_keys(program: str) -> None:
    """Keys, of one PROGRAM or of all."""
    table = Table("Id", "Program", "Name", "Begins with", "Scopes", "Last used", "State")
    for row in await service.keys(program):
        table.add_row(
            str(row.id),
            row.program_code,
            row.name,
            f"{row.shown}…",
            " ".join(row.scopes),
            row.used_at.isoformat(sep=" ", timespec="minutes") if row.used_at else "never",
            "revoked" if row.revoked_at else "alive",
        )
    console.print(table)


@key.command("revoke")
@click.argument("key_id", type=int)
@on_portal
async def revoke(key_id: int) -> None:
    """End the key with this id, at once."""
    await service.revoke_key(key_id)
    console.print("[green]✓[/] revoked")
