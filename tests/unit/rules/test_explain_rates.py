"""What is said of base, plans, fixed sums, caps and conversion (rules.md §15), in both languages."""

import inspect
import re
from typing import Any

import pytest

from app.rules import plans
from app.rules.explain import Change, Formats, explain, render
from app.rules.explain_texts import TEXTS
from app.rules.facts import Cause
from app.rules.state import CurrencyRate, OwnRates
from tests.unit.rules.build import ALICE, Shop, day, line, partner, state


def said(shop: Shop, language: str = "en") -> list[str]:
    """The sentences of Alice's commission of order 1."""
    record = shop.program.orders[1]
    commission = record.commissions[(ALICE, "direct", 0)]
    change = Change(day(10), Cause.PAID, "", 0, commission.base_minor, 0, commission.amount_minor)
    terms = shop.program.terms[0].terms
    sentences = explain(record.judgement, shop.states[1][-1], terms, (ALICE, "direct", 0), [change])
    formats = Formats(
        language=language,
        money=lambda amount: f"{amount / 100:.2f}",
        moment=lambda moment: moment.isoformat(),
        partner=lambda partner_id: f"p{partner_id}",
        level=str,
    )
    return render(sentences, formats)


def sold(terms: dict[str, Any], *lines: Any, who: Any = None, **values: Any) -> Shop:
    program = state(terms, who or partner(ALICE))
    program.currency_rates["USD", "2026-03-10"] = CurrencyRate("90.5", "bank")
    shop = Shop(program)
    shop.paid(1, day(10), *lines, partner_id=ALICE, **values)
    return shop


PLANS = {
    "plans": [
        {"code": "phones", "categories": ["phones"], "rate": "10%"},
        {"code": "cases", "categories": ["cases"], "fixed_minor": 300, "per": "item"},
        {"code": "many", "from": 5, "rate": "20%"},
    ],
    "plan_choice": {"measure": "quantity"},
}


def test_each_line_tells_its_rule_and_why_others_were_passed_over() -> None:
    lines = said(
        sold(
            PLANS,
            line(10_000, name="a", categories=("phones",)),
            line(5_000, name="b", categories=("cases",), quantity=2),
        )
    )
    assert "Plan many: 3 of 5 pieces reached, this order included." in lines
    assert "Line a, Plan cases: for other categories." in lines
    assert "Line a: Plan phones, 10%." in lines
    assert "Line b: Plan cases, 3.00 for each piece." in lines
    assert "All lines together, rounded once: 16.00." in lines


def test_the_same_in_russian() -> None:
    lines = said(
        sold(
            PLANS,
            line(10_000, name="a", categories=("phones",)),
            line(5_000, name="b", categories=("cases",)),
        ),
        "ru",
    )
    assert "План many: набрано 2 из 5 шт., считая этот заказ." in lines
    assert "Строка a: План phones, 10\u00a0%." in lines


def test_an_amount_of_another_currency_is_told_with_its_rate() -> None:
    lines = said(sold({}, line(10_001), currency="USD"))
    assert "Base of the order: 100.01 USD." in lines
    assert "100.01 USD at 90.5 on 2026-03-10 (bank): 9050.91." in lines


def test_caps_tell_what_they_cut() -> None:
    capped = {"calculation": {"order_cap_minor": 300, "partner_period_cap_minor": 200}}
    assert (
        "A partner's commissions of a period are limited to 2.00, and so much was left: 5.00 → 2.00."
        in said(sold(capped, line(10_000)))
    )
    order = {"calculation": {"order_cap_minor": 300}}
    assert "The commissions of an order are limited to 3.00 together: 5.00 → 3.00." in said(
        sold(order, line(10_000))
    )


def test_first_orders_and_fixed_plans_and_the_platforms_commission() -> None:
    terms = {
        "base": {"of": "platform_commission"},
        "plans": [{"code": "new", "customer": "first", "rate": "20%"}],
    }
    fixed = partner(ALICE, own_rates=(OwnRates(None, None, None, "new"),))
    lines = said(sold(terms, line(10_000), who=fixed, customer_id="c-1", platform_commission_minor=1_000))
    assert "The base is what the marketplace keeps of the order, 10.00, spread over the lines." in lines
    assert "It is the customer's first order." in lines
    assert "Fixed plan new: 20%." in lines


def test_no_plan_fits_says_what_follows() -> None:
    terms = {
        "plans": [{"code": "phones", "categories": ["phones"], "rate": "10%"}],
        "plan_choice": {"none_fits": "deactivate"},
    }
    lines = said(sold(terms, line(10_000)))
    assert "Level: no plan fits, so the level pays nothing and the partner becomes inactive." in lines
    assert "No rule gives a rate." in lines


@pytest.mark.parametrize("language", sorted(TEXTS))
def test_every_reason_has_its_words(language: str) -> None:
    named = {name for name, _ in plans.CONDITIONS}
    named |= set(re.findall(r'return "([a-z_]+)"', inspect.getsource(plans._line_refusal)))
    named |= {"wider", "later", "highest_threshold", "least_reward", "none_fits"}
    assert {f"reason.{one}" for one in named} <= TEXTS[language].keys()
