"""Periodic runs by the rules alone, and the numbers of a well-known shop module that the same terms give (§11, §16)."""

from typing import Any

from app.rules.facts import Cause, Fact, OrderStatus, merge
from app.rules.fold import apply, calculate
from app.rules.periodic import Credit, Period, credits_of, none_fits, reached_in
from app.rules.state import OwnRates, PartnerState
from tests.unit.rules.build import ALICE, BORIS, CLARA, Shop, day, line, order_state, partner, pieces, state

MARCH = Period(day(1), day(31))
BY_PIECES = {"measure": "quantity", "none_fits": "deactivate"}
AB = [{"code": "a", "from": 3, "rate": "5%"}, {"code": "b", "from": 5, "rate": "10%"}]


class Runs(Shop):
    """A shop under periodic terms whose orders name Alice, and its runs."""

    def sell(self, order_id: int, at: Any, *lines: Any, **values: Any) -> None:
        assert self.tell(order_id, order_state(at, *lines, partner_id=ALICE, **values)) == ()

    def run(self, period: Period = MARCH, deciding: Period | None = None) -> bool:
        """Whether Alice's orders of the period were calculated."""
        facts = {one: merge(one, self.states[one], self.refunds.get(one, ())) for one in self.states}
        orders = {one: order for one, order in facts.items() if order is not None}
        credits: list[Credit] = []
        for one, order in orders.items():
            judgement = self.program.orders[one].judgement
            credits += credits_of(order, judgement, self.program.version(judgement.terms_number).terms)
        mine = [one for one in credits if one.waiting and period.holds(one.paid_at)]
        reached = reached_in(credits, ALICE, deciding or period, self.program.terms[-1].terms)
        if none_fits(self.program, [orders[one.order_id] for one in mine], ALICE, reached):
            return False
        for one in sorted(mine, key=lambda one: one.paid_at):
            fact = Fact(orders[one.order_id], Cause.PAID, "", day(31), 99)
            apply(self.program, calculate(self.program, fact, {ALICE: reached}))
        return bool(mine)


def shop(*partners: PartnerState, **terms: Any) -> Runs:
    calculation = {"mode": "periodic"} | terms.pop("calculation", {})
    return Runs(state({"calculation": calculation} | terms, *(partners or (partner(ALICE),))))


def test_ten_pieces_reach_the_second_plan() -> None:
    one = shop(plan_choice=BY_PIECES, plans=AB)
    one.sell(1, day(5), line(1_000_000, quantity=10))
    assert one.run()
    assert one.direct(1) == {ALICE: 100_000}


def test_two_pieces_fit_no_plan_and_wait() -> None:
    one = shop(plan_choice=BY_PIECES, plans=AB)
    one.sell(1, day(5), line(200_000, quantity=2))
    assert not one.run()
    assert one.direct(1) == {}


def test_no_plan_and_the_level_pays() -> None:
    one = shop(plan_choice={"measure": "quantity"}, plans=AB)
    one.sell(1, day(5), line(200_000, quantity=2))
    assert one.run()
    assert one.direct(1) == {ALICE: 10_000}


def test_own_rate_needs_no_plan() -> None:
    one = shop(partner(ALICE, own="3%"), plan_choice=BY_PIECES, plans=AB)
    one.sell(1, day(5), line(100_000))
    assert one.run()
    assert one.direct(1) == {ALICE: 3_000}


def test_fixed_plan_ignores_its_threshold() -> None:
    rates = (OwnRates(None, None, None, "b"),)
    one = shop(partner(ALICE, own_rates=rates), plan_choice=BY_PIECES, plans=AB)
    one.sell(1, day(5), line(100_000))
    assert one.run()
    assert one.direct(1) == {ALICE: 10_000}


