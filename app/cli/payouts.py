"""`tandem payouts`: what a timer does for payouts."""

import rich_click as click

from app.cli.surroundings import console, on_portal
from app.cli.terms import program_named
from app.payouts import runs
from app.programs.queries import latest_terms
from app.rules.money import currency_exponent, format_minor


@click.group()
def payouts() -> None:
    """Payouts by schedule."""


@payouts.command("run")
@click.argument("program")
@on_portal
async def run(program: str) -> None:
    """Request everything available for each partner of PROGRAM who may ask.

    For a timer, such as every Monday. Called again on the same day (in the program's time zone) it asks for nobody
    twice. Accountants approve and pay the requests as always.
    """
    found = await program_named(program)
    done = await runs.run(found.id)
    terms = await latest_terms(found.id)
    assert terms is not None, "a program that ran has terms"
    currency = terms.terms.currency
    amount = format_minor(done.requested_minor, currency_exponent(currency))
    console.print(f"{done.day}: {done.requested} payouts requested, {amount} {currency} in all")
    for reason, count in sorted(done.left_out.items()):
        console.print(f"  left out, {reason}: {count}")
