"""Payouts by schedule: a request of everything that is available, for each partner who may ask.

Programs that pay every Monday need no partner to press a button: a timer calls `tandem payouts run`. A run is of a
day; once it has asked for a partner on that day it does not ask again, however often it is called. Whom something
stands in the way (the minimum, debt, details that are missing, not proved or newer than 72 hours), he is left out and
counted by the reason. What is requested is approved and paid by people, as always.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from app import clock, db
from app.errors import DomainError
from app.ledger import service as ledger
from app.payouts import service, steps
from app.programs import queries as programs


@dataclass(frozen=True, slots=True)
class Run:
    """What a run has done."""

    day: date
    requested: int
    """Partners for whom a payout was requested this time."""
    requested_minor: int
    left_out: Mapping[str, int]
    """Code of the reason → partners with money whom it stands in the way."""


async def run(program_id: int) -> Run:
    """Ask for everything available, for every partner of the program who may ask at this moment."""
    terms = (await programs.terms_in_force(program_id, clock.now())).terms
    day = clock.now().astimezone(terms.zone).date()
    rows = await db.fetch(
        """
        SELECT account.owner_id AS partner_id
        FROM ledger_accounts AS account
        JOIN ledger_balances AS balance ON balance.account_id = account.id
        WHERE account.program_id = $1 AND account.kind IN ('available', 'debt') AND balance.balance_minor > 0
        GROUP BY account.owner_id
        ORDER BY account.owner_id
        """,
        program_id,
    )
    requested = requested_minor = 0
    left_out: Counter[str] = Counter()
    for row in rows:
        try:
            amount = await _request(program_id, row["partner_id"], f"run:{day.isoformat()}")
        except DomainError as error:
            left_out[error.code] += 1
            continue
        requested += amount > 0
        requested_minor += amount
    return Run(day, requested, requested_minor, dict(left_out))


async def _request(program_id: int, partner_id: int, action_id: str) -> int:
    """Request all that is available; how much. 0: this run has asked for him before."""
    async with db.transaction():
        await steps.lock_partner_in_transaction(program_id, partner_id)
        balances = (await ledger.lock_balances_in_transaction([partner_id]))[partner_id]
        known = await db.fetchval(
            "SELECT 1 FROM payouts WHERE partner_id = $1 AND action_id = $2", partner_id, action_id
        )
        if known is not None:
            return 0
        await service.request_in_transaction(
            program_id, partner_id, amount_minor=balances.available_minor, action_id=action_id
        )
    return balances.available_minor
