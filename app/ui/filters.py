"""How numbers, money, rates and moments look to the reader at hand. All are Jinja filters and plain functions.

Money comes in as minor units and an ISO 4217 code, rates as integers of a millionth (7 % = 70000); neither ever
becomes a float. Spaces inside a value do not break (U+00A0).
"""

from datetime import date as Date
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

from app.ui.i18n import locale, zone, zone_named

NBSP = "\u00a0"
MINUS = "\u2212"

# ISO 4217 lists 2 for everything else that a program may use.
_EXPONENTS = {
    "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0,
    "UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
    "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
    "CLF": 4, "UYW": 4,
}  # fmt: skip


def exponent(currency: str) -> int:
    """How many digits of `currency` are minor units: 2 for RUB, 0 for JPY, 3 for KWD."""
    return _EXPONENTS.get(currency, 2)


def money(amount_minor: int, currency: str, *, sign: bool = False, short: bool = False) -> str:
    """`12 345,67 ₽` in Russian, `RUB 12,345.67` in English.

    `sign` writes a plus before gains; `short` leaves out the minor units of a whole amount (for large figures only,
    never in a column where figures must line up).
    """
    digits = exponent(currency)
    whole, rest = divmod(abs(amount_minor), 10**digits)
    text = _grouped(whole, locale())
    if digits and not (short and rest == 0):
        text += ("," if locale() == "ru" else ".") + f"{rest:0{digits}d}"
    before = MINUS if amount_minor < 0 else "+" if sign and amount_minor > 0 else ""
    if locale() == "ru":
        return f"{before}{text}{NBSP}{currency_symbol(currency)}"
    return f"{before}{currency}{NBSP}{text}"


def amount_input(amount_minor: int, currency: str) -> str:
    """The amount as a form's field holds it: `12345.67`, without groups or currency."""
    digits = exponent(currency)
    whole, rest = divmod(abs(amount_minor), 10**digits)
    sign = "-" if amount_minor < 0 else ""
    return f"{sign}{whole}.{rest:0{digits}d}" if digits else f"{sign}{whole}"


def number(value: int | Decimal) -> str:
    """`12 345` in Russian, `12,345` in English; a Decimal keeps at most three digits after the point."""
    if isinstance(value, int):
        return (MINUS if value < 0 else "") + _grouped(abs(value), locale())
    return str(format_decimal(value, locale=locale())).replace("-", MINUS)


def percent(rate: int) -> str:
    """A rate of millionths: 70000 → `7 %` (`7%` in English), 333333 → `33,3333 %`."""
    whole, rest = divmod(abs(rate), 10_000)
    text = _grouped(whole, locale())
    if rest:
        text += ("," if locale() == "ru" else ".") + f"{rest:04d}".rstrip("0")
    return (MINUS if rate < 0 else "") + text + (f"{NBSP}%" if locale() == "ru" else "%")


def date(value: datetime | Date | None, zone_name: str | None = None) -> str:
    """`22 ноя. 2026 г.` becomes `22 ноя 2026`; `22 Nov 2026`. A moment is shown in the reader's zone. None: a dash."""
    if value is None:
        return "—"
    return _nbsp(_plain_month(format_date(_local(value, zone_name), "d MMM yyyy", locale=_dates())))


def day(value: datetime | Date, zone_name: str | None = None) -> str:
    """Day and month: `22 ноя`, `22 Nov`."""
    return _nbsp(_plain_month(format_date(_local(value, zone_name), "d MMM", locale=_dates())))


def long_date(value: datetime | Date, zone_name: str | None = None) -> str:
    """`22 ноября 2026`, `22 November 2026`: for sentences."""
    return _nbsp(format_date(_local(value, zone_name), "d MMMM yyyy", locale=_dates()))


def moment(value: datetime | None, zone_name: str | None = None) -> str:
    """Date and time: `22 ноя 2026, 14:05`. None: a dash."""
    if value is None:
        return "—"
    local = _local(value, zone_name)
    return _nbsp(_plain_month(format_datetime(local, "d MMM yyyy, HH:mm", locale=_dates())))


def iso(value: datetime | Date) -> str:
    """For `<time datetime>`."""
    return value.isoformat()


def period(start: Date, end: Date) -> str:
    """Both days included: `1–22 ноя 2026`, `28 окт – 3 ноя 2026`, `28 дек 2025 – 3 янв 2026`."""
    if start == end:
        return date(start)
    if (start.year, start.month) == (end.year, end.month):
        return f"{start.day}–{date(end)}"
    first = day(start) if start.year == end.year else date(start)
    return f"{first} – {date(end)}"


@lru_cache(maxsize=256)
def currency_symbol(currency: str) -> str:
    """The home sign (`₽`, `€`, `$`) where the reader knows it, else the code."""
    return str(Locale.parse(locale()).currency_symbols.get(currency, currency)) if currency != "RUB" else "₽"


def _grouped(value: int, code: str) -> str:
    text = f"{value:,}"
    return text.replace(",", NBSP) if code == "ru" else text


def _local(value: datetime | Date, zone_name: str | None) -> datetime | Date:
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is None:
        raise ValueError("moments are aware")
    return value.astimezone(zone_named(zone_name) if zone_name else zone())


def _dates() -> str:
    # Plain English dates are month first; the rest of the world reads day first.
    return "en_GB" if locale() == "en" else locale()


def _plain_month(text: str) -> str:
    """CLDR writes `22 нояб. 2026`, `3 мая`, `Sept`; one short form without a full stop reads better in columns."""
    for long, short in _SHORT_MONTHS:
        text = text.replace(long, short)
    return text


_SHORT_MONTHS = (
    ("янв.", "янв"), ("февр.", "фев"), ("мар.", "мар"), ("апр.", "апр"), ("июн.", "июн"), ("июл.", "июл"),
    ("авг.", "авг"), ("сент.", "сен"), ("окт.", "окт"), ("нояб.", "ноя"), ("дек.", "дек"), ("Sept", "Sep"),
)  # fmt: skip


def _nbsp(text: str) -> str:
    return text.replace(" ", NBSP)


FILTERS = {
    "money": money,
    "amount_input": amount_input,
    "number": number,
    "percent": percent,
    "date": date,
    "day": day,
    "long_date": long_date,
    "moment": moment,
    "iso": iso,
}
