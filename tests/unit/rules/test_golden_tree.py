"""Published examples of tiers, marketplaces and divided credits (../shared/data/golden): which terms meet which."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.rules.state import ParentSince, PartnerState, Seller
from tests.unit.rules.build import ALICE, BORIS, Shop, chain, click, day, line, order_state, partner, state
from tests.unit.rules.golden import credited, expected, given_in, minor, needs_golden, sold_in_tree

pytestmark = needs_golden
MOSCOW = ZoneInfo("Europe/Moscow")


@pytest.mark.parametrize(
    ("number", "total", "own", "tiers", "earned"),
    [
        ("seed-01", 1_000_000, "10%", ["10%", "5%"], {"B": 10_000, "A": 5_000}),
        ("seed-05", 1_000_000, "10%", ["5%"], {"Rick_from_Mike": 5_000}),
        ("pub-03", 10_000, "20%", ["10%"], {"Jane": 2_000, "Bob": 200}),
        ("pub-10", 10_000, "10%", ["20%", "15%"], {"affiliate": 1_000, "parent1": 200, "parent2": 150}),
    ],
)
def test_tiers_of_the_childs_earnings(
    number: str, total: int, own: str, tiers: list[str], earned: dict[str, int]
) -> None:
    """`tiers.of = "earnings"`: all tiers refer to the seller's commission."""
    came = sold_in_tree(total, own, {"of": "earnings", "rates": tiers}, len(tiers) + 1)
    assert came[-len(earned) :] == list(earned.values())
    told = {name: minor(amount) for name, amount in expected(number).items() if name != "total"}
    assert earned == told


@pytest.mark.parametrize(
    ("number", "total", "own", "tiers", "earned"),
    [
        ("pub-01", 10_000, "20%", ["10%", "5%", "3%", "2%"], [2_000, 1_000, 500, 300, 200]),
        ("pub-02", 10_000, "20%", ["10%", "5%", "3%", "2%"], [2_000, 1_000, 500]),
        ("pub-04", 10_000, "30%", ["20%", "5%"], [3_000, 2_000, 500]),
        ("pub-06", 10_000, "10%", ["2%", "1%"], [1_000, 200, 100]),
        ("pub-07", 10_000, "10%", ["2%", "1%"], [1_000, 200, 100, 0]),
        ("pub-23", 9_700, "30%", ["5%"], [2_910, 485]),
    ],
)
def test_tiers_of_the_order(number: str, total: int, own: str, tiers: list[str], earned: list[int]) -> None:
    """The page's first tier is the seller's own rate, the others are `tiers.of = "base"`."""
    assert sold_in_tree(total, own, {"of": "base", "rates": tiers}, len(earned)) == earned
    told = expected(number)
    amounts = told["tiers"] if "tiers" in told else [told[name] for name in told if name != "total"]
    assert earned == [minor(amount) for amount in amounts]
    assert minor(told.get("total", sum(map(minor, amounts)) / 100)) == sum(earned)


def test_pub_49_rates_that_rise_with_the_depth() -> None:
    """E sells, at no rate of his own; A is below the last tier."""
    came = sold_in_tree(10_000, "0%", {"of": "base", "rates": ["5%", "7%", "10%"]}, 5)
    assert came == [0, 500, 700, 1_000, 0]
    assert came[1:] == [minor(amount) for amount in expected("pub-49").values()]


def test_pub_14_and_pub_16_the_bases_of_a_tier() -> None:
    """The same rates of earnings and of the base."""
    of_child = sold_in_tree(10_000, "15%", {"of": "earnings", "rates": ["10%"]}, 2)[1]
    of_order = sold_in_tree(10_000, "15%", {"of": "base", "rates": ["10%"]}, 2)[1]
    assert (of_child, of_order) == (150, 1_000)
    told = expected("pub-14")
    assert (of_child, of_order) == (minor(told["of_child_earnings"]), minor(told["of_order"]))
    network = ["5%", "4%", "2%"]
    by_commission = sold_in_tree(100_000, "10%", {"of": "earnings", "rates": network}, 4)
    by_order = sold_in_tree(100_000, "10%", {"of": "base", "rates": network}, 4)
    assert (by_commission, by_order) == ([10_000, 500, 400, 200], [10_000, 5_000, 4_000, 2_000])
    told = expected("pub-16")
    assert by_commission[1:] == [minor(one) for one in told["on_program_commission"]]
    assert by_order[1:] == [minor(one) for one in told["on_order"]]


