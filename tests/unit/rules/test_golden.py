"""Every published example of ../shared/data/golden is met by some terms, or listed with the reason why it is not.

`MET` says by which terms and where that is tried; `NOT_MET` says what these rules give instead, and why.
"""

import inspect

import pytest

from app.rules.terms import Terms
from app.rules.terms_document import parse_terms
from tests.unit.rules import test_golden_money as money
from tests.unit.rules import test_golden_rates as rates
from tests.unit.rules import test_golden_tree as tree
from tests.unit.rules.build import ALICE, Shop, day, line, partner, state
from tests.unit.rules.golden import credited, examples, expected, given_in, minor, needs_golden

pytestmark = needs_golden

OF_EARNINGS = 'tiers.of = "earnings"'
OF_BASE = 'own rate of the seller, tiers.of = "base"'
BY_TURNOVER = 'levels from 0, 500,000.00, 2,000,000.00, 5,000,000.00; levels_policy.period = "quarter"'
BY_POSITION = 'attribution.model = "position", shares of first and last for this number of touches'
PER_CLICK = 'attribution.model = "linear", linear_per = "click"'
BY_THE_MONTH = 'plans with thresholds, plan_choice.period = "month"'

MET = {
    "seed-01": (OF_EARNINGS, tree.test_tiers_of_the_childs_earnings),
    "seed-02": (
        'plans, plan_choice.prefer = "least_reward"',
        rates.test_seed_02_the_cheaper_plan_for_the_shop,
    ),
    "seed-03": ("a plan fixed for the partner", rates.test_seed_03_unless_the_plan_is_fixed),
    "seed-04": (
        'plan_choice.none_fits = "deactivate"',
        rates.test_seed_04_no_plan_fits_and_the_partner_is_deactivated,
    ),
    "seed-05": (OF_EARNINGS, tree.test_tiers_of_the_childs_earnings),
    **{f"seed-06.{n}": (BY_TURNOVER, money.test_levels_by_the_quarters_turnover) for n in range(1, 8)},
    "seed-07": (BY_TURNOVER, money.test_seed_07_an_order_at_silver),
    "seed-08": (
        'base.exclude = ["shipping", "tax", "discount"]',
        rates.test_seed_08_the_base_without_shipping_coupon_and_tax,
    ),
    "seed-09": (
        "any terms: debt is repaid by what is released next",
        money.test_seed_09_cancelled_after_the_payout,
    ),
    "seed-10": ('bonuses, count = "customers", reach = 50', money.test_seed_10_a_bonus_at_fifty_customers),
    "seed-11": (
        'attribution.model = "linear", a plan with a fixed sum per order',
        tree.test_seed_11_a_reward_over_three_partners,
    ),
    "seed-12": (PER_CLICK, tree.test_seed_12_one_chain_by_three_models),
    "seed-20": (
        'sellers, tiers.of = "platform_commission"',
        tree.test_seed_20_rates_of_the_platform_commission,
    ),
    "seed-21": ("sellers.unlimited_before", tree.test_how_long_a_seller_pays),
    "seed-22": ("sellers.limit_years = 1", tree.test_how_long_a_seller_pays),
    "seed-23": ("sellers.unlimited_before = 2025-04-07", tree.test_how_long_a_seller_pays),
    "seed-24": (
        "own rate, else a plan for the channel",
        rates.test_own_percent_per_channel_else_the_channels_default,
    ),
    "seed-25": (
        "own rate, else a plan for the channel",
        rates.test_own_percent_per_channel_else_the_channels_default,
    ),
    "seed-26": ("sellers", tree.test_seed_26_nobody_brought_the_seller_so_his_parent_earns_nothing),
    "seed-30": ("cashback.rules", money.test_seed_30_and_31_rounded_line_by_line),
    "seed-31": ("cashback.rules", money.test_seed_30_and_31_rounded_line_by_line),
    **{f"seed-3{n}": ('cashback.max_share = "50%"', money.test_how_much_cashback_pays) for n in (2, 3, 4)},
    "seed-35": ("cashback.rules with sort and min_order_minor", money.test_seed_35_the_first_rule_that_fits),
    "seed-36": ("cashback.hold_days and lifetime_days", money.test_seed_36_the_hold_is_not_the_expiry),
    "seed-40": (
        'payout.settle = "deposit", deposit_fee',
        money.test_seed_40_the_fee_of_what_the_deposit_pays,
    ),
    "seed-41": ("any terms: the card's status table", money.test_seed_41_the_shops_statuses_on_the_card),
    **{f"pub-0{n}": (OF_BASE, tree.test_tiers_of_the_order) for n in (1, 2, 4, 6, 7)},
    "pub-03": (OF_EARNINGS, tree.test_tiers_of_the_childs_earnings),
    "pub-10": (OF_EARNINGS, tree.test_tiers_of_the_childs_earnings),
    **{
        f"pub-13.{n}": (
            'plans with thresholds, plan_choice.period = "order"',
            rates.test_rate_by_the_orders_amount,
        )
        for n in (1, 2)
    },
    "pub-14": ("tiers.of, either way", tree.test_pub_14_and_pub_16_the_bases_of_a_tier),
    "pub-16": ("tiers.of, either way", tree.test_pub_14_and_pub_16_the_bases_of_a_tier),
    "pub-17": (BY_POSITION, tree.test_a_commission_divided_by_position),
    "pub-18.1": ('attribution.model = "linear"', tree.test_a_commission_divided_by_position),
    "pub-18.2": (BY_POSITION, tree.test_a_commission_divided_by_position),
    "pub-18.4": (BY_POSITION, tree.test_a_commission_divided_by_position),
    "pub-19": ('base.exclude = ["discount"]', rates.test_pub_19_after_the_codes_discount),
    "pub-21": (
        "base.exclude, the tax told inside the prices",
        rates.test_pub_21_without_discount_shipping_and_tax,
    ),
    "pub-22": (
        "plans by product, the discount told on the lines that it is for",
        rates.test_pub_22_a_percentage_of_its_own_for_one_item,
    ),
    "pub-23": (OF_BASE, tree.test_tiers_of_the_order),
    "pub-24": ('plans, customer = "first" and "repeat"', rates.test_pub_24_first_and_repeat_orders),
    "pub-25": ("any terms", rates.test_pub_25_a_full_refund_leaves_nothing),
    "pub-27": ("any terms, however late", money.test_pub_27_refunded_after_the_payout),
    "pub-28": ("any terms", money.test_pub_28_more_taken_back_than_there_is),
    "pub-38": ("a level's rate", rates.test_percentages),
    "pub-49": (OF_BASE, tree.test_pub_49_rates_that_rise_with_the_depth),
    "pub-57": (BY_POSITION, tree.test_a_commission_divided_by_position),
    "pub-59": ('tiers.of = "base", five rates of 1 %', tree.test_pub_59_a_percent_of_five_tiers_of_five),
    "pub-61": ("a level's rate", rates.test_percentages),
    "pub-64": (BY_THE_MONTH, rates.test_pub_64_a_table_by_the_months_amount),
    "pub-65": (f'{BY_THE_MONTH}, measure = "quantity"', rates.test_pub_65_a_table_by_units_sold),
    "att-01": (PER_CLICK, tree.test_published_paths),
    "att-02": ('attribution.model = "position"', tree.test_published_paths),
    "att-04": ("first_click, last_click, linear per click", tree.test_published_paths),
}
"""Example → the terms that meet it, and the test that proves it."""

