"""Every kind of notice has its sentence in both languages."""

import pytest

from app.commissions import notices as commissions
from app.notices.sentences import SENTENCES, in_words, sentence
from app.partners import notices as partners
from app.partners.applications import ADDRESS_KNOWN, CONFIRMATION_WANTED
from app.payouts import notices as payouts
from app.reports import nightly
from app.ui.i18n import use_locale

FOR_STAFF = {commissions.STAFF_DEACTIVATED, "payout_details.to_check"}
"""What staff are told of an event that the partner hears of in other words."""

VALUES = {
    "applicant": "Vera",
    "level_name": {"ru": "Золото", "en": "Gold"},
    "risen": True,
    "amount_minor": 123_456,
    "currency": "RUB",
    "order": "A-1001",
    "number": 7,
    "partner": "Vera",
    "reason": "Because.",
    "year": 2026,
    "due_on": "9 December 2026",
    "percent": 80,
    "left_minor": 1_000,
    "balance_minor": 1_000,
    "needed_minor": 2_000,
    "count": 2,
    "name": "Vera",
    "from": "2026-12-01T00:00:00+03:00",
}


@pytest.mark.parametrize("kind", sorted(SENTENCES))
def test_notice_is_said_in_both_languages(kind: str) -> None:
    with use_locale("ru"):
        russian = sentence(kind, VALUES)
    with use_locale("en"):
        english = sentence(kind, VALUES)
    assert russian.title != english.title
    assert "%(" not in russian.title + russian.text + english.title + english.text


def test_amounts_and_names_are_in_the_readers_form() -> None:
    with use_locale("ru"):
        assert sentence("commission.available", VALUES).title.startswith("1\u00a0234,56\u00a0₽")
        assert "Золото" in sentence("partner.level_changed", VALUES).title
    with use_locale("en"):
        assert sentence("commission.available", VALUES).title.startswith("RUB\u00a01,234.56")
        assert "Gold" in sentence("partner.level_changed", VALUES).title


def test_every_handled_event_is_told_or_is_a_mere_letter() -> None:
    handled = {*partners.HANDLERS, *commissions.HANDLERS, *payouts.HANDLERS, *nightly.HANDLERS}
    assert handled - set(SENTENCES) == {CONFIRMATION_WANTED, ADDRESS_KNOWN}
    assert set(SENTENCES) <= handled | FOR_STAFF


def test_kind_of_an_older_version_is_no_error() -> None:
    assert sentence("cashback.changed", {}).title == "cashback.changed"


def test_a_name_that_lacks_a_language_falls_back() -> None:
    with use_locale("en"):
        assert in_words({"level_name": {"ru": "Золото"}}) == {"level_name": "Золото"}
