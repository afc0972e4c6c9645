"""What must hold whatever happens to an order: the facts of one order commute, and what is left is never below zero."""

from datetime import datetime
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.rules.clawback import refund_problem
from app.rules.facts import (
    MICRO,
    CardChange,
    Cause,
    Fact,
    Line,
    OrderState,
    OrderStatus,
    Refund,
    RefundLine,
    merge,
)
from app.rules.fold import apply, judge
from app.rules.judgement import Judgement
from app.rules.postings import release
from app.rules.state import MonthTurnover, OrderRecord, State
from tests.unit.rules.build import (
    ALICE,
    BORIS,
    CLARA,
    Shop,
    chain,
    click,
    day,
    later,
    order_state,
    partner,
    state,
)

Told = OrderState | Refund | CardChange

LEFT_OUT = st.lists(st.sampled_from(["shipping", "tax", "discount", "cashback_spent"]), unique=True)
MODELS = st.sampled_from(["last_click", "first_click", "linear"])


@st.composite
def programs(draw: st.DrawFn) -> dict[str, Any]:
    """Terms: any model, any base, any rounding, with and without tiers."""
    return {
        "attribution": {
            "model": draw(MODELS),
            "linear_per": draw(st.sampled_from(["partner", "click"])),
        },
        "base": {"exclude": draw(LEFT_OUT)},
        "calculation": {"round": draw(st.sampled_from(["order", "line"]))},
        "tiers": {"rates": draw(st.sampled_from([[], ["10%"], ["33.3333%", "5%"]]))},
        "hold": {"release_on": "paid", "days": draw(st.integers(0, 5))},
    }


def program_of(terms: dict[str, Any]) -> State:
    """Three partners of one family, all in the chain, each at another rate."""
    program = state(
        terms,
        partner(CLARA, own="7.5%"),
        partner(BORIS, parent=CLARA, own="33.3333%"),
        partner(ALICE, parent=BORIS),
    )
    touched = (BORIS, ALICE, ALICE, CLARA)
    program.clicks = chain(*(click(number, day(number), who) for number, who in enumerate(touched, start=1)))
    return program


