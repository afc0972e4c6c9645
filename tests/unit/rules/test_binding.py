"""Customers bound to whom their first order went to, self-referrals that wait for staff, nobody by staff (§4, §16)."""

from dataclasses import replace
from typing import Any

import pytest

from app.rules.facts import CardChange, OrderStatus
from app.rules.judgement import Judgement, Source, Verdict
from app.rules.state import Activity, State
from tests.unit.rules.build import ALICE, BORIS, CLARA, Shop, chain, click, day, later, line, partner, state
from tests.unit.rules.build import order_state as told

TEN = {"levels": [{"code": "ten", "rate": "10%"}]}


def program(**attribution: Any) -> State:
    terms = {**TEN, "attribution": {"bind_customer_days": -1} | attribution}
    return state(terms, partner(ALICE), partner(BORIS), partner(CLARA))


def holding() -> State:
    made = program()
    made.partners[ALICE].keys = frozenset({"email:a@example.com"})
    terms = made.terms[0].terms
    terms = replace(terms, attribution=replace(terms.attribution, self_referral="hold"))
    made.terms = [replace(made.terms[0], terms=terms)]
    return made


def test_later_orders_go_to_the_partner_of_the_first() -> None:
    shop = Shop(program())
    shop.paid(1, day(1), line(1000), customer_id="c", partner_id=ALICE)
    shop.paid(2, day(20), line(1000), customer_id="c")
    shop.paid(3, day(21), line(1000), customer_id="other")
    shop.paid(4, day(22), line(1000))
    assert [shop.direct(number) for number in (2, 3, 4)] == [{ALICE: 100}, {}, {}]
    judgement = shop.program.orders[2].judgement
    assert judgement.source is Source.CUSTOMER
    assert (judgement.considered[0].ref, judgement.considered[0].at) == ("1", day(1))


def test_a_later_partner_does_not_take_a_bound_customer_over() -> None:
    shop = Shop(program())
    shop.paid(1, day(1), line(1000), customer_id="c", partner_id=ALICE)
    shop.paid(2, day(2), line(1000), customer_id="c", partner_id=BORIS)
    shop.paid(3, day(3), line(1000), customer_id="c")
    assert (shop.direct(2), shop.direct(3)) == ({BORIS: 100}, {ALICE: 100})


def test_an_order_without_partner_does_not_bind() -> None:
    shop = Shop(program())
    shop.paid(1, day(1), line(1000), customer_id="c")
    shop.paid(2, day(2), line(1000), customer_id="c", partner_id=BORIS)
    shop.paid(3, day(3), line(1000), customer_id="c")
    assert shop.direct(3) == {BORIS: 100}


def test_the_first_is_told_by_placed_at_and_not_by_arrival() -> None:
    shop = Shop(program())
    shop.paid(1, day(5), line(1000), customer_id="c", partner_id=ALICE)
    shop.paid(2, day(6), line(1000), customer_id="c", partner_id=BORIS, placed_at=day(2))
    shop.paid(3, day(7), line(1000), customer_id="c")
    shop.paid(4, day(8), line(1000), customer_id="c", placed_at=day(1))
    assert (shop.direct(3), shop.direct(4)) == ({BORIS: 100}, {})


@pytest.mark.parametrize(("seconds", "expected"), [(0, {ALICE: 100}), (1, {})])
def test_n_days_are_24_hours_each_from_the_first_placing_inclusive(
    seconds: int, expected: dict[int, int]
) -> None:
    shop = Shop(program(bind_customer_days=3))
    shop.paid(1, day(2), line(1000), customer_id="c", partner_id=ALICE, placed_at=day(1))
    shop.paid(2, later(day(2), hours=1), line(1000), customer_id="c", partner_id=BORIS)
    placed = later(day(4), seconds=seconds)
    shop.paid(3, day(9), line(1000), customer_id="c", placed_at=placed)
    assert shop.direct(3) == expected
    if not expected:
        assert [one.verdict for one in shop.program.orders[3].judgement.considered] == [Verdict.BINDING_OVER]


def test_split_credits_are_copied_and_who_left_is_passed_over() -> None:
    made = program(model="linear", linear_per="click")
    made.clicks = chain(click(1, day(1), BORIS), click(2, day(1, 10), ALICE), click(3, day(1, 11), BORIS))
    made.partners[BORIS].activities = (Activity(day(8), False),)
    shop = Shop(made)
    shop.paid(1, day(2), line(3000), customer_id="c", visitor_id="v1")
    shop.paid(2, day(5), line(3000), customer_id="c")
    shop.paid(3, day(9), line(3000), customer_id="c")
    assert shop.direct(2) == {BORIS: 200, ALICE: 100}
    assert shop.direct(3) == {ALICE: 300}


