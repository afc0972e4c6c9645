"""Judging, taking back, releasing: the worked numbers of rules.md §5 to §10."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.rules.effects import AccountKind, NoticeKind, Waiting
from app.rules.facts import Cause, Channel, Fact, OrderStatus, Refund, RefundLine, merge
from app.rules.fold import apply, judge
from app.rules.judgement import Judgement, RateRule, Source
from app.rules.postings import release
from app.rules.state import Activity, Balances, OwnRates, ParentSince, State
from tests.unit.rules.build import (
    ALICE,
    BORIS,
    CLARA,
    Shop,
    chain,
    click,
    day,
    line,
    order_state,
    partner,
    pieces,
    state,
)

AT_ONCE = {"hold": {"release_on": "paid", "days": 0}}


def release_due(program: State, order_id: int, at: object) -> None:
    apply(program, release(program, order_id, at))  # type: ignore[arg-type]


def balances(program: State, partner_id: int = ALICE) -> tuple[int, int, int, int]:
    money = program.partners[partner_id].balances
    return money.pending_minor, money.available_minor, money.reserved_minor, money.debt_minor


def test_base_without_shipping_tax_and_discount() -> None:
    # 2,980.00 − 298.00 − 447.00 = 2,235.00; 10 % = 223.50; half of it comes back: 111.75
    shop = Shop(state({}, partner(ALICE, own="10%")))
    goods = line(298000, quantity=2)
    shop.paid(
        1, day(10), goods, partner_id=ALICE, shipping_minor=35000, discount_minor=29800, tax_minor=44700
    )
    assert shop.direct(1) == {ALICE: 22350}
    shop.tell(1, pieces("r1", day(20), 1))
    assert shop.direct(1) == {ALICE: 11175}


@pytest.mark.parametrize(
    ("exclude", "base"),
    [
        ([], 298000 + 35000),
        (["shipping"], 298000),
        (["tax"], 298000 - 44700 + 35000),
        (["discount"], 298000 - 29800 + 35000),
        (["cashback_spent"], 298000 - 10000 + 35000),
        (["shipping", "tax", "discount", "cashback_spent"], 298000 - 44700 - 29800 - 10000),
    ],
)
def test_each_switch_of_the_base(exclude: list[str], base: int) -> None:
    shop = Shop(state({"base": {"exclude": exclude}}, partner(ALICE, own="100%")))
    shop.paid(
        1,
        day(10),
        line(198000, name="a"),
        line(100000, name="b"),
        partner_id=ALICE,
        shipping_minor=35000,
        discount_minor=29800,
        tax_minor=44700,
        cashback_spent_minor=10000,
    )
    assert shop.direct(1) == {ALICE: base}


def test_a_lines_own_discount_comes_back_where_the_base_keeps_discounts() -> None:
    goods = line(9000, discount_minor=1000)
    kept = Shop(state({"base": {"exclude": []}}, partner(ALICE, own="100%")))
    kept.paid(1, day(10), goods, partner_id=ALICE)
    taken = Shop(state({}, partner(ALICE, own="100%")))
    taken.paid(1, day(10), goods, partner_id=ALICE)
    assert (kept.direct(1), taken.direct(1)) == ({ALICE: 10000}, {ALICE: 9000})


def test_a_negative_base_is_nothing_line_by_line_and_the_zero_is_stored() -> None:
    shop = Shop(state({}, partner(ALICE, own="100%")))
    shop.paid(1, day(10), line(1000, name="a", tax_minor=3000), line(500, name="b"), partner_id=ALICE)
    assert shop.direct(1) == {ALICE: 500}
    shop.paid(2, day(11), line(1000, tax_minor=3000), partner_id=ALICE)
    assert shop.direct(2) == {ALICE: 0}
    assert [change.amount_after_minor for change in shop.changes] == [500, 0]


def test_an_order_without_lines_is_one_line() -> None:
    shop = Shop(state({}, partner(ALICE, own="10%")))
    shop.paid(1, day(10), partner_id=ALICE, total_minor=10000)
    assert shop.direct(1) == {ALICE: 1000}
    shop.tell(1, Refund("r", day(11), amount_minor=2500))
    assert shop.direct(1) == {ALICE: 750}


@pytest.mark.parametrize(("round_per", "amount"), [("order", 48), ("line", 50)])
def test_five_lines_of_190_at_5_percent(round_per: str, amount: int) -> None:
    shop = Shop(state({"calculation": {"round": round_per}}, partner(ALICE)))
    shop.paid(1, day(10), *(line(190, name=str(number)) for number in range(5)), partner_id=ALICE)
    assert shop.direct(1) == {ALICE: amount}


def family(**terms: object) -> Shop:
    return Shop(
        state(
            {"tiers": {"rates": ["10%", "5%"], **terms}},
            partner(CLARA),
            partner(BORIS, parent=CLARA),
            partner(ALICE, parent=BORIS, own="10%", joined_at=day(1)),
        )
    )


def test_tiers_are_of_the_sellers_earnings_and_follow_a_cancellation() -> None:
    shop = family()
    shop.paid(1, day(10), line(1000000), partner_id=ALICE)
    assert shop.commissions(1) == {
        (ALICE, "direct", 0): 100000,
        (BORIS, "tier", 1): 10000,
        (CLARA, "tier", 2): 5000,
    }
    shop.tell(
        1,
        order_state(
            day(12),
            line(1000000),
            placed_at=day(10),
            paid_at=day(10),
            partner_id=ALICE,
            status=OrderStatus.CANCELLED,
            cancelled_at=day(12),
        ),
    )
    assert set(shop.commissions(1).values()) == {0}
    assert [change.cause for change in shop.changes[3:]] == [Cause.CANCELLED] * 3
    assert [balances(shop.program, who) for who in (ALICE, BORIS, CLARA)] == [(0, 0, 0, 0)] * 3


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("stop", {(ALICE, "direct", 0): 100000}),
        ("skip", {(ALICE, "direct", 0): 100000, (CLARA, "tier", 2): 5000}),
    ],
)
def test_an_inactive_parent_stops_the_way_up_or_is_skipped(
    policy: str, expected: dict[tuple[int, str, int], int]
) -> None:
    shop = family(inactive_parent=policy)
    shop.program.partners[BORIS].activities = (Activity(day(9), False),)
    shop.paid(1, day(10), line(1000000), partner_id=ALICE)
    assert shop.commissions(1) == expected


def test_tiers_end_so_many_days_after_the_seller_joined() -> None:
    shop = family(limit_days=9)
    shop.paid(1, day(10), line(1000000), partner_id=ALICE)  # exactly nine days: still counts
    shop.paid(2, day(10, 10), line(1000000), partner_id=ALICE)
    assert len(shop.commissions(1)) == 3
    assert shop.commissions(2) == {(ALICE, "direct", 0): 100000}
    assert shop.program.orders[2].judgement.shares[0].tiers_stopped == "limit_days"


def test_the_parent_is_the_one_of_the_moment_of_placing() -> None:
    shop = family()
    shop.program.partners[ALICE].parents = (ParentSince(None, BORIS), ParentSince(day(11), CLARA))
    shop.paid(1, day(10), line(1000000), partner_id=ALICE)
    shop.paid(2, day(12), line(1000000), partner_id=ALICE)
    assert shop.commissions(1)[(BORIS, "tier", 1)] == 10000
    assert shop.commissions(2) == {(ALICE, "direct", 0): 100000, (CLARA, "tier", 1): 10000}


@pytest.mark.parametrize(
    ("linear_per", "boris", "parts"), [("partner", 23, [12, 11]), ("click", 24, [12, 12])]
)
def test_a_parents_tier_over_two_children(linear_per: str, boris: int, parts: list[int]) -> None:
    # 23.20 each at 5 %: 1.16 and 1.16; 10 % of 2.32 is 0.232, of each child 0.116
    program = state(
        {"attribution": {"model": "linear", "linear_per": linear_per}, "tiers": {"rates": ["10%"]}},
        partner(BORIS),
        partner(ALICE, parent=BORIS),
        partner(CLARA, parent=BORIS),
    )
    program.clicks = chain(click(1, day(1), ALICE), click(2, day(2), CLARA))
    shop = Shop(program)
    changes = shop.paid(1, day(10), line(4640), visitor_id="v1")
    assert shop.commissions(1)[(BORIS, "tier", 1)] == boris
    assert [change.amount_after_minor for change in changes if change.tier] == parts
    shop.tell(1, pieces("all", day(11), 1))
    assert set(shop.commissions(1).values()) == {0}


def test_three_partial_refunds_one_before_the_payment_and_one_twice_end_at_zero() -> None:
    shop = Shop(state({}, partner(ALICE, own="7.5%")))
    shop.tell(1, pieces("r1", day(10, 10), 1))
    assert shop.commissions(1) == {}
    shop.paid(1, day(10, 9), line(10005, quantity=3), partner_id=ALICE)
    assert shop.direct(1) == {ALICE: 500}
    shop.tell(1, pieces("r2", day(11), 1))
    assert shop.tell(1, pieces("r2", day(11), 1)) == ()
    assert shop.direct(1) == {ALICE: 250}
    shop.tell(1, pieces("r4", day(12), 1))
    assert shop.direct(1) == {ALICE: 0}
    assert balances(shop.program) == (0, 0, 0, 0)
    assert [change.amount_delta_minor for change in shop.changes] == [750, -250, -250, -250]
    assert [change.at for change in shop.changes] == [day(10, 9), day(10, 10), day(11), day(12)]


def test_a_refund_after_the_payout_becomes_debt_and_the_next_commission_repays_it() -> None:
    shop = Shop(state(AT_ONCE, partner(ALICE, own="10%")))
    shop.paid(1, day(1), line(100000, quantity=2), partner_id=ALICE)
    release_due(shop.program, 1, day(1))
    assert balances(shop.program) == (0, 10000, 0, 0)
    shop.program.partners[ALICE].balances = Balances()  # paid out
    shop.tell(1, pieces("r1", day(5), 1))
    assert balances(shop.program) == (0, 0, 0, 5000)
    shop.paid(2, day(6), line(30000), partner_id=ALICE)
    assert balances(shop.program) == (3000, 0, 0, 5000)
    release_due(shop.program, 2, day(6))
    assert balances(shop.program) == (0, 0, 0, 2000)


def test_a_clawback_leaves_reserved_money_and_other_orders_pending_alone() -> None:
    shop = Shop(state(AT_ONCE, partner(ALICE, own="10%")))
    shop.paid(1, day(1), line(100000), partner_id=ALICE)
    release_due(shop.program, 1, day(1))
    shop.program.partners[ALICE].balances = Balances(available_minor=4000, reserved_minor=6000)
    shop.paid(2, day(2), line(50000), partner_id=ALICE)
    shop.tell(1, pieces("r1", day(3), 1))
    assert balances(shop.program) == (5000, 0, 6000, 6000)


def test_pending_is_released_at_its_moment_and_not_before() -> None:
    shop = Shop(state({}, partner(ALICE, own="10%")))
    shop.paid(1, day(1), line(1000000), partner_id=ALICE)
    assert shop.program.orders[1].release_at is None
    values = {"placed_at": day(1), "paid_at": day(1), "partner_id": ALICE}
    shop.tell(
        1, order_state(day(5), line(1000000), status=OrderStatus.FULFILLED, fulfilled_at=day(5), **values)
    )
    assert shop.program.orders[1].release_at == day(19)
    assert release(shop.program, 1, day(19) - timedelta(seconds=1)).postings == ()
    effects = release(shop.program, 1, day(19))
    apply(shop.program, effects)
    assert [(one.debit.kind, one.credit.kind) for one in effects.postings] == [
        (AccountKind.PENDING, AccountKind.AVAILABLE)
    ]
    assert [notice.kind for notice in effects.notices] == [NoticeKind.COMMISSION_AVAILABLE]
    assert balances(shop.program) == (0, 100000, 0, 0)
    assert release(shop.program, 1, day(20)).postings == ()


def test_a_cancellation_taken_back_owes_again_what_was_clawed_back() -> None:
    shop = Shop(state({}, partner(ALICE, own="10%")))
    values = {"placed_at": day(1), "paid_at": day(1), "partner_id": ALICE}
    shop.tell(1, order_state(day(1), line(10000), **values))
    shop.tell(
        1, order_state(day(2), line(10000), status=OrderStatus.CANCELLED, cancelled_at=day(2), **values)
    )
    assert shop.direct(1) == {ALICE: 0}
    shop.tell(1, order_state(day(3), line(10000), **values))
    assert shop.direct(1) == {ALICE: 1000}
    assert balances(shop.program) == (1000, 0, 0, 0)


def test_an_order_first_known_as_cancelled_is_stored_with_nothing() -> None:
    shop = Shop(state({}, partner(ALICE, own="10%")))
    changes = shop.tell(
        1,
        order_state(
            day(2),
            line(10000),
            status=OrderStatus.CANCELLED,
            cancelled_at=day(2),
            placed_at=day(1),
            paid_at=day(1),
            partner_id=ALICE,
        ),
    )
    assert shop.direct(1) == {ALICE: 0}
    assert [(change.at, change.amount_after_minor) for change in changes] == [(day(1), 1000), (day(2), 0)]


def test_an_order_that_is_not_paid_waits() -> None:
    program = state({}, partner(ALICE))
    order = merge(1, [order_state(day(1), line(100), status=OrderStatus.PLACED, paid_at=None)])
    assert order is not None
    effects = judge(program, Fact(order, Cause.PAID, "x", day(1), 1))
    assert (effects.waiting, effects.record) == (Waiting.NOT_PAID, None)


def test_another_currency_waits_for_its_conversion() -> None:
    program = state({}, partner(ALICE))
    order = merge(1, [order_state(day(1), line(100), currency="USD", partner_id=ALICE)])
    assert order is not None
    assert judge(program, Fact(order, Cause.PAID, "x", day(1), 1)).waiting is Waiting.OTHER_CURRENCY


def test_an_own_rate_holds_for_its_channel_only() -> None:
    alice = partner(ALICE, own_rates=(OwnRates(None, 120_000, None), OwnRates(day(5), 130_000, 300_000)))
    shop = Shop(state({}, alice))
    shop.paid(1, day(1), line(10000), partner_id=ALICE)
    shop.paid(2, day(1), line(10000), partner_id=ALICE, channel=Channel.DIRECT)
    shop.paid(3, day(5), line(10000), partner_id=ALICE, channel=Channel.DIRECT)
    assert [shop.direct(number)[ALICE] for number in (1, 2, 3)] == [1200, 500, 3000]
    share = shop.program.orders[2].judgement.shares[0]
    assert share.rule is RateRule.LEVEL
    assert [(passed.rule, passed.reason) for passed in share.passed] == [
        (RateRule.OWN_RATE, "not_set_for_channel")
    ]


def test_nobody_credited_stores_no_commission() -> None:
    shop = Shop(state({}, partner(ALICE)))
    shop.paid(1, day(1), line(10000))
    assert shop.commissions(1) == {}
    assert shop.program.orders[1].judgement.source is Source.NONE


def test_a_judgement_is_read_back_from_json_exactly() -> None:
    program = state({"tiers": {"rates": ["10%"]}}, partner(BORIS), partner(ALICE, parent=BORIS))
    program.clicks = chain(click(1, day(1), ALICE), click(2, day(2), BORIS))
    shop = Shop(program)
    shop.paid(1, day(3), line(10000), visitor_id="v1", promo_code="NOBODY")
    judgement = shop.program.orders[1].judgement
    assert Judgement.from_json(judgement.to_json()) == judgement
    assert len(judgement.considered) == 3


def test_a_refund_of_an_amount_goes_over_the_lines_and_its_rest_to_shipping() -> None:
    terms = {"base": {"exclude": []}}
    shop = Shop(state(terms, partner(ALICE, own="100%")))
    shop.paid(1, day(1), line(3000, name="a"), line(1000, name="b"), partner_id=ALICE, shipping_minor=500)
    shop.tell(1, Refund("r1", day(2), amount_minor=1000))
    assert shop.direct(1) == {ALICE: 3500}
    shop.tell(1, Refund("r2", day(3), lines=(RefundLine("b", None, 500),)))
    assert shop.direct(1) == {ALICE: 3000}
    shop.tell(1, Refund("r3", day(4), amount_minor=3000))
    assert shop.direct(1) == {ALICE: 0}


def test_the_amount_decides_where_pieces_are_given_too() -> None:
    shop = Shop(state({}, partner(ALICE, own="100%")))
    shop.paid(1, day(1), line(3000, quantity=3), partner_id=ALICE)
    shop.tell(1, Refund("r1", day(2), lines=(RefundLine("1", 1_000_000, 500),)))
    assert shop.direct(1) == {ALICE: 2500}
    shop.tell(1, Refund("r2", day(3), amount_minor=700, lines=(RefundLine("1", 1_000_000),)))
    assert shop.direct(1) == {ALICE: 1800}


def test_an_order_whose_partner_it_made_inactive_stays_his_whatever_is_told_later() -> None:
    """No plan fits: he is inactive from the payment on, the moment of placing; the buyer's e-mail comes late."""
    terms = {
        "plan_choice": {"none_fits": "deactivate", "measure": "quantity"},
        "plans": [{"code": "five", "from": 5, "rate": "10%"}],
    }
    first = order_state(day(10), line(10_000), visitor_id="v1")
    second = replace(first, updated_at=day(11), digest="later", customer_keys=("email:x",))
    outcomes = []
    for facts in ([first, second], [second, first]):
        shop = Shop(state(terms, partner(ALICE), partner(BORIS, own="10%")))
        shop.program.clicks = chain(click(1, day(1), BORIS), click(2, day(2), ALICE))
        for fact in facts:
            shop.tell(1, fact)
        outcomes.append(shop.commissions(1))
    assert outcomes == [{(ALICE, "direct", 0): 0}] * 2
