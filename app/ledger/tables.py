"""The double-entry journal. Nothing here is ever updated or deleted but the balances (trigger, role, chain)."""

from piccolo.columns import BigInt, BigSerial, ForeignKey, OnDelete, Timestamptz, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table


class Account(Table, tablename="ledger_accounts"):
    """One side of postings: a partner's pending, available, reserved, debt and paid money, or the program's own."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    program_id = BigInt(default=None, help_text="The program whose books these are.")
    kind = Varchar(32, default=None, help_text="See accounts.AccountKind.")
    owner_id = BigInt(default=0, help_text="The partner's id; 0 for the program's own accounts.")

    ledger_accounts_one_per_owner = Unique(["program_id", "kind", "owner_id"])


class Balance(Table, tablename="ledger_balances"):
    """What a partner's account holds, kept in step with its postings. The program's own accounts have no row."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    account = ForeignKey(
        Account,
        on_delete=OnDelete.restrict,
        null=False,
        default=None,
        unique=True,
        db_column_name="account_id",
    )
    balance_minor = BigInt(default=None, help_text="On the account's normal side; never below zero.")

    not_negative = Check("balance_minor >= 0")


class JournalEntry(Table, tablename="journal_entries"):
    """One business event that moved money."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    program_id = BigInt(default=None, help_text="The program whose books these are.")
    kind = Varchar(32, default=None, help_text="accrual, clawback, release, payout_request, …")
    source_key = Varchar(200, default=None, help_text="What caused it; the same cause is booked once.")
    occurred_at = Timestamptz(default=None, help_text="When it happened, by the clock of what caused it.")
    recorded_at = Timestamptz(default=None, help_text="When we wrote it down.")
    note = Varchar(500, default="", help_text="Why, where a person did it.")

    journal_entries_once = Unique(["program_id", "source_key"])


class Posting(Table, tablename="postings"):
    """One debit-credit row with a positive amount, so that every entry balances by its form."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    entry = ForeignKey(
        JournalEntry,
        on_delete=OnDelete.restrict,
        null=False,
        default=None,
        index=True,
        db_column_name="entry_id",
    )
    debit_account = ForeignKey(
        Account,
        on_delete=OnDelete.restrict,
        null=False,
        default=None,
        index=True,
        db_column_name="debit_account_id",
    )
    credit_account = ForeignKey(
        Account,
        on_delete=OnDelete.restrict,
        null=False,
        default=None,
        index=True,
        db_column_name="credit_account_id",
    )
    amount_minor = BigInt(default=None, help_text="Minor units of the program's currency; above zero.")

    positive = Check("amount_minor > 0")
    two_sides = Check("debit_account_id <> credit_account_id")


class ChainBlock(Table, tablename="ledger_chain_blocks"):
    """A sealed run of one program's entries: its digest covers their content and the digest of the block before."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    program_id = BigInt(default=None, help_text="The program whose books these are.")
    number = BigInt(default=None, help_text="1, 2, 3 … within the program.")
    format = Varchar(16, default=None, help_text="How the digest is computed; old blocks keep their format.")
    first_entry_id = BigInt(default=None, help_text="The first entry that the block covers.")
    last_entry_id = BigInt(default=None, help_text="The last entry that the block covers.")
    entries = BigInt(default=None, help_text="How many entries it covers.")
    digest = Varchar(64, default=None, help_text="SHA-256, hexadecimal.")
    sealed_at = Timestamptz(default=None, help_text="When the block was sealed.")

    ledger_chain_blocks_in_order = Unique(["program_id", "number"])
