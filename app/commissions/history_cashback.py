"""Cashback while a history is imported, and as a file that an accountant can compare.

    cashback_spend_requests.csv.gz    order_id: the buyer asks to pay as much of it with cashback as he may

The reservation is made right before its order, so the order is paid with what the buyer had then and never with what
the order itself earns. The order's message says nothing of it, as the files do not: the base, the commissions and the
cashback earned stay those of the whole order (`cashback/service.py` says why that is so).

What the customer could not give back is written off here, and `balance_after` has it taken off, so that the file tells
what he would owe; the customer himself starts from zero again.
"""

import csv
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import asyncpg

from app import clock, db
from app.cashback.queries import owner, spendable
from app.cashback.service import expire_due, release_due, release_in_transaction, reserve_in_transaction
from app.commissions.intake import take_in_transaction
from app.orders.messages import Message, OrderMessage
from app.orders.outcomes import Outcome
from app.rules.cashback import most_to_spend
from app.rules.cashback_moves import MoveKind
from app.rules.money import format_minor
from app.rules.state import State, TermsVersion

COLUMNS = ("at", "customer_id", "order_id", "return_id", "type", "amount", "balance_after")

TYPES = {
    MoveKind.EARNED: "earn_pending",
    MoveKind.REDUCED: "cancel_pending",
    MoveKind.RELEASED: "confirm",
    MoveKind.TAKEN_BACK: "cancel",
    MoveKind.WRITTEN_OFF: "cancel",
    MoveKind.RESERVED: "spend",
    MoveKind.FREED: "return",
    MoveKind.RETURNED: "return",
    MoveKind.EXPIRED: "expire",
}
"""The word of each step; what moves neither pending nor available cashback is left out."""

TAKES = frozenset(
    (MoveKind.REDUCED, MoveKind.TAKEN_BACK, MoveKind.WRITTEN_OFF, MoveKind.RESERVED, MoveKind.EXPIRED)
)


class Writer(Protocol):
    """What `csv.writer` makes."""

    def writerow(self, row: Iterable[Any], /) -> Any: ...


async def take_with_cashback(
    program_id: int,
    terms: Sequence[TermsVersion],
    batch: Sequence[tuple[datetime, Message]],
    asked: frozenset[str],
) -> list[Outcome]:
    """The events of a batch, moment by moment: what is due by a moment is released before its events."""
    outcomes: list[Outcome] = []
    for at, group in groupby(batch, key=lambda event: event[0]):
        with clock.at(at):
            while await release_in_transaction(program_id, at):
                """In batches."""
            waiting: list[Message] = []
            for _, message in group:
                if isinstance(message, OrderMessage) and message.external_id in asked:
                    if waiting:
                        outcomes += await take_in_transaction(program_id, waiting)
                        waiting = []
                    await _set_aside(program_id, terms, message)
                waiting.append(message)
            if waiting:
                outcomes += await take_in_transaction(program_id, waiting)
    return outcomes


async def _set_aside(program_id: int, terms: Sequence[TermsVersion], message: OrderMessage) -> None:
    """As much as the buyer has and the order lets him."""
    version = State(terms=list(terms)).version_at(message.placed_at)
    if version is None or version.terms.cashback is None or message.customer is None:
        return
    found = await owner(program_id, message.customer.external_id)
    if found is None:
        return
    goods = sum(line.total_minor for line in message.lines) - message.discount_minor
    most = most_to_spend(max(0, goods), version.terms.cashback)
    minor = min(most, await spendable(found.customer_id, clock.now()))
    if minor > 0:
        await reserve_in_transaction(program_id, found.external_id, message.external_id, minor)


async def cashback_at_midnight(midnight: datetime) -> None:
    """What a day's end does."""
    await release_due(midnight)
    await expire_due(midnight)


async def export_cashback(program_id: int, path: Path, zone: ZoneInfo, exponent: int) -> int:
    """Every step of every customer, in the order in which it was booked; how many rows there are."""
    count = 0
    balances: dict[str, int] = {}
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        steps: list[asyncpg.Record] = []
        async for row in _entries(program_id):
            if steps and _cause(row) != _cause(steps[0]):
                count += _write(writer, steps, balances, zone, exponent)
                steps = []
            steps.append(row)
        if steps:
            count += _write(writer, steps, balances, zone, exponent)
    return count


def _entries(program_id: int) -> AsyncIterator[asyncpg.Record]:
    return db.stream(
        """
        SELECT entry.kind, entry.at, entry.order_key, entry.cause_ref, entry.amount_minor, entry.available_minor,
            entry.written_off_minor, entry.recorded_at, customer.external_id AS customer
        FROM cashback_entries AS entry JOIN customers AS customer ON customer.id = entry.customer_id
        WHERE entry.program_id = $1
        ORDER BY entry.id
        """,
        program_id,
    )


def _cause(row: asyncpg.Record) -> tuple[object, ...]:
    kind = TYPES.get(MoveKind(row["kind"]))
    return row["customer"], row["order_key"], row["cause_ref"], row["at"], row["recorded_at"], kind


def _write(
    writer: Writer, steps: list[asyncpg.Record], balances: dict[str, int], zone: ZoneInfo, exponent: int
) -> int:
    """One row for the steps of one cause, which may be several lots."""
    first = steps[0]
    customer, kind = first["customer"], MoveKind(first["kind"])
    balances[customer] = balances.get(customer, 0) + sum(
        step["available_minor"] - step["written_off_minor"] for step in steps
    )
    if kind not in TYPES:
        return 0
    amount = sum(step["amount_minor"] for step in steps) * (-1 if kind in TAKES else 1)
    writer.writerow(
        (
            first["at"].astimezone(zone).strftime("%Y-%m-%d %H:%M:%S"),
            customer,
            first["order_key"],
            first["cause_ref"],
            TYPES[kind],
            format_minor(amount, exponent),
            format_minor(balances[customer], exponent),
        )
    )
    return 1
