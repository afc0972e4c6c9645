"""Differences between documents of terms in the reader's language, money in the program's currency."""

from collections.abc import Mapping
from typing import Any

from app.rules import terms_words
from app.rules.terms_diff import difference, in_words
from app.ui.filters import money
from app.ui.i18n import locale

Document = Mapping[str, Any]


def told_difference(before: Document, after: Document) -> dict[str, list[str]]:
    """What is different between two canonical documents: section by section, in sentences."""
    changes = difference(before, after)
    sentences = in_words(changes, before, after, locale(), lambda minor: money(minor, after["currency"]))
    told: dict[str, list[str]] = {}
    for change, sentence in zip(changes, sentences, strict=True):
        told.setdefault(terms_words.label(change.section, locale()), []).append(sentence)
    return told
