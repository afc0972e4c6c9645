"""Edges of the money: orders that come back to a partner, the last piece of a cheap line, levels given by hand."""

from app.rules.facts import MICRO, CardChange, Cause, Fact, Line, Order, Refund, RefundLine
from app.rules.fold import apply, judge
from app.rules.judgement import Judgement, Verdict
from app.rules.state import Customer, LevelSetting
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
    pieces,
    state,
)

LEVELS = [{"code": "low", "rate": "5%"}, {"code": "high", "from": 50_000, "rate": "10%"}]
"""Reached by one order of 600.00."""


def by_levels(**alice: object) -> Shop:
    terms = {"levels": LEVELS, "levels_policy": {"keep": "none"}}
    return Shop(state(terms, partner(ALICE, **alice), partner(BORIS)))  # type: ignore[arg-type]


def test_an_order_that_comes_back_to_a_partner_earns_as_before() -> None:
    """Alice's order crosses her threshold at 5 %; moved to Boris and back it must not count itself."""
    shop = by_levels()
    shop.paid(1, day(1), line(60_000), partner_id=ALICE)
    assert shop.direct(1) == {ALICE: 3_000}
    shop.tell(1, CardChange(day(2), 1, BORIS))
    assert shop.direct(1) == {ALICE: 0, BORIS: 3_000}
    shop.tell(1, CardChange(day(3), 2, ALICE))
    assert shop.direct(1) == {ALICE: 3_000, BORIS: 0}
    judgement = shop.program.orders[1].judgement
    assert [share.partner_id for share in judgement.former] == [BORIS]
    assert Judgement.from_json(judgement.to_json()) == judgement
    shop.paid(2, day(4), line(1_000), partner_id=ALICE)
    assert shop.direct(2) == {ALICE: 100}, "her next order earns at the level reached"


def test_the_last_piece_of_a_cheap_line_still_earns() -> None:
    """3 pieces for 3.00, 2.99 off for the whole order, discounts in the base: one piece left is 100 × 5 % = 5."""
    terms = {"base": {"exclude": ["tax"]}, "levels": [{"code": "low", "rate": "5%"}]}
    shop = Shop(state(terms, partner(ALICE)))
    shop.paid(1, day(1), line(300, quantity=3), discount_minor=299, partner_id=ALICE)
    assert shop.direct(1) == {ALICE: 15}
    shop.tell(1, pieces("r1", day(2), 2))
    assert shop.direct(1) == {ALICE: 5}
    shop.tell(1, pieces("r2", day(3), 1))
    assert shop.direct(1) == {ALICE: 0}


def test_shipping_goes_with_the_last_cent_of_the_goods() -> None:
    """1.00 for 3 pieces and 5.00 shipping in the base: 2 pieces back, then the 0.33 that are left, by amount."""
    terms = {"base": {"exclude": ["tax"]}, "levels": [{"code": "low", "rate": "10%"}]}
    shop = Shop(state(terms, partner(ALICE)))
    shop.paid(1, day(1), line(100, quantity=3), shipping_minor=500, partner_id=ALICE)
    assert shop.direct(1) == {ALICE: 60}
    shop.tell(1, pieces("r1", day(2), 2))
    assert shop.direct(1) == {ALICE: 53}  # 33 + 500
    shop.tell(1, Refund("r2", day(3), 33))
    assert shop.direct(1) == {ALICE: 0}


def test_nothing_is_owed_when_all_money_is_back() -> None:
    """Two lines of 1.00; the shop gives 1.50 back for the first and 0.50 for the second."""
    shop = Shop(state({"levels": [{"code": "low", "rate": "10%"}]}, partner(ALICE)))
    shop.paid(1, day(1), line(100), line(100, name="2"), partner_id=ALICE)
    shop.tell(1, Refund("r1", day(2), lines=(RefundLine("1", amount_minor=150),)))
    assert shop.direct(1) == {ALICE: 10}
    shop.tell(1, Refund("r2", day(3), lines=(RefundLine("2", amount_minor=50),)))
    assert shop.direct(1) == {ALICE: 0}


def test_fractions_of_a_piece() -> None:
    """0.375 of 1.5 kg go back: a quarter of 10.01; 750.75 stay, rounded 751, at 10 % 75.1."""
    shop = Shop(state({"levels": [{"code": "low", "rate": "10%"}]}, partner(ALICE)))
    shop.paid(1, day(1), Line("1", MICRO * 3 // 2, 1_001), partner_id=ALICE)
    shop.tell(1, Refund("r1", day(2), lines=(RefundLine("1", MICRO * 3 // 8),)))
    assert shop.direct(1) == {ALICE: 75}


def test_an_order_older_than_a_level_given_by_hand_does_not_take_it_away() -> None:
    """Boris gives Alice `high` on the 5th, unpinned; her order of the 4th comes late. The next one earns at `high`."""
    shop = by_levels(level_settings=(LevelSetting(day(5), "high"),), level="high", level_at=day(5))
    shop.paid(1, day(4), line(1_000), partner_id=ALICE)
    assert shop.direct(1) == {ALICE: 50}
    assert shop.program.partners[ALICE].level == "high"
    shop.paid(2, day(6), line(1_000), partner_id=ALICE)
    assert shop.direct(2) == {ALICE: 100}
    assert shop.program.partners[ALICE].level == "low", "her next order recalculates it"


def test_a_buyer_is_known_by_what_he_registered_with() -> None:
    """The order names only the shop's id of the buyer; his e-mail is known, and it is Alice's."""
    terms = {"levels": [{"code": "low", "rate": "10%"}]}
    shop = Shop(state(terms, partner(ALICE, keys=frozenset({"email:a@shop.example"})), partner(BORIS)))
    shop.program.clicks = chain(click(1, day(1), BORIS), click(2, day(2), ALICE))
    shop.program.customers["c"] = Customer(keys=frozenset({"email:a@shop.example"}))
    shop.paid(1, day(3), line(1_000), visitor_id="v1", customer_id="c")
    assert shop.direct(1) == {BORIS: 100}
    verdicts = [item.verdict for item in shop.program.orders[1].judgement.considered]
    assert verdicts == [Verdict.COUNTED, Verdict.SELF_REFERRAL]


def test_effects_are_the_same_when_they_are_asked_for_twice() -> None:
    """Judging reads the state and changes nothing of it."""
    shop = by_levels()
    shop.paid(1, day(1), line(60_000), partner_id=ALICE)
    told = order_state(later(day(1), hours=1), line(60_000), partner_id=BORIS)
    fact = Fact(Order(1, told), Cause.PAID, "x", told.updated_at, 9)
    first = judge(shop.program, fact)
    assert judge(shop.program, fact) == first
    apply(shop.program, first)
    assert judge(shop.program, fact).changes == ()
