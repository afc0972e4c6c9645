"""A partner's statement for the shop: the same booking by booking as the partner reads it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app import clock
from app.errors import FieldError, invalid
from app.payouts import statements
from app.payouts.statements import Sums
from app.shops.listing import Balances


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One entry of the journal, with what it changed."""

    at: datetime
    """When it was booked; the period goes by it, so that a period that is over never changes."""
    occurred_at: datetime
    """The shop's moment of what caused it."""
    kind: str
    """accrual, clawback, release, payout_requested and the like."""
    order: str
    """The shop's number of the order behind it; empty: none."""
    note: str
    change: Balances


@dataclass(frozen=True, slots=True)
class StatementAnswer:
    """[from, to): opening balances plus all changes are the closing balances."""

    since: datetime
    to: datetime
    opening: Balances
    rows: list[StatementRow]
    closing: Balances


async def statement(
    program_id: int, partner_id: int, since: datetime | None, to: datetime | None
) -> StatementAnswer:
    """The partner's entries of a period; by default the last thirty days."""
    end = to or clock.now()
    start = since or end - timedelta(days=30)
    if start > end:
        raise invalid(FieldError("from", "out_of_range", "The period ends before it begins."))
    found = await statements.statement(program_id, partner_id, start, end)
    if found.next_cursor is not None:
        raise invalid(FieldError("from", "too_long", "More than 10,000 entries: ask for a shorter period."))
    rows = [
        StatementRow(
            line.booked_at, line.occurred_at, line.kind, line.order_number, line.note, _balances(line.change)
        )
        for line in found.lines
    ]
    return StatementAnswer(start, end, _balances(found.opening), rows, _balances(found.closing))


def _balances(sums: Sums) -> Balances:
    return Balances(
        sums.pending_minor,
        sums.available_minor,
        sums.reserved_minor,
        sums.debt_minor,
        sums.paid_minor + sums.internal_minor,
    )
