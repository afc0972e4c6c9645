"""Reads of the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass

from app import db

PARTNER_KINDS = ("pending", "available", "reserved", "debt", "paid", "internal")
"""The kinds of a partner's accounts; customers' accounts have ids of their own that may be the same numbers."""


@dataclass(frozen=True, slots=True)
class PartnerBalances:
    """A partner's money, in minor units of the program's currency; nothing is below zero."""

    pending_minor: int = 0
    available_minor: int = 0
    reserved_minor: int = 0
    debt_minor: int = 0
    paid_minor: int = 0
    internal_minor: int = 0


async def balance_rows(partner_ids: Sequence[int], *, lock: bool = False) -> dict[int, PartnerBalances]:
    """The money of each partner; with `lock` the rows are locked in the order of their accounts."""
    rows = await db.fetch(
        f"""
        SELECT account.owner_id, account.kind, balance.balance_minor
        FROM ledger_accounts AS account
        JOIN ledger_balances AS balance ON balance.account_id = account.id
        WHERE account.owner_id = ANY($1::bigint[]) AND account.kind = ANY($2::text[])
        ORDER BY balance.account_id
        {"FOR UPDATE OF balance" if lock else ""}
        """,  # noqa: S608 - no value is put into it
        list(partner_ids),
        PARTNER_KINDS,
    )
    amounts: dict[int, dict[str, int]] = {partner_id: {} for partner_id in partner_ids}
    for row in rows:
        amounts[row["owner_id"]][f"{row['kind']}_minor"] = row["balance_minor"]
    return {partner_id: PartnerBalances(**values) for partner_id, values in amounts.items()}


async def deposit_balance(program_id: int) -> int:
    """What is left of the merchant's deposit; 0 for a program that has none."""
    found: int | None = await db.fetchval(
        """
        SELECT balance.balance_minor
        FROM ledger_accounts AS account JOIN ledger_balances AS balance ON balance.account_id = account.id
        WHERE account.program_id = $1 AND account.kind = 'deposit' AND account.owner_id = 0
        """,
        program_id,
    )
    return found or 0
