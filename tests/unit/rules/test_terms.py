"""The document of the terms: defaults, refusals with the key's path, merging, files (rules.md §3, §16)."""

import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.rules.attribution import SOURCES
from app.rules.models import MODELS
from app.rules.money import format_rate
from app.rules.terms import BaseTerms, Terms
from app.rules.terms_document import (
    check_successor,
    complete_document,
    merge_document,
    parse_terms,
    read_toml,
)
from app.rules.terms_messages import EXPECTED, MESSAGES, TermsError
from app.rules.terms_toml import dump_toml

SHARED = Path(__file__).parents[4] / "shared"


def problems(document: Any) -> list[tuple[str, str]]:
    with pytest.raises(TermsError) as caught:
        parse_terms(document)
    return [(problem.path, problem.code) for problem in caught.value.problems]


def test_an_empty_document_has_all_defaults() -> None:
    terms = parse_terms({})
    assert (terms.currency, terms.zone.key) == ("RUB", "Europe/Moscow")
    assert (terms.attribution.model, terms.attribution.window_days, terms.attribution.repeat_minutes) == (
        "last_click",
        30,
        30,
    )
    assert terms.attribution.precedence == ("manual", "promo_code", "click", "customer")
    assert [(level.code, level.from_minor, level.rate_ppm) for level in terms.levels] == [
        ("starter", 0, 50_000)
    ]
    assert (terms.levels_policy.period, terms.levels_policy.recalculate, terms.levels_policy.keep) == (
        "quarter",
        "on_paid",
        "next_period",
    )
    assert (terms.tiers.rates_ppm, terms.tiers.inactive_parent, terms.tiers.limit_days) == ((), "stop", -1)
    assert (terms.hold.release_on, terms.hold.days) == ("fulfilled", 14)
    assert (terms.payout.min_minor, terms.promo_codes.discount_ppm, terms.promo_codes.length_min) == (
        100_000,
        50_000,
        4,
    )
    assert terms.base == BaseTerms(True, True, True, True)


def test_a_list_given_replaces_the_whole_list() -> None:
    terms = parse_terms({"levels": [{"code": "ten", "rate": "10%"}], "base": {"exclude": ["tax"]}})
    assert [level.code for level in terms.levels] == ["ten"]
    assert (terms.base.without_tax, terms.base.without_shipping) == (True, False)


