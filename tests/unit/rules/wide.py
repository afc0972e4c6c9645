"""Programs and orders of every kind for the property tests: all models, plans, fixed sums, caps, both roundings."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from app.rules.clawback import refund_problem
from app.rules.facts import MICRO, CardChange, Channel, Line, OrderState, OrderStatus, Refund, RefundLine
from app.rules.state import CurrencyRate, OwnRates, PromoCode, Seller, State
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

DORA = 4
TARGET = 100
"""The order that the laws are about; the others are its neighbours, told before."""
PRODUCTS = ("p1", "p2", "")
CATEGORIES = ((), ("home",), ("home", "phones"))
PIECE = 333_333
"""About a third of a kilogram."""
percents = st.sampled_from(["0%", "0.01%", "5%", "7.5%", "33.3333%", "100%"])


@st.composite
def plans(draw: st.DrawFn, number: int) -> dict[str, Any]:
    """A plan with a rate or a fixed sum, and any conditions."""
    plan: dict[str, Any] = {"code": f"plan{number}", "from": draw(st.sampled_from([0, 0, 2, 5, 900, 4000]))}
    if draw(st.booleans()):
        plan["rate"] = draw(percents)
    else:
        plan |= {
            "fixed_minor": draw(st.integers(0, 700)),
            "per": draw(st.sampled_from(["order", "item", "line"])),
        }
    if draw(st.integers(0, 2)) == 0:
        plan["products"] = [draw(st.sampled_from(["p1", "p2"]))]
    if draw(st.integers(0, 2)) == 0:
        plan["categories"] = [draw(st.sampled_from(["home", "phones"]))]
    if draw(st.integers(0, 3)) == 0:
        plan["partners"] = [draw(st.sampled_from(["p1", "p2"]))]
    if draw(st.integers(0, 3)) == 0:
        plan["customer"] = draw(st.sampled_from(["first", "repeat"]))
    if draw(st.integers(0, 3)) == 0:
        plan["channel"] = draw(st.sampled_from(["external", "direct"]))
    if draw(st.integers(0, 3)) == 0:
        plan["levels"] = [draw(st.sampled_from(["low", "high"]))]
    return plan


@st.composite
def wide_terms(draw: st.DrawFn) -> dict[str, Any]:
    """Any terms that pay for orders one by one."""
    first = draw(st.integers(0, 100))
    terms: dict[str, Any] = {
        "currency": "RUB",
        "attribution": {
            "model": draw(
                st.sampled_from(["last_click", "first_click", "linear", "position", "time_decay", "none"])
            ),
            "linear_per": draw(st.sampled_from(["partner", "click"])),
            "position": {"first": f"{first}%", "last": f"{draw(st.integers(0, 100 - first))}%"},
            "half_life_days": draw(st.sampled_from([1, 7])),
            "bind_customer_days": draw(st.sampled_from([0, -1, 5])),
        },
        "base": {
            "of": draw(st.sampled_from(["order", "order", "platform_commission"])),
            "exclude": draw(
                st.lists(st.sampled_from(["shipping", "tax", "discount", "cashback_spent"]), unique=True)
            ),
        },
        "levels": [{"code": "low", "rate": "5%"}, {"code": "high", "from": 4000, "rate": "11.1111%"}],
        "plan_choice": {
            "measure": draw(st.sampled_from(["amount", "quantity"])),
            "period": draw(st.sampled_from(["order", "month", "quarter", "lifetime"])),
            "prefer": draw(st.sampled_from(["highest_threshold", "least_reward"])),
            "none_fits": draw(st.sampled_from(["level", "level", "deactivate"])),
        },
        "plans": [draw(plans(number)) for number in range(draw(st.integers(0, 3)))],
        "tiers": {
            "rates": draw(st.sampled_from([[], ["10%"], ["33.3333%", "5%"]])),
            "of": draw(st.sampled_from(["earnings", "base", "platform_commission"])),
            "inactive_parent": draw(st.sampled_from(["stop", "skip"])),
        },
        "calculation": {
            "round": draw(st.sampled_from(["order", "line"])),
            "order_cap_minor": draw(st.sampled_from([0, 0, 1, 150])),
            "partner_period_cap_minor": draw(st.sampled_from([0, 0, 1, 300])),
        },
        "hold": {"release_on": "paid", "days": draw(st.integers(0, 5))},
    }
    if draw(st.integers(0, 2)) == 0:
        terms["sellers"] = {"placement_rate": "20%"}
    return terms


def program_of(terms: dict[str, Any]) -> State:
    """A family of three and Dora, whose plan is fixed; all in one chain; a code of Boris's; a rate of dollars."""
    program = state(
        terms,
        partner(CLARA, own="7.5%"),
        partner(BORIS, parent=CLARA),
        partner(ALICE, parent=BORIS),
        partner(DORA, parent=CLARA, own_rates=(OwnRates(None, None, None, "plan0"),)),
    )
    touched = (BORIS, ALICE, DORA, ALICE, CLARA)
    program.clicks = chain(*(click(number, day(number), who) for number, who in enumerate(touched, start=1)))
    program.promo_codes = {"boris": PromoCode("BORIS", BORIS)}
    program.currency_rates = {("USD", "2026-03-10"): CurrencyRate("90.1234")}
    program.sellers = {"s1": Seller(ALICE, day(1)), "s2": Seller(None, day(1))}
    return program


