"""`tandem deposit`: the merchant's deposit."""

import secrets

import rich_click as click

from app.cli.surroundings import console, on_portal
from app.cli.terms import program_named
from app.commissions.deposit import NewTopUp
from app.commissions.deposit import top_up as put_down
from app.ledger.queries import deposit_balance


@click.group()
def deposit() -> None:
    """The merchant's deposit, from which commissions are paid."""


@deposit.command("top-up")
@click.argument("program")
@click.argument("amount_minor", type=click.IntRange(min=1))
@click.option("--reference", required=True, help="The bank's document.")
@click.option("--note", default="", help="What else is to be known.")
@click.option("--action-id", default="", help="The same one again is the same top-up.")
@on_portal
async def top_up(program: str, amount_minor: int, reference: str, note: str, action_id: str) -> None:
    """Write down AMOUNT_MINOR (minor units) put on the deposit of PROGRAM; what waits is paid, oldest first."""
    found = await program_named(program)
    await put_down(
        found.id,
        NewTopUp(amount_minor, reference[:100], note[:500]),
        action_id=action_id or secrets.token_urlsafe(18),
    )
    console.print(f"[green]✓[/] {await deposit_balance(found.id)} minor units are left on the deposit")


@deposit.command("show")
@click.argument("program")
@on_portal
async def show(program: str) -> None:
    """What is left on the deposit of PROGRAM, in minor units."""
    found = await program_named(program)
    console.print(str(await deposit_balance(found.id)))
