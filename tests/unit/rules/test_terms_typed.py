"""The typed form of the whole document of rules.md §3: every key of the page arrives where the rules read it."""

from datetime import date
from typing import Any

import pytest

from app.rules.terms import (
    BonusTerms,
    CalculationTerms,
    Plan,
    PlanChoice,
    SellersTerms,
    VolumeBonusTerms,
)
from app.rules.terms_document import complete_document
from app.rules.terms_messages import TermsError
from app.rules.terms_typed import typed_terms


def typed(document: dict[str, Any]) -> Any:
    return typed_terms(complete_document(document))


def test_defaults_of_what_may_be_left_out() -> None:
    terms = typed({})
    assert terms.plan_choice == PlanChoice("amount", "month", "highest_threshold", "level")
    assert (terms.plans, terms.bonuses, terms.volume_bonuses) == ((), (), ())
    assert (terms.sellers, terms.cashback) == (None, None)
    assert terms.calculation == CalculationTerms("per_order", 0, 0)
    assert (terms.base.of, terms.tiers.of, terms.levels_policy.count) == ("order", "earnings", "base")
    assert (terms.payout.settle, terms.payout.deposit_fee_ppm) == ("merchant", 150_000)
    attribution = terms.attribution
    assert (attribution.bind_customer_days, attribution.half_life_days) == (0, 7)
    assert (attribution.position_first_ppm, attribution.position_last_ppm) == (400_000, 400_000)
    assert typed({"sellers": {}}).sellers == SellersTerms(200_000, 100_000, 50_000, date(2025, 4, 7), 1)


def test_a_plan_needs_only_its_code_and_what_it_pays() -> None:
    (plan,) = typed({"plans": [{"code": "all", "rate": "7.5%"}]}).plans
    assert plan == Plan("all", rate_ppm=75_000)


def test_all_conditions_of_a_plan() -> None:
    document = {
        "code": "phones",
        "active": False,
        "from": 3,
        "fixed_minor": 30_000,
        "per": "item",
        "products": ["sku-1"],
        "categories": ["phones"],
        "customer": "first",
        "channel": "direct",
        "levels": ["starter"],
        "partners": ["Alice"],
        "sites": ["Shop.Example"],
        "valid_from": date(2026, 1, 1),
        "valid_to": "2026-12-31",
    }
    terms = typed({"plans": [document]})
    assert terms.plan("phones") == Plan(
        "phones",
        False,
        3,
        None,
        30_000,
        "item",
        frozenset({"sku-1"}),
        frozenset({"phones"}),
        "first",
        "direct",
        frozenset({"starter"}),
        frozenset({"alice"}),
        frozenset({"shop.example"}),
        date(2026, 1, 1),
        date(2026, 12, 31),
    )
    assert terms.plan("other") is None


def test_bonuses_and_caps() -> None:
    terms = typed(
        {
            "bonuses": [{"code": "fifty", "reach": 50, "reward_minor": 500_000, "every_period": True}],
            "volume_bonuses": [{"rate": "1%"}, {"level": "starter", "from": 10, "rate": "2%"}],
            "calculation": {"mode": "periodic", "order_cap_minor": 7, "partner_period_cap_minor": 8},
        }
    )
    assert terms.bonuses == (BonusTerms("fifty", 500_000, "customers", 50, True),)
    assert terms.volume_bonuses == (VolumeBonusTerms(10_000), VolumeBonusTerms(20_000, "starter", 10))
    assert terms.calculation == CalculationTerms("periodic", 7, 8)


def test_two_volume_bonuses_of_one_threshold_are_refused() -> None:
    """Of several that fit the highest `from` decides, so two alike would leave it open."""
    alike = {"level": "starter", "from": 5, "rate": "1%"}
    with pytest.raises(TermsError) as caught:
        complete_document({"volume_bonuses": [alike, alike | {"rate": "2%"}]})
    assert [(one.path, one.code) for one in caught.value.problems] == [
        ("volume_bonuses[1].from", "duplicate")
    ]
