"""What must hold of customers' cashback (rules.md §14); `checks.py` runs it with everything else."""

from app.ui.i18n import N_

CASHBACK_CHECKS = (
    (
        "cashback_balances_equal_entries",
        N_("A customer's cashback accounts are the sums of his entries"),
        """
        WITH summed AS (
            SELECT entry.customer_id, account.kind, sum(account.amount) AS amount
            FROM cashback_entries AS entry CROSS JOIN LATERAL (VALUES
                ('cashback_pending', entry.pending_minor), ('cashback_available', entry.available_minor),
                ('cashback_reserved', entry.reserved_minor), ('cashback_spent', entry.spent_minor),
                ('cashback_expired', entry.expired_minor)
            ) AS account (kind, amount)
            WHERE $1::bigint IS NULL OR entry.program_id = $1
            GROUP BY entry.customer_id, account.kind
        ), kept AS (
            SELECT account.owner_id AS customer_id, account.kind, balance.balance_minor AS amount
            FROM ledger_accounts AS account JOIN ledger_balances AS balance ON balance.account_id = account.id
            WHERE ($1::bigint IS NULL OR account.program_id = $1) AND account.owner_id <> 0
                AND account.kind IN ('cashback_pending', 'cashback_available', 'cashback_reserved',
                    'cashback_spent', 'cashback_expired')
        )
        SELECT customer_id, kind, kept.amount, summed.amount AS entries
        FROM kept FULL JOIN summed USING (customer_id, kind)
        WHERE coalesce(kept.amount, 0) <> coalesce(summed.amount, 0)
        """,
    ),
    (
        "cashback_lots_equal_available",
        N_("What is left of a customer's lots is his available cashback"),
        """
        WITH lots AS (
            SELECT customer_id, sum(left_minor) AS amount FROM cashback_lots
            WHERE $1::bigint IS NULL OR program_id = $1 GROUP BY customer_id
        ), kept AS (
            SELECT account.owner_id AS customer_id, balance.balance_minor AS amount
            FROM ledger_accounts AS account JOIN ledger_balances AS balance ON balance.account_id = account.id
            WHERE ($1::bigint IS NULL OR account.program_id = $1) AND account.kind = 'cashback_available'
        )
        SELECT customer_id, kept.amount, lots.amount AS lots FROM kept FULL JOIN lots USING (customer_id)
        WHERE coalesce(kept.amount, 0) <> coalesce(lots.amount, 0)
        """,
    ),
    (
        "cashback_lots_add_up",
        N_(
            "A lot's rest is what came into it less what went out, and no more expired than was in it, nor too early"
        ),
        """
        SELECT lot.id, lot.amount_minor, lot.left_minor, sum(entry.available_minor) AS entries
        FROM cashback_lots AS lot LEFT JOIN cashback_entries AS entry ON entry.lot_id = lot.id
        WHERE $1::bigint IS NULL OR lot.program_id = $1
        GROUP BY lot.id
        HAVING lot.left_minor <> coalesce(sum(entry.available_minor), 0)
            OR coalesce(sum(entry.expired_minor), 0) > lot.amount_minor
            OR bool_or(entry.kind = 'expired' AND (lot.expires_at IS NULL OR entry.at < lot.expires_at))
        """,
    ),
    (
        "cashback_pending_equals_earnings",
        N_("A customer's pending cashback is that of his orders"),
        """
        WITH earned AS (
            SELECT customer_id, sum(pending_minor) AS amount FROM cashback_earnings
            WHERE $1::bigint IS NULL OR program_id = $1 GROUP BY customer_id
        ), kept AS (
            SELECT account.owner_id AS customer_id, balance.balance_minor AS amount
            FROM ledger_accounts AS account JOIN ledger_balances AS balance ON balance.account_id = account.id
            WHERE ($1::bigint IS NULL OR account.program_id = $1) AND account.kind = 'cashback_pending'
        )
        SELECT customer_id, kept.amount, earned.amount AS orders FROM kept FULL JOIN earned USING (customer_id)
        WHERE coalesce(kept.amount, 0) <> coalesce(earned.amount, 0)
        """,
    ),
    (
        "cashback_earnings_equal_entries",
        N_("What an order has earned, and what of it was written off, is the sum of its entries"),
        """
        WITH entries AS (
            SELECT entry.program_id, entry.customer_id, entry.order_key, sum(
                CASE WHEN entry.kind IN ('earned', 'reinstated') THEN entry.amount_minor
                    WHEN entry.kind IN ('reduced', 'taken_back', 'written_off') THEN -entry.amount_minor ELSE 0 END
            ) AS amount
            FROM cashback_entries AS entry WHERE $1::bigint IS NULL OR entry.program_id = $1
            GROUP BY entry.program_id, entry.customer_id, entry.order_key
        ), written_off AS (
            SELECT entry.customer_id, coalesce(lot.order_id, orders.id) AS order_id,
                sum(entry.written_off_minor) AS amount
            FROM cashback_entries AS entry
            JOIN orders ON orders.program_id = entry.program_id AND orders.external_id = entry.order_key
            LEFT JOIN cashback_lots AS lot ON lot.id = entry.lot_id
            WHERE entry.written_off_minor <> 0 AND ($1::bigint IS NULL OR entry.program_id = $1)
            GROUP BY entry.customer_id, coalesce(lot.order_id, orders.id)
        )
        SELECT earning.id, earning.amount_minor, entries.amount, earning.written_off_minor, written_off.amount AS lost
        FROM cashback_earnings AS earning JOIN orders ON orders.id = earning.order_id
        LEFT JOIN entries ON entries.program_id = earning.program_id AND entries.customer_id = earning.customer_id
            AND entries.order_key = orders.external_id
        LEFT JOIN written_off ON written_off.customer_id = earning.customer_id
            AND written_off.order_id = earning.order_id
        WHERE ($1::bigint IS NULL OR earning.program_id = $1) AND (
            earning.amount_minor <> coalesce(entries.amount, 0)
            OR earning.written_off_minor <> coalesce(written_off.amount, 0)
        )
        """,
    ),
    (
        "cashback_out_equals_takings",
        N_("Cashback set aside and spent is what is out of lots for orders"),
        """
        WITH taken AS (
            SELECT spending.customer_id,
                coalesce(sum(taking.amount_minor) FILTER (WHERE NOT spending.spent), 0) AS reserved,
                coalesce(sum(taking.amount_minor) FILTER (WHERE spending.spent), 0) AS spent
            FROM cashback_spendings AS spending JOIN cashback_takings AS taking ON taking.spending_id = spending.id
            WHERE $1::bigint IS NULL OR spending.program_id = $1
            GROUP BY spending.customer_id
        )
        SELECT account.owner_id AS customer_id, account.kind, balance.balance_minor, taken.reserved, taken.spent
        FROM ledger_accounts AS account JOIN ledger_balances AS balance ON balance.account_id = account.id
        LEFT JOIN taken ON taken.customer_id = account.owner_id
        WHERE ($1::bigint IS NULL OR account.program_id = $1) AND (
            (account.kind = 'cashback_reserved' AND balance.balance_minor <> coalesce(taken.reserved, 0))
            OR (account.kind = 'cashback_spent' AND balance.balance_minor <> coalesce(taken.spent, 0))
        )
        """,
    ),
    (
        "cashback_reservations_add_up",
        N_("What reservations that stand ask for is what their order's spending says"),
        """
        SELECT spending.id, spending.order_key, spending.wished_minor, sum(redemption.amount_minor) AS asked
        FROM cashback_spendings AS spending
        LEFT JOIN cashback_redemptions AS redemption
            ON redemption.spending_id = spending.id AND redemption.state <> 'returned'
        WHERE $1::bigint IS NULL OR spending.program_id = $1
        GROUP BY spending.id
        HAVING spending.wished_minor <> coalesce(sum(redemption.amount_minor), 0)
            OR bool_or(redemption.state = 'spent') <> spending.spent
        """,
    ),
    (
        "cashback_explained",
        N_("A program's cost of cashback is what orders have earned plus what was written off"),
        """
        WITH expense AS (
            SELECT account.program_id, sum(amount) AS amount FROM (
                SELECT debit_account_id AS account_id, amount_minor AS amount FROM postings
                UNION ALL SELECT credit_account_id, -amount_minor FROM postings
            ) AS sides JOIN ledger_accounts AS account ON account.id = sides.account_id
            WHERE account.kind = 'cashback_expense' GROUP BY account.program_id
        ), owed AS (
            SELECT program_id, sum(amount_minor + written_off_minor) AS amount FROM cashback_earnings
            GROUP BY program_id
        )
        SELECT program_id, expense.amount, owed.amount AS orders FROM expense FULL JOIN owed USING (program_id)
        WHERE ($1::bigint IS NULL OR program_id = $1) AND coalesce(expense.amount, 0) <> coalesce(owed.amount, 0)
        """,
    ),
)
"""Name, sentence, and the query that gives the rows which break it."""
