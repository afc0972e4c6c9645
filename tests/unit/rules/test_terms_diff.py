"""Differences of two documents of terms, as data and in words (rules.md §3)."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules import terms_words as words
from app.rules.terms_diff import difference, in_words
from app.rules.terms_document import complete_document
from app.rules.terms_schema import Choice, Languages, Listing, Table
from app.rules.terms_shape import SHAPE

LEVELS: list[dict[str, Any]] = [
    {"code": "starter", "name": {"ru": "Старт", "en": "Starter"}, "from": 0, "rate": "5%"},
    {"code": "silver", "name": {"ru": "Серебро", "en": "Silver"}, "from": 50_000_000, "rate": "7%"},
]
PLANS: list[dict[str, Any]] = [
    {"code": "phones", "rate": "6%", "categories": ["phones"]},
    {"code": "books", "rate": "3%", "from": 100_000},
]


def money(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d} RUB"


def told(before: dict[str, Any], after: dict[str, Any], language: str = "en") -> list[str]:
    old, new = complete_document(before), complete_document(after)
    return in_words(difference(old, new), old, new, language, money)


def test_the_same_document_differs_in_nothing() -> None:
    assert told({"levels": LEVELS}, {"levels": LEVELS}) == []


def test_a_levels_rate_is_told_by_the_levels_name() -> None:
    dearer = [LEVELS[0], LEVELS[1] | {"rate": "8%"}]
    assert told({"levels": LEVELS}, {"levels": dearer}) == ["Levels, Silver, Rate: 7% → 8%"]
    assert told({"levels": LEVELS}, {"levels": dearer}, "ru") == [
        "Уровни, Серебро, Ставка: 7\u00a0% → 8\u00a0%"
    ]


def test_units_are_those_of_the_reader() -> None:
    assert told({}, {"hold": {"days": 1}, "payout": {"min_minor": 250_050}}) == [
        "Hold, Lasts: 14 days → 1 day",
        "Payouts, Least amount: 1000.00 RUB → 2500.50 RUB",
    ]
    assert told({}, {"attribution": {"bind_customer_days": -1, "repeat_minutes": 2}}, "ru") == [
        "Атрибуция, Повторы: 30 минут → 2 минуты",
        "Атрибуция, Закрепление покупателей: никогда → навсегда",
    ]


def test_thresholds_are_money_only_where_turnover_is_counted() -> None:
    orders = {"levels_policy": {"count": "orders"}}
    more = [LEVELS[0], LEVELS[1] | {"from": 20}]
    less = [LEVELS[0], LEVELS[1] | {"from": 10}]
    assert told({"levels": less, **orders}, {"levels": more, **orders}) == ["Levels, Silver, From: 10 → 20"]
    assert told({"levels": less}, {"levels": more}) == ["Levels, Silver, From: 0.10 RUB → 0.20 RUB"]


def test_items_are_matched_by_code() -> None:
    """A moved plan is moved; a new one is told with what it says."""
    moved = [PLANS[1], PLANS[0]]
    assert told({"plans": PLANS}, {"plans": moved}) == [
        "Plans, books: moved from place 2 to place 1",
        "Plans, phones: moved from place 1 to place 2",
    ]
    assert told({}, {"plans": PLANS[:1]}) == ["Plans, phones: added — Rate 6%; Categories phones"]
    assert told({"plans": PLANS}, {"plans": PLANS[:1]}) == [
        "Plans, books: removed — Threshold 1000.00 RUB; Rate 3%"
    ]


def test_values_of_lists_come_and_go_one_by_one() -> None:
    assert told({}, {"base": {"exclude": ["shipping", "tax", "discount"]}}) == [
        "Base, Left out of the base: removed cashback spent"
    ]
    assert told({}, {"attribution": {"precedence": ["promo_code", "manual", "click", "customer"]}}) == [
        "Attribution, Order of sources: new order promo code, named by the shop's operator or by staff, clicks, "
        "binding of the customer (was named by the shop's operator or by staff, promo code, clicks, "
        "binding of the customer)"
    ]
    assert told({"tiers": {"rates": ["10%"]}}, {"tiers": {"rates": ["8%", "5%"]}}) == [
        "Network, Rates by tier, 1: 10% → 8%",
        "Network, Rates by tier, 2: 5% (was not set)",
    ]


def test_optional_tables_are_switched() -> None:
    assert told({}, {"cashback": {"rules": [{"code": "all", "rate": "3%"}]}})[0].startswith(
        "Cashback: switched on — "
    )
    assert told({"sellers": {}}, {}) == ["Sellers: switched off"]


def test_optional_keys_are_set_and_unset() -> None:
    dated = [PLANS[0] | {"valid_to": "2026-12-31"}]
    assert told({"plans": PLANS[:1]}, {"plans": dated}) == [
        "Plans, phones, To the day: 2026-12-31 (was not set)"
    ]
    assert told({"plans": dated}, {"plans": PLANS[:1]}) == [
        "Plans, phones, To the day: no longer set (was 2026-12-31)"
    ]


def paths_of(kind: Any, path: str) -> list[str]:
    """Every key of the schema, items with `[]`."""
    if isinstance(kind, Table):
        inner = [
            found
            for key, one in kind.keys.items()
            for found in paths_of(one, f"{path}.{key}" if path else key)
        ]
        return ([path] if path else []) + inner
    if isinstance(kind, Listing) and isinstance(kind.kind, Table):
        return [path, *(one for one in paths_of(kind.kind, f"{path}[]") if one != f"{path}[]")]
    return [path]


@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_key_has_a_name_and_every_choice_a_word(language: str) -> None:
    for path in paths_of(SHAPE, ""):
        assert words.label(path, language) != path, path

    def choices(kind: Any, path: str) -> list[tuple[str, str]]:
        if isinstance(kind, Choice):
            return [(path, value) for value in kind.values]
        if isinstance(kind, Table):
            return [
                found
                for key, one in kind.keys.items()
                for found in choices(one, f"{path}.{key}" if path else key)
            ]
        if isinstance(kind, Listing):
            return choices(kind.kind, f"{path}[]" if isinstance(kind.kind, Table) else path)
        return []

    for path, value in choices(SHAPE, ""):
        assert words.word(path, value, language) != value or (language == "en" and "_" not in value), (
            path,
            value,
        )
    assert not isinstance(SHAPE.keys["levels"], Languages)


@given(st.data())
def test_only_what_changed_is_told(data: st.DataObject) -> None:
    """One key of one table is changed: exactly one change is found, with both values."""
    before = complete_document({"levels": LEVELS, "plans": PLANS})
    after = copy.deepcopy(before)
    section = data.draw(st.sampled_from(["hold", "payout", "calculation", "levels_policy", "promo_codes"]))
    key = data.draw(
        st.sampled_from(sorted(key for key, v in after[section].items() if not isinstance(v, list)))
    )
    value = after[section][key]
    after[section][key] = value + 1 if isinstance(value, int) else f"{value}x"
    (change,) = difference(before, after)
    assert (change.path, change.before, change.after) == (f"{section}.{key}", value, after[section][key])
    (back,) = difference(after, before)
    assert (back.before, back.after) == (change.after, change.before)