def test_pub_59_a_percent_of_five_tiers_of_five() -> None:
    """Everybody below sells for 500.00; the root earns 1 % of the base of five tiers."""
    width, depth = 5, 5
    partners = [PartnerState(1, "p1")]
    below = [1]
    for _ in range(depth):
        above, below = below, []
        for parent in above:
            for _ in range(width):
                number = len(partners) + 1
                partners.append(PartnerState(number, f"p{number}", parents=(ParentSince(None, parent),)))
                below.append(number)
    shop = Shop(state({"tiers": {"of": "base", "rates": ["1%"] * depth}}, *partners))
    levels = [0] * depth
    for number in range(2, len(partners) + 1):
        shop.paid(number, day(10), line(50_000), partner_id=number)
        for (who, kind, tier), amount in shop.commissions(number).items():
            if (who, kind) == (1, "tier"):
                levels[tier - 1] += amount
    assert levels == [2_500, 12_500, 62_500, 312_500, 1_562_500]
    told = expected("pub-59")
    assert (levels, sum(levels)) == ([minor(one) for one in told["levels"]], minor(told["total"]))


def marketplace(registered_at: datetime, **terms: Any) -> Shop:
    """Alice, below Boris, brought the school."""
    shop = Shop(state({"sellers": {}} | terms, partner(ALICE, parent=BORIS, own="0%"), partner(BORIS)))
    shop.program.sellers = {"school": Seller(ALICE, registered_at)}
    return shop


def dealt(shop: Shop, number: int, at: datetime, kind: str = "sale") -> dict[tuple[str, int], int]:
    """What a deal with a platform commission of 10,000.00 pays, by kind and partner."""
    told = order_state(
        at,
        line(5_000_000),
        partner_id=ALICE,
        platform_commission_minor=1_000_000,
        seller_id="school",
        sale_kind=kind,
    )
    shop.tell(number, told)
    return {(name, who): amount for (who, name, _), amount in shop.commissions(number).items()}


def test_seed_20_rates_of_the_platform_commission() -> None:
    shop = marketplace(day(1), tiers={"of": "platform_commission", "rates": ["1%"]})
    first, later = dealt(shop, 1, day(10), "placement"), dealt(shop, 2, day(11))
    assert first == {
        ("direct", ALICE): 0,
        ("tier", BORIS): 10_000,
        ("seller", ALICE): 200_000,
        ("seller_parent", BORIS): 50_000,
    }
    assert later["seller", ALICE] == 100_000
    told = expected("seed-20")
    assert first["tier", BORIS] == minor(told["L2"])
    assert first["seller_parent", BORIS] == minor(told["A2"])
    assert first["seller", ALICE] == minor(told["A1_placement"])
    assert later["seller", ALICE] == minor(told["A1_next_sales"])


@pytest.mark.parametrize(
    ("number", "registered", "deal", "due"),
    [
        ("seed-21", "2024-03-15", "2031-01-01", True),
        ("seed-22", "2025-04-15", "2026-04-14", True),
        ("seed-22", "2025-04-15", "2026-04-15", False),  # the boundary is ours: exclusive
        ("seed-22", "2025-04-15", "2026-05-01", False),
        ("seed-23", "2025-04-06T23:59:59", "2027-01-01", True),
        ("seed-23", "2025-04-07T00:00:00", "2027-01-01", False),
    ],
)
def test_how_long_a_seller_pays(number: str, registered: str, deal: str, due: bool) -> None:
    """`unlimited_before = 2025-04-07`, `limit_years = 1`, days of the program's zone."""
    shop = marketplace(datetime.fromisoformat(registered).replace(tzinfo=MOSCOW))
    paid = dealt(shop, 1, datetime.fromisoformat(deal).replace(tzinfo=MOSCOW))
    assert (("seller", ALICE) in paid, ("seller_parent", BORIS) in paid) == (due, due)
    told, given = expected(number), given_in(number)
    if number == "seed-21":
        assert told == {"A1": due, "A2": due}
    elif number == "seed-22":
        at = told["A1"][given["deals_at"].index(deal)]
        assert at == ("boundary: decide" if deal == "2026-04-15" else due)
    else:
        moment = registered.replace("T", " ")
        assert told["limited_to_one_year"][given["author_registered"].index(moment)] is not due


def test_seed_26_nobody_brought_the_seller_so_his_parent_earns_nothing() -> None:
    shop = marketplace(day(1))
    shop.program.sellers["school"] = Seller(None, day(1))
    assert set(dealt(shop, 1, day(10))) == {("direct", ALICE)}
    assert expected("seed-26") == {"A2": None}


