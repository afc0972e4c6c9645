"""A1 and A2 of a marketplace, and tiers that are not of earnings (rules.md §8, §16)."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.explain import Formats, explain, render
from app.rules.facts import CardChange, OrderStatus, Refund
from app.rules.judgement import Judgement
from app.rules.sellers import due_until
from app.rules.state import Activity, ParentSince, Seller, State
from app.rules.terms_document import parse_terms
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

REGISTERED = datetime(2025, 4, 6, 12, tzinfo=UTC)
SELLERS = {"sellers": {}}
TENTH = day(10)


def market(terms: dict[str, Any] | None = None, *, registered_at: datetime = REGISTERED) -> Shop:
    """Alice brought the school; Boris is her parent."""
    made: State = state(terms or SELLERS, partner(BORIS), partner(ALICE, parent=BORIS), partner(CLARA))
    made.sellers = {"school": Seller(ALICE, registered_at)}
    return Shop(made)


def sold(shop: Shop, order_id: int = 1, at: datetime = TENTH, **values: Any) -> dict[Any, int]:
    told = {"seller_id": "school", "sale_kind": "placement", "platform_commission_minor": 2_000_000}
    shop.paid(order_id, at, line(10_000_000, quantity=4), **(told | values))
    return shop.commissions(order_id)


def test_who_brought_the_seller_and_his_parent_earn() -> None:
    shop = market()
    assert sold(shop) == {(ALICE, "seller", 0): 400_000, (BORIS, "seller_parent", 0): 100_000}
    assert sold(shop, 2, sale_kind="sale") == {
        (ALICE, "seller", 0): 200_000,
        (BORIS, "seller_parent", 0): 100_000,
    }


def test_it_does_not_matter_who_is_credited_for_the_order() -> None:
    shop = market()
    found = sold(shop, partner_id=CLARA)
    assert (found[CLARA, "direct", 0], found[ALICE, "seller", 0]) == (500_000, 400_000)


@pytest.mark.parametrize(
    ("registered", "years", "until"),
    [
        ("2025-04-06T23:59:59+03:00", 1, None),
        ("2025-04-06T21:00:00+00:00", 1, "2026-04-07T00:00:00+03:00"),  # midnight in Moscow: the 7th
        ("2028-02-29T12:00:00+03:00", 1, "2029-03-01T00:00:00+03:00"),
        ("2028-02-29T12:00:00+03:00", 4, "2032-02-29T00:00:00+03:00"),
        ("2025-12-31T12:00:00+03:00", 0, "2025-12-31T00:00:00+03:00"),
    ],
)
def test_the_cut_off_is_a_day_of_the_programs_zone(registered: str, years: int, until: str | None) -> None:
    terms = parse_terms({"sellers": {"limit_years": years}})
    assert terms.sellers is not None
    end = due_until(datetime.fromisoformat(registered), terms, terms.sellers)
    assert end == (datetime.fromisoformat(until) if until is not None else None)


def test_after_the_year_nobody_earns_and_it_is_told() -> None:
    shop = market(registered_at=datetime(2025, 4, 7, 12, tzinfo=UTC))
    assert sold(shop, at=datetime(2026, 4, 6, 20, 59, 59, tzinfo=UTC)) != {}
    assert sold(shop, 2, at=datetime(2026, 4, 6, 21, tzinfo=UTC)) == {}
    credit = shop.program.orders[2].judgement.seller
    assert credit is not None
    assert (credit.shares, credit.stopped) == ((), "over")


def test_states_are_those_at_placing() -> None:
    shop = market()
    shop.program.partners[ALICE].activities = (Activity(day(12), False),)
    shop.program.partners[BORIS].activities = (Activity(day(8), False), Activity(day(11), True))
    assert sold(shop, placed_at=day(9)) == {(ALICE, "seller", 0): 400_000}  # the parent was not active
    assert sold(shop, 2, at=day(13), placed_at=day(11)) == {
        (ALICE, "seller", 0): 400_000,
        (BORIS, "seller_parent", 0): 100_000,
    }
    assert sold(shop, 3, at=day(13)) == {}  # without A1 no A2


def test_no_rate_for_this_kind_of_sale_is_no_a2_either() -> None:
    shop = market({"sellers": {"sale_rate": "0%"}})
    assert sold(shop, sale_kind="sale") == {}
    assert sold(shop, 2) != {}


@pytest.mark.parametrize("seller", [None, "other"])
def test_without_a_known_seller_nobody_earns(seller: str | None) -> None:
    assert sold(market(), seller_id=seller) == {}


def test_refunds_and_cancellation_shrink_and_no_way_leads_below_zero() -> None:
    shop = market()
    sold(shop)
    shop.tell(1, pieces("r1", day(11), 1))
    assert shop.commissions(1) == {(ALICE, "seller", 0): 300_000, (BORIS, "seller_parent", 0): 75_000}
    shop.tell(1, Refund("r2", day(12), amount_minor=2_500_000))
    assert shop.commissions(1) == {(ALICE, "seller", 0): 200_000, (BORIS, "seller_parent", 0): 50_000}
    told = {"placed_at": day(10), "paid_at": day(10), "seller_id": "school", "sale_kind": "placement"}
    cancelled = {
        "status": OrderStatus.CANCELLED,
        "cancelled_at": day(13),
        "platform_commission_minor": 2_000_000,
    }
    shop.tell(1, order_state(day(13), line(10_000_000, quantity=4), **told, **cancelled))
    assert set(shop.commissions(1).values()) == {0}


def test_moving_the_order_to_another_partner_leaves_the_seller_alone() -> None:
    shop = market()
    sold(shop, partner_id=CLARA)
    shop.program.sellers["school"] = Seller(CLARA, REGISTERED)  # changed afterwards
    shop.program.partners[ALICE].parents = (ParentSince(None, CLARA),)
    shop.tell(1, CardChange(day(11), 1, partner_id=BORIS, by_staff=True))
    found = shop.commissions(1)
    assert (found[ALICE, "seller", 0], found[BORIS, "seller_parent", 0]) == (400_000, 100_000)
    assert (found[CLARA, "direct", 0], found[BORIS, "direct", 0]) == (0, 500_000)


def test_another_kind_of_sale_told_later_is_judged_anew() -> None:
    shop = market()
    sold(shop)
    told = {"placed_at": day(10), "paid_at": day(10), "seller_id": "school", "sale_kind": "sale"}
    shop.tell(
        1, order_state(day(12), line(10_000_000, quantity=4), platform_commission_minor=1_000_000, **told)
    )
    assert shop.commissions(1) == {(ALICE, "seller", 0): 100_000, (BORIS, "seller_parent", 0): 50_000}


def test_the_judgement_is_kept_as_it_was_and_explained() -> None:
    shop = market()
    sold(shop)
    judgement = shop.program.orders[1].judgement
    assert Judgement.from_json(judgement.to_json()) == judgement
    formats = Formats("en", str, lambda at: f"{at:%Y-%m-%d}", lambda who: f"p{who}", str)
    told = order_state(day(10), line(10_000_000))
    terms = shop.program.terms[0].terms
    for who, kind, words in (
        (ALICE, "seller", "For a placement 20%"),
        (BORIS, "seller_parent", "As his parent 5%"),
    ):
        texts = render(explain(judgement, told, terms, (who, kind, 0), ()), formats)
        assert "Seller school was brought by p1 and registered 2025-04-06." in texts
        assert words.split()[0] not in texts  # no change, no amount


TIERS = {
    "tiers": {"of": "platform_commission", "rates": ["1%", "0.5%"]},
    "attribution": {"model": "linear"},
}


def family(terms: dict[str, Any]) -> Shop:
    """Alice and Boris sell; Clara is the parent of both, Dora hers."""
    return Shop(
        state(
            terms,
            partner(4),
            partner(CLARA, parent=4),
            partner(ALICE, parent=CLARA, own="7%"),
            partner(BORIS, parent=CLARA, own="3%"),
        )
    )


def both(shop: Shop, **values: Any) -> dict[Any, int]:
    shop.program.clicks = chain(click(1, day(1), ALICE), click(2, day(2), BORIS))
    shop.paid(1, day(10), line(100_000, quantity=3), visitor_id="v1", **values)
    return shop.commissions(1)


def test_tiers_of_the_platform_commission_are_rounded_once_over_the_children() -> None:
    # 333 over two: 167 and 166; 1 % of 333 = 3.33 → 3, and not 2 + 2
    found = both(family(TIERS), platform_commission_minor=333)
    assert (found[CLARA, "tier", 1], found[4, "tier", 2]) == (3, 2)
    shop = family(TIERS)
    both(shop, platform_commission_minor=30_000)
    shop.tell(1, pieces("r1", day(11), 1))
    assert (shop.commissions(1)[CLARA, "tier", 1], shop.commissions(1)[4, "tier", 2]) == (200, 100)


def test_tiers_of_the_base_follow_the_base_and_not_the_earnings() -> None:
    shop = family({**TIERS, "tiers": {"of": "base", "rates": ["1%"]}})
    assert both(shop)[CLARA, "tier", 1] == 1000
    shop.tell(1, CardChange(day(11), 1, partner_id=ALICE))
    assert shop.commissions(1)[CLARA, "tier", 1] == 1000
    shop.tell(1, CardChange(day(12), 2, by_staff=True, nobody=True))
    assert set(shop.commissions(1).values()) == {0}


@given(
    of=st.sampled_from(["earnings", "base", "platform_commission"]),
    platform=st.integers(0, 99_999),
    gone=st.lists(st.integers(1, 40_000), max_size=4),
)
def test_partial_refunds_end_where_one_does(of: str, platform: int, gone: list[int]) -> None:
    terms = {**TIERS, **SELLERS, "tiers": {"of": of, "rates": ["1.5%", "33.3333%"]}}
    ends = []
    for refunds in (gone, [sum(gone)]):
        if not 0 < sum(gone) <= 100_000:
            return
        shop = family(terms)
        shop.program.sellers = {"s": Seller(ALICE, REGISTERED)}
        both(shop, platform_commission_minor=platform, seller_id="s")
        for number, amount in enumerate(refunds):
            shop.tell(1, Refund(f"r{number}", day(11 + number), amount_minor=amount))
        ends.append(shop.commissions(1))
    assert ends[0] == ends[1]
    assert min(ends[0].values()) >= 0