MARGINAL = (
    "progressive: each rate holds for the part of the sales inside its bracket; here an order earns at one rate, "
    "that of the level or plan reached"
)
DIFFERENCE = "the difference between the parent's and the child's rates, which depends on both; a tier has one rate for all"
POINTS = "cashback is money, not points; the money is the same"

NOT_MET = {
    "pub-11": "the lower of the payer's and the receiver's plan; a parent's tier does not depend on his own plan",
    **dict.fromkeys(("pub-30", "pub-31", "pub-33", "pub-35", "pub-36", "pub-39"), MARGINAL),
    **dict.fromkeys(("pub-41", "pub-42", "pub-44", "pub-45"), DIFFERENCE),
    "pub-47": "a base of 90 % of the price and sums in whole units; a base is what lines leave, exact to the kopeck",
    **dict.fromkeys(("pub-51", "pub-52", "pub-54"), POINTS),
    "pub-55": "its parts sum to 499.99; here the first of the middle gets the missing 0.01",
    "pub-66": "a rate for 30 days from the day of reaching; levels are kept to the end of a period of the calendar",
    "pub-67": "one table by the number of sales beside one by their amount; a program counts one of them",
    "pub-68": "thresholds over what the partner has earned; levels and plans count what he has sold",
}
"""Example → why no terms meet it."""


