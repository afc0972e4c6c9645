"""Writing what became of the customers' cashback: rows, entries, journal and events, table by table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app import clock, db
from app.cashback.state import Held, earning_values, spending_values
from app.events.service import NewEvent, emit_in_transaction
from app.ledger.service import Entry, book_in_transaction, open_customer_accounts_in_transaction
from app.orders.service import next_ids
from app.rules.cashback_moves import ACCOUNTS, Lot, Move, MoveKind
from app.rules.effects import AccountKind

COLUMNS = {
    AccountKind.CASHBACK_PENDING: 0,
    AccountKind.CASHBACK_AVAILABLE: 1,
    AccountKind.CASHBACK_RESERVED: 2,
    AccountKind.CASHBACK_SPENT: 3,
    AccountKind.CASHBACK_EXPIRED: 4,
}
"""The place among an entry's columns that tells what was added to an account; the sixth is what was written off."""

WRITTEN_OFF = {
    MoveKind.WRITTEN_OFF: 1,
    MoveKind.REINSTATED: -1,
    MoveKind.RECOVERED: -1,
    MoveKind.WITHHELD: -1,
}
"""Which moves change what the program bears."""


@dataclass(frozen=True, slots=True)
class Step:
    """The moves of one cause: one entry of the journal."""

    source_key: str
    kind: str
    """The journal's word."""
    at: datetime
    moves: tuple[Move, ...]
    cause_ref: str = ""
    """A refund's id; else empty."""


async def write_in_transaction(held: Held, steps: Sequence[Step]) -> None:
    """Store everything that changed since it was loaded, and book the moves. Orders must be written before."""
    moves = [move for step in steps for move in step.moves]
    touched = {move.customer for move in moves}
    touched.update(one.customer for one in held.wallets.spendings.values())
    touched.update(one.customer for one in held.wallets.earnings.values())
    await _open_accounts(held, touched)
    await _write_earnings(held)
    await _write_lots(held)
    await _write_spendings(held)
    await _write_entries(held, steps)
    entries = [
        Entry(
            step.kind,
            step.source_key,
            step.at,
            tuple(
                posting for move in step.moves for posting in move.postings(held.customer_ids[move.customer])
            ),
        )
        for step in steps
    ]
    booked = await book_in_transaction(held.program_id, entries)
    assert all(
        entry_id is not None or not entry.postings for entry_id, entry in zip(booked, entries, strict=True)
    ), "a step was booked before"
    await emit_in_transaction(_events(held, steps))


async def _open_accounts(held: Held, customers: set[str]) -> None:
    """Everybody with cashback gets an account and its balances; those who have them keep them."""
    missing = sorted(customers - held.customer_ids.keys())
    if not missing:
        return
    rows = await db.fetch(
        "SELECT id, external_id FROM customers WHERE program_id = $1 AND external_id = ANY($2::text[]) ORDER BY id",
        held.program_id,
        missing,
    )
    held.customer_ids.update({row["external_id"]: row["id"] for row in rows})
    ids = [row["id"] for row in rows]
    await db.execute(
        """
        INSERT INTO cashback_accounts (program_id, customer_id, link_number, created_at)
        SELECT $1, customer_id, 1, $3 FROM unnest($2::bigint[]) AS customer_id
        ON CONFLICT (customer_id) DO NOTHING
        """,
        held.program_id,
        ids,
        clock.now(),
    )
    await open_customer_accounts_in_transaction(held.program_id, ids)


async def _write_earnings(held: Held) -> None:
    made, changed = [], []
    for key, earning in held.wallets.earnings.items():
        values = earning_values(earning)
        earning_id = held.earning_ids.get(key)
        if earning_id is None:
            owner = held.customer_ids[earning.customer]
            made.append((held.program_id, key[0], owner, earning.terms_number, *values))
        elif values != held.before["earning", earning_id]:
            changed.append((earning_id, *values))
    columns = ("amount_minor", "pending_minor", "written_off_minor", "due_at", "released", "again_at")
    if made:
        names = ("program_id", "order_id", "customer_id", "terms_number", *columns)
        await db.copy_rows("cashback_earnings", names, made)
    if changed:
        await db.execute(
            """
            UPDATE cashback_earnings AS earning
            SET amount_minor = new.amount_minor, pending_minor = new.pending_minor,
                written_off_minor = new.written_off_minor, due_at = new.due_at, released = new.released,
                again_at = new.again_at
            FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::boolean[],
                $7::timestamptz[])
                AS new (id, amount_minor, pending_minor, written_off_minor, due_at, released, again_at)
            WHERE earning.id = new.id
            """,
            *_columns(changed, 7),
        )


async def _write_lots(held: Held) -> None:
    lots = [lot for lots in held.wallets.lots.values() for lot in lots]
    made = [lot for lot in lots if lot.lot_id < 0]
    changed = [
        (lot.lot_id, lot.left_minor)
        for lot in lots
        if lot.lot_id > 0 and held.before["lot", lot.lot_id] != (lot.left_minor,)
    ]
    if changed:
        await db.execute(
            """
            UPDATE cashback_lots AS lot SET left_minor = new.left_minor
            FROM unnest($1::bigint[], $2::bigint[]) AS new (id, left_minor) WHERE lot.id = new.id
            """,
            *_columns(changed, 2),
        )
    if made:
        for lot, lot_id in zip(made, await next_ids("cashback_lots", len(made)), strict=True):
            lot.lot_id = lot_id
        names = "id program_id customer_id order_id amount_minor left_minor available_at expires_at"
        await db.copy_rows("cashback_lots", names.split(), [_lot_row(held, lot) for lot in made])


