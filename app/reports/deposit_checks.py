"""Checks of the merchant's deposit, of settlements without a payout request, and of adjustments: (name, says, sql)."""

from app.ui.i18n import N_

DEPOSIT_CHECKS = (
    (
        "deposit_equals_its_history",
        N_("A deposit is its top-ups less what was paid from it with the fees"),
        """
        WITH put AS (SELECT program_id, sum(amount_minor) AS amount FROM deposit_top_ups GROUP BY program_id),
        paid AS (
            SELECT program_id, sum(paid_minor + fee_minor) AS amount FROM commission_settlements
            WHERE way = 'deposit' GROUP BY program_id
        )
        SELECT account.program_id, balance.balance_minor, put.amount AS put, paid.amount AS paid
        FROM ledger_accounts AS account JOIN ledger_balances AS balance ON balance.account_id = account.id
        LEFT JOIN put ON put.program_id = account.program_id
        LEFT JOIN paid ON paid.program_id = account.program_id
        WHERE ($1::bigint IS NULL OR account.program_id = $1) AND account.kind = 'deposit'
            AND balance.balance_minor <> coalesce(put.amount, 0) - coalesce(paid.amount, 0)
        """,
    ),
    (
        "settlements_equal_postings",
        N_("What was paid without a request is what its journal entry says"),
        """
        SELECT settlement.id, settlement.paid_minor, settlement.repaid_minor
        FROM commission_settlements AS settlement
        LEFT JOIN LATERAL (
            SELECT sum(posting.amount_minor) FILTER (WHERE account.kind = settlement.account) AS paid,
                sum(posting.amount_minor) FILTER (WHERE account.kind = 'debt') AS repaid
            FROM postings AS posting JOIN ledger_accounts AS account ON account.id = posting.credit_account_id
            WHERE posting.entry_id = settlement.entry_id AND account.owner_id = settlement.partner_id
        ) AS moved ON true
        WHERE ($1::bigint IS NULL OR settlement.program_id = $1) AND (
            settlement.paid_minor <> coalesce(moved.paid, 0) OR settlement.repaid_minor <> coalesce(moved.repaid, 0)
        )
        """,
    ),
    (
        "calculated_orders_have_commissions",
        N_(
            "Under periodic terms an order has a partner's commission exactly when a run has calculated it for him"
        ),
        """
        SELECT counted.order_id, counted.partner_id, counted.item_id
        FROM calculation_orders AS counted
        WHERE ($1::bigint IS NULL OR counted.program_id = $1) AND (counted.item_id IS NOT NULL) <> EXISTS (
            SELECT FROM commissions AS commission
            WHERE commission.order_id = counted.order_id AND commission.partner_id = counted.partner_id
                AND commission.kind = 'direct'
        )
        """,
    ),
    (
        "adjustments_equal_commissions",
        N_("Every adjustment is a commission of its amount, and every such commission an adjustment"),
        """
        SELECT commission.id, commission.amount_minor, adjustment.amount_minor AS adjusted
        FROM (SELECT * FROM commissions WHERE kind = 'adjustment') AS commission
        FULL JOIN adjustments AS adjustment ON adjustment.commission_id = commission.id
        WHERE ($1::bigint IS NULL OR coalesce(commission.program_id, adjustment.program_id) = $1)
            AND commission.amount_minor IS DISTINCT FROM adjustment.amount_minor
        """,
    ),
)
