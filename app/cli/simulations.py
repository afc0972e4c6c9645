"""`tandem simulate`: what a draft of the terms would have cost."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import rich_click as click
from rich.table import Table

from app import clock
from app.cli.surroundings import REFUSED, console, on_portal
from app.cli.terms import FILE, LANGUAGE, program_named, read_file
from app.commissions.simulation import PartnerOutcome, Simulated
from app.commissions.simulation import simulate as simulate_program
from app.rules.terms_document import parse_terms
from app.ui.filters import money
from app.ui.i18n import use_locale

SHOWN = 20


@click.command()
@click.argument("terms", type=FILE)
@click.option("--program", required=True, help="The program's code.")
@click.option(
    "--from", "start", type=click.DateTime(), help="Orders paid from this moment on; a year ago without it."
)
@click.option("--to", "end", type=click.DateTime(), help="Orders paid before this moment; now without it.")
@click.option("--all", "everybody", is_flag=True, help=f"Show all partners, not the {SHOWN} most changed.")
@LANGUAGE
@on_portal
async def simulate(
    terms: Path,
    program: str,
    start: datetime | None,
    end: datetime | None,
    everybody: bool,
    language: str,
) -> int:
    """Judge PROGRAM's history under the draft TERMS in memory: cost, winners, losers, moves of levels.

    Moments are in the program's time zone. Writes nothing.
    """
    document = read_file(terms, language)
    if document is None:
        return REFUSED
    draft = parse_terms(document)
    found = await program_named(program)
    to_at = _moment(end, draft.zone) or clock.now()
    from_at = _moment(start, draft.zone) or to_at - timedelta(days=365)
    if from_at >= to_at:
        raise click.BadParameter("--from must be before --to")
    simulated = await simulate_program(found.id, draft, from_at, to_at)
    with use_locale(language):
        _show(simulated, None if everybody else SHOWN)
    return 0


def _moment(typed: datetime | None, zone: ZoneInfo) -> datetime | None:
    return None if typed is None else typed.replace(tzinfo=zone).astimezone(UTC)


def _show(simulated: Simulated, most: int | None) -> None:
    def amount(minor: int, *, sign: bool = False) -> str:
        return money(minor, simulated.currency, sign=sign)

    table = Table("", "Booked", "Draft", "Difference", box=None, padding=(0, 2, 0, 0))
    for kind in sorted(simulated.now_by_kind.keys() | simulated.then_by_kind.keys()):
        now, then = simulated.now_by_kind.get(kind, 0), simulated.then_by_kind.get(kind, 0)
        table.add_row(kind, amount(now), amount(then), amount(then - now, sign=True))
    delta = amount(simulated.delta_minor, sign=True)
    table.add_row("together", amount(simulated.now_minor), amount(simulated.then_minor), delta, style="bold")
    console.print(
        f"{simulated.orders} orders judged by the draft, {simulated.orders_changed} come out otherwise"
    )
    console.print(table)
    console.print(
        f"{len(simulated.winners)} partners would have more, {len(simulated.losers)} less, "
        f"{len(simulated.moves)} stand on another level"
    )
    changed = [one for one in simulated.partners if one.delta_minor or one.level_moved]
    if changed:
        console.print(_partners(changed[:most], amount))
    if most is not None and len(changed) > most:
        console.print(f"… and {len(changed) - most} more (--all shows them)")


def _partners(partners: list[PartnerOutcome], amount: Callable[..., str]) -> Table:
    table = Table(
        "Partner", "Booked", "Draft", "Difference", "Orders", "Level", box=None, padding=(0, 2, 0, 0)
    )
    for one in partners:
        level = f"{one.level_now} → {one.level_then}" if one.level_moved else one.level_then
        values = (amount(one.now_minor), amount(one.then_minor), amount(one.delta_minor, sign=True))
        table.add_row(one.code, *values, str(one.orders), level)
    return table
