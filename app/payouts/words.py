"""Amounts in Russian words, as acts need them: "Одна тысяча двести тридцать четыре рубля 05 копеек".

Thousands are feminine, millions and above masculine; the last group takes the gender of the currency (одна гривна, один
рубль), and every noun the form of the number before it: 1 рубль, 2 рубля, 5 рублей, 11 рублей, 21 рубль, 111 рублей.

Our own code because the library for it (num2words) knows neither the yen nor the yuan nor the dinar, takes money
through decimals, and depends on a package that is only to be had as source.
"""

from dataclasses import dataclass

from app.ui.filters import exponent

LARGEST = 10**15
"""Whole units; more has no word here."""

Forms = tuple[str, str, str]
"""With 1, with 2, with 5: рубль, рубля, рублей."""


@dataclass(frozen=True, slots=True)
class _Noun:
    forms: Forms
    feminine: bool = False


@dataclass(frozen=True, slots=True)
class _Currency:
    unit: _Noun
    part: _Noun | None
    """None: the currency has no minor unit."""


def amount_in_words(amount_minor: int, currency: str) -> str:
    """The amount, its whole part in words and its minor units in digits, beginning with a capital letter.

    A currency without words of its own is called by its code: "Пять XTS 10/100".
    """
    assert amount_minor >= 0, "acts are about what was earned"
    digits = exponent(currency)
    whole, rest = divmod(amount_minor, 10**digits)
    known = _CURRENCIES.get(currency)
    if known is None:
        text = f"{_number(whole, feminine=False)} {currency}"
        text += f" {rest:0{digits}d}/{10**digits}" if digits else ""
    else:
        text = f"{_number(whole, feminine=known.unit.feminine)} {_form(whole, known.unit.forms)}"
        if known.part is not None:
            text += f" {rest:0{digits}d} {_form(rest, known.part.forms)}"
    return text[0].upper() + text[1:]


def _number(value: int, *, feminine: bool) -> str:
    """A whole number in words; `feminine`: the last word agrees with a feminine noun (одна, две)."""
    assert 0 <= value < LARGEST, "amounts in words end below a quadrillion"
    if value == 0:
        return "ноль"
    words: list[str] = []
    for power, noun in enumerate(_GROUPS):
        group = value // 1000**power % 1000
        if not group:
            continue
        # Groups are taken from the right; each is put before what stands there already.
        named = _hundreds(group, feminine=noun.feminine if power else feminine)
        if power:
            named.append(_form(group, noun.forms))
        words = named + words
    return " ".join(words)


def _hundreds(group: int, *, feminine: bool) -> list[str]:
    hundreds, rest = divmod(group, 100)
    tens, units = divmod(rest, 10)
    names = _FEMININE if feminine else _MASCULINE
    last = [_TEENS[units]] if tens == 1 else [_TENS[tens], names[units]]
    return [word for word in (_HUNDREDS[hundreds], *last) if word]


def _form(number: int, forms: Forms) -> str:
    """The noun's form after `number`."""
    if number % 100 in range(11, 15):
        return forms[2]
    return forms[0] if number % 10 == 1 else forms[1] if number % 10 in (2, 3, 4) else forms[2]


_MASCULINE = ("", "один", "два", "три", "четыре", "пять", "шесть", "семь", "восемь", "девять")
_FEMININE = ("", "одна", "две", *_MASCULINE[3:])
_TEENS = (
    "десять", "одиннадцать", "двенадцать", "тринадцать", "четырнадцать", "пятнадцать", "шестнадцать", "семнадцать",
    "восемнадцать", "девятнадцать",
)  # fmt: skip
_TENS = (
    "", "", "двадцать", "тридцать", "сорок", "пятьдесят", "шестьдесят", "семьдесят", "восемьдесят", "девяносто",
)  # fmt: skip
_HUNDREDS = (
    "", "сто", "двести", "триста", "четыреста", "пятьсот", "шестьсот", "семьсот", "восемьсот", "девятьсот",
)  # fmt: skip

_GROUPS = (
    _Noun(("", "", "")),
    _Noun(("тысяча", "тысячи", "тысяч"), feminine=True),
    _Noun(("миллион", "миллиона", "миллионов")),
    _Noun(("миллиард", "миллиарда", "миллиардов")),
    _Noun(("триллион", "триллиона", "триллионов")),
)

_KOPECKS = _Noun(("копейка", "копейки", "копеек"), feminine=True)
_CENTS = _Noun(("цент", "цента", "центов"))

_CURRENCIES: dict[str, _Currency] = {
    "RUB": _Currency(_Noun(("рубль", "рубля", "рублей")), _KOPECKS),
    "BYN": _Currency(_Noun(("белорусский рубль", "белорусских рубля", "белорусских рублей")), _KOPECKS),
    "KZT": _Currency(_Noun(("тенге", "тенге", "тенге")), _Noun(("тиын", "тиына", "тиынов"))),
    "UAH": _Currency(_Noun(("гривна", "гривны", "гривен"), feminine=True), _KOPECKS),
    "UZS": _Currency(_Noun(("сум", "сума", "сумов")), _Noun(("тийин", "тийина", "тийинов"))),
    "KGS": _Currency(_Noun(("сом", "сома", "сомов")), _Noun(("тыйын", "тыйына", "тыйынов"))),
    "AMD": _Currency(_Noun(("драм", "драма", "драмов")), _Noun(("лума", "лумы", "лум"), feminine=True)),
    "GEL": _Currency(_Noun(("лари", "лари", "лари")), _Noun(("тетри", "тетри", "тетри"))),
    "USD": _Currency(_Noun(("доллар США", "доллара США", "долларов США")), _CENTS),
    "EUR": _Currency(_Noun(("евро", "евро", "евро")), _CENTS),
    "GBP": _Currency(
        _Noun(("фунт стерлингов", "фунта стерлингов", "фунтов стерлингов")),
        _Noun(("пенс", "пенса", "пенсов")),
    ),
    "CNY": _Currency(_Noun(("юань", "юаня", "юаней")), _Noun(("фэнь", "фэня", "фэней"))),
    "JPY": _Currency(_Noun(("иена", "иены", "иен"), feminine=True), None),
    "TRY": _Currency(
        _Noun(("турецкая лира", "турецкие лиры", "турецких лир"), feminine=True),
        _Noun(("куруш", "куруша", "курушей")),
    ),
    "AED": _Currency(_Noun(("дирхам", "дирхама", "дирхамов")), _Noun(("филс", "филса", "филсов"))),
    "KWD": _Currency(
        _Noun(("кувейтский динар", "кувейтских динара", "кувейтских динаров")),
        _Noun(("филс", "филса", "филсов")),
    ),
}