def test_every_example_is_in_one_place() -> None:
    everything = examples().keys()
    counted = MET | BY_CUSTOMERS
    assert counted.keys() | NOT_MET.keys() == everything
    assert not counted.keys() & NOT_MET.keys()
    assert all(NOT_MET.values())


def test_each_test_names_the_examples_that_it_proves() -> None:
    for number, (terms, test) in MET.items():
        module = inspect.getmodule(test)
        assert module is not None
        assert terms
        assert f'"{number}"' in inspect.getsource(module), number


@pytest.mark.parametrize("number", sorted(NOT_MET))
def test_what_is_not_met_stands_in_the_file(number: str) -> None:
    assert examples()[number]["kind"]


def test_pub_55_the_parts_sum_to_the_whole() -> None:
    ours = credited({"model": "position"}, [1, 2, 3, 4, 5], 50_000)
    assert ours == [20_000, 3_334, 3_333, 3_333, 20_000]
    assert sum(ours) == 50_000
    assert [minor(part) for part in expected("pub-55")["credit"]] == [20_000, 3_333, 3_333, 3_333, 20_000]


@pytest.mark.parametrize(("number", "value"), [("pub-30", 90_000), ("pub-31", 330_000), ("pub-39", 18_200)])
def test_brackets_pay_at_the_highest_rate_reached(number: str, value: int) -> None:
    """What plans make of the same table: 9,000 at 10 %, 22,000 at 15 %, 1,300 at 14 %."""
    brackets = given_in(number)["tiers"]
    starts = [0, *(end * 100 for end, _ in brackets[:-1])]
    plans = [
        {"code": f"from-{start}", "from": start, "rate": f"{percent}%"}
        for start, (_, percent) in zip(starts, brackets, strict=True)
    ]
    shop = Shop(state({"plans": plans}, partner(ALICE)))
    shop.paid(1, day(10), line(given_in(number)["sales"] * 100), partner_id=ALICE)
    assert shop.direct(1) == {ALICE: value}
    assert minor(expected(number)["commission"]) != value


BY_CUSTOMERS = dict.fromkeys(
    ("pub-58.0", "pub-58.5", "pub-58.50"),
    'levels from 0, 5, 10 … 50 customers at 30 %, 32 %, 34 % … 50 %; levels_policy.count = "customers"',
)


def by_customers() -> Terms:
    """30 % and 2 % more for every five customers, at most 50 %."""
    levels = [{"code": f"n{5 * step}", "from": 5 * step, "rate": f"{30 + 2 * step}%"} for step in range(11)]
    policy = {"count": "customers", "period": "lifetime"}
    return parse_terms({"levels": levels, "levels_policy": policy})


@pytest.mark.parametrize("number", sorted(BY_CUSTOMERS))
def test_pub_58_levels_by_the_number_of_customers(number: str) -> None:
    shop = Shop(state(by_customers().document, partner(ALICE)))
    active = given_in(number)["active_accounts"]
    for customer in range(1, active + 1):
        shop.paid(customer, day(1), line(100), partner_id=ALICE, customer_id=f"c{customer}")
    shop.paid(1_000, day(2), line(10_000), partner_id=ALICE, customer_id="new")
    assert shop.direct(1_000) == {ALICE: expected(number)["percent"] * 100}
