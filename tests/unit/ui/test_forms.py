"""Reading forms: values or errors at their fields, and what was typed is kept."""

from enum import StrEnum

import pytest

from app.errors import DomainError, FieldError
from app.ui.forms import Form
from app.ui.i18n import use_locale


class Kind(StrEnum):
    """For the tests."""

    PERSON = "person"
    COMPANY = "company"


def form(**typed: object) -> Form:
    return Form(typed)


def test_what_was_typed_is_kept_beside_its_error() -> None:
    with use_locale("en"):
        read = form(email="alice@")
        assert read.email("email") == ""
        assert read.value("email") == "alice@"
        assert read.error("email") == "This is not an e-mail address. It looks like name@example.com."


def test_a_password_is_never_shown_again() -> None:
    read = form(password=" two words ")
    assert read.secret("password") == " two words "
    assert read.value("password") == ""


def test_a_missing_field_is_named_and_an_optional_one_is_not() -> None:
    read = form()
    assert read.text("name") == ""
    assert read.text("comment", required=False) == ""
    assert list(read.errors) == ["name"]


@pytest.mark.parametrize("typed", ["a\x00b", "a\u202eb", "a\u200bb"])
def test_invisible_characters_are_refused(typed: str) -> None:
    read = form(name=typed)
    read.text("name")
    assert list(read.errors) == ["name"]


def test_lengths() -> None:
    read = form(short="ab", long="x" * 11, lines="a\r\nb")
    read.text("short", min_length=3)
    read.text("long", max_length=10)
    assert read.text("lines") == "a\nb"
    assert list(read.errors) == ["short", "long"]


@pytest.mark.parametrize(
    ("typed", "minor"),
    [("1234.56", 123456), ("1 234,5", 123450), ("1\u00a0234", 123400), ("0,01", 1), ("51.85", 5185)],
)
def test_amounts_become_minor_units_exactly(typed: str, minor: int) -> None:
    read = form(amount=typed)
    assert read.money("amount", "RUB") == minor
    assert read.errors == {}


@pytest.mark.parametrize(
    "typed", ["", "abc", "1.234", "-5", "1e3", "NaN", "1,2,3", "٣", "0", "99999999999999999999"]
)
def test_what_is_no_amount_is_refused(typed: str) -> None:
    read = form(amount=typed)
    read.money("amount", "RUB")
    assert list(read.errors) == ["amount"]


def test_an_amount_keeps_the_digits_of_its_currency() -> None:
    read = form(yen="1500", dinar="1.234", wrong="1.5")
    assert read.money("yen", "JPY") == 1500
    assert read.money("dinar", "KWD") == 1234
    read.money("wrong", "JPY")
    assert list(read.errors) == ["wrong"]


def test_limits_of_an_amount_are_said_in_money() -> None:
    with use_locale("en"):
        read = form(low="1", high="100")
        read.money("low", "RUB", minimum=1000)
        read.money("high", "RUB", maximum=5000)
        assert read.errors == {
            "low": "The least amount is RUB\u00a010.00.",
            "high": "The largest amount is RUB\u00a050.00.",
        }


@pytest.mark.parametrize(
    ("typed", "rate"), [("7", 70_000), ("7,5 %", 75_000), ("33.3333%", 333_333), ("100", 1_000_000)]
)
def test_rates(typed: str, rate: int) -> None:
    read = form(rate=typed)
    assert read.rate("rate") == rate
    assert read.errors == {}


@pytest.mark.parametrize("typed", ["100.0001", "-1", "7.12345", "x"])
def test_what_is_no_rate_is_refused(typed: str) -> None:
    read = form(rate=typed)
    read.rate("rate")
    assert list(read.errors) == ["rate"]


def test_choices() -> None:
    read = form(kind="company", channels=["vk", "site", "vk"], bad="x")
    assert read.choice("kind", Kind) is Kind.COMPANY
    assert read.some_of("channels", ["site", "vk", "mail"], at_least=1) == ("site", "vk")
    assert read.choice("bad", Kind) is Kind.PERSON
    assert read.some_of("bad", ["site"]) == ()
    assert list(read.errors) == ["bad"]


def test_a_box_left_empty_is_not_checked() -> None:
    read = form(yes="yes", off="off")
    assert (read.checked("yes"), read.checked("off"), read.checked("missing")) == (True, False, False)
    assert read.consent("missing", "Needed.") is False
    assert read.errors == {"missing": "Needed."}


@pytest.mark.parametrize(
    "typed",
    ["ftp://shop.example/", "javascript:alert(1)", "shop.example/page", "https://", "https://a b.example/",
     "https://user@shop.example/", "https://shop.example:99999/", "//shop.example/"],
)  # fmt: skip
def test_what_is_no_address_is_refused(typed: str) -> None:
    read = form(target=typed)
    read.url("target")
    assert list(read.errors) == ["target"]


def test_only_pages_of_the_named_hosts() -> None:
    read = form(good="https://Shop.example/a?b=c#d", bad="https://shop.example.evil.example/")
    assert read.url("good", hosts=["shop.example"]) == "https://Shop.example/a?b=c#d"
    read.url("bad", hosts=["shop.example"])
    assert list(read.errors) == ["bad"]


def test_dates() -> None:
    read = form(day="2026-11-22", bad="22.11.2026", empty="")
    assert str(read.day("day")) == "2026-11-22"
    assert read.day("bad") is None
    assert read.day("empty", required=False) is None
    assert list(read.errors) == ["bad"]


def test_a_refusal_of_the_service_stands_at_its_fields_or_above_the_form() -> None:
    with use_locale("en"):
        read = form()
        read.fail_with(
            DomainError("No.", fields=[FieldError("/amount", "too_small", "At least %(n)s.", {"n": 5})])
        )
        read.fail_with(DomainError("Closed until %(day)s.", day="Monday"))
        assert read.errors == {"amount": "At least 5.", "": "Closed until Monday."}


def test_a_blank_form_shows_its_beginning_values() -> None:
    blank = Form.blank(amount="10.00", channels=["vk"])
    assert (blank.value("amount"), blank.values("channels"), blank.errors) == ("10.00", ["vk"], {})