LEVEL = {"code": "a", "rate": "5%"}


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"colour": 1}, [("colour", "unknown_key")]),
        ({"attribution": {"window": 1}}, [("attribution.window", "unknown_key")]),
        ({"levels": [LEVEL | {"fee": 1}]}, [("levels[0].fee", "unknown_key")]),
        ({"levels": [LEVEL | {"name": {"fr": "A"}}]}, [("levels[0].name.fr", "unknown_key")]),
        ({"attribution": 5}, [("attribution", "wrong_type")]),
        ({"attribution": {"window_days": 0}}, [("attribution.window_days", "out_of_range")]),
        ({"attribution": {"window_days": 366}}, [("attribution.window_days", "out_of_range")]),
        ({"attribution": {"window_days": 30.0}}, [("attribution.window_days", "wrong_type")]),
        ({"attribution": {"window_days": True}}, [("attribution.window_days", "wrong_type")]),
        ({"attribution": {"window_days": "30"}}, [("attribution.window_days", "wrong_type")]),
        ({"attribution": {"model": "lastclick"}}, [("attribution.model", "not_one_of")]),
        ({"attribution": {"model": ["last_click"]}}, [("attribution.model", "not_one_of")]),
        ({"attribution": {"precedence": []}}, [("attribution.precedence", "empty_list")]),
        ({"attribution": {"precedence": "click"}}, [("attribution.precedence", "wrong_type")]),
        ({"attribution": {"precedence": ["click", "click"]}}, [("attribution.precedence[1]", "duplicate")]),
        ({"attribution": {"precedence": ["cookie"]}}, [("attribution.precedence[0]", "not_one_of")]),
        ({"attribution": {"bind_customer_days": -2}}, [("attribution.bind_customer_days", "out_of_range")]),
        (
            {"attribution": {"position": {"first": "60%", "last": "40.0001%"}}},
            [("attribution.position", "above_whole")],
        ),
        ({"base": {"exclude": ["fees"]}}, [("base.exclude[0]", "not_one_of")]),
        ({"levels": []}, [("levels", "empty_list")]),
        ({"levels": [{"code": "a"}]}, [("levels[0].rate", "required")]),
        ({"levels": [{"rate": "5%"}]}, [("levels[0].code", "required")]),
        ({"levels": [LEVEL | {"rate": 5}]}, [("levels[0].rate", "bad_rate")]),
        ({"levels": [LEVEL | {"rate": "100.0001%"}]}, [("levels[0].rate", "bad_rate")]),
        ({"levels": [LEVEL | {"rate": "-1%"}]}, [("levels[0].rate", "bad_rate")]),
        ({"levels": [LEVEL | {"code": "a b"}]}, [("levels[0].code", "bad_code")]),
        ({"levels": [LEVEL | {"code": ""}]}, [("levels[0].code", "bad_text")]),
        ({"levels": [LEVEL, LEVEL | {"from": 5}]}, [("levels[1].code", "duplicate")]),
        ({"levels": [LEVEL, {"code": "b", "rate": "5%"}]}, [("levels[1].from", "not_rising")]),
        ({"levels": [LEVEL | {"from": -1}]}, [("levels[0].from", "out_of_range")]),
        ({"tiers": {"rates": ["1%"] * 11}}, [("tiers.rates", "too_many")]),
        ({"tiers": {"rates": ["101%"]}}, [("tiers.rates[0]", "bad_rate")]),
        ({"tiers": {"of": "platform_commission", "rates": ["101%"]}}, [("tiers.rates[0]", "bad_rate")]),
        ({"plans": [{"code": "a"}]}, [("plans[0]", "rate_or_fixed")]),
        ({"plans": [{"code": "a", "rate": "1%", "fixed_minor": 5, "per": "item"}]}, [("plans[0]", "rate_or_fixed")]),
        ({"plans": [{"code": "a", "fixed_minor": 5}]}, [("plans[0].per", "per_with_fixed")]),
        ({"plans": [{"code": "a", "rate": "1%", "levels": ["x"]}]}, [("plans[0].levels[0]", "unknown_level")]),
        (
            {"plans": [{"code": "a", "rate": "1%", "valid_from": "2026-02-01", "valid_to": "2026-01-31"}]},
            [("plans[0].valid_to", "ends_before_begins")],
        ),
        ({"plans": [{"code": "a", "rate": "1%", "valid_from": "2026-02-30"}]}, [("plans[0].valid_from", "bad_date")]),
        (
            {"plans": [{"code": "a", "rate": "1%", "valid_from": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)}]},
            [("plans[0].valid_from", "bad_date")],
        ),
        ({"plans": [{"code": "a", "rate": "1%"}] * 2}, [("plans[1].code", "duplicate")]),
        (
            {"volume_bonuses": [{"level": "x", "from": 1, "rate": "1%"}]},
            [("volume_bonuses[0].level", "unknown_level")],
        ),
        ({"bonuses": [{"code": "a"}]}, [("bonuses[0].reward_minor", "required")]),
        ({"cashback": {"rules": [{"code": "a", "condition": "brand", "rate": "1%"}]}}, [("cashback.rules[0].values", "needs_values")]),
        ({"cashback": {"lifetime_days": 0}}, [("cashback.lifetime_days", "out_of_range")]),
        ({"currency": "RUR"}, [("currency", "unknown_currency")]),
        ({"time_zone": "Moscow"}, [("time_zone", "unknown_zone")]),
        ({"time_zone": "../etc/passwd"}, [("time_zone", "unknown_zone")]),
        ({"time_zone": "Europe"}, [("time_zone", "unknown_zone")]),
        ({"time_zone": 3}, [("time_zone", "unknown_zone")]),
        ({"hold": {"days": -1}}, [("hold.days", "out_of_range")]),
        ({"payout": {"methods": []}}, [("payout.methods", "empty_list")]),
        ([], [("", "not_a_table")]),
        (
            {"x": 1, "hold": {"days": "a"}, "levels": [{"code": "a", "rate": ""}]},
            [("x", "unknown_key"), ("levels[0].rate", "bad_rate"), ("hold.days", "wrong_type")],
        ),
    ],
)  # fmt: skip
def test_every_mistake_is_told_with_the_path_of_its_key(document: Any, found: list[tuple[str, str]]) -> None:
    assert problems(document) == found


@pytest.mark.parametrize("count", ["base", "orders", "customers"])
def test_levels_may_count_turnover_orders_and_customers(count: str) -> None:
    assert parse_terms({"levels_policy": {"count": count}}).levels_policy.count == count


def test_every_model_and_source_that_is_accepted_has_its_function() -> None:
    for model in ("last_click", "first_click", "linear", "position", "time_decay", "none"):
        assert parse_terms({"attribution": {"model": model}}).attribution.model in MODELS
    assert set(parse_terms({}).attribution.precedence) == set(SOURCES)


