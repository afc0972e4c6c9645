"""What the keys and values of the terms are called in the reader's language: for forms, differences and guides.

A path is that of the document with `[]` for any item of a list: `levels[].rate`, `attribution.window_days`.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from app.rules import terms_words_en, terms_words_ru
from app.rules.explain_texts import plural_form

_WORDS = {"en": terms_words_en, "ru": terms_words_ru}
_INDEX = re.compile(r"\[[^\]]*\]")

Document = Mapping[str, Any]

COUNTED_IN: dict[str, tuple[str, str]] = {
    "levels[].from": ("levels_policy.count", "base"),
    "plans[].from": ("plan_choice.measure", "amount"),
}
"""Numbers that are money only where another key of the document says so."""
LISTED_BY_CODE = ("levels", "plans", "bonuses", "cashback.rules")
"""Lists whose items are told apart by their code."""


def general(path: str) -> str:
    """A document's path without its indexes: `levels[2].rate` → `levels[].rate`."""
    return _INDEX.sub("[]", path)


def label(path: str, language: str) -> str:
    """What a key is called; the path itself for one that has no name."""
    return _keys(language).get(general(path), (path, ""))[0]


def help_text(path: str, language: str) -> str:
    """What a key does, in a sentence or two."""
    return _keys(language).get(general(path), ("", ""))[1]


def sentence(code: str, language: str) -> str:
    """A text of differences."""
    texts: dict[str, str] = _WORDS.get(language, terms_words_en).SENTENCES
    return texts[code]


def word(path: str, value: object, language: str) -> str:
    """One of the few words that a key may be, or the value as it is."""
    values: dict[str, str] = _WORDS.get(language, terms_words_en).VALUES
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return values.get(f"{general(path)}={text}") or values.get(text, text)


def unit(path: str, document: Document, item: Document | None = None) -> str:
    """What a number counts: `money` (minor units), `days`, `minutes`, `years` or nothing.

    `item` is the entry of the list that the key belongs to.
    """
    known = general(path)
    if known.endswith("_minor") or known == "volume_bonuses[].from":
        return "money"
    if known == "bonuses[].reach":
        return "money" if item is not None and item.get("count") == "base" else ""
    if known in COUNTED_IN:
        key, value = COUNTED_IN[known]
        table, _, name = key.partition(".")
        return "money" if document.get(table, {}).get(name) == value else ""
    for counted in ("days", "minutes", "years"):
        if known.endswith(counted):
            return counted
    return ""


def count_of(unit_name: str, number: int, language: str) -> str:
    """`14 days`."""
    return sentence(f"{unit_name}.{plural_form(language, number)}", language).format(count=number)


def unit_word(unit_name: str, language: str) -> str:
    """`days`, as it stands behind a field."""
    return (
        sentence(f"{unit_name}.many" if language == "ru" else f"{unit_name}.other", language)
        .format(count="")
        .strip()
    )


def shown(
    path: str,
    value: Any,
    document: Document,
    language: str,
    money: Callable[[int], str],
    item: Document | None = None,
) -> str:
    """A value as a reader sees it: percent, money in whole units, days, words; lists with commas."""
    if isinstance(value, Mapping):
        parts = (f"{shown(f'{path}.{key}', one, document, language, money)}" for key, one in value.items())
        return ", ".join(parts) or sentence("empty", language)
    if isinstance(value, list | tuple):
        parts = (shown(path, one, document, language, money, item) for one in value)
        return ", ".join(parts) or sentence("empty", language)
    if isinstance(value, bool) or not isinstance(value, int):
        text = word(path, value, language)
        is_rate = language == "ru" and re.fullmatch(r"[0-9.]+%", text) is not None
        return text.replace(".", ",").replace("%", "\u00a0%") if is_rate else text
    counted = unit(path, document, item)
    if value == -1 and counted == "days":
        return sentence("never" if path.endswith("lifetime_days") else "for_ever", language)
    if value == 0 and general(path) == "attribution.bind_customer_days":
        return sentence("never", language)
    if value == 0 and path.endswith("_cap_minor"):
        return sentence("no_limit", language)
    if counted == "money":
        return money(value)
    return count_of(counted, value, language) if counted else str(value)


def _keys(language: str) -> dict[str, tuple[str, str]]:
    keys: dict[str, tuple[str, str]] = _WORDS.get(language, terms_words_en).KEYS
    return keys
