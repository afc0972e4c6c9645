"""Clicks that others tell us of: whose they are, when they happened, and what counts."""

from datetime import UTC, datetime, timedelta

import pytest

from app import db
from app.tracking.messages import ClickMessage
from app.tracking.promo_codes import add_promo_codes_in_transaction
from app.tracking.service import record_clicks
from tests.factories import make_partner, make_program
from tests.integration.tracking.conftest import FIREFOX, Shop, make_shop, rows, verdicts

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


async def test_partner_link_and_promo_code_name_the_same_partner(shop: Shop) -> None:
    await add_promo_codes_in_transaction(shop.program_id, [(shop.partner_id, "ALICE10")], NOON)
    outcomes = await record_clicks(
        shop.program_id,
        [
            ClickMessage(partner="Alice", user_agent=FIREFOX),
            ClickMessage(link=shop.link_code.upper(), user_agent=FIREFOX),
            ClickMessage(promo_code="alice10"),
            ClickMessage(promo_code="АLIСЕ10"),  # three Cyrillic letters
        ],
    )
    assert [outcome.counted for outcome in outcomes] == [True] * 4
    written = await rows()
    assert [str(row["public_id"]) for row in written] == [outcome.click_id for outcome in outcomes]
    assert {(row["partner_id"], row["link_id"]) for row in written} == {(shop.partner_id, shop.link_id)}


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (ClickMessage(), "one_source"),
        (ClickMessage(partner="alice", link="north-link"), "one_source"),
        (ClickMessage(partner="nobody"), "unknown_partner"),
        (ClickMessage(link="nothing"), "unknown_link"),
        (ClickMessage(promo_code="NOTHING"), "unknown_promo_code"),
    ],
)
async def test_message_that_names_nobody_is_refused_and_spoils_no_other(
    shop: Shop, message: ClickMessage, code: str
) -> None:
    bad, good = await record_clicks(shop.program_id, [message, ClickMessage(partner="alice")])
    assert bad.refused is not None
    assert bad.refused.fields[0].code == code
    assert good.counted
    assert len(await rows()) == 1


async def test_another_programs_partner_link_and_code_are_unknown(shop: Shop) -> None:
    south = await make_program("south")
    clara = await make_partner(south, "clara")
    await add_promo_codes_in_transaction(south, [(clara, "CLARA10")], NOON)
    outcomes = await record_clicks(south, [ClickMessage(partner="alice"), ClickMessage(link=shop.link_code)])
    outcomes += await record_clicks(shop.program_id, [ClickMessage(promo_code="CLARA10")])
    assert all(outcome.refused is not None for outcome in outcomes)
    assert await rows() == []


async def test_given_moment_and_given_visitor_are_kept(shop: Shop) -> None:
    await record_clicks(shop.program_id, [ClickMessage(partner="alice", visitor_id="shop-7", at=NOON)])
    click = (await rows())[0]
    assert (click["visitor_id"], click["clicked_at"]) == ("shop-7", NOON)
    assert click["recorded_at"] > NOON


async def test_repeats_are_told_by_the_given_moments(shop: Shop) -> None:
    minutes = [0, 29, 30, 45, 60, -10, -40]
    messages = [
        ClickMessage(partner="alice", visitor_id="v1", at=NOON + timedelta(minutes=minute))
        for minute in minutes
    ]
    await record_clicks(shop.program_id, messages[:3])
    await record_clicks(shop.program_id, messages[3:])
    # -10 came late; nothing counted lies before it.
    assert await verdicts() == ["counted", "repeat", "counted", "repeat", "counted", "counted", "counted"]


async def test_every_click_counts_where_the_terms_say_so(transaction: None) -> None:
    shop = await make_shop(attribution={"repeat_minutes": 0})
    await record_clicks(shop.program_id, [ClickMessage(partner="alice", visitor_id="v1", at=NOON)] * 3)
    assert await verdicts() == ["counted"] * 3


async def test_user_agent_unknown_is_no_bot_and_an_empty_one_is(shop: Shop) -> None:
    messages = [ClickMessage(partner="alice", user_agent=agent) for agent in (None, "", "curl/8", FIREFOX)]
    await record_clicks(shop.program_id, messages)
    assert await verdicts() == ["counted", "bot", "bot", "counted"]


async def test_partners_state_at_the_click_decides_not_that_of_today(shop: Shop) -> None:
    await db.execute(
        "INSERT INTO partner_state_changes (partner_id, at, before, after) VALUES ($1, $2, 'active', 'inactive')",
        shop.partner_id,
        NOON,
    )
    moments = [datetime(2019, 1, 1, tzinfo=UTC), NOON - timedelta(seconds=1), NOON]
    await record_clicks(shop.program_id, [ClickMessage(partner="alice", at=moment) for moment in moments])
    assert await verdicts() == ["inactive", "counted", "inactive"]


async def test_order_of_arrival_is_the_order_of_the_list(shop: Shop) -> None:
    messages = [ClickMessage(partner="alice", visitor_id=f"v{number}", at=NOON) for number in range(2500)]
    outcomes = await record_clicks(shop.program_id, messages)
    assert [row["visitor_id"] for row in await rows()] == [f"v{number}" for number in range(2500)]
    assert len({outcome.click_id for outcome in outcomes}) == 2500
    assert await db.fetchval("SELECT sum(clicks) FROM daily_counts") == 2500