@st.composite
def order_lines(draw: st.DrawFn) -> tuple[Line, ...]:
    """Up to four lines; totals that do and do not divide."""
    lines = []
    for number in range(draw(st.integers(1, 4))):
        total = draw(st.integers(0, 5000))
        lines.append(
            Line(
                str(number),
                draw(st.integers(1, 7)) * MICRO,
                total,
                tax_minor=draw(st.integers(0, total // 5)),
                discount_minor=draw(st.integers(0, 100)),
            )
        )
    return tuple(lines)


def paid_state(lines: tuple[Line, ...], at: datetime, **values: Any) -> OrderState:
    """One message of the shop about the order of these tests."""
    told = {"placed_at": day(9), "paid_at": day(10), "visitor_id": "v1", "fulfilled_at": None} | values
    return order_state(at, *lines, **told)


@st.composite
def partial_refunds(draw: st.DrawFn, told: OrderState) -> list[Refund]:
    """Refunds that can be true, of pieces, of lines' amounts and of amounts without lines."""
    refunds: list[Refund] = []
    for number in range(draw(st.integers(0, 5))):
        at = later(day(10), hours=draw(st.integers(-30, 200)))
        one = draw(st.sampled_from(told.lines))
        kind = draw(st.sampled_from(["pieces", "line", "amount"]))
        if kind == "pieces":
            parts = (RefundLine(one.external_id, draw(st.integers(1, one.quantity_micro // MICRO)) * MICRO),)
            refund = Refund(f"r{number}", at, lines=parts)
        elif kind == "line":
            parts = (RefundLine(one.external_id, None, draw(st.integers(1, max(1, one.total_minor)))),)
            refund = Refund(f"r{number}", at, lines=parts)
        else:
            refund = Refund(f"r{number}", at, amount_minor=draw(st.integers(1, 8000)))
        if refund_problem(told, refunds, refund) is None:
            refunds.append(refund)
    return refunds


@st.composite
def orders(draw: st.DrawFn) -> list[Told]:
    """All facts of one order: states (some cancelled or changed), refunds, perhaps a card change."""
    lines = draw(order_lines())
    extra = {
        "shipping_minor": draw(st.integers(0, 500)),
        "discount_minor": draw(st.integers(0, 300)),
        "tax_minor": draw(st.integers(0, 300)),
        "cashback_spent_minor": draw(st.integers(0, 300)),
    }
    first = paid_state(lines, day(10), **extra)
    facts: list[Told] = [first, *draw(partial_refunds(first))]
    for number in range(draw(st.integers(0, 3))):
        at = later(day(11), hours=number)
        match draw(st.sampled_from(["fulfilled", "cancelled", "unpaid", "changed", "named"])):
            case "fulfilled":
                told = paid_state(lines, at, status=OrderStatus.FULFILLED, fulfilled_at=at, **extra)
            case "cancelled":
                told = paid_state(lines, at, status=OrderStatus.CANCELLED, cancelled_at=at, **extra)
            case "unpaid":
                told = paid_state(lines, at, status=OrderStatus.PLACED, paid_at=None, **extra)
            case "changed":
                told = paid_state(draw(order_lines()), at, **extra)
            case _:
                told = paid_state(lines, at, partner_id=draw(st.sampled_from([ALICE, BORIS, None])), **extra)
        facts.append(told)
    if draw(st.booleans()):
        facts.append(CardChange(day(20), 1, partner_id=draw(st.sampled_from([ALICE, CLARA]))))
    return facts


def told_in(terms: dict[str, Any], facts: list[Told]) -> Shop:
    shop = Shop(program_of(terms))
    for fact in facts:
        shop.tell(1, fact)
    return shop


def nonzero(shop: Shop) -> dict[tuple[int, str, int], int]:
    return {key: amount for key, amount in shop.commissions(1).items() if amount}


def assert_in_order(shop: Shop) -> None:
    """What is booked equals what is recorded, nowhere below zero."""
    program = shop.program
    record = program.orders.get(1)
    if record is None:
        return
    for partner_id, who in program.partners.items():
        booked = sum(change.amount_delta_minor for change in shop.changes if change.partner_id == partner_id)
        recorded = sum(one.amount_minor for key, one in record.commissions.items() if key[0] == partner_id)
        assert booked == recorded >= 0
        assert who.balances.pending_minor == recorded
        turnover = sum(month.total_minor for month in who.months.values())
        key = (partner_id, "direct", 0)
        assert turnover == (record.commissions[key].base_minor if key in record.commissions else 0)


@settings(max_examples=200, deadline=None)
@given(terms=programs(), facts=orders(), chance=st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_the_same_commissions(
    terms: dict[str, Any], facts: list[Told], chance: Any
) -> None:
    usual = told_in(terms, facts)
    shuffled = list(facts) + facts[: len(facts) // 2]
    chance.shuffle(shuffled)
    disordered = told_in(terms, shuffled)
    assert nonzero(disordered) == nonzero(usual)
    assert_in_order(usual)
    assert_in_order(disordered)


@settings(max_examples=200, deadline=None)
@given(terms=programs(), facts=orders())
def test_a_full_refund_leaves_nothing(terms: dict[str, Any], facts: list[Told]) -> None:
    shop = told_in(terms, facts)
    states = [fact for fact in facts if isinstance(fact, OrderState)]
    last = max(states, key=lambda told: (told.updated_at, told.digest))
    rest = sum(one.total_minor for one in last.lines) + last.shipping_minor
    parts = tuple(RefundLine(one.external_id, one.quantity_micro) for one in last.lines)
    shop.tell(1, Refund("z-pieces", day(28), lines=parts))
    shop.tell(1, Refund("z-money", day(28), amount_minor=rest + 1))
    assert nonzero(shop) == {}
    assert_in_order(shop)


@settings(max_examples=150, deadline=None)
@given(terms=programs(), lines=order_lines(), chance=st.randoms(use_true_random=False))
def test_pieces_back_one_by_one_end_where_all_at_once_do(
    terms: dict[str, Any], lines: tuple[Line, ...], chance: Any
) -> None:
    given_back = [(one, chance.randint(0, one.quantity_micro // MICRO)) for one in lines]
    at_once = tuple(RefundLine(one.external_id, count * MICRO) for one, count in given_back if count)
    single = [(one.external_id, number) for one, count in given_back for number in range(count)]
    chance.shuffle(single)
    whole = told_in(terms, [paid_state(lines, day(10)), Refund("all", day(11), lines=at_once)])
    bit_by_bit = told_in(
        terms,
        [
            paid_state(lines, day(10)),
            *(
                Refund(f"r{name}-{number}", day(11), lines=(RefundLine(name, MICRO),))
                for name, number in single
            ),
        ],
    )
    assert bit_by_bit.commissions(1) == whole.commissions(1)


@settings(max_examples=150, deadline=None)
@given(terms=programs(), lines=order_lines())
def test_shares_sum_to_the_base(terms: dict[str, Any], lines: tuple[Line, ...]) -> None:
    shop = told_in(terms, [paid_state(lines, day(10))])
    record = shop.program.orders[1]
    base = sum(one.base_minor for key, one in record.commissions.items() if key[1] == "direct")
    assert base == sum(record.judgement.line_bases)


@settings(max_examples=100, deadline=None)
@given(terms=programs(), lines=order_lines())
def test_a_commission_is_its_share_at_its_rate_to_half_a_unit(
    terms: dict[str, Any], lines: tuple[Line, ...]
) -> None:
    """An oracle of exact fractions that shares no code with the rules."""
    shop = told_in(terms, [paid_state(lines, day(10))])
    judgement = shop.program.orders[1].judgement
    weights = sum(share.weight for share in judgement.shares)
    allowed = Fraction(1, 2) if terms["calculation"]["round"] == "order" else Fraction(len(lines) + 1, 2)
    for share in judgement.shares:
        exact = Fraction(sum(judgement.line_bases) * share.weight, weights) * Fraction(share.rate_ppm, 10**6)
        off = abs(shop.commissions(1)[(share.partner_id, "direct", 0)] - exact)
        split_apart = Fraction(share.rate_ppm, 10**6) * (len(lines) + 1)
        assert off <= allowed + split_apart


@settings(max_examples=100, deadline=None)
@given(terms=programs(), facts=orders())
def test_a_judgement_read_back_from_json_gives_the_same(terms: dict[str, Any], facts: list[Told]) -> None:
    usual, reloaded = Shop(program_of(terms)), Shop(program_of(terms))
    for fact in facts:
        assert usual.tell(1, fact) == reloaded.tell(1, fact)
        record = reloaded.program.orders.get(1)
        if record is not None:
            judgement = Judgement.from_json(record.judgement.to_json())
            reloaded.program.orders[1] = OrderRecord(judgement, record.commissions, record.release_at)
    assert usual.commissions(1) == reloaded.commissions(1)


@settings(max_examples=100, deadline=None)
@given(terms=programs(), facts=orders(), released_after=st.integers(0, 9))
def test_released_money_taken_back_is_available_less_debt(
    terms: dict[str, Any], facts: list[Told], released_after: int
) -> None:
    shop = Shop(program_of(terms))
    for number, fact in enumerate(facts):
        shop.tell(1, fact)
        if number == released_after:
            apply(shop.program, release(shop.program, 1, day(31)))
    owed: dict[int, int] = {}
    for (who, _, _), amount in shop.commissions(1).items():
        owed[who] = owed.get(who, 0) + amount
    for who, one in shop.program.partners.items():
        money = one.balances
        assert money.pending_minor + money.available_minor - money.debt_minor == owed.get(who, 0)
        assert min(money.pending_minor, money.available_minor, money.debt_minor) >= 0


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(-100, 100)), max_size=25), st.integers(0, 40))
def test_turnover_as_of_a_moment_is_the_sum_of_the_entries_before(
    entries: list[tuple[int, int]], asked: int
) -> None:
    month = MonthTurnover(opening_minor=7, opening_at=day(1))
    for hours, delta in entries:
        month.add(later(day(1), hours=hours), delta)
    moment = later(day(1), hours=asked)
    assert month.before(moment) == 7 + sum(delta for hours, delta in entries if hours < asked)
    assert month.until(moment) == 7 + sum(delta for hours, delta in entries if hours <= asked)
    assert month.total_minor == 7 + sum(delta for _, delta in entries)


@settings(max_examples=50, deadline=None)
@given(terms=programs(), facts=orders())
def test_judging_changes_nothing(terms: dict[str, Any], facts: list[Told]) -> None:
    """`judge` reads the state; only `apply` lays the effects on it."""
    shop = told_in(terms, facts[:-1])
    before = repr(shop.program)
    told = facts[-1]
    if isinstance(told, OrderState):
        order = shop_order(shop, told)
        first, second = judge(shop.program, order), judge(shop.program, order)
        assert first == second
    assert repr(shop.program) == before


def shop_order(shop: Shop, told: OrderState) -> Fact:
    merged = merge(1, [*shop.states.get(1, ()), told], shop.refunds.get(1, ()), shop.cards.get(1, ()))
    assert merged is not None
    return Fact(merged, Cause.PAID, told.digest, told.updated_at, 99)
