"""Why a commission is what it is, in both languages (rules.md §15)."""

import string

import pytest

from app.rules.explain import Change, Formats, Sentence, exact_product, explain, render
from app.rules.explain_texts import TEXTS, plural_form
from app.rules.judgement import RateRule, Source, Verdict
from app.rules.models import MODELS
from app.rules.money import format_minor
from app.rules.state import Customer
from tests.unit.rules.build import (
    ALICE,
    BORIS,
    Shop,
    chain,
    click,
    day,
    line,
    order_state,
    partner,
    pieces,
    state,
)

NAMES = {ALICE: "Alice", BORIS: "Boris"}


def formats(language: str) -> Formats:
    return Formats(
        language=language,
        money=lambda minor: format_minor(minor, 2),
        moment=lambda moment: f"{moment:%d.%m %H:%M}",
        partner=lambda number: NAMES[number],
        level=lambda code: code.title(),
    )


def told(shop: Shop, key: tuple[int, str, int], language: str) -> list[str]:
    record = shop.program.orders[1]
    changes = [
        Change(
            one.at,
            one.cause,
            one.cause_ref,
            one.base_before_minor,
            one.base_after_minor,
            one.amount_before_minor,
            one.amount_after_minor,
            one.from_partner,
        )
        for one in shop.changes
        if (one.partner_id, one.kind.value, one.tier) == key
    ]
    terms = shop.program.terms[0].terms
    return render(explain(record.judgement, shop.states[1][-1], terms, key, changes), formats(language))


def sold() -> Shop:
    program = state(
        {"tiers": {"rates": ["10%"]}, "attribution": {"model": "linear"}, "base": {"exclude": ["tax"]}},
        partner(BORIS, own="7%"),
        partner(ALICE, parent=BORIS),
    )
    program.clicks = chain(
        click(1, day(1), BORIS),
        click(2, day(2), BORIS, counted=False, reason=Verdict.BOT),
        click(3, day(3), ALICE),
    )
    shop = Shop(program)
    shop.paid(1, day(10), line(30100, product="case", tax_minor=100), visitor_id="v1", shipping_minor=100)
    shop.tell(1, pieces("r1", day(12), 1))
    return shop


def test_an_own_commission_in_english() -> None:
    assert told(sold(), (BORIS, "direct", 0), "en") == [
        "The counted clicks within 30 days before the order share the credit: Boris, Alice.",
        "Click of 01.03 09:00, Boris: counted.",
        "Click of 02.03 09:00, Boris: not counted, made by a robot.",
        "Click of 03.03 09:00, Alice: counted.",
        "Boris has 1 of 2 of the credit.",
        "Alice has 1 of 2 of the credit.",
        "Line case: 300.00 of 301.00 goes into the base.",
        "Shipping: 1.00 goes into the base.",
        "Base of the order: 301.00.",
        "Share of the base: 150.50.",
        "Own rate: 7%.",
        "150.50 × 7%, rounded once: 10.54.",
        "On hold for 14 days after the order is fulfilled.",
        "12.03 09:00: refund r1, 10.54 → 0.00.",
    ]


def test_an_own_commission_in_russian_by_level() -> None:
    assert told(sold(), (ALICE, "direct", 0), "ru")[9:] == [
        "Доля базы: 150.50.",
        "Личная ставка: не задана.",
        "Уровень «Starter»: 5\u00a0%.",
        "150.50 × 5\u00a0%, округлено один раз: 7.53.",
        "Ожидает в течение 14 дней после выполнения заказа.",
        "12.03 09:00: возврат r1, 7.53 → 0.00.",
    ]


def test_a_parents_commission_names_the_child_and_the_rate() -> None:
    assert told(sold(), (BORIS, "tier", 1), "en")[6:] == [
        "Tier 1: 10% of the 7.53 that Alice earned: 0.75.",
        "On hold for 14 days after the order is fulfilled.",
        "12.03 09:00: refund r1, 0.75 → 0.00.",
    ]


def test_a_code_of_nobody_is_told() -> None:
    program = state({"hold": {"release_on": "paid", "days": 1}}, partner(ALICE))
    program.customers = {"c": Customer(clicks=(click(1, day(1), ALICE),))}
    shop = Shop(program)
    shop.tell(1, order_state(day(10), line(100), customer_id="c", promo_code="SPRING"))
    sentences = told(shop, (ALICE, "direct", 0), "ru")
    assert sentences[1] == "Промокод SPRING, никто: код не принадлежит партнёру."
    assert sentences[-1] == "Ожидает до 11.03 09:00: до этого момента заказ могут вернуть."


@pytest.mark.parametrize(
    ("base", "rate", "text"), [(15050, 70_000, "1053.5"), (100, 100_000, "10"), (1, 1, "0.000001")]
)
def test_the_exact_product_is_exact(base: int, rate: int, text: str) -> None:
    assert exact_product(base, rate) == text


@pytest.mark.parametrize(
    ("count", "form"),
    [(1, "one"), (2, "few"), (5, "many"), (11, "many"), (14, "many"), (21, "one"), (104, "few")],
)
def test_russian_plural_forms(count: int, form: str) -> None:
    assert plural_form("ru", count) == form


def test_both_languages_say_the_same_with_the_same_values() -> None:
    english = {code for code in TEXTS["en"] if not code.startswith("days.")}
    assert english == {code for code in TEXTS["ru"] if not code.startswith("days.")}
    for code in english:
        fields = [
            {name for _, name, _, _ in string.Formatter().parse(TEXTS[one][code]) if name} for one in TEXTS
        ]
        assert fields[0] == fields[1], code


def test_every_verdict_rule_and_source_has_its_words() -> None:
    for verdict in Verdict:
        assert f"verdict.{verdict.value}" in TEXTS["en"]
    for rule in RateRule:
        assert f"rate.{rule.value}" in TEXTS["en"]
    for source in Source:
        code = "source.click.linear" if source is Source.CLICK else f"source.{source.value}"
        assert code in TEXTS["en"]
    for model in MODELS:
        assert model == "none" or f"source.click.{model}" in TEXTS["en"]


def test_unknown_languages_read_english() -> None:
    assert render([Sentence("source.none")], formats("fr")) == ["No partner could be credited."]
