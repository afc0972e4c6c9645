"""Levels by turnover (rules.md §7 and §16)."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from app.rules.effects import LevelChange, NoticeKind
from app.rules.facts import Cause, Fact, merge
from app.rules.fold import apply, judge
from app.rules.levels import level_in_force, recalculate_levels
from app.rules.state import LevelSetting, State
from tests.unit.rules.build import ALICE, BORIS, Shop, chain, click, line, order_state, partner, pieces, state

LEVELS = [
    {"code": "starter", "rate": "5%"},
    {"code": "silver", "from": 50_000_000, "rate": "7%"},
    {"code": "gold", "from": 200_000_000, "rate": "10%"},
    {"code": "platinum", "from": 500_000_000, "rate": "12%"},
]


def moscow(
    month: int, day: int, hour: int = 12, minute: int = 0, second: int = 0, year: int = 2026
) -> datetime:
    """A moment of Moscow's clock, three hours before UTC's."""
    local = datetime(year, month, day, hour, minute, second, tzinfo=timezone(timedelta(hours=3)))
    return local.astimezone(UTC)


def program(**policy: Any) -> State:
    return state({"levels": LEVELS, "levels_policy": policy}, partner(ALICE))


def buys(shop: Shop, order_id: int, at: datetime, amount: int) -> int:
    shop.paid(order_id, at, line(amount), partner_id=ALICE)
    return shop.direct(order_id)[ALICE]


def in_force(made: State, at: datetime) -> str:
    return level_in_force(made.partners[ALICE], at, made.terms[0].terms).code


def test_starter_to_platinum_and_a_new_quarter() -> None:
    made = program(keep="none")
    shop = Shop(made)
    told = [
        buys(shop, 1, moscow(1, 15), 50_000_000),
        buys(shop, 2, moscow(2, 1), 150_000_000),
        buys(shop, 3, moscow(3, 1), 300_000_000),
        buys(shop, 4, moscow(3, 31, 23, 59, 59), 10_000),
    ]
    assert made.partners[ALICE].level == "platinum"
    told.append(buys(shop, 5, moscow(4, 1, 0), 10_000))
    assert told == [2_500_000, 10_500_000, 30_000_000, 1_200, 500]
    assert made.partners[ALICE].level == "starter"


def test_every_change_says_before_after_turnover_and_reason() -> None:
    made = program(keep="none")
    changes: list[LevelChange] = []
    for number, at in ((1, moscow(1, 15)), (2, moscow(4, 2))):
        order = merge(number, [order_state(at, line(50_000_000), partner_id=ALICE)])
        assert order is not None
        effects = judge(made, Fact(order, Cause.PAID, "", at, number))
        apply(made, effects)
        changes.extend(effects.levels)
        assert [notice.kind for notice in effects.notices if notice.level] == [
            NoticeKind.LEVEL_CHANGED
        ] * len(effects.levels)
    assert changes == [
        LevelChange(ALICE, moscow(1, 15), "starter", "silver", 50_000_000, "turnover"),
        LevelChange(ALICE, moscow(4, 2), "silver", "starter", 0, "period"),
        LevelChange(ALICE, moscow(4, 2), "starter", "silver", 50_000_000, "turnover"),
    ]


def test_daily_levels_change_at_the_next_local_midnight() -> None:
    made = program(recalculate="daily")
    shop = Shop(made)
    assert buys(shop, 1, moscow(1, 15, 23), 50_000_000) == 2_500_000
    assert buys(shop, 2, moscow(1, 15, 23, 59, 59), 10_000) == 500
    assert recalculate_levels(made, moscow(1, 15, 0)).levels == ()
    effects = recalculate_levels(made, moscow(1, 16, 0))
    apply(made, effects)
    assert [(change.before, change.after) for change in effects.levels] == [("starter", "silver")]
    assert recalculate_levels(made, moscow(1, 17, 0)).levels == ()
    assert buys(shop, 3, moscow(1, 16, 0), 10_000) == 700


def test_a_refund_below_the_threshold_lowers_the_level_for_later_orders() -> None:
    made = program(keep="none")
    shop = Shop(made)
    buys(shop, 1, moscow(1, 15), 50_000_000)
    shop.tell(1, pieces("r", moscow(1, 16), 1))
    assert made.partners[ALICE].level == "starter"
    assert buys(shop, 2, moscow(1, 17), 10_000) == 500


def test_the_previous_periods_level_is_kept_for_the_next_one_only() -> None:
    made = program(keep="next_period")
    shop = Shop(made)
    buys(shop, 1, moscow(1, 15), 200_000_000)
    assert buys(shop, 2, moscow(4, 1, 0), 10_000) == 1_000
    assert buys(shop, 3, moscow(6, 30, 23, 59), 10_000) == 1_000
    assert buys(shop, 4, moscow(7, 1, 0), 10_000) == 500


@pytest.mark.parametrize(
    ("period", "codes"),
    [
        ("month", ["silver", "starter", "starter", "starter"]),
        ("quarter", ["silver", "silver", "starter", "starter"]),
        ("year", ["silver", "silver", "silver", "starter"]),
        ("lifetime", ["silver", "silver", "silver", "silver"]),
    ],
)
def test_each_period_of_levels(period: str, codes: list[str]) -> None:
    made = program(period=period, keep="none")
    buys(Shop(made), 1, moscow(1, 15), 50_000_000)
    moments = [moscow(1, 31), moscow(3, 31), moscow(12, 31), moscow(1, 1, year=2027)]
    assert [in_force(made, at) for at in moments] == codes


def test_the_month_and_the_day_are_those_of_the_programs_zone() -> None:
    made = program(period="month", keep="none")
    shop = Shop(made)
    buys(shop, 1, moscow(2, 1, 0), 50_000_000)  # still 31 January in UTC
    assert buys(shop, 2, moscow(2, 28, 23, 59), 10_000) == 700
    assert buys(shop, 3, moscow(3, 1, 0), 10_000) == 500


def test_a_late_order_is_judged_by_the_level_of_its_payment() -> None:
    made = program(keep="none")
    shop = Shop(made)
    buys(shop, 1, moscow(1, 10), 10_000)
    buys(shop, 2, moscow(1, 15), 50_000_000)
    assert buys(shop, 3, moscow(1, 12), 10_000) == 500
    assert buys(shop, 4, moscow(1, 16), 10_000) == 700


def test_a_late_order_counts_for_the_level_as_it_stands_now() -> None:
    made = program(keep="none")
    shop = Shop(made)
    buys(shop, 1, moscow(1, 15), 10_000)
    assert buys(shop, 2, moscow(1, 12), 50_000_000) == 2_500_000
    assert made.partners[ALICE].level == "silver"


def test_a_pinned_level_stays_until_its_end() -> None:
    made = program(keep="none")
    made.partners[ALICE].level_settings = (
        LevelSetting(moscow(1, 1, 0), "gold", pinned=True, until=moscow(2, 1, 0)),
    )
    shop = Shop(made)
    assert buys(shop, 1, moscow(1, 31, 23), 10_000) == 1_000
    assert buys(shop, 2, moscow(2, 1, 0), 10_000) == 500


def test_a_pin_taken_off_lets_the_turnover_decide() -> None:
    made = program(keep="none")
    made.partners[ALICE].level_settings = (
        LevelSetting(moscow(1, 1, 0), "gold", pinned=True),
        LevelSetting(moscow(1, 10, 0), ""),
    )
    assert (in_force(made, moscow(1, 9)), in_force(made, moscow(1, 10, 0))) == ("gold", "starter")


@pytest.mark.parametrize(
    ("recalculate", "commissions"), [("on_paid", [1_000, 500, 500]), ("daily", [1_000, 1_000, 500])]
)
def test_a_level_without_a_pin_holds_until_the_next_recalculation(
    recalculate: str, commissions: list[int]
) -> None:
    made = program(recalculate=recalculate, keep="none")
    made.partners[ALICE].level_settings = (LevelSetting(moscow(1, 15, 9), "gold"),)
    shop = Shop(made)
    assert [
        buys(shop, 1, moscow(1, 15, 12), 10_000),
        buys(shop, 2, moscow(1, 15, 13), 10_000),
        buys(shop, 3, moscow(1, 16, 0), 10_000),
    ] == commissions


def test_a_level_set_by_hand_is_told_as_a_change_by_setting() -> None:
    made = program()
    made.partners[ALICE].level_settings = (LevelSetting(moscow(1, 15), "gold", pinned=True),)
    changes = recalculate_levels(made, moscow(1, 16, 0)).levels
    assert [(change.after, change.reason) for change in changes] == [("gold", "setting")]


def test_refunds_may_take_the_turnover_below_zero_and_the_first_level_holds() -> None:
    made = program(period="month", keep="none")
    shop = Shop(made)
    buys(shop, 1, moscow(1, 15), 50_000_000)
    shop.tell(1, pieces("r", moscow(2, 2), 1))
    assert in_force(made, moscow(2, 3)) == "starter"
    assert in_force(made, moscow(1, 31)) == "silver"


def test_partners_of_one_linear_order_each_have_their_own_turnover() -> None:
    made = state({"levels": LEVELS, "attribution": {"model": "linear"}}, partner(ALICE), partner(BORIS))
    made.clicks = chain(click(1, moscow(1, 1), ALICE), click(2, moscow(1, 2), BORIS))
    shop = Shop(made)
    shop.paid(1, moscow(1, 10), line(50_000_000), visitor_id="v1")
    assert [made.partners[who].level for who in (ALICE, BORIS)] == ["", ""]
    shop.paid(2, moscow(1, 11), line(50_000_000), visitor_id="v1")
    assert [made.partners[who].level for who in (ALICE, BORIS)] == ["silver", "silver"]
