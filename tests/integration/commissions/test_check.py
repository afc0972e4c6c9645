"""`tandem check` finds what was spoiled behind the services' backs."""

from collections.abc import AsyncIterator

import pytest

from app import db
from app.commissions.check import QUESTIONS, check
from app.ledger.chain import seal
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


SPOILED = {
    "a balance is not the sum of its postings": "UPDATE ledger_balances SET balance_minor = balance_minor + 1",
    "a commission is not the sum of its changes": "UPDATE commissions SET amount_minor = amount_minor + 1",
    "a partner's money is not what he has earned": "UPDATE commissions SET amount_minor = amount_minor + 1",
    "an order's reward is not the sum of its commissions": "UPDATE orders SET reward_minor = reward_minor + 1",
    "turnover is not the sum of its changes": "UPDATE partner_turnovers SET base_minor = base_minor + 1 WHERE grain = 'day'",
    "the overview's counts are not the sum of the changes": "UPDATE daily_counts SET earned_minor = earned_minor + 1",
    "payouts and balances differ": """
        INSERT INTO payouts (program_id, partner_id, number, state, requested_minor, amount_minor, debt_repaid_minor,
            method, details_masked, details_encrypted, action_id, requested_at, reason)
        SELECT program_id, id, 1, 'requested', 5, 5, 0, 'card', '', '', 'x', now(), '' FROM partners WHERE code = 'alice'
        """,
    "postings of an entry lie in another program's books": """
        UPDATE ledger_accounts SET program_id = (SELECT id FROM programs WHERE code = 'south')
        WHERE kind = 'pending'
        """,
}


async def test_books_of_an_order_agree(program_id: int) -> None:
    found = await check(program_id)
    assert found.problems == []
    assert (found.entries, found.postings) == (1, 2)


@pytest.mark.parametrize("question", sorted(QUESTIONS))
async def test_what_was_spoiled_is_found(question: str, program_id: int) -> None:
    await db.execute(SPOILED[question])
    found = await check(program_id)
    assert any(problem.startswith(question) for problem in found.problems), found.problems


async def test_chain_is_verified_and_its_head_is_told(program_id: int) -> None:
    await seal(program_id)
    sealed = await check(program_id)
    assert (sealed.sealed_blocks, len(sealed.chain_head)) == (1, 64)
