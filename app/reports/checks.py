"""`tandem check`: what must hold over the whole database, as read-only SQL, each with a name and the broken rows.

A check is a query that gives the rows which break it, so that no row means that it holds. Each is one statement and
sees one moment of a portal that goes on working. `$1` is a program's id, or null for all of them.
"""

from dataclasses import dataclass

import asyncpg

from app import db
from app.ledger.chain import verify
from app.reports.cashback_checks import CASHBACK_CHECKS
from app.reports.deposit_checks import DEPOSIT_CHECKS
from app.reports.paper_checks import PAPER_CHECKS
from app.reports.reward_checks import REWARD_CHECKS
from app.ui.i18n import N_

SHOWN = 20
"""So many broken rows of each check are shown; all are counted."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold; `sql` gives the rows that break it."""

    name: str
    says: str
    sql: str


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check has found."""

    name: str
    says: str
    count: int
    """Broken rows; 0: it holds."""
    rows: tuple[str, ...]
    """Some of them, as text."""


CHECKS = (
    Check(
        "entries_have_postings",
        N_("Every journal entry has at least one posting"),
        """
        SELECT id, source_key FROM journal_entries AS entry
        WHERE ($1::bigint IS NULL OR entry.program_id = $1)
            AND NOT EXISTS (SELECT FROM postings WHERE entry_id = entry.id)
        """,
    ),
    Check(
        "postings_stay_in_their_program",
        N_("Both accounts of a posting belong to its entry's program"),
        """
        SELECT posting.id FROM postings AS posting
        JOIN journal_entries AS entry ON entry.id = posting.entry_id
        JOIN ledger_accounts AS debit ON debit.id = posting.debit_account_id
        JOIN ledger_accounts AS credit ON credit.id = posting.credit_account_id
        WHERE ($1::bigint IS NULL OR entry.program_id = $1)
            AND (debit.program_id <> entry.program_id OR credit.program_id <> entry.program_id)
        """,
    ),
    Check(
        "balances_equal_postings",
        N_("Every balance is the sum of its postings, and none is missing"),
        """
        WITH moved AS (
            SELECT account_id, sum(amount) AS amount FROM (
                SELECT debit_account_id AS account_id, amount_minor AS amount FROM postings
                UNION ALL SELECT credit_account_id, -amount_minor FROM postings
            ) AS sides GROUP BY account_id
        )
        SELECT account.id, account.kind, account.owner_id, balance.balance_minor, moved.amount
        FROM ledger_accounts AS account
        LEFT JOIN ledger_balances AS balance ON balance.account_id = account.id
        LEFT JOIN moved ON moved.account_id = account.id
        WHERE ($1::bigint IS NULL OR account.program_id = $1) AND (account.owner_id <> 0 OR account.kind = 'deposit') AND (
            balance.balance_minor IS NULL OR balance.balance_minor <>
                coalesce(moved.amount, 0) * CASE WHEN account.kind = 'debt' THEN 1 ELSE -1 END
        )
        """,
    ),
    Check(
        "nothing_below_zero",
        N_("No balance is below zero"),
        """
        SELECT balance.account_id, balance.balance_minor
        FROM ledger_balances AS balance JOIN ledger_accounts AS account ON account.id = balance.account_id
        WHERE ($1::bigint IS NULL OR account.program_id = $1) AND balance.balance_minor < 0
        """,
    ),
    Check(
        "money_explained",
        N_("A program's expense is the sum of its commissions after clawbacks"),
        """
        WITH expense AS (
            SELECT account.program_id, sum(amount) AS amount FROM (
                SELECT debit_account_id AS account_id, amount_minor AS amount FROM postings
                UNION ALL SELECT credit_account_id, -amount_minor FROM postings
            ) AS sides JOIN ledger_accounts AS account ON account.id = sides.account_id
            WHERE account.kind = 'expense' GROUP BY account.program_id
        ), owed AS (SELECT program_id, sum(amount_minor) AS amount FROM commissions GROUP BY program_id)
        SELECT program_id, expense.amount, owed.amount FROM expense FULL JOIN owed USING (program_id)
        WHERE ($1::bigint IS NULL OR program_id = $1) AND coalesce(expense.amount, 0) <> coalesce(owed.amount, 0)
        """,
    ),
    Check(
        "commissions_equal_entries",
        N_("Every commission is the sum of its entries, in base and amount"),
        """
        SELECT commission.id, commission.amount_minor, sum(entry.amount_minor)
        FROM commissions AS commission LEFT JOIN commission_entries AS entry ON entry.commission_id = commission.id
        WHERE ($1::bigint IS NULL OR commission.program_id = $1)
        GROUP BY commission.id
        HAVING commission.amount_minor <> coalesce(sum(entry.amount_minor), 0)
            OR commission.base_minor <> coalesce(sum(entry.base_minor), 0)
        """,
    ),
    Check(
        "never_more_taken_back",
        N_("At no moment was more taken back of a commission than had been accrued"),
        """
        SELECT commission_id, id, left_minor FROM (
            SELECT entry.commission_id, entry.id,
                sum(entry.amount_minor) OVER (PARTITION BY entry.commission_id ORDER BY entry.id) AS left_minor
            FROM commission_entries AS entry
            WHERE entry.kind <> 'adjustment' AND ($1::bigint IS NULL OR entry.program_id = $1)
                AND entry.commission_id IN (SELECT commission_id FROM commission_entries WHERE amount_minor < 0)
        ) AS run WHERE left_minor < 0
        """,
    ),
    Check(
        "terms_in_order",
        N_("A later version of the terms never begins before an earlier one"),
        """
        SELECT later.program_id, later.number, later.in_force_from
        FROM program_terms AS later JOIN program_terms AS earlier
            ON earlier.program_id = later.program_id AND earlier.number = later.number - 1
        WHERE ($1::bigint IS NULL OR later.program_id = $1) AND later.in_force_from < earlier.in_force_from
        """,
    ),
    Check(
        "pending_equals_commissions",
        N_("A partner's pending money is that of his commissions"),
        """
        WITH pending AS (SELECT partner_id, sum(pending_minor) AS amount FROM commissions GROUP BY partner_id)
        SELECT account.owner_id, balance.balance_minor, pending.amount
        FROM ledger_accounts AS account JOIN ledger_balances AS balance ON balance.account_id = account.id
        LEFT JOIN pending ON pending.partner_id = account.owner_id
        WHERE ($1::bigint IS NULL OR account.program_id = $1)
            AND account.kind = 'pending' AND balance.balance_minor <> coalesce(pending.amount, 0)
        """,
    ),
    Check(
        "partners_money_adds_up",
        N_("Available + reserved + paid - debt is what was released"),
        """
        WITH released AS (
            SELECT partner_id, sum(amount_minor - pending_minor) AS amount FROM commissions
            WHERE ($1::bigint IS NULL OR program_id = $1) GROUP BY partner_id
        ), held AS (
            SELECT account.owner_id AS partner_id,
                sum(CASE WHEN account.kind = 'debt' THEN -balance.balance_minor ELSE balance.balance_minor END) AS amount
            FROM ledger_accounts AS account JOIN ledger_balances AS balance ON balance.account_id = account.id
            WHERE ($1::bigint IS NULL OR account.program_id = $1)
                AND account.kind IN ('available', 'reserved', 'paid', 'internal', 'debt')
            GROUP BY account.owner_id
        )
        SELECT partner_id, held.amount, released.amount FROM held FULL JOIN released USING (partner_id)
        WHERE coalesce(held.amount, 0) <> coalesce(released.amount, 0)
        """,
    ),
    Check(
        "payouts_equal_accounts",
        N_(
            "Reserved money is that of open payouts; what payouts put on paid and internal money is that of paid ones"
        ),
        """
        WITH asked AS (
            SELECT payout.partner_id,
                sum(payout.amount_minor) FILTER (WHERE payout.state IN ('requested', 'approved', 'sent')) AS reserved,
                sum(payout.amount_minor - coalesce(back.amount_minor, 0)) FILTER (
                    WHERE payout.state = 'paid' AND payout.method <> 'internal_account'
                ) AS paid,
                sum(payout.amount_minor) FILTER (
                    WHERE payout.state = 'paid' AND payout.method = 'internal_account'
                ) AS internal
            FROM payouts AS payout LEFT JOIN payout_returns AS back ON back.payout_id = payout.id
            WHERE ($1::bigint IS NULL OR payout.program_id = $1)
            GROUP BY payout.partner_id
        ), entry AS (
            SELECT id FROM journal_entries
            WHERE kind IN ('payout_paid', 'payout_returned') AND ($1::bigint IS NULL OR program_id = $1)
        ), moved AS (
            SELECT account_id, sum(amount) AS amount FROM (
                SELECT credit_account_id AS account_id, amount_minor AS amount
                FROM postings JOIN entry ON entry.id = postings.entry_id
                UNION ALL SELECT debit_account_id, -amount_minor FROM postings JOIN entry ON entry.id = postings.entry_id
            ) AS sides GROUP BY account_id
        )
        SELECT account.owner_id, account.kind, balance.balance_minor, moved.amount,
            asked.reserved, asked.paid, asked.internal
        FROM ledger_accounts AS account JOIN ledger_balances AS balance ON balance.account_id = account.id
        LEFT JOIN asked ON asked.partner_id = account.owner_id
        LEFT JOIN moved ON moved.account_id = account.id
        WHERE ($1::bigint IS NULL OR account.program_id = $1) AND (
            (account.kind = 'reserved' AND balance.balance_minor <> coalesce(asked.reserved, 0))
            OR (account.kind = 'paid' AND coalesce(moved.amount, 0) <> coalesce(asked.paid, 0))
            OR (account.kind = 'internal' AND coalesce(moved.amount, 0) <> coalesce(asked.internal, 0))
        )
        """,
    ),
    Check(
        "payouts_agreed_by_two",
        N_("Nobody alone paid what two people must agree to, and nobody decided on his own payout"),
        """
        SELECT payout.id, payout.number, payout.requested_minor
        FROM payouts AS payout JOIN partners AS partner ON partner.id = payout.partner_id
        WHERE ($1::bigint IS NULL OR payout.program_id = $1) AND payout.state IN ('sent', 'paid', 'returned') AND (
            payout.approved_by_id IS NULL OR payout.second_approved_by_id = payout.approved_by_id
            OR partner.user_id IN (payout.approved_by_id, payout.second_approved_by_id, payout.paid_by_id)
            OR (payout.second_approved_by_id IS NULL AND payout.requested_minor >= (
                SELECT nullif((document -> 'payout' ->> 'approval_second_person_from_minor')::bigint, 0)
                FROM program_terms
                WHERE program_id = payout.program_id AND in_force_from <= coalesce(payout.sent_at, payout.paid_at)
                ORDER BY number DESC LIMIT 1
            ))
        )
        """,
    ),
    Check(
        "cards_equal_commissions",
        N_("An order's card says the sum of its commissions"),
        """
        SELECT orders.id, orders.external_id, orders.reward_minor, sum(commission.amount_minor)
        FROM orders LEFT JOIN commissions AS commission ON commission.order_id = orders.id
        WHERE ($1::bigint IS NULL OR orders.program_id = $1)
        GROUP BY orders.id HAVING orders.reward_minor <> coalesce(sum(commission.amount_minor), 0)
        """,
    ),
    Check(
        "turnover_equals_entries",
        N_("Running turnovers are the sums of the entries they stand beside"),
        """
        WITH kept AS (
            SELECT partner_id, sum(base_minor) FILTER (WHERE grain = 'day') AS days,
                sum(base_minor) FILTER (WHERE grain = 'month') AS months
            FROM partner_turnovers WHERE partner_id IN (SELECT id FROM partners WHERE $1::bigint IS NULL OR program_id = $1)
            GROUP BY partner_id
        ), summed AS (
            SELECT partner_id, sum(base_minor) AS base FROM commission_entries
            WHERE kind = 'direct' AND ($1::bigint IS NULL OR program_id = $1) GROUP BY partner_id
        )
        SELECT partner_id, kept.days, kept.months, summed.base FROM kept FULL JOIN summed USING (partner_id)
        WHERE coalesce(kept.days, 0) <> coalesce(summed.base, 0) OR coalesce(kept.months, 0) <> coalesce(summed.base, 0)
        """,
    ),
    Check(
        "sales_equal_entries",
        N_("What partners sold and earned by month of payment is the sum of the entries"),
        """
        WITH zone AS (
            SELECT DISTINCT ON (program_id) program_id, document ->> 'time_zone' AS name
            FROM program_terms ORDER BY program_id, number DESC
        ), kept AS (
            SELECT partner_id, starts_on, sold_minor, sold_micro, earned_minor, sold_orders FROM partner_turnovers
            WHERE grain = 'month' AND (
                $1::bigint IS NULL OR partner_id IN (SELECT id FROM partners WHERE program_id = $1)
            )
        ), summed AS (
            SELECT entry.partner_id, date_trunc('month', commission.earned_at AT TIME ZONE zone.name)::date AS starts_on,
                sum(entry.base_minor) AS base, sum(entry.quantity_micro) AS pieces, sum(entry.amount_minor) AS earned,
                sum(entry.orders) AS orders
            FROM commission_entries AS entry
            JOIN commissions AS commission ON commission.id = entry.commission_id
            JOIN zone ON zone.program_id = entry.program_id
            WHERE entry.kind = 'direct' AND ($1::bigint IS NULL OR entry.program_id = $1)
            GROUP BY 1, 2
        )
        SELECT partner_id, starts_on, kept.sold_minor, summed.base, kept.sold_micro, summed.pieces,
            kept.earned_minor, summed.earned, kept.sold_orders, summed.orders
        FROM kept FULL JOIN summed USING (partner_id, starts_on)
        WHERE (coalesce(kept.sold_minor, 0), coalesce(kept.sold_micro, 0), coalesce(kept.earned_minor, 0),
                coalesce(kept.sold_orders, 0))
            <> (coalesce(summed.base, 0), coalesce(summed.pieces, 0), coalesce(summed.earned, 0),
                coalesce(summed.orders, 0))
        """,
    ),
    Check(
        "orders_equal_entries",
        N_(
            "A commission counts as an order, once, as the sum of its entries says, and only of an order not cancelled"
        ),
        """
        SELECT commission.id, commission.orders, sum(entry.orders)
        FROM commissions AS commission JOIN commission_entries AS entry ON entry.commission_id = commission.id
        JOIN orders ON orders.id = commission.order_id
        WHERE ($1::bigint IS NULL OR commission.program_id = $1)
        GROUP BY commission.id, orders.id
        HAVING commission.orders <> sum(entry.orders)
            OR commission.orders NOT IN (0, CASE WHEN commission.kind = 'direct' THEN 1 ELSE 0 END)
            OR (commission.orders = 1 AND orders.status = 'cancelled')
            OR (commission.orders = 0 AND commission.base_minor > 0 AND commission.kind = 'direct')
        """,
    ),
    Check(
        "pieces_equal_entries",
        N_("A commission's pieces are the sum of its entries'"),
        """
        SELECT commission.id, commission.quantity_micro, sum(entry.quantity_micro)
        FROM commissions AS commission JOIN commission_entries AS entry ON entry.commission_id = commission.id
        WHERE ($1::bigint IS NULL OR commission.program_id = $1)
        GROUP BY commission.id HAVING commission.quantity_micro <> sum(entry.quantity_micro)
        """,
    ),
    Check(
        "counts_equal_facts",
        N_("Daily counts are the sums of clicks and entries"),
        """
        WITH kept AS (
            SELECT partner_id, sum(clicks) AS clicks, sum(clicks_not_counted) AS others, sum(earned_minor) AS earned
            FROM daily_counts WHERE ($1::bigint IS NULL OR program_id = $1) GROUP BY partner_id
        ), clicked AS (
            SELECT partner_id, count(*) FILTER (WHERE counted) AS clicks, count(*) FILTER (WHERE NOT counted) AS others
            FROM clicks WHERE ($1::bigint IS NULL OR program_id = $1) GROUP BY partner_id
        ), earned AS (
            SELECT partner_id, sum(amount_minor) AS earned FROM commission_entries
            WHERE ($1::bigint IS NULL OR program_id = $1) GROUP BY partner_id
        )
        SELECT partner_id, kept.clicks, clicked.clicks, kept.earned, earned.earned
        FROM kept FULL JOIN clicked USING (partner_id) FULL JOIN earned USING (partner_id)
        WHERE coalesce(kept.clicks, 0) <> coalesce(clicked.clicks, 0)
            OR coalesce(kept.others, 0) <> coalesce(clicked.others, 0)
            OR coalesce(kept.earned, 0) <> coalesce(earned.earned, 0)
        """,
    ),
    *(Check(*one) for one in DEPOSIT_CHECKS),
    *(Check(*one) for one in CASHBACK_CHECKS),
    *(Check(*one) for one in PAPER_CHECKS),
    *(Check(*one) for one in REWARD_CHECKS),
)


async def run_checks(program_id: int | None = None) -> list[CheckResult]:
    """Run all checks over one program or over everything, then compute the chains again. Writes nothing."""
    results = []
    for check in CHECKS:
        count = await db.fetchval(f"SELECT count(*) FROM ({check.sql}) AS broken", program_id)  # noqa: S608 - ours
        rows = await db.fetch(f"{check.sql} LIMIT {SHOWN}", program_id) if count else []
        results.append(CheckResult(check.name, check.says, count, tuple(_shown(row) for row in rows)))
    results.append(await _chains(program_id))
    return results


async def _chains(program_id: int | None) -> CheckResult:
    broken: list[str] = []
    programs = await db.fetch(
        "SELECT id, code FROM programs WHERE $1::bigint IS NULL OR id = $1 ORDER BY id", program_id
    )
    for row in programs:
        state = await verify(row["id"])
        broken.extend(f"program {row['code']}, block {number}" for number in state.broken)
    return CheckResult(
        "chain_unbroken", N_("No sealed entry was changed"), len(broken), tuple(broken[:SHOWN])
    )


def _shown(row: asyncpg.Record) -> str:
    return ", ".join(f"{name}={value}" for name, value in row.items())
