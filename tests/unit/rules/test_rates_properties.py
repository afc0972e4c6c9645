"""Laws of base, plans, fixed sums, caps and conversion, for any terms and any order (rules.md §2, §5, §6, §10, §16)."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.rules.facts import MICRO, Refund, RefundLine
from app.rules.state import CurrencyRate
from tests.unit.rules.build import ALICE, BORIS, CLARA, Shop, chain, click, day, line, partner, state

CATEGORIES = ("phones", "cases")

PAYS = st.one_of(
    st.builds(lambda rate: {"rate": f"{rate}%"}, st.integers(0, 100)),
    st.builds(
        lambda fixed, per: {"fixed_minor": fixed, "per": per},
        st.integers(0, 50_000),
        st.sampled_from(("order", "item", "line")),
    ),
)


@st.composite
def terms_of(draw: st.DrawFn) -> dict[str, Any]:
    """Plans by category and threshold, either rounding, perhaps caps; three partners share by their clicks."""
    plans = [
        {
            "code": f"plan-{number}",
            "from": draw(st.sampled_from((0, 1, 3))),
            "categories": draw(st.sampled_from(([], ["phones"], ["cases"]))),
            "customer": draw(st.sampled_from(("any", "first", "repeat"))),
            **draw(PAYS),
        }
        for number in range(draw(st.integers(0, 3)))
    ]
    return {
        "attribution": {"model": "linear", "linear_per": "click"},
        "base": {"of": draw(st.sampled_from(("order", "platform_commission"))), "exclude": ["tax"]},
        "plans": plans,
        "plan_choice": {
            "measure": "quantity",
            "prefer": draw(st.sampled_from(("highest_threshold", "least_reward"))),
            "none_fits": draw(st.sampled_from(("level", "deactivate"))),
        },
        "calculation": {
            "round": draw(st.sampled_from(("order", "line"))),
            "order_cap_minor": draw(st.sampled_from((0, 10_000))),
            "partner_period_cap_minor": draw(st.sampled_from((0, 7_000))),
        },
    }


LINES = st.lists(
    st.tuples(
        st.integers(0, 100_000),
        st.integers(1, 5),
        st.sampled_from(((), ("phones",), ("cases",), ("cases", "phones"))),
    ),
    min_size=1,
    max_size=4,
)


def shop_of(terms: dict[str, Any]) -> Shop:
    """Three partners; the buyer clicked on two of them, once or twice."""
    program = state(terms, partner(ALICE), partner(BORIS), partner(CLARA))
    program.clicks = chain(click(1, day(1), ALICE), click(2, day(2), BORIS), click(3, day(3), ALICE))
    program.currency_rates["USD", "2026-03-10"] = CurrencyRate("90.1234")
    return Shop(program)


def sell(shop: Shop, lines: list[tuple[int, int, tuple[str, ...]]], currency: str, number: int = 1) -> None:
    """An order of these lines, with shipping in the base."""
    goods = [
        line(total, name=str(place), quantity=pieces, categories=categories)
        for place, (total, pieces, categories) in enumerate(lines)
    ]
    shop.paid(
        number,
        day(10),
        *goods,
        visitor_id="v1",
        customer_id="c-1",
        currency=currency,
        shipping_minor=500,
        platform_commission_minor=sum(total for total, _, _ in lines) // 3,
    )


def base(shop: Shop, number: int = 1) -> int:
    record = shop.program.orders[number]
    return sum(one.base_minor for (_, kind, _), one in record.commissions.items() if kind == "direct")


@given(terms_of(), LINES, st.sampled_from(("RUB", "USD")))
def test_shares_of_the_base_sum_to_the_whole_and_caps_hold(
    terms: dict[str, Any], lines: list[Any], currency: str
) -> None:
    whole = shop_of(terms | {"attribution": {"model": "last_click"}})
    shared = shop_of(terms)
    sell(whole, lines, currency)
    sell(shared, lines, currency)
    assert base(whole) == base(shared)
    cap = terms["calculation"]["order_cap_minor"]
    room = terms["calculation"]["partner_period_cap_minor"]
    amounts = shared.direct(1)
    assert not cap or sum(amounts.values()) <= cap
    assert not room or all(amount <= room for amount in amounts.values())


@given(terms_of(), LINES, st.sampled_from(("RUB", "USD")))
def test_a_full_refund_leaves_nothing(terms: dict[str, Any], lines: list[Any], currency: str) -> None:
    shop = shop_of(terms)
    sell(shop, lines, currency)
    back = tuple(RefundLine(str(place), pieces * MICRO) for place, (_, pieces, _) in enumerate(lines))
    shop.tell(1, Refund("all", day(11), lines=back))
    assert set(shop.commissions(1).values()) <= {0}
    record = shop.program.orders[1]
    assert all(one.base_minor == one.quantity_micro == 0 for one in record.commissions.values())
    for person in shop.program.partners.values():
        for sales in person.sales.values():
            assert (sales.base.total_minor, sales.pieces.total_minor, sales.earned_minor) == (0, 0, 0)


@given(terms_of(), LINES, st.data(), st.sampled_from(("RUB", "USD")))
def test_any_cut_and_order_of_refunds_gives_one_result(
    terms: dict[str, Any], lines: list[Any], data: st.DataObject, currency: str
) -> None:
    taken = [data.draw(st.integers(0, pieces)) for _, pieces, _ in lines]
    at_once = shop_of(terms)
    sell(at_once, lines, currency)
    back = tuple(RefundLine(str(place), number * MICRO) for place, number in enumerate(taken) if number)
    if back:
        at_once.tell(1, Refund("all", day(11), lines=back))
    one_by_one = [
        Refund(f"r{place}-{piece}", day(11), lines=(RefundLine(str(place), MICRO),))
        for place, number in enumerate(taken)
        for piece in range(number)
    ]
    told = data.draw(st.permutations(one_by_one))
    before = data.draw(st.integers(0, len(told)))
    piecewise = shop_of(terms)
    for refund in told[:before]:
        piecewise.tell(1, refund)
    sell(piecewise, lines, currency)
    for refund in told[before:]:
        piecewise.tell(1, refund)
    assert piecewise.commissions(1) == at_once.commissions(1)


@given(terms_of(), LINES, LINES, st.booleans())
def test_corrected_lines_earn_as_if_told_so_at_once(
    terms: dict[str, Any], first: list[Any], second: list[Any], late: bool
) -> None:
    """Whichever of two states comes first: the order is what the later one says."""
    at_once = shop_of(terms)
    sell(at_once, second, "RUB")
    corrected = shop_of(terms)
    sell(corrected, first, "RUB")
    state_of_second = at_once.states[1][0]
    values = {name: getattr(state_of_second, name) for name in type(state_of_second).__slots__}
    values |= {"updated_at": day(12), "digest": "second"}
    corrected.tell(1, type(state_of_second)(**values))
    if late:
        # Another order of the same people in between does not change it.
        sell(corrected, first, "RUB", number=2)
        corrected.tell(1, Refund("nothing", day(13), amount_minor=0))
    positive = {key: amount for key, amount in corrected.commissions(1).items() if amount}
    assert positive == {key: amount for key, amount in at_once.commissions(1).items() if amount}
