"""The only place that writes the journal and the balances.

An entry is one business event; its postings are debit-credit rows with positive amounts, so it balances by its form.
A partner's accounts have a balance row that is moved by a conditional update in the same transaction and can never
go below zero; the program's own accounts have none, so that no row is shared by all orders of a program: their
balance is the sum of their postings.

Everything is set-based: a batch of a thousand entries takes as many round trips as one.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from app import clock, db
from app.ledger.locks import WRITING
from app.ledger.queries import PartnerBalances, balance_rows
from app.rules.effects import Account, AccountKind, Posting

PARTNER_ACCOUNTS = (
    AccountKind.PENDING,
    AccountKind.AVAILABLE,
    AccountKind.RESERVED,
    AccountKind.DEBT,
    AccountKind.PAID,
    AccountKind.INTERNAL,
)
"""The accounts every partner has."""

CUSTOMER_ACCOUNTS = (
    AccountKind.CASHBACK_PENDING,
    AccountKind.CASHBACK_AVAILABLE,
    AccountKind.CASHBACK_RESERVED,
    AccountKind.CASHBACK_SPENT,
    AccountKind.CASHBACK_EXPIRED,
)
"""The accounts of a customer who has cashback."""

KEPT = frozenset({*PARTNER_ACCOUNTS, *CUSTOMER_ACCOUNTS, AccountKind.DEPOSIT})
"""Accounts that have a balance row and can never go below zero."""

DEBIT_NORMAL = frozenset(
    {AccountKind.DEBT, AccountKind.EXPENSE, AccountKind.MERCHANT, AccountKind.CASHBACK_EXPENSE}
)
"""Accounts whose balance is debits less credits; of the others it is credits less debits."""


class InsufficientFunds(Exception):  # noqa: N818 - the field's own name for it
    """An account would have gone below zero; the transaction must be rolled back."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One business event to book. The same `source_key` is booked once in a program, whatever is sent again."""

    kind: str
    source_key: str
    occurred_at: datetime
    postings: tuple[Posting, ...]
    note: str = ""


async def open_partner_accounts_in_transaction(program_id: int, partner_ids: Sequence[int]) -> None:
    """Give each partner his accounts with zero balances; partners that have them keep them."""
    await _open_in_transaction(program_id, partner_ids, PARTNER_ACCOUNTS)


async def open_customer_accounts_in_transaction(program_id: int, customer_ids: Sequence[int]) -> None:
    """Give each customer his accounts with zero balances; customers that have them keep them."""
    await _open_in_transaction(program_id, customer_ids, CUSTOMER_ACCOUNTS)


async def open_deposit_in_transaction(program_id: int) -> None:
    """Give the program the account of its deposit, if it has none."""
    await _open_in_transaction(program_id, [0], [AccountKind.DEPOSIT])


async def _open_in_transaction(
    program_id: int, owner_ids: Sequence[int], kinds: Sequence[AccountKind]
) -> None:
    await db.execute(
        """
        WITH made AS (
            INSERT INTO ledger_accounts (program_id, kind, owner_id)
            SELECT $1, kind, owner_id
            FROM unnest($2::bigint[]) AS owner_id CROSS JOIN unnest($3::text[]) AS kind
            ORDER BY owner_id, kind
            ON CONFLICT DO NOTHING
            RETURNING id
        )
        INSERT INTO ledger_balances (account_id, balance_minor) SELECT id, 0 FROM made
        """,
        program_id,
        list(owner_ids),
        [kind.value for kind in kinds],
    )


async def balances(partner_ids: Sequence[int]) -> dict[int, PartnerBalances]:
    """The money of each partner, without locking. Partners without accounts have zeros."""
    return await balance_rows(partner_ids)


async def lock_balances_in_transaction(partner_ids: Sequence[int]) -> dict[int, PartnerBalances]:
    """The same, with the balance rows locked in the order of their accounts until the end of the transaction."""
    return await balance_rows(partner_ids, lock=True)


async def book_in_transaction(program_id: int, entries: Sequence[Entry]) -> list[int | None]:
    """Write entries with their postings and move the balances.

    Returns the id of each entry in order; None where its source key is booked already (nothing is moved then).
    Entries without postings are not written and give None. Raises InsufficientFunds when a partner's account
    would go below zero.
    """
    wanted = [entry for entry in entries if entry.postings]
    if not wanted:
        return [None] * len(entries)
    touched = {
        side for entry in wanted for posting in entry.postings for side in (posting.debit, posting.credit)
    }
    ids, accounts = await _insert_entries(program_id, wanted, touched)
    fresh = [entry for entry in wanted if entry.source_key in ids]
    if fresh:
        if len(accounts) < len(touched):
            accounts = await _all_accounts(program_id, touched, accounts)
        await _post(ids, accounts, fresh)
    return [ids.get(entry.source_key) for entry in entries]


