"""The commission base: the part of an order that rates apply to, line by line (rules.md §5, §16 "Base").

    2 × 1,490.00 = 2,980.00; order discount 298.00, tax 447.00, shipping 350.00 → 2,980.00 − 298.00 − 447.00 = 2,235.00

Everything of the whole order (discount, tax, cashback spent) is spread over the lines by their totals, ties to
the earlier line. Shipping, where it belongs to the base, is one more line at the end. A line never goes below 0.
Where the base is the marketplace's commission, that is spread over the lines by their totals.

An order of another currency is worked out in its own: only what is left of its base, as a whole, is brought into the
program's by the rate of `paid_at`'s day and rounded once; the lines divide that sum (§2.4).

    100.01 USD and 50.01 USD at 90.5: 150.02 × 90.5 = 13,576.81 RUB → 9,050.91 and 4,525.90
"""

from collections.abc import Sequence
from fractions import Fraction

from app.rules.facts import MICRO, Line, OrderState
from app.rules.judgement import Conversion
from app.rules.money import currency_exponent, round_minor, split_by_weights
from app.rules.terms import BaseTerms


def goods_lines(state: OrderState) -> tuple[Line, ...]:
    """The order's lines; an order without lines is one line of its `total_minor`."""
    if state.lines:
        return state.lines
    return (Line(external_id="", quantity_micro=MICRO, total_minor=state.total_minor),)


def line_bases(state: OrderState, base: BaseTerms) -> list[int]:
    """The base of each line before refunds; the last one is shipping where that belongs to the base."""
    if base.of == "platform_commission":
        return platform_bases(state)
    lines = goods_lines(state)
    if base.without_tax:
        bases = [line.total_minor - line.tax_minor for line in lines]
    else:
        bases = [line.total_minor for line in lines]
    if not base.without_discount:
        bases = [before + line.discount_minor for before, line in zip(bases, lines, strict=True)]
    taken_off = (
        state.discount_minor if base.without_discount else 0,
        state.tax_minor if base.without_tax else 0,
        state.cashback_spent_minor if base.without_cashback_spent else 0,
    )
    if any(taken_off):
        totals = line_totals(lines)
        for amount in taken_off:
            if amount:
                parts = split_by_weights(amount, totals)
                bases = [before - part for before, part in zip(bases, parts, strict=True)]
    if min(bases) < 0:
        bases = [max(0, before) for before in bases]
    if not base.without_shipping and state.shipping_minor:
        bases.append(state.shipping_minor)
    return bases


def platform_bases(state: OrderState) -> list[int]:
    """What the marketplace keeps of the order, spread over the lines by their totals (rules.md §16 "Base")."""
    return split_by_weights(max(0, state.platform_commission_minor), line_totals(goods_lines(state)))


def converted(bases: Sequence[int], conversion: Conversion | None, currency: str) -> list[int]:
    """Amounts of an order in the program's `currency`: their sum is rounded once and divided over them."""
    if conversion is None:
        return list(bases)
    return split_by_weights(convert(sum(bases), conversion, currency), bases)


def convert(amount_minor: int, conversion: Conversion, currency: str) -> int:
    """One amount of an order in the program's `currency`; minor units may differ in their number of digits."""
    rate = Fraction(conversion.rate) * 10 ** currency_exponent(currency)
    rate /= 10 ** currency_exponent(conversion.currency)
    return round_minor(amount_minor * rate.numerator, rate.denominator)


def line_totals(lines: Sequence[Line]) -> list[int]:
    """The weights by which amounts of the whole order are spread."""
    return [max(0, line.total_minor) for line in lines]


def line_money(state: OrderState) -> list[int]:
    """What the buyer owes for each line: its total less its part of the order's discount. Refunds give this back."""
    lines = goods_lines(state)
    totals = line_totals(lines)
    if not state.discount_minor:
        return totals
    parts = split_by_weights(state.discount_minor, totals)
    return [max(0, total - part) for total, part in zip(totals, parts, strict=True)]
