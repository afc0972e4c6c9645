"""`tandem check` finds what was spoiled behind the services' backs, and says where."""

from collections.abc import AsyncIterator

import pytest

from app import db
from app.reports.checks import CHECKS, run_checks
from app.shops.keys import forget_keys
from tests.cast import Cast
from tests.integration.shops.conftest import line, shop_of


@pytest.fixture
async def program_id(cast: Cast, portal: object) -> AsyncIterator[int]:
    """North with one paid order of Alice's, whose books agree."""
    forget_keys()
    shop = await shop_of(portal, "north")
    answer = await shop.put_order(lines=[line()])
    assert answer.status_code == 201
    yield cast.north_id
    await shop.http.aclose()
    forget_keys()


ACT = """
    WITH payout AS (
        INSERT INTO payouts (program_id, partner_id, number, state, requested_minor, amount_minor, debt_repaid_minor,
            method, details_masked, details_encrypted, action_id, requested_at, reason)
        SELECT program_id, id, 1, 'paid', 5, 5, 0, 'card', '', '', 'x', now(), '' FROM partners WHERE code = 'alice'
        RETURNING id, program_id, partner_id
    )
    INSERT INTO payout_acts (program_id, partner_id, payout_id, year, number, drawn_on, period_from, period_to,
        amount_minor, currency, document, state, made_at, signed_at, signed_by_id, signed_how, signed_sha256)
    SELECT payout.program_id, partner_id, payout.id, 2026, 1, now(), now(), now(), 5, 'RUB', '{{}}', '{0}', now(), now(),
        partners.user_id, CASE '{0}' WHEN 'signed' THEN 'online' ELSE '' END, repeat('0', 64)
    FROM payout JOIN partners ON partners.id = payout.partner_id
    """
BUYER = """
    WITH buyer AS (
        INSERT INTO customers (program_id, external_id, email_key, phone_key, created_at)
        SELECT id, 'spoiled', '', '', now() FROM programs WHERE code = 'north' RETURNING id, program_id
    )
    """
EARNING = f"""
    {BUYER} INSERT INTO cashback_earnings (program_id, order_id, customer_id, terms_number, amount_minor,
        pending_minor, written_off_minor, released)
    SELECT buyer.program_id, orders.id, buyer.id, 1, 5, 5, 0, false FROM buyer, orders LIMIT 1
    """
LOT = f"""
    {BUYER} INSERT INTO cashback_lots (program_id, customer_id, order_id, amount_minor, left_minor, available_at)
    SELECT buyer.program_id, buyer.id, orders.id, 5, 5, now() FROM buyer, orders LIMIT 1
    """
ENTRY = f"""
    {BUYER} INSERT INTO cashback_entries (program_id, customer_id, kind, order_key, cause_ref, at, recorded_at,
        amount_minor, pending_minor, available_minor, reserved_minor, spent_minor, expired_minor, written_off_minor)
    SELECT program_id, id, 'earned', '1001', '', now(), now(), 5, 5, 0, 0, 0, 0, 0 FROM buyer
    """
SET_ASIDE = f"""
    {BUYER}, account AS (
        INSERT INTO ledger_accounts (program_id, kind, owner_id)
        SELECT program_id, 'cashback_reserved', id FROM buyer RETURNING id
    )
    INSERT INTO ledger_balances (account_id, balance_minor) SELECT id, 5 FROM account
    """
RESERVATION = f"""
    {BUYER} INSERT INTO cashback_spendings (program_id, order_key, customer_id, wished_minor, granted_minor, spent)
    SELECT program_id, '1001', id, 5, 0, false FROM buyer
    """

