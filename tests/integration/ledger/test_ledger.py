"""The journal: booked once, never below zero, never edited, sealed so that an edit shows."""

import asyncio
from datetime import UTC, datetime

import asyncpg
import pytest

from app import db
from app.ledger import chain
from app.ledger.service import Entry, InsufficientFunds, balances, book_in_transaction
from app.migrations import APPEND_ONLY
from app.rules.effects import Account, AccountKind, Posting
from tests.conftest import TestEngines
from tests.factories import make_partner, make_program

AT = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
EXPENSE = Account(AccountKind.EXPENSE)


def pending(partner_id: int) -> Account:
    return Account(AccountKind.PENDING, partner_id)


def available(partner_id: int) -> Account:
    return Account(AccountKind.AVAILABLE, partner_id)


def accrual(partner_id: int, amount_minor: int, key: str) -> Entry:
    return Entry("accrual", key, AT, (Posting(EXPENSE, available(partner_id), amount_minor),))


def withdrawal(partner_id: int, amount_minor: int, key: str) -> Entry:
    reserved = Account(AccountKind.RESERVED, partner_id)
    return Entry("payout_request", key, AT, (Posting(available(partner_id), reserved, amount_minor),))


async def book(program_id: int, *entries: Entry) -> list[int | None]:
    async with db.transaction():
        return await book_in_transaction(program_id, entries)


async def test_a_source_key_is_booked_once(transaction: None) -> None:
    program_id = await make_program()
    alice = await make_partner(program_id)
    first = await book(program_id, accrual(alice, 100, "order:1"))
    again = await book(program_id, accrual(alice, 100, "order:1"), accrual(alice, 7, "order:2"))
    assert first[0] is not None
    assert again[0] is None
    assert again[1] is not None
    assert (await balances([alice]))[alice].available_minor == 107


async def test_two_programs_may_use_one_source_key(transaction: None) -> None:
    for _ in range(2):
        program_id = await make_program()
        alice = await make_partner(program_id)
        assert await book(program_id, accrual(alice, 100, "order:1")) != [None]


async def test_an_account_never_goes_below_zero(transaction: None) -> None:
    program_id = await make_program()
    alice = await make_partner(program_id)
    await book(program_id, accrual(alice, 100, "order:1"))
    with pytest.raises(InsufficientFunds):
        await book(program_id, withdrawal(alice, 101, "payout:1"))
    money = (await balances([alice]))[alice]
    assert (money.available_minor, money.reserved_minor) == (100, 0)
    assert await db.fetchval("SELECT count(*) FROM journal_entries WHERE program_id = $1", program_id) == 1


async def test_debts_grow_by_debits(transaction: None) -> None:
    program_id = await make_program()
    alice = await make_partner(program_id)
    debt = Account(AccountKind.DEBT, alice)
    await book(program_id, Entry("clawback", "refund:1", AT, (Posting(debt, EXPENSE, 50),)))
    await book(program_id, Entry("accrual", "order:2", AT, (Posting(EXPENSE, pending(alice), 30),)))
    await book(program_id, Entry("release", "release:2", AT, (Posting(pending(alice), debt, 30),)))
    money = (await balances([alice]))[alice]
    assert (money.pending_minor, money.available_minor, money.debt_minor) == (0, 0, 20)


async def test_sixty_four_clients_never_overspend_one_balance(committing: TestEngines) -> None:
    program_id = await make_program()
    alice = await make_partner(program_id)
    await book(program_id, accrual(alice, 5_000, "order:1"))

    async def withdraw(number: int) -> bool:
        try:
            await book(program_id, withdrawal(alice, 100, f"payout:{number}"))
        except InsufficientFunds:
            return False
        return True

    taken = await asyncio.gather(*(withdraw(number) for number in range(64)))
    assert sum(taken) == 50
    money = (await balances([alice]))[alice]
    assert (money.available_minor, money.reserved_minor) == (0, 5_000)


