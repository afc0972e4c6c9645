"""Published examples of base, plans, rates and rounding (../shared/data/golden): which terms meet which example."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from app.rules.facts import Channel, Refund
from app.rules.rates import NONE_FITS
from app.rules.state import OwnRates, PartnerState
from tests.unit.rules.build import ALICE, Shop, day, line, partner, state

GOLDEN = Path(__file__).parents[4] / "shared" / "data" / "golden" / "golden_examples.json"

pytestmark = pytest.mark.skipif(not GOLDEN.is_file(), reason="../shared/data/golden is not there")

A_AND_B = [{"code": "A", "rate": "5%", "from": 3}, {"code": "B", "rate": "10%", "from": 5}]
BY_PIECES = {"measure": "quantity", "prefer": "least_reward", "none_fits": "deactivate"}


def example(number: str) -> dict[str, Any]:
    """What is given and expected."""
    found = next(one for one in json.loads(GOLDEN.read_text()) if one["id"] == number)
    return {"given": found["given"], "expect": found["expect"]}


def sold(terms: Mapping[str, Any], *lines: Any, who: PartnerState | None = None, **values: Any) -> Shop:
    """One paid order of Alice's under these terms."""
    shop = Shop(state(terms, who or partner(ALICE)))
    shop.paid(1, day(10), *lines, partner_id=ALICE, **values)
    return shop


def earned(shop: Shop, order_id: int = 1) -> int:
    """Alice's commission."""
    return shop.program.orders[order_id].commissions[(ALICE, "direct", 0)].amount_minor


def level(rate: str) -> dict[str, Any]:
    return {"levels": [{"code": "only", "rate": rate}]}


def test_seed_02_the_cheaper_plan_for_the_shop() -> None:
    golden = example("seed-02")
    shop = sold(
        {"plans": A_AND_B, "plan_choice": BY_PIECES},
        line(100_000, quantity=golden["given"]["sale_qty"]),
    )
    (share,) = shop.program.orders[1].judgement.shares
    assert (share.plan, share.rate_ppm) == (golden["expect"]["plan"], golden["expect"]["percent"] * 10_000)


def test_seed_03_unless_the_plan_is_fixed() -> None:
    golden = example("seed-03")
    fixed = partner(ALICE, own_rates=(OwnRates(None, None, None, golden["given"]["affiliate_plan"]),))
    shop = sold(
        {"plans": A_AND_B, "plan_choice": BY_PIECES},
        line(100_000, quantity=golden["given"]["sale_qty"]),
        who=fixed,
    )
    (share,) = shop.program.orders[1].judgement.shares
    assert (share.plan, share.rate_ppm) == (golden["expect"]["plan"], golden["expect"]["percent"] * 10_000)


def test_seed_04_no_plan_fits_and_the_partner_is_deactivated() -> None:
    golden = example("seed-04")
    shop = sold(
        {"plans": A_AND_B, "plan_choice": BY_PIECES},
        line(100_000, quantity=golden["given"]["sale_qty"]),
    )
    (share,) = shop.program.orders[1].judgement.shares
    assert golden["expect"]["plan"] is None
    assert (share.plan, share.passed[-1].reason, earned(shop)) == ("", NONE_FITS, 0)
    assert not shop.program.partners[ALICE].is_active(day(10))


def test_seed_08_the_base_without_shipping_coupon_and_tax() -> None:
    assert example("seed-08")["expect"] == {"base": "8333.33", "commission": "416.67"}
    # 12,500.00 charged with shipping and before the coupon: 12,000.00 of goods.
    shop = sold(
        level("5%"), line(1_200_000), shipping_minor=50_000, discount_minor=200_000, tax_minor=166_667
    )
    assert shop.program.orders[1].commissions[(ALICE, "direct", 0)][:2] == (833_333, 41_667)


@pytest.mark.parametrize(
    ("number", "channel", "default"),
    [("seed-24", Channel.EXTERNAL, "20%"), ("seed-25", Channel.DIRECT, "30%")],
)
def test_own_percent_per_channel_else_the_channels_default(
    number: str, channel: Channel, default: str
) -> None:
    """The default of a channel is a plan for it; the own percent of one channel says nothing about the other."""
    rates = [20, 15] if number == "seed-24" else [30, 35]
    assert example(number)["expect"]["L1_percent"] == rates
    terms = {"plans": [{"code": "default", "channel": channel.value, "rate": default}]}
    for own, percent in zip((None, rates[1] * 10_000), rates, strict=True):
        setting = OwnRates(None, own, 150_000 if own is None else None)
        if channel is Channel.DIRECT:
            setting = OwnRates(None, 150_000, own)
        shop = sold(terms, line(100_000), who=partner(ALICE, own_rates=(setting,)), channel=channel)
        assert earned(shop) == percent * 1_000