def test_deciding_period_may_be_another_one() -> None:
    one = shop(plan_choice=BY_PIECES, plans=AB)
    one.sell(1, day(5), line(400_000, quantity=4))
    one.sell(2, day(20), line(100_000))
    assert not one.run(Period(day(15), day(31)))
    assert one.run(Period(day(15), day(31)), deciding=MARCH)
    assert (one.direct(1), one.direct(2)) == ({}, {ALICE: 10_000})


def test_borders_of_a_period() -> None:
    one = shop()
    one.sell(1, day(1), line(100_000))
    one.sell(2, day(31), line(100_000))
    assert one.run()
    assert (one.direct(1), one.direct(2)) == ({ALICE: 5_000}, {})


def test_cancelled_pieces_do_not_count_and_refunds_neither() -> None:
    one = shop(plan_choice=BY_PIECES, plans=AB)
    one.sell(1, day(5), line(400_000, quantity=4), status=OrderStatus.CANCELLED, cancelled_at=day(6))
    one.sell(2, day(7), line(400_000, quantity=4))
    one.tell(2, pieces("r", day(8), 1))
    assert one.run()
    assert (one.direct(1), one.direct(2)) == ({ALICE: 0}, {ALICE: 15_000})  # 3 pieces: A


def test_calculated_once_and_taken_back_later() -> None:
    one = shop(plan_choice=BY_PIECES, plans=AB)
    one.sell(1, day(5), line(500_000, quantity=5))
    assert one.run()
    assert not one.run()
    one.tell(1, pieces("r", day(9), 4))
    assert one.direct(1) == {ALICE: 10_000}  # by B still, which the run chose
    one.tell(
        1, order_state(day(12), line(500_000, quantity=5), partner_id=ALICE, status=OrderStatus.CANCELLED)
    )
    assert one.direct(1) == {ALICE: 0}


def test_turnover_is_of_the_days_of_payment_and_refund() -> None:
    one = shop()
    one.sell(1, day(5), line(300_000, quantity=3))
    one.tell(1, pieces("r", day(8), 1))
    assert one.program.partners[ALICE].months == {}
    one.run()
    (month,) = one.program.partners[ALICE].months.values()
    assert (month.moments, month.totals) == ([day(5), day(8)], [300_000, 200_000])


def test_fixed_sum_per_line() -> None:
    one = shop(plans=[{"code": "f", "fixed_minor": 10_000, "per": "line"}])
    lines = [line(1_000, name=str(number), quantity=quantity) for number, quantity in enumerate((2, 1, 5))]
    one.sell(1, day(5), *lines)
    one.run()
    assert one.direct(1) == {ALICE: 30_000}


def test_tiers_are_of_the_sellers_commission_half_up() -> None:
    family = (partner(ALICE, parent=BORIS), partner(BORIS, parent=CLARA), partner(CLARA))
    one = shop(*family, tiers={"rates": ["10%", "5%"]})
    one.sell(1, day(5), line(90_100))
    one.run()
    assert one.commissions(1) == {
        (ALICE, "direct", 0): 4_505,
        (BORIS, "tier", 1): 451,
        (CLARA, "tier", 2): 225,
    }


def test_five_lines_are_rounded_one_by_one() -> None:
    one = shop(calculation={"round": "line"})
    one.sell(1, day(5), *(line(190, name=str(number)) for number in range(5)))
    one.run()
    assert one.direct(1) == {ALICE: 50}


def test_section_rates_of_the_chosen_plan_hold_at_once() -> None:
    plans = [
        {"code": "a", "from": 0, "rate": "5%"},
        {"code": "a12", "from": 0, "rate": "3%", "categories": ["12"]},
        {"code": "b", "from": 5, "rate": "10%"},
        {"code": "b12", "from": 5, "rate": "8%", "categories": ["12"]},
    ]
    one = shop(plan_choice=BY_PIECES, plans=plans)
    one.sell(1, day(5), line(100_000, name="1", categories=("12",)), line(500_000, name="2", quantity=5))
    one.run()
    assert one.direct(1) == {ALICE: 58_000}  # 80.00 + 500.00
