"""`tandem key`: shops' API keys."""

import rich_click as click
from rich.table import Table

from app.cli.surroundings import console, on_portal
from app.shops import keys as service


@click.group()
def key() -> None:
    """API keys of shops."""


@key.command("create")
@click.argument("program")
@click.option("--name", default="shop", show_default=True, help="Which shop or person uses it.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([scope.value for scope in service.Scope]),
    default=("track", "orders", "read"),
    show_default=True,
    help="What it may do; several are possible.",
)
@on_portal
async def create(program: str, name: str, scopes: tuple[str, ...]) -> None:
    """Make a key for PROGRAM and print it. It is never shown again."""
    console.print(await service.create_key(program, name, scopes), soft_wrap=True)


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
