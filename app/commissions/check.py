"""`tandem check`: do the books of a program agree with themselves and with what they were made from?

Every question is one statement, so that it sees one moment of a portal that goes on working. Nothing is written.

    balances        each account's balance is the sum of its postings, and every partner has his five accounts
    commissions     each is the sum of its changes; together they are what their partner has, had and owes
    orders          the card's reward is the sum of the order's commissions
    payouts         what is reserved is inside open requests, what is paid was paid by them
    turnover        months and days are the sums of the changes they count
    counts          what the overview shows is the sum of the changes
    the chain       sealed entries are still what was sealed
"""

from dataclasses import dataclass, field

from app import db
from app.ledger.chain import verify

SHOWN = 20
"""So many findings of one question are listed."""


@dataclass(slots=True)
class Checked:
    """What a check has found."""

    problems: list[str] = field(default_factory=list)
    """One sentence each; empty: everything agrees."""
    entries: int = 0
    postings: int = 0
    partners: int = 0
    sealed_blocks: int = 0
    chain_head: str = ""
    """Digest of the last sealed block: kept elsewhere, it proves that nothing was cut off."""


async def check(program_id: int) -> Checked:
    """Ask everything about one program."""
    found = Checked()
    for what, sql in QUESTIONS.items():
        rows = await db.fetch(f"{sql} LIMIT {SHOWN + 1}", program_id)
        found.problems += [f"{what}: {_sentence(dict(row))}" for row in rows[:SHOWN]]
        if len(rows) > SHOWN:
            found.problems.append(f"{what}: … and more")
    chain = await verify(program_id)
    found.problems += [f"the chain: block {number} is not what was sealed" for number in chain.broken]
    found.sealed_blocks, found.chain_head = chain.blocks, chain.head
    counts = await db.fetchrow(_COUNTS, program_id)
    assert counts is not None, "an aggregate has a row"
    found.entries, found.postings, found.partners = counts["entries"], counts["postings"], counts["partners"]
    return found


def _sentence(row: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in row.items())


_COUNTS = """
    SELECT
        (SELECT count(*) FROM journal_entries WHERE program_id = $1) AS entries,
        (
            SELECT count(*)
            FROM postings AS posting
            JOIN journal_entries AS entry ON entry.id = posting.entry_id
            WHERE entry.program_id = $1
        ) AS postings,
        (SELECT count(*) FROM partners WHERE program_id = $1) AS partners
"""

_MOVED = """
    WITH moved AS (
        SELECT account_id, sum(amount_minor) AS amount_minor
        FROM (
            SELECT posting.credit_account_id AS account_id, posting.amount_minor
            FROM postings AS posting
            JOIN journal_entries AS entry ON entry.id = posting.entry_id
            WHERE entry.program_id = $1
            UNION ALL
            SELECT posting.debit_account_id, -posting.amount_minor
            FROM postings AS posting
            JOIN journal_entries AS entry ON entry.id = posting.entry_id
            WHERE entry.program_id = $1
        ) AS sides
        GROUP BY account_id
    ), held AS (
        SELECT account.id, account.kind, account.owner_id, balance.balance_minor,
            coalesce(moved.amount_minor, 0) * CASE WHEN account.kind = 'debt' THEN -1 ELSE 1 END AS moved_minor
        FROM ledger_accounts AS account
        LEFT JOIN ledger_balances AS balance ON balance.account_id = account.id
        LEFT JOIN moved ON moved.account_id = account.id
        WHERE account.program_id = $1 AND account.owner_id <> 0
    )
"""

