"""Who is credited (rules.md §4 and §16)."""

from datetime import timedelta
from typing import Any

import pytest

from app.rules.contacts import account_key, email_key, phone_key, user_key
from app.rules.facts import CardChange
from app.rules.judgement import Source, Verdict
from app.rules.state import Activity, Customer, PromoCode, State
from tests.unit.rules.build import (
    ALICE,
    BORIS,
    Shop,
    chain,
    click,
    day,
    later,
    line,
    order_state,
    partner,
    state,
)

TEN = {"levels": [{"code": "ten", "rate": "10%"}]}


def program(**attribution: Any) -> State:
    made = state({**TEN, "attribution": attribution}, partner(ALICE), partner(BORIS))
    made.clicks = chain(click(1, day(1), ALICE), click(2, day(5), BORIS), click(3, day(9), ALICE))
    return made


def verdicts(shop: Shop, order_id: int = 1) -> list[tuple[str, Verdict]]:
    return [(one.ref, one.verdict) for one in shop.program.orders[order_id].judgement.considered]


@pytest.mark.parametrize(
    ("attribution", "expected"),
    [
        ({"model": "last_click"}, {ALICE: 9000}),
        ({"model": "first_click"}, {ALICE: 9000}),
        ({"model": "linear"}, {ALICE: 4500, BORIS: 4500}),
        ({"model": "linear", "linear_per": "click"}, {ALICE: 6000, BORIS: 3000}),
    ],
)
def test_the_same_three_clicks_under_each_model(
    attribution: dict[str, str], expected: dict[int, int]
) -> None:
    shop = Shop(program(**attribution))
    shop.paid(1, day(10), line(90000), visitor_id="v1")
    assert shop.direct(1) == expected


def test_credits_are_in_the_order_of_first_clicks() -> None:
    made = program(model="linear")
    made.clicks = chain(click(1, day(1), BORIS), click(2, day(2), ALICE))
    shop = Shop(made)
    shop.paid(1, day(10), line(1005), visitor_id="v1")
    assert [share.partner_id for share in made.orders[1].judgement.shares] == [BORIS, ALICE]
    record = made.orders[1].commissions
    assert (record[(BORIS, "direct", 0)].base_minor, record[(ALICE, "direct", 0)].base_minor) == (503, 502)


def test_a_click_exactly_at_the_windows_edge_counts() -> None:
    shop = Shop(program(window_days=1))
    shop.paid(1, day(10), line(1000), visitor_id="v1")
    shop.paid(2, later(day(10), seconds=1), line(1000), visitor_id="v1")
    assert shop.direct(1) == {ALICE: 100}
    assert shop.direct(2) == {}
    assert set(verdicts(shop, 2)) == {(str(number), Verdict.OUTSIDE_WINDOW) for number in (1, 2, 3)}


def test_a_click_at_the_moment_of_the_order_counts_and_a_later_one_does_not() -> None:
    made = program()
    made.clicks = chain(click(1, day(10), ALICE), click(2, later(day(10), seconds=1), BORIS))
    shop = Shop(made)
    shop.paid(1, day(10), line(1000), visitor_id="v1")
    assert shop.direct(1) == {ALICE: 100}


def test_of_clicks_at_one_moment_the_later_number_is_last() -> None:
    made = program()
    made.clicks = chain(click(2, day(1), BORIS), click(1, day(1), ALICE))
    shop = Shop(made)
    shop.paid(1, day(10), line(1000), visitor_id="v1")
    assert shop.direct(1) == {BORIS: 100}


def test_clicks_that_tracking_did_not_count_are_passed_over_with_their_reason() -> None:
    made = program()
    made.clicks = chain(
        click(1, day(1), ALICE),
        click(2, day(2), BORIS, counted=False, reason=Verdict.BOT),
        click(3, day(3), BORIS, counted=False, reason=Verdict.REPEAT),
    )
    shop = Shop(made)
    shop.paid(1, day(10), line(1000), visitor_id="v1")
    assert shop.direct(1) == {ALICE: 100}
    assert verdicts(shop) == [("1", Verdict.COUNTED), ("2", Verdict.BOT), ("3", Verdict.REPEAT)]


