"""Published examples of levels, clawbacks, cashback and the deposit's fee (../shared/data/golden)."""

from datetime import UTC, datetime, timedelta

import pytest

from app.commissions.cards import CARD_STATUS
from app.payouts.decisions import paid_postings, request_postings
from app.rules.bonuses import Figures, bonuses_due
from app.rules.cashback import available_from, earned, earned_by_line, expires_at, line_rules
from app.rules.deposit import fee_on
from app.rules.effects import Effects
from app.rules.facts import MICRO, Line, Order, OrderStatus, Refund
from app.rules.fold import apply
from app.rules.postings import post, release
from app.rules.state import State, TermsVersion
from app.rules.terms_document import parse_terms
from app.rules.wallet import TooMuchError, Wallets
from tests.unit.rules.build import ALICE, Shop, day, line, order_state, partner, state
from tests.unit.rules.golden import expected, given_in, minor, needs_golden

pytestmark = needs_golden

LEVELS = [
    {"code": "Starter", "from": 0, "rate": "5%"},
    {"code": "Silver", "from": 50_000_000, "rate": "7%"},
    {"code": "Gold", "from": 200_000_000, "rate": "10%"},
    {"code": "Platinum", "from": 500_000_000, "rate": "12%"},
]


def shop_with(turnover: int) -> Shop:
    """Alice has sold for so much in this quarter."""
    shop = Shop(state({"levels": LEVELS}, partner(ALICE)))
    if turnover:
        shop.paid(1, day(1), line(turnover), partner_id=ALICE)
    return shop