@pytest.mark.parametrize(("number", "order"), [("pub-13.1", 2_500), ("pub-13.2", 7_500)])
def test_rate_by_the_orders_amount(number: str, order: int) -> None:
    """Thresholds over the order itself; the highest reached wins."""
    plans = [
        {"code": "small", "rate": "10%"},
        {"code": "middle", "from": 5_000, "rate": "15%"},
        {"code": "large", "from": 10_000, "rate": "20%"},
    ]
    shop = sold({"plans": plans, "plan_choice": {"period": "order"}}, line(order))
    assert earned(shop) == round(example(number)["expect"]["commission"] * 100)


def test_pub_19_after_the_codes_discount() -> None:
    assert example("pub-19")["expect"] == {"link": 1.0, "code": 0.9}
    assert earned(sold(level("10%"), line(1_000))) == 100
    assert earned(sold(level("10%"), line(1_000), discount_minor=100)) == 90


def test_pub_21_without_discount_shipping_and_tax() -> None:
    assert example("pub-21")["expect"]["base"] == 100
    # The page adds tax on top of 110 − 10 + 10; prices here include it, so 15 is inside a line of 125.
    shop = sold(level("15%"), line(12_500), discount_minor=1_000, shipping_minor=1_000, tax_minor=1_500)
    assert shop.program.orders[1].commissions[(ALICE, "direct", 0)][:2] == (10_000, 1_500)


def test_pub_22_a_percentage_of_its_own_for_one_item() -> None:
    """The page takes the cart's discount from the items without a percentage of their own: the shop sends it by line."""
    assert example("pub-22")["expect"]["total"] == 1.9
    plans = [{"code": "common", "rate": "20%"}, {"code": "C", "products": ["C"], "rate": "10%"}]
    goods = (
        line(225, name="A", discount_minor=75, product="A"),
        line(375, name="B", discount_minor=125, product="B"),
        line(700, name="C", product="C"),
    )
    assert earned(sold({"plans": plans}, *goods, tax_minor=0, shipping_minor=200)) == 190


def test_pub_24_first_and_repeat_orders() -> None:
    golden = example("pub-24")
    plans = [
        {"code": "program", "rate": "10%", "customer": "repeat"},
        {"code": "first", "rate": "20%", "customer": "first"},
    ]
    shop = Shop(state({"plans": plans}, partner(ALICE)))
    for number, percent in enumerate(golden["expect"]["percent"], start=1):
        shop.paid(number, day(number), line(10_000), partner_id=ALICE, customer_id="c-1")
        assert earned(shop, number) == percent * 100


def test_pub_25_a_full_refund_leaves_nothing() -> None:
    assert example("pub-25")["expect"]["net"] == 0
    shop = sold(level("15%"), line(8_000))
    assert earned(shop) == 1_200
    shop.tell(1, Refund("r1", day(11), 8_000))
    assert earned(shop) == 0


@pytest.mark.parametrize(
    ("number", "sale", "rate"), [("pub-38", 26_500, "12%"), ("pub-61", 1_000_000, "20%")]
)
def test_percentages(number: str, sale: int, rate: str) -> None:
    assert earned(sold(level(rate), line(sale))) == round(example(number)["expect"]["commission"] * 100)


def test_pub_64_a_table_by_the_months_amount() -> None:
    """Each order earns at the highest threshold that the month has reached with it."""
    table = example("pub-64")["given"]["tiers"]
    plans = [
        {"code": f"from-{start}", "from": start * 100, "rate": f"{percent}%"} for start, percent in table
    ]
    shop = Shop(state({"plans": plans}, partner(ALICE)))
    for number, (_, percent) in enumerate(table[1:], start=1):
        shop.paid(number, day(number), line(100_000), partner_id=ALICE)
        assert earned(shop, number) == percent * 1_000


def test_pub_65_a_table_by_units_sold() -> None:
    table = example("pub-65")["given"]["tiers"]
    plans = [{"code": f"from-{start}", "from": start, "rate": f"{percent}%"} for start, percent in table]
    terms = {"plans": plans, "plan_choice": {"measure": "quantity"}}
    shop = Shop(state(terms, partner(ALICE)))
    for number, units in enumerate((623, 1, 624, 1248), start=1):
        shop.paid(number, day(number), line(10_000, quantity=units), partner_id=ALICE)
        assert earned(shop, number) == table[number - 1][1] * 100