QUESTIONS: dict[str, str] = {
    "a balance is not the sum of its postings": _MOVED  # noqa: S608 - only constants
    + """
    SELECT owner_id AS partner, kind AS account, balance_minor AS balance, moved_minor AS postings
    FROM held
    WHERE balance_minor IS DISTINCT FROM moved_minor OR moved_minor < 0
    ORDER BY id
    """,
    "postings of an entry lie in another program's books": """
    SELECT entry.id AS entry, posting.id AS posting
    FROM journal_entries AS entry
    JOIN postings AS posting ON posting.entry_id = entry.id
    JOIN ledger_accounts AS debit ON debit.id = posting.debit_account_id
    JOIN ledger_accounts AS credit ON credit.id = posting.credit_account_id
    WHERE entry.program_id = $1 AND (debit.program_id <> $1 OR credit.program_id <> $1)
    ORDER BY posting.id
    """,
    "a commission is not the sum of its changes": """
    SELECT commission.id AS commission, commission.amount_minor AS amount, coalesce(sum(entry.amount_minor), 0) AS changes
    FROM commissions AS commission
    LEFT JOIN commission_entries AS entry ON entry.commission_id = commission.id
    WHERE commission.program_id = $1
    GROUP BY commission.id
    HAVING commission.amount_minor <> coalesce(sum(entry.amount_minor), 0)
    ORDER BY commission.id
    """,
    "a partner's money is not what he has earned": """
    SELECT partner.id AS partner, earned.amount_minor AS earned, held.amount_minor AS held
    FROM partners AS partner
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(amount_minor), 0) AS amount_minor FROM commissions WHERE partner_id = partner.id
    ) AS earned
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(CASE WHEN account.kind = 'debt' THEN -balance_minor ELSE balance_minor END), 0)
            AS amount_minor
        FROM ledger_accounts AS account
        JOIN ledger_balances AS balance ON balance.account_id = account.id
        WHERE account.owner_id = partner.id AND account.program_id = $1
    ) AS held
    WHERE partner.program_id = $1 AND earned.amount_minor <> held.amount_minor
    ORDER BY partner.id
    """,
    "an order's reward is not the sum of its commissions": """
    SELECT orders.external_id AS order, orders.reward_minor AS reward, coalesce(sum(commission.amount_minor), 0) AS commissions
    FROM orders
    LEFT JOIN commissions AS commission ON commission.order_id = orders.id
    WHERE orders.program_id = $1 AND orders.judging_error = ''
    GROUP BY orders.id
    HAVING orders.reward_minor <> coalesce(sum(commission.amount_minor), 0)
    ORDER BY orders.id
    """,
    "payouts and balances differ": """
    SELECT partner.id AS partner, asked.open_minor AS requested, asked.paid_minor AS paid,
        held.reserved_minor AS reserved_balance, held.paid_minor AS paid_balance
    FROM partners AS partner
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(requested_minor) FILTER (WHERE state IN ('requested', 'approved')), 0) AS open_minor,
            coalesce(sum(amount_minor) FILTER (WHERE state = 'paid'), 0) AS paid_minor
        FROM payouts
        WHERE partner_id = partner.id
    ) AS asked
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(balance_minor) FILTER (WHERE account.kind = 'reserved'), 0) AS reserved_minor,
            coalesce(sum(balance_minor) FILTER (WHERE account.kind = 'paid'), 0) AS paid_minor
        FROM ledger_accounts AS account
        JOIN ledger_balances AS balance ON balance.account_id = account.id
        WHERE account.owner_id = partner.id AND account.program_id = $1
    ) AS held
    WHERE partner.program_id = $1
      AND (asked.open_minor, asked.paid_minor) <> (held.reserved_minor, held.paid_minor)
    ORDER BY partner.id
    """,
    "turnover is not the sum of its changes": """
    SELECT partner.id AS partner, counted.day_minor AS days, counted.month_minor AS months, changed.base_minor AS changes
    FROM partners AS partner
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(base_minor) FILTER (WHERE grain = 'day'), 0) AS day_minor,
            coalesce(sum(base_minor) FILTER (WHERE grain = 'month'), 0) AS month_minor
        FROM partner_turnovers
        WHERE partner_id = partner.id
    ) AS counted
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(base_minor), 0) AS base_minor
        FROM commission_entries
        WHERE partner_id = partner.id AND kind = 'direct'
    ) AS changed
    WHERE partner.program_id = $1
      AND (counted.day_minor <> changed.base_minor OR counted.month_minor <> changed.base_minor)
    ORDER BY partner.id
    """,
    "the overview's counts are not the sum of the changes": """
    SELECT partner.id AS partner, counted.earned_minor AS counted, changed.amount_minor AS changes
    FROM partners AS partner
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(earned_minor), 0) AS earned_minor FROM daily_counts WHERE partner_id = partner.id
    ) AS counted
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(amount_minor), 0) AS amount_minor FROM commission_entries WHERE partner_id = partner.id
    ) AS changed
    WHERE partner.program_id = $1 AND counted.earned_minor <> changed.amount_minor
    ORDER BY partner.id
    """,
}
"""Each lists what does not agree; $1 is the program."""
