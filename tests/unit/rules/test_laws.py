"""The laws of the money under every kind of terms: what arrives, in whatever order and pieces, comes out the same."""

import os
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.rules.base import converted
from app.rules.facts import (
    MICRO,
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
from app.rules.state import OrderRecord
from tests.unit.rules.build import Shop, day, later
from tests.unit.rules.wide import (
    PIECE,
    TARGET,
    Told,
    neighbours,
    paid_state,
    program_of,
    shop_after,
    target_facts,
    wide_lines,
    wide_order,
    wide_terms,
)

Before = list[tuple[int, Told]]
LAWS = int(os.environ.get("TANDEM_LAWS_EXAMPLES", "100"))
slow = settings(max_examples=LAWS, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def nonzero(shop: Shop) -> dict[tuple[int, str, int], int]:
    """The target's commissions that are anything."""
    return {key: amount for key, amount in shop.commissions(TARGET).items() if amount}


def assert_books_hold(shop: Shop) -> None:
    """What is booked equals what is recorded, for every order and partner; nothing is below zero."""
    program = shop.program
    for partner_id, who in program.partners.items():
        recorded = base = pieces = 0
        for record in program.orders.values():
            for (one, kind, _), commission in record.commissions.items():
                if one == partner_id:
                    assert 0 <= commission.pending_minor <= commission.amount_minor
                    recorded += commission.amount_minor
                    assert commission.base_minor >= 0 <= commission.quantity_micro
                    base += commission.base_minor if kind == "direct" else 0
                    pieces += commission.quantity_micro
        booked = sum(one.amount_delta_minor for one in shop.changes if one.partner_id == partner_id)
        money = who.balances
        assert booked == recorded
        assert money.pending_minor + money.available_minor - money.debt_minor == recorded
        assert min(money.pending_minor, money.available_minor, money.debt_minor) >= 0
        assert sum(month.total_minor for month in who.months.values()) == base
        assert sum(month.base.total_minor for month in who.sales.values()) == base
        assert sum(month.pieces.total_minor for month in who.sales.values()) == pieces
        direct = [
            c.amount_minor
            for r in program.orders.values()
            for (p, k, _), c in r.commissions.items()
            if p == partner_id and k == "direct"
        ]
        assert sum(month.earned_minor for month in who.sales.values()) == sum(direct)


@slow
@given(
    terms=wide_terms(),
    before=neighbours(),
    facts=target_facts(),
    chance=st.randoms(use_true_random=False),
)
def test_any_order_of_arrival_with_repetitions_comes_out_the_same(
    terms: dict[str, Any], before: Before, facts: list[Told], chance: Any
) -> None:
    shuffled = list(facts) + facts[: len(facts) // 2]
    chance.shuffle(shuffled)
    usual, disordered = shop_after(terms, before, facts), shop_after(terms, before, shuffled)
    assert nonzero(disordered) == nonzero(usual)
    assert_books_hold(usual)
    assert_books_hold(disordered)


@slow
@given(terms=wide_terms(), before=neighbours(), facts=target_facts())
def test_a_full_refund_leaves_nothing(terms: dict[str, Any], before: Before, facts: list[Told]) -> None:
    shop = shop_after(terms, before, facts)
    states = [fact for fact in facts if isinstance(fact, OrderState)]
    last = max(states, key=lambda told: (told.updated_at, told.digest))
    parts = tuple(RefundLine(one.external_id, one.quantity_micro) for one in last.lines)
    shop.tell(TARGET, Refund("z-pieces", day(28), lines=parts))
    rest = sum(one.total_minor for one in last.lines) + last.shipping_minor
    shop.tell(TARGET, Refund("z-money", day(28), amount_minor=rest + 1))
    assert nonzero(shop) == {}
    assert_books_hold(shop)


@slow
@given(
    terms=wide_terms(),
    before=neighbours(),
    lines=wide_lines(),
    fields=wide_order(),
    chance=st.randoms(use_true_random=False),
)
def test_any_cut_into_partial_refunds_ends_where_one_does(
    terms: dict[str, Any], before: Before, lines: tuple[Line, ...], fields: dict[str, Any], chance: Any
) -> None:
    """Pieces one by one, and money of lines in two parts, against all at once."""
    whole: list[RefundLine] = []
    bits: list[RefundLine] = []
    for one in lines:
        bit = MICRO if one.quantity_micro % MICRO == 0 else PIECE
        count = chance.randint(0, one.quantity_micro // bit)
        if chance.randint(0, 1) and one.total_minor > 1:
            amount = chance.randint(2, one.total_minor)
            whole.append(RefundLine(one.external_id, None, amount))
            bits += [RefundLine(one.external_id, None, amount - 1), RefundLine(one.external_id, None, 1)]
        elif count:
            whole.append(RefundLine(one.external_id, count * bit))
            bits += [RefundLine(one.external_id, bit)] * count
    chance.shuffle(bits)
    chance.shuffle(whole)
    paid = paid_state(lines, day(10), fields)
    singles = [Refund(f"r{n}", later(day(11), hours=n), lines=(bit,)) for n, bit in enumerate(bits)]
    at_once = shop_after(terms, before, [paid, Refund("all", day(11), lines=tuple(whole))])
    one_by_one = shop_after(terms, before, [paid, *singles])
    assert one_by_one.commissions(TARGET) == at_once.commissions(TARGET)


@slow
@given(terms=wide_terms(), before=neighbours(), lines=wide_lines(), fields=wide_order())
def test_shares_sum_to_the_base_and_caps_hold(
    terms: dict[str, Any], before: Before, lines: tuple[Line, ...], fields: dict[str, Any]
) -> None:
    shop = shop_after(terms, before, [paid_state(lines, day(10), fields)])
    record, rules = shop.program.orders[TARGET], shop.program.terms[0].terms
    directs = {key: one for key, one in record.commissions.items() if key[1] == "direct"}
    if directs:
        whole = converted(record.judgement.line_bases, record.judgement.conversion, "RUB")
        assert sum(one.base_minor for one in directs.values()) == sum(whole)
    cap = rules.calculation.order_cap_minor
    assert not cap or sum(one.amount_minor for one in directs.values()) <= cap
    for share in record.judgement.shares:
        if share.room_minor is not None:
            assert directs[(share.partner_id, "direct", 0)].amount_minor <= share.room_minor


@slow
@given(terms=wide_terms(), before=neighbours(), facts=target_facts())
def test_cancelled_and_back_is_as_before(terms: dict[str, Any], before: Before, facts: list[Told]) -> None:
    shop = shop_after(terms, before, facts)
    owed = nonzero(shop)
    states = [fact for fact in facts if isinstance(fact, OrderState)]
    last = max(states, key=lambda told: (told.updated_at, told.digest))
    gone = replace(last, status=OrderStatus.CANCELLED, updated_at=day(29), cancelled_at=day(29), digest="x")
    shop.tell(TARGET, gone)
    assert nonzero(shop) == {}
    shop.tell(TARGET, replace(last, updated_at=day(30), digest="y"))
    assert nonzero(shop) == owed
    assert_books_hold(shop)


@slow
@given(terms=wide_terms(), before=neighbours(), facts=target_facts(), at=st.integers(0, 12))
def test_money_released_in_between_ends_as_available_less_debt(
    terms: dict[str, Any], before: Before, facts: list[Told], at: int
) -> None:
    shop = shop_after(terms, before, [])
    for number, fact in enumerate(facts):
        shop.tell(TARGET, fact)
        if number == at % len(facts):
            for order_id in shop.program.orders:
                apply(shop.program, release(shop.program, order_id, day(31)))
    assert_books_hold(shop)


@slow
@given(terms=wide_terms(), before=neighbours(), facts=target_facts())
def test_a_judgement_read_back_and_a_repeated_fact_change_nothing(
    terms: dict[str, Any], before: Before, facts: list[Told]
) -> None:
    shop = shop_after(terms, before, facts)
    record = shop.program.orders.get(TARGET)
    if record is None:
        return
    judgement = Judgement.from_json(record.judgement.to_json())
    assert judgement == record.judgement
    shop.program.orders[TARGET] = OrderRecord(judgement, record.commissions, record.release_at)
    merged = merge(TARGET, shop.states[TARGET], shop.refunds.get(TARGET, ()), shop.cards.get(TARGET, ()))
    assert merged is not None
    again = judge(shop.program, Fact(merged, Cause.PAID, "again", day(31), 999))
    assert (again.changes, again.postings, again.turnover, again.sales) == ((), (), (), ())


@slow
@given(terms=wide_terms(), before=neighbours(), facts=target_facts())
def test_folded_again_with_what_was_stored_it_is_the_same(
    terms: dict[str, Any], before: Before, facts: list[Told]
) -> None:
    """What replay does: each fact once more, with the reach, the room and the rate of that time."""
    live = shop_after(terms, before, facts)
    again = Shop(program_of(terms))
    for order_id, fact in [*before, *((TARGET, fact) for fact in facts)]:
        record = live.program.orders.get(order_id)
        again.program.given = record.judgement if record is not None else None
        again.tell(order_id, fact)
    assert again.commissions(TARGET) == live.commissions(TARGET)
