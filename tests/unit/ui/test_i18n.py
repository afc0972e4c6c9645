"""Languages: who gets which, and that nothing is missing in Russian."""

import pytest

from app.ui import i18n, messages
from app.ui.i18n import choose_locale, lazy, use_locale


@pytest.mark.parametrize(
    ("chosen", "cookie", "header", "locale"),
    [
        ("en", "ru", "ru", "en"),
        (None, "en", "ru", "en"),
        (None, None, "en-US,en;q=0.9,ru;q=0.8", "en"),
        (None, None, "de, ru;q=0.3, en;q=0.5", "en"),
        (None, None, "de-DE", "ru"),
        (None, "xx", None, "ru"),
        ("zz", None, "en;q=0", "ru"),
        (None, None, "en;q=x", "ru"),
    ],
)
def test_whose_word_counts(chosen: str | None, cookie: str | None, header: str | None, locale: str) -> None:
    assert choose_locale(chosen=chosen, cookie=cookie, accept_language=header) == locale


def test_russian_has_every_message_and_no_other() -> None:
    assert list(messages.missing("ru")) == []


def test_every_message_is_translated_completely() -> None:
    assert list(messages.untranslated("ru")) == []


@pytest.mark.parametrize(
    ("number", "said"), [(1, "1 день"), (2, "2 дня"), (5, "5 дней"), (11, "11 дней"), (21, "21 день")]
)
def test_russian_plurals(number: int, said: str) -> None:
    with use_locale("ru"):
        assert i18n.ngettext("%(num)s day", "%(num)s days", number) == said


def test_a_lazy_text_speaks_the_language_of_the_moment() -> None:
    text = lazy("Overview")
    with use_locale("ru"):
        assert str(text) == "Обзор"
    with use_locale("en"):
        assert str(text) == "Overview"


def test_the_language_ends_with_its_block() -> None:
    with use_locale("en"):
        with use_locale("ru"):
            assert i18n.locale() == "ru"
        assert i18n.locale() == "en"


def test_an_unknown_zone_does_not_stop_a_page() -> None:
    with use_locale("en", "Mars/Olympus"):
        assert str(i18n.zone()) == i18n.DEFAULT_ZONE


def test_a_documents_text_falls_back_to_another_language() -> None:
    with use_locale("en"):
        assert i18n.in_locale({"ru": "Старт", "en": "Starter"}) == "Starter"
        assert i18n.in_locale({"ru": "Старт", "en": ""}) == "Старт"
        assert i18n.in_locale({}) == ""
