"""Payment orders as files: the text that 1C and banks exchange (`1CClientBankExchange`, version 1.03), and a table.

The text is windows-1251 with CRLF, a key and its value a line. Every payment is a section `Платежное поручение` with
both sides in full; the account's section tells which account pays. Who loads it into the bank's program gets the
orders as drafts to sign.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from app.payouts.bank_text import CODEC, bank_text
from app.rules.money import format_minor
from app.ui.filters import exponent
from app.ui.spreadsheet import Number, csv_text

KIND = "Платежное поручение"
NAME_MAX = 160
PURPOSE_MAX = 210
NUMBER_MAX = 999_999


@dataclass(frozen=True, slots=True)
class Side:
    """Payer or recipient, with the bank that keeps the account."""

    name: str
    tax_number: str
    """INN; empty: not known (a natural person need not have one)."""
    kpp: str
    """Empty: none."""
    account: str
    bik: str
    bank_name: str
    bank_city: str
    correspondent_account: str


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """One payment of a batch."""

    number: int
    """Of the document, 1 to 999999."""
    payout_number: int
    amount_minor: int
    recipient: Side
    purpose: str


def document_number(payout_number: int) -> int:
    """The payment order's number: the payout's, begun anew after 999999, for banks take six digits."""
    return (payout_number - 1) % NUMBER_MAX + 1


def exchange_file(payer: Side, orders: Sequence[PaymentOrder], made_at: datetime) -> bytes:
    """The text for 1C and the bank, in roubles. `made_at` is local. Raises NotForBank."""
    day = _day(made_at.date())
    lines = [
        "1CClientBankExchange",
        "ВерсияФормата=1.03",
        "Кодировка=Windows",
        "Отправитель=Tandem",
        "Получатель=",
        f"ДатаСоздания={day}",
        f"ВремяСоздания={made_at:%H:%M:%S}",
        f"ДатаНачала={day}",
        f"ДатаКонца={day}",
        f"РасчСчет={payer.account}",
        f"Документ={KIND}",
    ]
    for order in orders:
        lines += _section(payer, order, day)
    lines.append("КонецФайла")
    return ("\r\n".join(lines) + "\r\n").encode(CODEC)


def _section(payer: Side, order: PaymentOrder, day: str) -> list[str]:
    assert 0 < order.number <= NUMBER_MAX, "banks take numbers of one to six digits"
    field = f"payout no. {order.payout_number}"
    return [
        f"СекцияДокумент={KIND}",
        f"Номер={order.number}",
        f"Дата={day}",
        f"Сумма={format_minor(order.amount_minor, 2)}",
        *_side("Плательщик", payer, "payer"),
        *_side("Получатель", order.recipient, field),
        "ВидПлатежа=",
        "ВидОплаты=01",
        "Код=0",
        "Очередность=5",
        f"НазначениеПлатежа={bank_text(order.purpose, f'{field}: purpose', limit=PURPOSE_MAX)}",
        "КонецДокумента",
    ]


def _side(role: str, side: Side, field: str) -> list[str]:
    name = bank_text(side.name, f"{field}: name", limit=NAME_MAX)
    titled = f"ИНН {side.tax_number} {name}" if side.tax_number else name
    return [
        f"{role}Счет={side.account}",
        f"{role}={titled}",
        f"{role}ИНН={side.tax_number}",
        f"{role}КПП={side.kpp}",
        f"{role}1={name}",
        f"{role}РасчСчет={side.account}",
        f"{role}Банк1={bank_text(side.bank_name, f'{field}: bank', limit=NAME_MAX)}",
        f"{role}Банк2={bank_text(side.bank_city, f'{field}: city', limit=NAME_MAX)}",
        f"{role}БИК={side.bik}",
        f"{role}Корсчет={side.correspondent_account}",
    ]


HEADINGS = (
    "Номер",
    "Дата",
    "Сумма",
    "Валюта",
    "Получатель",
    "ИНН",
    "КПП",
    "Счёт, карта или кошелёк",
    "БИК",
    "Банк",
    "Корсчёт",
    "Назначение платежа",
)


def register_file(orders: Sequence[PaymentOrder], currency: str, made_at: datetime) -> bytes:
    """The same payments as a table for spreadsheets and for registers of payment services (RFC 4180, UTF-8)."""
    rows = [
        (
            str(order.number),
            _day(made_at.date()),
            Number(format_minor(order.amount_minor, exponent(currency))),
            currency,
            order.recipient.name,
            order.recipient.tax_number,
            order.recipient.kpp,
            order.recipient.account,
            order.recipient.bik,
            order.recipient.bank_name,
            order.recipient.correspondent_account,
            order.purpose,
        )
        for order in orders
    ]
    return csv_text(HEADINGS, rows).encode()


def _day(day: date) -> str:
    return f"{day:%d.%m.%Y}"