SPOILED = {
    "terms_in_order": """
        INSERT INTO program_terms (program_id, number, in_force_from, document, published_at, note)
        SELECT program_id, number + 1, in_force_from - interval '1 day', document, published_at, ''
        FROM program_terms WHERE program_id = (SELECT id FROM programs WHERE code = 'north')
    """,
    "never_more_taken_back": """
        INSERT INTO commission_entries (commission_id, program_id, partner_id, order_id, kind, tier, cause, cause_ref,
            at, base_minor, amount_minor)
        SELECT id, program_id, partner_id, order_id, kind, tier, 'refund', '', earned_at, 0, -amount_minor - 1
        FROM commissions WHERE kind = 'direct'
    """,
    "cashback_balances_equal_entries": ENTRY,
    "cashback_lots_equal_available": LOT,
    "cashback_lots_add_up": LOT,
    "cashback_pending_equals_earnings": EARNING,
    "cashback_earnings_equal_entries": EARNING,
    "cashback_out_equals_takings": SET_ASIDE,
    "cashback_reservations_add_up": RESERVATION,
    "cashback_explained": EARNING,
    "entries_have_postings": """
        INSERT INTO journal_entries (program_id, kind, source_key, occurred_at, recorded_at, note)
        SELECT id, 'accrual', 'nothing', now(), now(), '' FROM programs WHERE code = 'north'
        """,
    "postings_stay_in_their_program": """
        UPDATE ledger_accounts SET program_id = (SELECT id FROM programs WHERE code = 'south')
        WHERE kind = 'pending'
        """,
    "balances_equal_postings": "UPDATE ledger_balances SET balance_minor = balance_minor + 1",
    "money_explained": "UPDATE commissions SET amount_minor = amount_minor + 1",
    "commissions_equal_entries": "UPDATE commissions SET amount_minor = amount_minor + 1",
    "pending_equals_commissions": "UPDATE commissions SET pending_minor = pending_minor - 1",
    "partners_money_adds_up": "UPDATE commissions SET amount_minor = amount_minor + 1",
    "payouts_equal_accounts": """
        INSERT INTO payouts (program_id, partner_id, number, state, requested_minor, amount_minor, debt_repaid_minor,
            method, details_masked, details_encrypted, action_id, requested_at, reason)
        SELECT program_id, id, 1, 'requested', 5, 5, 0, 'card', '', '', 'x', now(), '' FROM partners WHERE code = 'alice'
        """,
    "payouts_agreed_by_two": """
        INSERT INTO payouts (program_id, partner_id, number, state, requested_minor, amount_minor, debt_repaid_minor,
            method, details_masked, details_encrypted, action_id, requested_at, approved_at, approved_by_id, paid_at,
            paid_by_id, reason)
        SELECT program_id, id, 1, 'paid', 5, 5, 0, 'card', '', '', 'x', now(), now(), user_id, now(), user_id, ''
        FROM partners WHERE code = 'alice'
        """,
    "deposit_equals_its_history": """
        WITH account AS (
            INSERT INTO ledger_accounts (program_id, kind, owner_id)
            SELECT id, 'deposit', 0 FROM programs WHERE code = 'north' RETURNING id
        )
        INSERT INTO ledger_balances (account_id, balance_minor) SELECT id, 5 FROM account
        """,
    "settlements_equal_postings": """
        INSERT INTO commission_settlements (program_id, commission_id, partner_id, way, account, released_minor,
            repaid_minor, paid_minor, fee_minor, at, entry_id)
        SELECT program_id, commission_id, partner_id, 'hand', 'paid', 5, 0, 5, 0, now(), entry_id
        FROM commission_entries WHERE entry_id IS NOT NULL
        """,
    "calculated_orders_have_commissions": """
        INSERT INTO calculation_orders (program_id, order_id, partner_id, paid_at, base_minor, quantity_micro)
        SELECT program_id, order_id, partner_id, now(), 0, 0 FROM commissions WHERE kind = 'direct'
        """,
    "adjustments_equal_commissions": """
        INSERT INTO commissions (program_id, partner_id, kind, tier, state, base_minor, accrued_minor, amount_minor,
            pending_minor, earned_at)
        SELECT program_id, id, 'adjustment', 0, 'available', 0, 0, 0, 0, now() FROM partners WHERE code = 'alice'
        """,
    "acts_have_no_gaps": """
        INSERT INTO payout_act_numbers (program_id, year, last) SELECT id, 2026, 3 FROM programs WHERE code = 'north'
        """,
    "paid_payouts_have_signed_acts": ACT.format("made"),
    "signatures_are_of_stored_papers": ACT.format("signed"),
    "papers_have_their_digest": """
        INSERT INTO papers (program_id, partner_id, kind, media_type, sha256, size, content, made_at)
        SELECT program_id, id, 'act', 'application/pdf', repeat('0', 64), 1, 'x', now()
        FROM partners WHERE code = 'alice'
        """,
    "cards_equal_commissions": "UPDATE orders SET reward_minor = reward_minor + 1",
    "turnover_equals_entries": "UPDATE partner_turnovers SET base_minor = base_minor + 1 WHERE grain = 'day'",
    "sales_equal_entries": "UPDATE partner_turnovers SET sold_micro = sold_micro + 1 WHERE grain = 'month'",
    "orders_equal_entries": "UPDATE commissions SET orders = 0 WHERE kind = 'direct'",
    "nothing_released_on_review": """
        WITH flagged AS (
            INSERT INTO order_flags (program_id, order_id, partner_id, kind, state, reason, raised_at)
            SELECT program_id, order_id, partner_id, 'staff', 'open', '', now() FROM commissions WHERE kind = 'direct'
        )
        UPDATE commissions SET released_at = now() + interval '1 second' WHERE kind = 'direct'
        """,
    "rewards_equal_commissions": """
        INSERT INTO rewards (program_id, partner_id, kind, code, period, reached, amount_minor, at)
        SELECT program_id, id, 'bonus', 'spoiled', 'ever', 1, 5, now() FROM partners WHERE code = 'alice'
        """,
    "pieces_equal_entries": "UPDATE commissions SET quantity_micro = quantity_micro + 1 WHERE kind = 'direct'",
    "counts_equal_facts": "UPDATE daily_counts SET earned_minor = earned_minor + 1",
}
UNREACHABLE = {"nothing_below_zero"}
"""PostgreSQL refuses what these look for; they stand watch over its own constraint."""


async def test_books_of_an_order_agree(program_id: int) -> None:
    assert [result for result in await run_checks(program_id) if result.count] == []


def test_every_check_is_tried() -> None:
    assert {check.name for check in CHECKS} == set(SPOILED) | UNREACHABLE


@pytest.mark.parametrize("name", sorted(SPOILED))
async def test_what_was_spoiled_is_found_in_its_program(name: str, program_id: int, cast: Cast) -> None:
    await db.execute(SPOILED[name])
    for over in (program_id, None):
        found = {result.name: result for result in await run_checks(over)}
        assert found[name].count > 0
        assert found[name].rows
    elsewhere = {result.name: result.count for result in await run_checks(cast.south_id)}
    assert elsewhere["commissions_equal_entries"] == 0
