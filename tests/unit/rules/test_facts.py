"""Orders are made of the set of their facts, and refunds must be true of them (rules.md §10, api.md "Orders")."""

from dataclasses import replace
from itertools import permutations

import pytest

from app.rules.clawback import RefundProblem, money_back, refund_problem
from app.rules.facts import MICRO, CardChange, OrderStatus, Refund, RefundLine, merge, united
from tests.unit.rules.build import day, later, line, order_state, pieces

PAID = order_state(day(10), line(3000, quantity=3, name="a"), line(1000, name="b"), shipping_minor=500)


def test_the_latest_state_stands_whatever_came_last() -> None:
    states = [PAID, order_state(day(11)), order_state(day(12), status=OrderStatus.CANCELLED)]
    for arrived in permutations(states):
        order = merge(1, arrived)
        assert order is not None
        assert order.state is states[2]
        assert order.nothing_left


def test_a_cancellation_told_without_its_payment_does_not_undo_it() -> None:
    paid = order_state(day(10), digest="1")
    cancelled = replace(order_state(day(12), status=OrderStatus.CANCELLED, digest="2"), paid_at=None)
    for arrived in permutations([paid, cancelled]):
        order = merge(1, arrived)
        assert order is not None
        assert (order.state.status, order.state.paid_at) == (OrderStatus.CANCELLED, paid.paid_at)
        assert order.nothing_left


def test_an_order_that_went_back_to_placed_is_not_paid() -> None:
    paid = order_state(day(10), digest="1")
    placed = replace(order_state(day(12), status=OrderStatus.PLACED, digest="2"), paid_at=None)
    order = merge(1, [placed, paid])
    assert order is not None
    assert order.state.paid_at is None


def test_states_of_one_moment_are_settled_by_their_digest() -> None:
    states = [order_state(day(10), digest=digest, site=digest) for digest in ("a", "b")]
    orders = [merge(1, states), merge(1, states[::-1])]
    assert [order.state.site for order in orders if order] == ["b", "b"]


def test_without_a_state_there_is_no_order() -> None:
    assert merge(1, [], [pieces("r", day(1), 1)]) is None


def test_refunds_are_united_by_their_id_in_order_of_time() -> None:
    early, late = Refund("z", day(11), 5), Refund("a", day(12), 6)
    assert united([late, early, late, early]) == (early, late)
    other = Refund("z", day(13), 7)
    assert united([other, early]) == united([early, other]) == (early,)


def test_the_latest_card_change_stands() -> None:
    cards = [
        CardChange(day(11), 2, partner_id=1),
        CardChange(day(11), 3, partner_id=2),
        CardChange(day(10), 4),
    ]
    for arrived in permutations(cards):
        order = merge(1, [PAID], cards=arrived)
        assert order is not None
        assert order.card is cards[1]


def test_what_is_known_of_the_buyers_way_is_not_taken_away() -> None:
    first = order_state(day(10), visitor_id="v1", customer_id="c1", customer_keys=("email:a@b",))
    second = order_state(day(11), visitor_id="v2", digest="2")
    third = order_state(day(12), click_id="9", promo_code="X", digest="3")
    for arrived in permutations([first, second, third]):
        order = merge(1, arrived)
        assert order is not None
        told = order.state
        assert (told.visitor_id, told.click_id, told.customer_id) == ("v2", "9", "c1")
        assert (told.customer_keys, told.promo_code, told.updated_at) == (("email:a@b",), "X", day(12))


@pytest.mark.parametrize(
    ("refund", "problem"),
    [
        (Refund("r", day(11), lines=(RefundLine("c", MICRO),)), ("/lines/0/line", "unknown_line")),
        (
            Refund("r", day(11), lines=(RefundLine("b", MICRO), RefundLine("c", MICRO))),
            ("/lines/1/line", "unknown_line"),
        ),
        (Refund("r", day(11), lines=(RefundLine("a", 4 * MICRO),)), ("/lines/0/quantity", "too_many_pieces")),
        (
            Refund("r", day(11), lines=(RefundLine("a", 2 * MICRO), RefundLine("a", 2 * MICRO))),
            ("/lines/1/quantity", "too_many_pieces"),
        ),
        (Refund("r", day(11), amount_minor=4501), ("/amount_minor", "above_order")),
        (Refund("r", day(11), lines=(RefundLine("a", None, 4501),)), ("/lines", "above_order")),
        (Refund("r", day(11), amount_minor=4500), None),
        (Refund("r", day(11), lines=(RefundLine("a", 3 * MICRO), RefundLine("b", MICRO))), None),
    ],
)
def test_a_refund_that_cannot_be_true_is_named(refund: Refund, problem: tuple[str, str] | None) -> None:
    found = refund_problem(PAID, (), refund)
    assert found == (RefundProblem(*problem) if problem else None)


def test_refunds_known_count_too() -> None:
    known = [pieces("r1", day(11), 2, of="a")]
    assert refund_problem(PAID, known, pieces("r2", day(12), 1, of="a")) is None
    assert refund_problem(PAID, known, pieces("r2", day(12), 2, of="a")) == RefundProblem(
        "/lines/0/quantity", "too_many_pieces"
    )
    # 45.00 less two of three pieces of 30.00 leaves 25.00
    assert refund_problem(PAID, known, Refund("r3", later(day(12), hours=1), amount_minor=2500)) is None
    assert refund_problem(PAID, known, Refund("r3", day(12), amount_minor=2501)) is not None


def test_pieces_count_at_their_share_of_what_the_buyer_owes() -> None:
    told = order_state(day(10), line(1000, quantity=3), discount_minor=100)
    # 9.00 / 3
    assert money_back(told, [pieces("r", day(11), 1)]) == 300
    assert money_back(told, [Refund("r", day(11), lines=(RefundLine("1", MICRO, 250),))]) == 250


def test_staffs_choice_beats_an_operators_whatever_came_last() -> None:
    staff, operator = (
        CardChange(day(11), 2, partner_id=1, by_staff=True),
        CardChange(day(12), 3, partner_id=2),
    )
    for arrived in permutations([staff, operator]):
        order = merge(1, [PAID], cards=arrived)
        assert order is not None
        assert order.card is staff


def test_pieces_of_a_line_are_worth_the_same_one_by_one_and_all_at_once() -> None:
    told = order_state(day(10), line(1, quantity=2))
    # Half a minor unit each; together all the order's money.
    one_by_one = [pieces("r1", day(11), 1), pieces("r2", day(12), 1)]
    assert money_back(told, one_by_one[:1]) == 0
    assert money_back(told, one_by_one) == money_back(told, [pieces("r", day(11), 2)]) == 1