@pytest.mark.parametrize(
    ("activities", "verdict"),
    [
        ((Activity(day(2), False), Activity(day(7), True)), Verdict.PARTNER_INACTIVE_AT_CLICK),
        ((Activity(day(7), False),), Verdict.PARTNER_INACTIVE_AT_ORDER),
    ],
)
def test_partners_must_be_active_at_the_click_and_at_the_order(
    activities: tuple[Activity, ...], verdict: Verdict
) -> None:
    made = program()
    made.clicks = chain(click(1, day(1), ALICE), click(2, day(5), BORIS))
    made.partners[BORIS].activities = activities
    shop = Shop(made)
    shop.paid(1, day(10), line(1000), visitor_id="v1")
    assert shop.direct(1) == {ALICE: 100}
    assert verdicts(shop) == [("1", Verdict.COUNTED), ("2", verdict)]


def test_clicks_before_the_partner_joined_do_not_count() -> None:
    made = program()
    made.partners[ALICE].joined_at = day(2)
    made.clicks = chain(click(1, day(1), ALICE))
    shop = Shop(made)
    shop.paid(1, day(10), line(1000), visitor_id="v1")
    assert shop.direct(1) == {}


def codes(made: State, **values: Any) -> State:
    made.promo_codes["boris10"] = PromoCode("Boris10", BORIS, **values)
    return made


def test_a_code_beats_a_link_whatever_its_case() -> None:
    shop = Shop(codes(program()))
    shop.paid(1, day(10), line(1000), visitor_id="v1", promo_code="BORIS10")
    assert shop.direct(1) == {BORIS: 100}
    assert shop.program.orders[1].judgement.source is Source.PROMO_CODE


def test_a_code_of_nobody_changes_nothing() -> None:
    shop = Shop(codes(program()))
    shop.paid(1, day(10), line(1000), visitor_id="v1", promo_code="SPRING")
    assert shop.direct(1) == {ALICE: 100}
    assert verdicts(shop)[0] == ("SPRING", Verdict.UNKNOWN_CODE)


@pytest.mark.parametrize(
    ("values", "is_valid"),
    [
        ({"valid_from": day(10)}, True),
        ({"valid_from": later(day(10), seconds=1)}, False),
        ({"valid_to": day(10)}, False),
        ({"valid_to": later(day(10), seconds=1)}, True),
    ],
)
def test_a_code_must_be_valid_when_the_order_is_placed(values: dict[str, Any], is_valid: bool) -> None:
    shop = Shop(codes(program(), **values))
    shop.paid(1, day(10), line(1000), visitor_id="v1", promo_code="boris10")
    assert shop.direct(1) == {BORIS if is_valid else ALICE: 100}


def test_the_order_of_precedence_is_that_of_the_terms() -> None:
    shop = Shop(codes(program(precedence=["click", "promo_code", "manual"])))
    shop.paid(1, day(10), line(1000), visitor_id="v1", promo_code="boris10")
    shop.paid(2, day(10), line(1000), promo_code="boris10", partner_id=ALICE)
    assert (shop.direct(1), shop.direct(2)) == ({ALICE: 100}, {BORIS: 100})


def test_a_source_that_is_left_out_is_not_asked() -> None:
    shop = Shop(codes(program(precedence=["promo_code"])))
    shop.paid(1, day(10), line(1000), visitor_id="v1", partner_id=ALICE)
    assert shop.direct(1) == {}


def test_an_inactive_named_partner_lets_the_next_source_decide() -> None:
    made = codes(program())
    made.partners[BORIS].activities = (Activity(day(2), False),)
    shop = Shop(made)
    shop.paid(1, day(10), line(1000), visitor_id="v1", partner_id=BORIS)
    assert shop.direct(1) == {ALICE: 100}


@pytest.mark.parametrize(("policy", "expected"), [("refuse", {BORIS: 100}), ("allow", {ALICE: 100})])
def test_buying_through_ones_own_link(policy: str, expected: dict[int, int]) -> None:
    made = program(self_referral=policy)
    made.partners[ALICE].keys = frozenset({email_key("Alice+shop@Example.com"), user_key(7)})
    shop = Shop(made)
    shop.paid(1, day(10), line(1000), visitor_id="v1", customer_keys=(email_key("alice@example.com"),))
    assert shop.direct(1) == expected