def test_a_cancelled_order_binds_too() -> None:
    shop = Shop(program())
    shop.paid(1, day(1), line(1000), customer_id="c", partner_id=ALICE)
    cancelled = {"status": OrderStatus.CANCELLED, "cancelled_at": day(2), "placed_at": day(1)}
    shop.tell(1, told(day(2), line(1000), paid_at=day(1), customer_id="c", partner_id=ALICE, **cancelled))
    shop.paid(2, day(3), line(1000), customer_id="c")
    assert shop.direct(2) == {ALICE: 100}


def test_an_order_moved_to_another_partner_binds_to_him() -> None:
    shop = Shop(program())
    shop.paid(1, day(1), line(1000), customer_id="c", partner_id=ALICE)
    shop.tell(1, CardChange(day(2), 1, partner_id=BORIS, by_staff=True))
    shop.paid(2, day(3), line(1000), customer_id="c")
    shop.tell(1, CardChange(day(4), 2, by_staff=True, nobody=True))
    shop.paid(3, day(5), line(1000), customer_id="c")
    assert shop.direct(2) == {BORIS: 100}
    # Order 1 has nobody by now, so order 2 is the earliest that had a partner.
    assert shop.direct(3) == {BORIS: 100}


def test_an_order_is_not_bound_to_itself() -> None:
    shop = Shop(program())
    shop.paid(1, day(1), line(1000), customer_id="c", partner_id=ALICE)
    shop.tell(1, told(day(2), line(1000), placed_at=day(1), paid_at=day(1), customer_id="c"))
    assert shop.direct(1) == {ALICE: 0}


def test_precedence_may_put_the_customer_before_the_click() -> None:
    made = program(precedence=["customer", "click", "manual"])
    made.clicks = chain(click(1, day(3), BORIS))
    shop = Shop(made)
    shop.paid(1, day(1), line(1000), customer_id="c", partner_id=ALICE)
    shop.paid(2, day(4), line(1000), customer_id="c", visitor_id="v1")
    assert shop.direct(2) == {ALICE: 100}


def test_off_means_off() -> None:
    shop = Shop(program(bind_customer_days=0))
    shop.paid(1, day(1), line(1000), customer_id="c", partner_id=ALICE)
    shop.paid(2, day(2), line(1000), customer_id="c")
    assert shop.direct(2) == {}
    assert shop.program.orders[2].judgement.considered == ()


def test_hold_credits_the_buyer_himself_and_marks_it() -> None:
    shop = Shop(holding())
    shop.paid(1, day(1), line(1000), partner_id=ALICE, customer_keys=("email:a@example.com",))
    shop.paid(2, day(1), line(1000), partner_id=BORIS, customer_keys=("email:a@example.com",))
    first, second = (shop.program.orders[number].judgement for number in (1, 2))
    assert (shop.direct(1), first.held, second.held) == ({ALICE: 100}, (ALICE,), ())
    assert Judgement.from_json(first.to_json()) == first


def test_staffs_choice_is_not_held() -> None:
    shop = Shop(holding())
    shop.paid(1, day(1), line(1000), partner_id=ALICE, customer_keys=("email:a@example.com",))
    shop.tell(1, CardChange(day(2), 1, partner_id=ALICE, by_staff=True))
    assert shop.direct(1) == {ALICE: 100}
    assert shop.program.orders[1].judgement.held == ()


def test_staff_may_say_nobody_and_it_beats_what_comes_later() -> None:
    shop = Shop(program())
    shop.paid(1, day(1), line(1000), partner_id=ALICE)
    shop.tell(1, CardChange(day(2), 1, by_staff=True, nobody=True))
    shop.tell(1, CardChange(day(3), 2, partner_id=BORIS))
    shop.tell(1, told(day(4), line(1000), placed_at=day(1), paid_at=day(1), partner_id=BORIS))
    judgement = shop.program.orders[1].judgement
    assert shop.direct(1) == {ALICE: 0}
    assert (judgement.source, [one.verdict for one in judgement.considered]) == (
        Source.NONE,
        [Verdict.NOBODY],
    )
    shop.tell(1, CardChange(day(5), 3, partner_id=ALICE, by_staff=True))
    assert shop.direct(1) == {ALICE: 100}
