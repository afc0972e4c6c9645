"""Exact money: one rounding, one way to split, rates as integers (rules.md §2).

Amounts are integers of the currency's minor unit. Rates are integers of a millionth (`7%` is 70 000), which holds
every percent with four fraction digits exactly. There is one rounding, half away from zero, and every division
in the rules goes through `round_minor` or `split_by_weights`, so that binary floats never get a say: 51.85 at
10 % is 5.185 and becomes 5.19, where floats say 5.18.
"""

import re
from collections.abc import Sequence

PPM = 1_000_000
"""One whole as a rate: 100 %."""

_RATE = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,4}))?%")


def round_minor(numerator: int, denominator: int) -> int:
    """`numerator / denominator` to the nearest integer, half away from zero; the denominator is above zero."""
    if numerator >= 0:
        return (2 * numerator + denominator) // (2 * denominator)
    return -((denominator - 2 * numerator) // (2 * denominator))


def at_rate(amount_minor: int, rate_ppm: int) -> int:
    """The amount at a rate, rounded once."""
    return round_minor(amount_minor * rate_ppm, PPM)


def split_by_weights(amount_minor: int, weights: Sequence[int]) -> list[int]:
    """Integer parts that sum to the amount: floors, the missing units to the largest remainders, ties to the earlier.

    Weights are not negative. Where all are 0 the first takes all, for the parts must sum to the amount.
    10.00 over 1:1:1 gives 3.34, 3.33, 3.33. A negative amount is the mirror of the positive one.
    """
    if len(weights) == 1:
        return [amount_minor]
    if amount_minor < 0:
        return [-part for part in split_by_weights(-amount_minor, weights)]
    total = sum(weights)
    if total == 0:
        return [amount_minor, *([0] * (len(weights) - 1))] if weights else []
    parts, remainders = [], []
    for weight in weights:
        part, remainder = divmod(amount_minor * weight, total)
        parts.append(part)
        remainders.append(remainder)
    missing = amount_minor - sum(parts)
    if missing:
        # sorted() is stable: equal remainders stay in the order of the weights.
        for index in sorted(range(len(parts)), key=remainders.__getitem__, reverse=True)[:missing]:
            parts[index] += 1
    return parts


def parse_rate(text: str) -> int:
    """`"7%"` → 70 000 millionths. Raises ValueError for anything but 0 to 100 % with at most 4 fraction digits."""
    match = _RATE.fullmatch(text)
    if match is None:
        raise ValueError(f"not a percentage: {text!r}")
    whole, fraction = match[1], match[2] or ""
    rate = int(whole) * 10_000 + int(fraction.ljust(4, "0"))
    if rate > PPM:
        raise ValueError(f"above 100%: {text!r}")
    return rate


def format_rate(rate_ppm: int) -> str:
    """70 000 millionths → `"7%"`, without needless zeros."""
    whole, fraction = divmod(rate_ppm, 10_000)
    digits = f"{fraction:04d}".rstrip("0")
    return f"{whole}.{digits}%" if digits else f"{whole}%"


def format_minor(amount_minor: int, exponent: int) -> str:
    """150 050 with exponent 2 → `"1500.50"`: plain, with a point and without groups, for files and logs."""
    sign = "-" if amount_minor < 0 else ""
    if exponent == 0:
        return f"{sign}{abs(amount_minor)}"
    whole, fraction = divmod(abs(amount_minor), 10**exponent)
    return f"{sign}{whole}.{fraction:0{exponent}d}"


def currency_exponent(currency: str) -> int:
    """How many digits the currency's minor unit has (ISO 4217). Raises KeyError for an unknown code."""
    return EXPONENTS[currency]


_OF_TWO = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF "
    "CHE CHF CHW CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ "
    "GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK "
    "MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB "
    "SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN "
    "UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
)
_OF_ZERO = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_OF_THREE = "BHD IQD JOD KWD LYD OMR TND"
_OF_FOUR = "CLF UYW"

EXPONENTS: dict[str, int] = {
    code: exponent
    for exponent, codes in ((2, _OF_TWO), (0, _OF_ZERO), (3, _OF_THREE), (4, _OF_FOUR))
    for code in codes.split()
}
"""ISO 4217, the codes that are money somebody can pay with (no metals, no test codes)."""