def test_seed_11_a_reward_over_three_partners() -> None:
    """`linear`, a fixed sum per order: 100.00 are split, the missing kopeck goes to the earlier click."""
    terms = {
        "attribution": {"model": "linear"},
        "plans": [{"code": "r", "fixed_minor": 10_000, "per": "order"}],
    }
    shop = Shop(state(terms, *(PartnerState(number, f"p{number}") for number in (1, 2, 3))))
    shop.program.clicks = chain(*(click(number, day(number), number) for number in (1, 2, 3)))
    shop.paid(1, day(10), line(77_777), visitor_id="v1")
    assert shop.direct(1) == {1: 3_334, 2: 3_333, 3: 3_333}
    assert list(shop.direct(1).values()) == [minor(one) for one in expected("seed-11").values()]


def test_seed_12_one_chain_by_three_models() -> None:
    """`linear_per = "click"` as the example; `"partner"` gives each a third."""
    touched = [1, 2, 1, 3]
    assert credited({"model": "last_click"}, touched, 1_200) == [0, 0, 1_200]
    assert credited({"model": "first_click"}, touched, 1_200) == [1_200, 0, 0]
    assert credited({"model": "linear", "linear_per": "click"}, touched, 1_200) == [600, 300, 300]
    assert credited({"model": "linear", "linear_per": "partner"}, touched, 1_200) == [400, 400, 400]
    told = expected("seed-12")
    assert (told["last"], told["first"]) == ("P3", "P1")
    assert list(told["linear"].values()) == ["1/2", "1/4", "1/4"]


LETTERS = {"a": 1, "b": 2, "x": 1, "y": 2, "A": 1, "B": 2}


@pytest.mark.parametrize(
    ("number", "terms", "name", "sums"),
    [
        ("att-01", {"model": "linear", "linear_per": "click"}, "linear_per_touch", [4, 2]),
        ("att-02", {"model": "position"}, "position_based", [5, 5]),
        ("att-04", {"model": "first_click"}, "first", [3, 0]),
        ("att-04", {"model": "last_click"}, "last", [3, 0]),
        ("att-04", {"model": "linear", "linear_per": "click"}, "linear", ["2.1", "0.9"]),
    ],
)
def test_published_paths(number: str, terms: dict[str, Any], name: str, sums: list[Any]) -> None:
    """Each conversion is an order of 30.00, so that thirds, fifths and sixths are whole."""
    total, value = [0, 0], 3_000
    for path, times in given_in(number)["paths"].items():
        touched = [LETTERS[letter] for letter in path.split(" > ")]
        one = credited(terms, touched, value)
        for place, amount in enumerate(one):
            total[place] += amount * times
    assert total == [minor(one) * value // 100 for one in sums]
    assert list(expected(number)[name].values()) == sums


@pytest.mark.parametrize(
    ("number", "terms", "total", "own", "earned"),
    [
        # 25 + 75/5 and 50 … : the first's and the last's bonus and their equal parts of the rest, for five touches.
        ("pub-17", {"model": "position", "position": {"first": "30%", "last": "55%"}}, 10_000, "100%", [3_000, 500, 500, 500, 5_500]),
        ("pub-18.1", {"model": "linear"}, 12_000, "30%", [1_200, 1_200, 1_200]),
        ("pub-18.2", {"model": "position", "position": {"first": "40%", "last": "30%"}}, 12_000, "30%", [1_440, 1_080, 1_080]),
        ("pub-18.4", {"model": "position", "position": {"first": "41.6667%", "last": "31.6667%"}}, 12_000, "30%", [1_500, 960, 1_140]),
        ("pub-57", {"model": "position"}, 10_000, "100%", [4_000, 1_000, 1_000, 4_000]),
    ],
)  # fmt: skip
def test_a_commission_divided_by_position(
    number: str, terms: dict[str, Any], total: int, own: str, earned: list[int]
) -> None:
    """The pages divide equally what the bonuses leave; here first and last are shares of the whole."""
    assert credited(terms, range(1, len(earned) + 1), total, own) == earned
    told = expected(number)
    if number == "pub-17":
        assert [earned[0], earned[1], earned[-1]] == [
            minor(told[name]) for name in ("first", "middle", "last")
        ]
    else:
        amounts = told["credit"] if "credit" in told else told.values()
        assert earned == [minor(amount) for amount in amounts]