def test_every_message_exists_in_both_languages() -> None:
    assert MESSAGES["en"].keys() == MESSAGES["ru"].keys()
    assert EXPECTED["en"].keys() == EXPECTED["ru"].keys()


def test_messages_name_what_is_possible() -> None:
    with pytest.raises(TermsError) as caught:
        parse_terms({"attribution": {"window_days": 400, "model": "x"}, "base": 1})
    english = [problem.message() for problem in caught.value.problems]
    russian = [problem.message("ru") for problem in caught.value.problems]
    assert english == [
        "The value must be one of: last_click, first_click, linear, position, time_decay, none.",
        "The value must be from 1 to 365.",
        "This must be a table.",
    ]
    assert russian[1:] == ["Значение должно быть от 1 до 365.", "Ожидается таблица."]


def test_changes_are_laid_over_the_present_document() -> None:
    present = complete_document({"attribution": {"model": "linear"}, "levels": [LEVEL]})
    merged = merge_document(present, {"attribution": {"linear_per": "click"}, "hold": {"days": 3}})
    terms = parse_terms(merged)
    assert (terms.attribution.model, terms.attribution.linear_per) == ("linear", "click")
    assert (terms.hold.days, terms.hold.release_on, terms.levels[0].code) == (3, "fulfilled", "a")
    assert present["attribution"]["linear_per"] == "partner"


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"currency": "USD"}, [("currency", "fixed_for_good")]),
        ({"time_zone": "UTC"}, [("time_zone", "fixed_for_good")]),
        ({"hold": {"days": 1}}, []),
        ({"plan_choice": {"measure": "quantity"}}, []),
    ],
)
def test_what_must_not_change_between_versions(changes: dict[str, Any], found: list[tuple[str, str]]) -> None:
    present = parse_terms({})
    following = parse_terms(merge_document(present.document, changes))
    if not found:
        check_successor(present, following)
        return
    with pytest.raises(TermsError) as caught:
        check_successor(present, following)
    assert [(problem.path, problem.code) for problem in caught.value.problems] == found


def test_the_measure_is_fixed_while_a_plan_is_in_force() -> None:
    # Plans cannot be published yet, so the document is put in by hand.
    present = parse_terms({})
    present.document["plans"] = complete_document({"plans": [{"code": "a", "rate": "1%"}]})["plans"]
    following = parse_terms({"plan_choice": {"measure": "quantity"}})
    with pytest.raises(TermsError, match="measure"):
        check_successor(present, following)


def test_a_file_that_is_not_toml_is_refused() -> None:
    with pytest.raises(TermsError) as caught:
        read_toml("currency = ")
    assert caught.value.problems[0].code == "bad_toml"


FULL: dict[str, Any] = {
    "plans": [{"code": "phones", "fixed_minor": 30000, "per": "item", "valid_from": "2026-01-01", "sites": ["a.ru"]}],
    "sellers": {},
    "bonuses": [{"code": "fifty", "reach": 50, "reward_minor": 500000}],
    "volume_bonuses": [{"level": "starter", "from": 5, "rate": "1%"}],
    "cashback": {"rules": [{"code": "all", "rate": "3%"}, {"code": "b", "rate": "1%", "condition": "brand", "values": ["x"]}]},
    "tiers": {"rates": ["10%", "10%"]},
}  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    name=st.text(min_size=1, max_size=40).filter(lambda text: bool(text.strip())),
    rate=st.integers(0, 1_000_000),
    full=st.booleans(),
)
def test_a_document_written_as_a_file_is_read_back_the_same(name: str, rate: int, full: bool) -> None:

    level = {"code": "starter", "rate": format_rate(rate), "name": {"ru": name, "en": name}}
    complete = complete_document({"levels": [level], **(FULL if full else {})})
    assert complete_document(read_toml(dump_toml(complete))) == complete
    assert complete_document(complete) == complete


def test_toml_dates_are_dates_in_the_file() -> None:
    text = dump_toml(complete_document(FULL))
    assert "valid_from = 2026-01-01\n" in text
    assert read_toml(text)["plans"][0]["valid_from"] == datetime.date(2026, 1, 1)


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared is not beside the project")
def test_the_terms_of_the_expected_results_are_all_supported() -> None:
    parsed = [
        parse_terms(read_toml(path.read_text())) for path in sorted((SHARED / "data/terms").glob("*.toml"))
    ]
    assert len(parsed) == 12
    assert all(isinstance(terms, Terms) and terms.currency == "GBP" for terms in parsed)