@st.composite
def wide_lines(draw: st.DrawFn) -> tuple[Line, ...]:
    """Up to four lines; totals that do and do not divide; pieces and parts of pieces."""
    lines = []
    for number in range(draw(st.integers(1, 4))):
        total = draw(st.integers(0, 5000))
        lines.append(
            Line(
                str(number),
                draw(st.integers(1, 7)) * draw(st.sampled_from([MICRO, MICRO, PIECE])),
                total,
                tax_minor=draw(st.integers(0, total // 5)),
                discount_minor=draw(st.integers(0, 100)),
                product=draw(st.sampled_from(PRODUCTS)),
                categories=draw(st.sampled_from(CATEGORIES)),
            )
        )
    return tuple(lines)


@st.composite
def wide_order(draw: st.DrawFn) -> dict[str, Any]:
    """The fields of an order beside its lines and moments."""
    return {
        "visitor_id": "v1",
        "placed_at": draw(st.sampled_from([day(9), day(10)])),
        "customer_id": draw(st.sampled_from([None, "c1"])),
        "channel": draw(st.sampled_from(list(Channel))),
        "currency": draw(st.sampled_from(["", "", "RUB", "USD"])),
        "shipping_minor": draw(st.integers(0, 500)),
        "discount_minor": draw(st.integers(0, 300)),
        "tax_minor": draw(st.integers(0, 300)),
        "cashback_spent_minor": draw(st.integers(0, 300)),
        "platform_commission_minor": draw(st.integers(0, 3000)),
        "seller_id": draw(st.sampled_from([None, "s1", "s2"])),
        "sale_kind": draw(st.sampled_from(["sale", "placement"])),
    }


@st.composite
def some_refunds(draw: st.DrawFn, told: OrderState) -> list[Refund]:
    """Refunds that can be true: of pieces, of amounts, of both, of some lines and of none."""
    refunds: list[Refund] = []
    for number in range(draw(st.integers(0, 5))):
        at = later(day(10), hours=draw(st.integers(-30, 200)))
        one = draw(st.sampled_from(told.lines))
        pieces = draw(st.integers(1, 8)) * one.quantity_micro // 8
        amount = draw(st.integers(1, max(1, one.total_minor)))
        refund = {
            "pieces": Refund(f"r{number}", at, lines=(RefundLine(one.external_id, pieces),)),
            "line": Refund(f"r{number}", at, lines=(RefundLine(one.external_id, None, amount),)),
            "both": Refund(f"r{number}", at, lines=(RefundLine(one.external_id, pieces, amount),)),
            "amount": Refund(f"r{number}", at, amount_minor=amount),
        }[draw(st.sampled_from(["pieces", "line", "both", "amount"]))]
        if refund_problem(told, refunds, refund) is None:
            refunds.append(refund)
    return refunds


def paid_state(lines: tuple[Line, ...], at: datetime, fields: dict[str, Any], **values: Any) -> OrderState:
    """One message of the shop about the target."""
    return order_state(at, *lines, **({"placed_at": day(9), "paid_at": day(10)} | fields | values))


@st.composite
def target_facts(draw: st.DrawFn) -> list[Told]:
    """All facts of one order: states (some cancelled or changed), refunds, choices of operators and staff."""
    lines, fields = draw(wide_lines()), draw(wide_order())
    first = paid_state(lines, day(10), fields)
    facts: list[Told] = [first, *draw(some_refunds(first))]
    kinds = ["fulfilled", "cancelled", "unpaid", "changed", "named", "code", "channel", "seller"]
    for number in range(draw(st.integers(0, 3))):
        at = later(day(11), hours=number)
        match draw(st.sampled_from(kinds)):
            case "fulfilled":
                told = paid_state(lines, at, fields, status=OrderStatus.FULFILLED, fulfilled_at=at)
            case "cancelled":
                told = paid_state(lines, at, fields, status=OrderStatus.CANCELLED, cancelled_at=at)
            case "unpaid":
                told = paid_state(lines, at, fields, status=OrderStatus.PLACED, paid_at=None)
            case "changed":
                told = paid_state(draw(wide_lines()), at, fields)
            case "named":
                told = paid_state(lines, at, fields, partner_id=draw(st.sampled_from([ALICE, DORA, None])))
            case "code":
                told = paid_state(lines, at, fields, promo_code=draw(st.sampled_from(["Boris", "nobodys"])))
            case "seller":
                told = replace(paid_state(lines, at, fields), seller_id="s1", sale_kind="placement")
            case _:
                other = next(one for one in Channel if one is not fields["channel"])
                told = replace(paid_state(lines, at, fields), channel=other)
        facts.append(told)
    for sequence in range(1, draw(st.integers(0, 2)) + 1):
        who = draw(st.sampled_from([ALICE, CLARA, None]))
        code = None if who else "boris"
        by_staff = who is not None and draw(st.booleans())
        rejected = draw(st.sampled_from([None, None, True, False])) if by_staff else None
        if rejected is not None:
            who, code = None, None
        facts.append(CardChange(day(20), sequence, who, code, by_staff=by_staff, rejected=rejected))
    return facts


@st.composite
def neighbours(draw: st.DrawFn) -> list[tuple[int, Told]]:
    """Orders of before, some refunded: they fill thresholds, caps, levels and the customer's history."""
    facts: list[tuple[int, Told]] = []
    for number in range(draw(st.integers(0, 3))):
        at = day(6 + number)
        told = order_state(at, *draw(wide_lines()), **draw(wide_order()), promo_code="BORIS")
        if draw(st.booleans()):
            told = replace(told, promo_code=None, partner_id=draw(st.sampled_from([ALICE, DORA])))
        told = replace(told, currency="", placed_at=at)
        facts.append((number + 1, told))
        if draw(st.booleans()):
            facts.append((number + 1, Refund("n", later(at, hours=1), amount_minor=1)))
    return facts


def shop_after(terms: dict[str, Any], before: list[tuple[int, Told]], facts: list[Told]) -> Shop:
    """A shop that has told of the neighbours, then of the target in the given order."""
    shop = Shop(program_of(terms))
    for order_id, fact in before:
        shop.tell(order_id, fact)
    for fact in facts:
        shop.tell(TARGET, fact)
    return shop
