"""What `tandem check` says of orders on review and of bonuses (rules.md §9, §16 "Bonuses")."""

from app.ui.i18n import N_

REWARD_CHECKS = (
    (
        "nothing_released_on_review",
        N_("Where a flag on an order is open, none of its commissions was released since it was raised"),
        """
        SELECT flag.id, flag.order_id, commission.id AS commission_id, commission.released_at
        FROM order_flags AS flag JOIN commissions AS commission ON commission.order_id = flag.order_id
        WHERE ($1::bigint IS NULL OR flag.program_id = $1)
            AND flag.state = 'open' AND commission.released_at > flag.raised_at
        """,
    ),
    (
        "rewards_equal_commissions",
        N_("Every bonus has its commission with its posting, and every such commission its bonus, once"),
        """
        SELECT reward.id, reward.partner_id, reward.amount_minor, commission.id AS commission_id
        FROM rewards AS reward LEFT JOIN commissions AS commission ON commission.id = reward.commission_id
        WHERE ($1::bigint IS NULL OR reward.program_id = $1) AND (
            commission.id IS NULL
            OR (commission.partner_id, commission.kind, commission.accrued_minor)
                <> (reward.partner_id, reward.kind, reward.amount_minor)
            OR NOT EXISTS (
                SELECT FROM commission_entries AS entry
                JOIN journal_entries AS journal ON journal.id = entry.entry_id
                JOIN postings AS posting ON posting.entry_id = journal.id
                WHERE entry.commission_id = commission.id AND journal.source_key = 'reward:' || reward.id
            )
        )
        UNION ALL
        SELECT NULL, commission.partner_id, commission.amount_minor, commission.id FROM commissions AS commission
        WHERE ($1::bigint IS NULL OR commission.program_id = $1) AND commission.kind IN ('bonus', 'volume_bonus')
            AND (SELECT count(*) FROM rewards AS reward WHERE reward.commission_id = commission.id) <> 1
        """,
    ),
)
