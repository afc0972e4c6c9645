"""The bank's file: sections, keys and letters as 1C's exchange format has them, and a table that runs nothing."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.partners.checks import account_fits
from app.payouts.bank_statement import read_statement
from app.payouts.bank_text import NotForBank, bank_text
from app.payouts.payer import correspondent_fits, filled_purpose
from app.payouts.payment_orders import (
    PaymentOrder,
    Side,
    document_number,
    exchange_file,
    register_file,
)

PAYER = Side(
    "ООО «Магазин»",
    "7707083893",
    "770701001",
    "40702810200000000001",
    "044525225",
    "ПАО СБЕРБАНК",
    "г. Москва",
    "30101810400000000225",
)
ALICE = Side(
    "Иванова Алиса Петровна",
    "",
    "",
    "40817810700000000001",
    "044525225",
    "ПАО СБЕРБАНК",
    "г. Москва",
    "30101810400000000225",
)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def order(
    number: int = 15, *, recipient: Side = ALICE, purpose: str = "Выплата. НДС не облагается."
) -> PaymentOrder:
    return PaymentOrder(number, number, 123_450, recipient, purpose)


def test_the_whole_file_line_by_line() -> None:
    lines = exchange_file(PAYER, [order()], NOON).decode("cp1251").split("\r\n")

    assert lines == [
        "1CClientBankExchange",
        "ВерсияФормата=1.03",
        "Кодировка=Windows",
        "Отправитель=Tandem",
        "Получатель=",
        "ДатаСоздания=22.11.2026",
        "ВремяСоздания=12:00:00",
        "ДатаНачала=22.11.2026",
        "ДатаКонца=22.11.2026",
        "РасчСчет=40702810200000000001",
        "Документ=Платежное поручение",
        "СекцияДокумент=Платежное поручение",
        "Номер=15",
        "Дата=22.11.2026",
        "Сумма=1234.50",
        "ПлательщикСчет=40702810200000000001",
        "Плательщик=ИНН 7707083893 ООО «Магазин»",
        "ПлательщикИНН=7707083893",
        "ПлательщикКПП=770701001",
        "Плательщик1=ООО «Магазин»",
        "ПлательщикРасчСчет=40702810200000000001",
        "ПлательщикБанк1=ПАО СБЕРБАНК",
        "ПлательщикБанк2=г. Москва",
        "ПлательщикБИК=044525225",
        "ПлательщикКорсчет=30101810400000000225",
        "ПолучательСчет=40817810700000000001",
        "Получатель=Иванова Алиса Петровна",
        "ПолучательИНН=",
        "ПолучательКПП=",
        "Получатель1=Иванова Алиса Петровна",
        "ПолучательРасчСчет=40817810700000000001",
        "ПолучательБанк1=ПАО СБЕРБАНК",
        "ПолучательБанк2=г. Москва",
        "ПолучательБИК=044525225",
        "ПолучательКорсчет=30101810400000000225",
        "ВидПлатежа=",
        "ВидОплаты=01",
        "Код=0",
        "Очередность=5",
        "НазначениеПлатежа=Выплата. НДС не облагается.",
        "КонецДокумента",
        "КонецФайла",
        "",
    ]


def test_a_name_cannot_end_the_line_and_begin_a_document() -> None:
    evil = Side("А\r\nКонецДокумента\r\nСумма=9.00", "", "", ALICE.account, ALICE.bik, "", "", "")

    (read,) = read_statement(exchange_file(PAYER, [order(recipient=evil)], NOON))

    assert (read.amount_minor, read.recipient_name) == (123_450, "А КонецДокумента Сумма=9.00")


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("Café Zoë", "Cafe Zoe"),
        ("Ёжик — «№ 5»", "Ёжик — «№ 5»"),
        ("100 ₽ − 5", "100 руб. - 5"),
        ("Қазақ", "Казак"),
        ("a\u200bb\u00adc", "abc"),
        ("и\u0306", "й"),
    ],
)
def test_letters_that_windows_1251_lacks_are_written_by_their_nearest(typed: str, written: str) -> None:
    assert bank_text(typed, "name", limit=50).replace("\u00ad", "") == written


@pytest.mark.parametrize("typed", ["Shop 😀", "名前", "שלום"])
def test_a_letter_without_a_relative_is_refused_with_its_field(typed: str) -> None:
    with pytest.raises(NotForBank) as caught:
        exchange_file(PAYER, [order(7, purpose=typed)], NOON)

    assert caught.value.field == "payout no. 7: purpose"
    assert caught.value.character in typed


def test_what_is_too_long_is_refused_not_cut() -> None:
    with pytest.raises(NotForBank) as caught:
        bank_text("д" * 211, "purpose", limit=210)

    assert (caught.value.character, caught.value.length) == ("", 211)


@given(st.text(max_size=60))
def test_any_text_is_one_line_of_windows_1251_or_refused(typed: str) -> None:
    try:
        written = bank_text(typed, "name", limit=400)
    except NotForBank:
        return
    assert written.encode("cp1251").decode("cp1251") == written
    assert not {"\r", "\n"} & set(written)


def test_the_table_runs_no_formulas_and_keeps_every_digit() -> None:
    evil = Side("=HYPERLINK(1)", "", "", "5536913812345678", "", "", "", "")

    text = register_file([order(recipient=evil)], "RUB", NOON).decode("utf-8-sig")

    heading, row, end = text.split("\r\n")
    assert heading.startswith("Номер,Дата,Сумма,Валюта,Получатель")
    assert row == "15,22.11.2026,1234.50,RUB,'=HYPERLINK(1),,,5536913812345678,,,,Выплата. НДС не облагается."
    assert end == ""


@pytest.mark.parametrize(("payout", "number"), [(1, 1), (999_999, 999_999), (1_000_000, 1), (1_000_001, 2)])
def test_numbers_of_payment_orders_have_at_most_six_digits(payout: int, number: int) -> None:
    assert document_number(payout) == number


@pytest.mark.parametrize(
    ("account", "bik", "fits"),
    [
        ("30101810400000000225", "044525225", True),
        ("30101810145250000974", "044525974", True),
        ("30101810200000000593", "044525593", True),
        ("30101810200000000593", "044525225", False),
        ("30101810500000000225", "044525225", False),
    ],
)
def test_a_correspondent_account_is_checked_against_the_bik(account: str, bik: str, fits: bool) -> None:
    assert correspondent_fits(account, bik) is fits


def test_the_accounts_of_these_tests_are_right() -> None:
    assert account_fits(PAYER.account, PAYER.bik)
    assert account_fits(ALICE.account, ALICE.bik)


def test_the_purpose_is_filled_in() -> None:
    said = filled_purpose("{partner}: № {number} от {date}", number=7, day="22.11.2026", partner="{number}")

    assert said == "{number}: № 7 от 22.11.2026"