async def _insert_entries(
    program_id: int, entries: Sequence[Entry], touched: set[Account]
) -> tuple[dict[str, int], dict[Account, int]]:
    """The ids of the entries that were not booked before, by source key, and of the accounts that there are."""
    keys = [entry.source_key for entry in entries]
    assert len(set(keys)) == len(keys), "two entries of one batch share a source key"
    sides = list(touched)
    rows = await db.fetch(
        """
        WITH made AS (
            INSERT INTO journal_entries (program_id, kind, source_key, occurred_at, recorded_at, note)
            SELECT $1, kind, source_key, occurred_at, $2, note
            FROM (SELECT pg_advisory_xact_lock_shared($4, $1::bigint::int)) AS writing,
                json_to_recordset($3::text::json)
                    AS given (kind text, source_key text, occurred_at timestamptz, note text, place bigint)
            ORDER BY place
            ON CONFLICT (program_id, source_key) DO NOTHING
            RETURNING id, source_key
        )
        SELECT id, source_key, '' AS kind, 0 AS owner_id FROM made
        UNION ALL
        SELECT account.id, NULL, account.kind, account.owner_id
        FROM unnest($5::text[], $6::bigint[]) AS touched (kind, owner_id)
        JOIN ledger_accounts AS account
            ON account.program_id = $1 AND account.kind = touched.kind AND account.owner_id = touched.owner_id
        """,
        program_id,
        clock.now(),
        _json([_given(entry, place) for place, entry in enumerate(entries)]),
        WRITING,
        [side.kind.value for side in sides],
        [side.owner_id or 0 for side in sides],
    )
    by_name = {(side.kind.value, side.owner_id or 0): side for side in sides}
    return (
        {row["source_key"]: row["id"] for row in rows if row["source_key"] is not None},
        {by_name[row["kind"], row["owner_id"]]: row["id"] for row in rows if row["source_key"] is None},
    )


def _given(entry: Entry, place: int) -> dict[str, Any]:
    return {
        "kind": entry.kind,
        "source_key": entry.source_key,
        "occurred_at": entry.occurred_at,
        "note": entry.note,
        "place": place,
    }


def _json(rows: Sequence[dict[str, Any]]) -> str:
    """Rows as one parameter; asyncpg takes far longer over the elements of arrays."""
    return msgspec.json.encode(rows).decode()


async def _all_accounts(
    program_id: int, touched: set[Account], found: dict[Account, int]
) -> dict[Account, int]:
    """Ids of all accounts that are touched; the program's own are made when first needed."""
    missing = [account for account in touched if account not in found]
    own = [account for account in missing if account.kind not in KEPT]
    if own:
        await db.execute(
            """
            INSERT INTO ledger_accounts (program_id, kind, owner_id)
            SELECT $1, kind, 0 FROM unnest($2::text[]) AS kind ORDER BY kind
            ON CONFLICT DO NOTHING
            """,
            program_id,
            [account.kind.value for account in own],
        )
        found = await _find_accounts(program_id, touched)
    assert len(found) == len(touched), "an owner without accounts was posted to"
    return found


async def _find_accounts(program_id: int, wanted: set[Account]) -> dict[Account, int]:
    owners = sorted({account.owner_id or 0 for account in wanted})
    rows = await db.fetch(
        "SELECT id, kind, owner_id FROM ledger_accounts WHERE program_id = $1 AND owner_id = ANY($2::bigint[])",
        program_id,
        owners,
    )
    found = {Account(AccountKind(row["kind"]), row["owner_id"] or None): row["id"] for row in rows}
    return {account: found[account] for account in wanted if account in found}


async def _post(ids: dict[str, int], accounts: dict[Account, int], entries: Sequence[Entry]) -> None:
    """Write the postings of the entries and move the balances."""
    rows = [
        {
            "entry": ids[entry.source_key],
            "debit": accounts[posting.debit],
            "credit": accounts[posting.credit],
            "amount": posting.amount_minor,
        }
        for entry in entries
        for posting in entry.postings
    ]
    changed = _moves(accounts, entries)
    tag = await db.execute(
        """
        WITH posted AS (
            INSERT INTO postings (entry_id, debit_account_id, credit_account_id, amount_minor)
            SELECT entry, debit, credit, amount
            FROM json_to_recordset($1::text::json) AS given (entry bigint, debit bigint, credit bigint, amount bigint)
        ),
        moves AS (
            SELECT balance.id, move.delta
            FROM unnest($2::bigint[], $3::bigint[]) AS move (account_id, delta)
            JOIN ledger_balances AS balance USING (account_id)
            ORDER BY balance.account_id
            FOR UPDATE OF balance
        )
        UPDATE ledger_balances AS balance
        SET balance_minor = balance.balance_minor + moves.delta
        FROM moves
        WHERE balance.id = moves.id AND balance.balance_minor + moves.delta >= 0
        """,
        _json(rows),
        [account for account, _ in changed],
        [delta for _, delta in changed],
    )
    if tag != f"UPDATE {len(changed)}":
        raise InsufficientFunds(f"{len(changed)} balances were to move, PostgreSQL says {tag}")


def _moves(accounts: dict[Account, int], entries: Iterable[Entry]) -> list[tuple[int, int]]:
    """By how much each kept balance moves, in the order of the accounts; those that stay are left out."""
    moves: dict[int, int] = defaultdict(int)
    for entry in entries:
        for posting in entry.postings:
            assert posting.amount_minor > 0, "a posting's amount is above zero"
            for side, sign in ((posting.debit, 1), (posting.credit, -1)):
                if side.kind in KEPT:
                    normal = 1 if side.kind in DEBIT_NORMAL else -1
                    moves[accounts[side]] += sign * normal * posting.amount_minor
    return sorted((account, delta) for account, delta in moves.items() if delta)