CHANGES = (
    "UPDATE postings SET amount_minor = amount_minor + 1",
    "UPDATE journal_entries SET kind = kind",
    "DELETE FROM postings",
    "DELETE FROM journal_entries",
    "TRUNCATE postings",
    "TRUNCATE journal_entries CASCADE",
    "WITH gone AS (DELETE FROM postings RETURNING 1) SELECT * FROM gone",
    "INSERT INTO journal_entries SELECT * FROM journal_entries ON CONFLICT (id) DO UPDATE SET kind = 'x'",
    "MERGE INTO postings USING (SELECT 1) AS one ON true WHEN MATCHED THEN DELETE",
    "ALTER TABLE postings DISABLE TRIGGER ALL",
    "DROP TRIGGER postings_append_only ON postings",
    "DROP TABLE postings CASCADE",
    "ALTER TABLE postings DROP COLUMN amount_minor",
    "CREATE RULE nothing AS ON INSERT TO postings DO INSTEAD NOTHING",
    "SET session_replication_role = replica",
    "SET ROLE postgres",
    "ALTER TABLE postings OWNER TO tandem_app",
    "GRANT UPDATE ON postings TO tandem_app",
    "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "LOCK TABLE postings IN ACCESS EXCLUSIVE MODE",
)


@pytest.mark.parametrize("sql", CHANGES)
async def test_the_run_time_role_cannot_change_the_journal(committing: TestEngines, sql: str) -> None:
    program_id = await make_program()
    alice = await make_partner(program_id)
    await book(program_id, accrual(alice, 100, "order:1"))
    before = await _journal()
    with pytest.raises(asyncpg.PostgresError):  # noqa: PT012
        async with db.transaction() as connection:
            await connection.execute(sql)
            if sql.startswith("GRANT"):  # PostgreSQL only warns of a grant that gives nothing
                await connection.execute("UPDATE postings SET amount_minor = 1")
    assert await _journal() == before


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("sql", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_not_even_the_owner_changes_what_is_only_added_to(
    committing: TestEngines, table: str, sql: str
) -> None:
    program_id = await make_program()
    alice = await make_partner(program_id)
    await book(program_id, accrual(alice, 100, "order:1"))
    await chain.seal(program_id)
    owner = await asyncpg.connect(committing.owner_url)
    try:
        rows = await owner.fetchval(f"SELECT count(*) FROM {table}")
        if rows or sql.startswith("TRUNCATE"):
            with pytest.raises(asyncpg.IntegrityConstraintViolationError):
                await owner.execute(sql.format(table))
        assert await owner.fetchval(f"SELECT count(*) FROM {table}") == rows
    finally:
        await owner.close()


async def _journal() -> list[tuple[object, ...]]:
    rows = await db.fetch(
        "SELECT entry.kind, posting.amount_minor FROM journal_entries AS entry JOIN postings AS posting ON entry_id = entry.id"
    )
    return [tuple(row) for row in rows]


EDITS = (
    "UPDATE postings SET amount_minor = amount_minor + 1 WHERE id = (SELECT min(id) FROM postings)",
    "UPDATE journal_entries SET occurred_at = occurred_at + interval '1 second' WHERE id = (SELECT min(id) + 1 FROM journal_entries)",
    "UPDATE journal_entries SET note = 'a gift' WHERE id = (SELECT max(id) FROM journal_entries)",
    "DELETE FROM postings WHERE id = (SELECT min(id) FROM postings)",
    "UPDATE postings SET debit_account_id = credit_account_id, credit_account_id = debit_account_id",
    "DELETE FROM ledger_chain_blocks WHERE number = 1",
)


@pytest.mark.parametrize("edit", EDITS)
async def test_an_edit_behind_the_triggers_shows_in_the_chain(
    committing: TestEngines, edit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain, "PER_BLOCK", 4)
    program_id = await make_program()
    alice = await make_partner(program_id)
    await book(program_id, *(accrual(alice, 100 + number, f"order:{number}") for number in range(10)))
    assert await chain.seal(program_id) == 3
    whole = await chain.verify(program_id)
    assert (whole.blocks, whole.entries, whole.broken) == (3, 10, ())
    owner = await asyncpg.connect(committing.owner_url)
    try:
        await owner.execute("SET session_replication_role = replica")
        await owner.execute(edit)
    finally:
        await owner.close()
    assert (await chain.verify(program_id)).broken != ()


async def test_entries_after_the_last_block_are_sealed_next(transaction: None) -> None:
    program_id = await make_program()
    alice = await make_partner(program_id)
    await book(program_id, accrual(alice, 100, "order:1"))
    assert await chain.seal(program_id) == 1
    assert await chain.seal(program_id) == 0
    await book(program_id, accrual(alice, 100, "order:2"))
    assert await chain.seal(program_id) == 1
    assert (await chain.verify(program_id)).entries == 2