def test_ones_own_promo_code_is_a_self_referral_too() -> None:
    made = codes(program())
    made.partners[BORIS].keys = frozenset({phone_key("+7 (999) 000-00-01")})
    shop = Shop(made)
    keys = (phone_key("+79990000001"),)
    shop.paid(1, day(10), line(1000), promo_code="boris10", customer_keys=keys)
    assert shop.direct(1) == {}
    assert verdicts(shop) == [("boris10", Verdict.SELF_REFERRAL)]


def test_staffs_choice_beats_everything() -> None:
    made = codes(program(precedence=["click", "manual"]))
    made.partners[BORIS].keys = frozenset({user_key(7)})
    shop = Shop(made)
    shop.paid(1, day(10), line(1000), visitor_id="v1", customer_keys=(user_key(7),))
    shop.tell(1, CardChange(day(11), 1, partner_id=BORIS, by_staff=True))
    assert shop.direct(1) == {ALICE: 0, BORIS: 100}


def test_a_code_set_on_an_existing_order_attributes_it_as_if_entered_at_checkout() -> None:
    shop = Shop(codes(program()))
    shop.paid(1, day(10), line(1000))
    assert shop.direct(1) == {}
    changes = shop.tell(1, CardChange(day(11), 1, promo_code="Boris10"))
    assert shop.direct(1) == {BORIS: 100}
    assert [change.at for change in changes] == [day(11)]


def test_a_card_change_beats_later_messages_of_the_shop() -> None:
    shop = Shop(program())
    shop.paid(1, day(10), line(1000), partner_id=ALICE)
    shop.tell(1, CardChange(day(11), 1, partner_id=BORIS))
    shop.tell(1, order_state(day(12), line(1000), placed_at=day(10), paid_at=day(10), partner_id=ALICE))
    assert shop.direct(1) == {ALICE: 0, BORIS: 100}


def test_the_chain_joins_the_visitors_of_the_click_and_of_the_customer() -> None:
    made = program(model="linear")
    made.clicks = {
        "phone": [click(1, day(1), ALICE)],
        "laptop": [click(2, day(2), BORIS)],
    }
    made.click_visitors = {"1": "phone"}
    made.customers = {"c-17": Customer(visitors=("laptop",), clicks=(click(9, day(3), ALICE),))}
    shop = Shop(made)
    shop.paid(1, day(10), line(1000), click_id="1", customer_id="c-17")
    shop.paid(2, day(10), line(1000), visitor_id="laptop")
    assert shop.direct(1) == {ALICE: 50, BORIS: 50}
    assert shop.direct(2) == {BORIS: 100}
    assert verdicts(shop) == [(ref, Verdict.COUNTED) for ref in ("1", "2", "9")]


def test_the_visitor_told_with_placing_is_still_known_at_the_payment() -> None:
    shop = Shop(program())
    placed = order_state(day(10), line(1000), visitor_id="v1", paid_at=None)
    shop.tell(1, placed)
    paid_at = later(day(10), hours=1)
    shop.tell(1, order_state(paid_at, line(1000), placed_at=day(10), paid_at=paid_at))
    assert shop.direct(1) == {ALICE: 100}


def test_only_the_latest_clicks_before_the_window_are_listed() -> None:
    made = program(window_days=1)
    made.clicks = chain(*(click(number, day(1) + timedelta(hours=number), ALICE) for number in range(1, 30)))
    shop = Shop(made)
    shop.paid(1, day(20), line(1000), visitor_id="v1")
    assert [ref for ref, _ in verdicts(shop)] == ["25", "26", "27", "28", "29"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (email_key("A.B+c@Example.com"), email_key("a.b@example.COM"), True),
        (email_key("ab@example.com"), email_key("a.b@example.com"), False),
        (email_key("not an address"), "", True),
        (email_key("+tag@example.com"), "", True),
        (phone_key("+7 999 000-00-01"), phone_key("+79990000001"), True),
        (phone_key("8 999 000-00-01"), phone_key("+79990000001"), False),
        (phone_key("none"), "", True),
        (account_key("4081 7810 0000"), account_key("40817810 0000"), True),
        (account_key(" - "), "", True),
    ],
)
def test_keys_of_one_person_are_equal(one: str, other: str, same: bool) -> None:
    assert (one == other) is same