def _lot_row(held: Held, lot: Lot) -> tuple[Any, ...]:
    return (
        lot.lot_id,
        held.program_id,
        held.customer_ids[lot.customer],
        lot.order_id,
        lot.amount_minor,
        lot.left_minor,
        lot.available_at,
        lot.expires_at,
    )


async def _write_spendings(held: Held) -> None:
    made, changed = [], []
    for key, spending in held.wallets.spendings.items():
        values = spending_values(spending)
        spending_id = held.spending_ids.get(key)
        owner = held.customer_ids[spending.customer]
        if spending_id is None:
            made.append((key, owner, *values))
        elif values != held.before["spending", spending_id]:
            changed.append((spending_id, owner, *values))
    if made:
        rows = await db.fetch(
            """
            INSERT INTO cashback_spendings (program_id, order_key, customer_id, wished_minor, granted_minor, spent)
            SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::boolean[])
            RETURNING id, order_key
            """,
            held.program_id,
            *_columns(made, 5),
        )
        held.spending_ids.update({row["order_key"]: row["id"] for row in rows})
    if changed:
        await db.execute(
            """
            UPDATE cashback_spendings AS spending
            SET customer_id = new.customer_id, wished_minor = new.wished_minor,
                granted_minor = new.granted_minor, spent = new.spent
            FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::boolean[])
                AS new (id, customer_id, wished_minor, granted_minor, spent)
            WHERE spending.id = new.id
            """,
            *_columns(changed, 5),
        )
        await _close_redemptions([row[0] for row in changed])
    await _write_takings(held)


async def _close_redemptions(spending_ids: Sequence[int]) -> None:
    """Reservations follow their order: spent when it is paid, returned when it is cancelled, open again if it is not paid."""
    await db.execute(
        """
        UPDATE cashback_redemptions AS redemption
        SET state = new.state, closed_at = CASE WHEN new.state = 'reserved' THEN NULL ELSE $2::timestamptz END
        FROM (
            SELECT id, CASE WHEN spent THEN 'spent' WHEN wished_minor = 0 THEN 'returned' ELSE 'reserved' END AS state
            FROM cashback_spendings WHERE id = ANY($1::bigint[])
        ) AS new
        WHERE redemption.spending_id = new.id AND redemption.state <> 'returned' AND redemption.state <> new.state
        """,
        list(spending_ids),
        clock.now(),
    )


async def _write_takings(held: Held) -> None:
    known = {id(taken) for _, taken in held.takings}
    changed = [
        (taking_id, taken.minor)
        for taking_id, taken in held.takings
        if held.before["taking", taking_id] != (taken.minor,)
    ]
    made = [
        (held.spending_ids[key], taken.lot.lot_id, taken.minor)
        for key, spending in held.wallets.spendings.items()
        for taken in spending.taken
        if id(taken) not in known
    ]
    if changed:
        await db.execute(
            """
            UPDATE cashback_takings AS taking SET amount_minor = new.amount_minor
            FROM unnest($1::bigint[], $2::bigint[]) AS new (id, amount_minor) WHERE taking.id = new.id
            """,
            *_columns(changed, 2),
        )
    if made:
        await db.copy_rows("cashback_takings", ("spending_id", "lot_id", "amount_minor"), made)


async def _write_entries(held: Held, steps: Sequence[Step]) -> None:
    now = clock.now()
    rows = [
        (
            held.program_id,
            held.customer_ids[move.customer],
            move.kind.value,
            move.order_key,
            move.lot.lot_id if move.lot is not None else None,
            step.cause_ref,
            move.at,
            now,
            move.amount_minor,
            *_deltas(move),
        )
        for step in steps
        for move in step.moves
    ]
    names = (
        "program_id customer_id kind order_key lot_id cause_ref at recorded_at amount_minor pending_minor "
        "available_minor reserved_minor spent_minor expired_minor written_off_minor"
    )
    if rows:
        await db.copy_rows("cashback_entries", names.split(), rows)


def _deltas(move: Move) -> list[int]:
    deltas = [0] * 6
    accounts = ACCOUNTS[move.kind]
    if accounts is not None:
        for kind, sign in zip(accounts, (-1, 1), strict=True):
            if kind in COLUMNS:
                deltas[COLUMNS[kind]] += sign * move.amount_minor
    deltas[5] = WRITTEN_OFF.get(move.kind, 0) * move.amount_minor
    return deltas


def _events(held: Held, steps: Sequence[Step]) -> list[NewEvent]:
    """One per customer and step: what changed, for the shop to read anew."""
    events = []
    for step in steps:
        for customer in dict.fromkeys(move.customer for move in step.moves if move.amount_minor):
            changes = [
                {"kind": move.kind.value, "order": move.order_key, "amount_minor": move.amount_minor}
                for move in step.moves
                if move.customer == customer and move.amount_minor
            ]
            payload = {"customer": customer, "changes": changes}
            subject = f"customer:{held.customer_ids[customer]}"
            events.append(NewEvent("cashback.changed", held.program_id, subject, payload, step.at))
    return events


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[index] for row in rows] for index in range(width)]