@pytest.mark.parametrize(
    ("number", "turnover", "level", "earned_of_a_thousand"),
    [
        ("seed-06.1", 0, "Starter", 5_000),
        ("seed-06.2", 49_999_999, "Starter", 5_000),
        ("seed-06.3", 50_000_000, "Silver", 7_000),
        ("seed-06.4", 199_999_999, "Silver", 7_000),
        ("seed-06.5", 200_000_000, "Gold", 10_000),
        ("seed-06.6", 499_999_999, "Gold", 10_000),
        ("seed-06.7", 500_000_000, "Platinum", 12_000),
    ],
)
def test_levels_by_the_quarters_turnover(
    number: str, turnover: int, level: str, earned_of_a_thousand: int
) -> None:
    shop = shop_with(turnover)
    shop.paid(2, day(2), line(100_000), partner_id=ALICE)
    (share,) = shop.program.orders[2].judgement.shares
    assert (share.level, shop.direct(2)[ALICE]) == (level, earned_of_a_thousand)
    assert expected(number) == {"level": level, "percent": earned_of_a_thousand // 1_000}
    assert minor(given_in(number)["quarter_turnover"]) == turnover


def test_seed_07_an_order_at_silver() -> None:
    shop = shop_with(50_000_000)
    shop.paid(2, day(2), line(1_000_000), partner_id=ALICE)
    assert shop.direct(2) == {ALICE: 70_000}
    assert minor(expected("seed-07")["commission"]) == 70_000


def paid_out(shop: Shop, amount: int) -> None:
    """A request of all that is available, approved and paid."""
    money = shop.program.partners[ALICE].balances
    assert money.available_minor == amount
    post(shop.program, request_postings(ALICE, amount))
    post(shop.program, paid_postings(ALICE, amount, 0))
    assert (money.available_minor, money.reserved_minor) == (0, 0)


def released(shop: Shop, order_id: int) -> Effects:
    effects = release(shop.program, order_id, day(31))
    apply(shop.program, effects)
    return effects


NOW = {"hold": {"release_on": "paid", "days": 0}}


def test_seed_09_cancelled_after_the_payout() -> None:
    levels = [{"code": "only", "rate": "7%"}]
    shop = Shop(state(NOW | {"levels": levels}, partner(ALICE)))
    shop.paid(1, day(1), line(1_000_000), partner_id=ALICE)
    released(shop, 1)
    paid_out(shop, 70_000)
    gone = order_state(
        day(1),
        line(1_000_000),
        status=OrderStatus.CANCELLED,
        updated_at=day(3),
        digest="gone",
        partner_id=ALICE,
    )
    (change,) = shop.tell(1, gone)
    shop.paid(2, day(4), line(100_000 * 100 // 7), partner_id=ALICE)
    assert (change.amount_delta_minor, shop.direct(2)[ALICE]) == (-70_000, 100_000)
    released(shop, 2)
    money = shop.program.partners[ALICE].balances
    assert (money.debt_minor, money.available_minor) == (0, 30_000)
    assert expected("seed-09") == {"entries": ["-700.00"], "next_payout": "300.00"}


def test_pub_27_refunded_after_the_payout() -> None:
    """However late: there is no clawback period."""
    shop = Shop(state(NOW, partner(ALICE, own="30%")))
    shop.paid(1, day(1), line(100_000), partner_id=ALICE)
    released(shop, 1)
    paid_out(shop, 30_000)
    shop.tell(1, Refund("r", day(1) + timedelta(days=45), amount_minor=100_000))
    assert shop.program.partners[ALICE].balances.debt_minor == 30_000
    assert expected("pub-27") == {"commission": 300, "next_payout": -300}


def test_pub_28_more_taken_back_than_there_is() -> None:
    """Available 500.00, clawed back 700.00: debt 200.00, which the next commissions repay first."""
    shop = Shop(state(NOW, partner(ALICE, own="100%")))
    shop.paid(1, day(1), line(70_000), partner_id=ALICE)
    released(shop, 1)
    paid_out(shop, 70_000)
    shop.paid(2, day(2), line(50_000), partner_id=ALICE)
    released(shop, 2)
    shop.tell(1, Refund("r", day(3), amount_minor=70_000))
    money = shop.program.partners[ALICE].balances
    assert (money.available_minor, money.debt_minor) == (0, 20_000)
    assert expected("pub-28") == {"balance_after": -200, "must_earn_before_payout": 200}


def test_seed_10_a_bonus_at_fifty_customers() -> None:
    """Once over all time: what is due is given when it was not given before."""
    terms = parse_terms(
        {"bonuses": [{"code": "fifty", "count": "customers", "reach": 50, "reward_minor": 500_000}]}
    )
    given: set[tuple[str, str]] = set()
    times = []
    for customers in given_in("seed-10")["attracted_customers"]:
        reached = Figures(customers, customers, 0)
        given |= {(one.code, one.period) for one in bonuses_due(ALICE, terms, reached, reached, "2026-01-01")}
        times.append(len(given))
    assert times == [0, 1, 1]
    assert times == expected("seed-10")["bonus_paid_times"]


AT = datetime(2026, 3, 10, 9, tzinfo=UTC)


def bought(*lines: Line, status: OrderStatus = OrderStatus.FULFILLED) -> Order:
    fulfilled_at = AT if status is OrderStatus.FULFILLED else None
    told = order_state(
        AT, *lines, status=status, customer_id="c", fulfilled_at=fulfilled_at, paid_at=fulfilled_at
    )
    return Order(1, told)


def goods(*totals: int, quantity: int = 1) -> tuple[Line, ...]:
    return tuple(Line(str(place), quantity * MICRO, total) for place, total in enumerate(totals, start=1))


def test_seed_30_and_31_rounded_line_by_line() -> None:
    five = parse_terms({"cashback": {"rules": [{"code": "all", "rate": "5%"}]}})
    one = parse_terms({"cashback": {"rules": [{"code": "all", "rate": "1%"}]}})
    assert earned(bought(*goods(59_997, quantity=3)), five) == 3_000
    assert minor(expected("seed-30")["cashback"]) == 3_000
    assert earned_by_line(bought(*goods(50, 50, 50)), one) == [1, 1, 1]
    told = expected("seed-31")
    assert ([minor(part) for part in told["per_line"]], minor(told["order"])) == ([1, 1, 1], 3)


@pytest.mark.parametrize(
    ("number", "balance", "most"),
    [("seed-32", 70_000, 50_000), ("seed-33", 30_000, 30_000), ("seed-34", 0, 0)],
)
def test_how_much_cashback_pays(number: str, balance: int, most: int) -> None:
    """The page takes what is possible of 600.00; here more is refused, and the answer says how much is possible."""
    terms = parse_terms({"cashback": {"max_share": "50%", "rules": [{"code": "all", "rate": "100%"}]}})
    versions = State(terms=[TermsVersion(1, AT, terms)])
    wallets = Wallets()
    if balance:
        wallets.told(bought(*goods(balance)), "earned", versions, AT)
        wallets.release(1, "c", "earned", terms, AT)
    order = Order(2, bought(*goods(100_000), status=OrderStatus.PLACED).state)
    with pytest.raises(TooMuchError) as refused:
        wallets.reserve("2", "c", 60_000, AT, order, terms)
    possible = min(refused.value.most_minor, wallets.spendable("c", AT))
    assert possible == most
    if most:
        wallets.reserve("2", "c", most, AT, order, terms)
        assert minor(expected(number)["spent"]) == most == balance - wallets.spendable("c", AT)
    else:
        assert "error" in expected(number)


def test_seed_35_the_first_rule_that_fits() -> None:
    rules = [
        {"code": "two", "rate": "2%", "sort": 100},
        {"code": "five", "rate": "5%", "sort": 20, "min_order_minor": 50_000},
        {"code": "ten", "condition": "product", "values": ["p"], "rate": "10%", "sort": 10},
    ]
    terms = parse_terms({"cashback": {"rules": rules}})
    percents = []
    for total in given_in("seed-35")["order_total"]:
        (rule,) = line_rules(bought(*goods(total * 100)).state, terms)
        assert rule is not None
        percents.append(rule.rate_ppm // 10_000)
    assert percents == [2, 5]
    assert percents == expected("seed-35")["percent"]


def test_seed_36_the_hold_is_not_the_expiry() -> None:
    """14 days of hold, and by default no expiry; with one, it counts from the day of becoming available."""
    terms = parse_terms({"cashback": {"hold_days": 14, "rules": [{"code": "all", "rate": "5%"}]}})
    from_at = available_from(bought(*goods(10_000)), terms)
    assert from_at == AT + timedelta(days=14)
    assert expires_at(from_at, -1, terms.zone) is None
    lapses = expires_at(from_at, 30, terms.zone)
    assert lapses is not None
    assert lapses > from_at
    assert "keep hold date and expiry date apart" in expected("seed-36")["note"]


def test_seed_40_the_fee_of_what_the_deposit_pays() -> None:
    fees = []
    for through_service in given_in("seed-40")["settled_through_service"]:
        settle = "deposit" if through_service else "merchant"
        payout = parse_terms({"payout": {"settle": settle, "deposit_fee": "15%"}}).payout
        fees.append(fee_on(100_000, payout.deposit_fee_ppm) if payout.by_deposit else 0)
    assert fees == [15_000, 0]
    assert fees == [minor(fee) for fee in expected("seed-40")["fee"]]


def test_seed_41_the_shops_statuses_on_the_card() -> None:
    statuses = [CARD_STATUS[status] for status in ("paid", "fulfilled", "cancelled")]
    assert statuses == ["agreed", "approved", "cancelled"]
    for ours, theirs in zip(statuses, expected("seed-41")["deal"], strict=True):
        assert theirs.startswith(ours)
