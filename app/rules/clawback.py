"""What is left of an order after its refunds (rules.md §10), and whether a refund can be true.

A clawback is never computed by itself. What is left of each line is computed from all refunds known, the
commission is judged again on it with the same credits and rates, and the difference is the clawback. So any
sequence of partial refunds ends exactly where one full refund would, and never below zero.

What is left of a line is `base × (1 − pieces / quantity − amounts / money)`, rounded. Its money is what the buyer
owes for it (after discounts). Where a refund names an amount and pieces for a line, the amount decides. An amount
without lines goes over what is left of the lines' money, by §2.4, and only its rest goes to shipping.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from app.rules.base import goods_lines, line_money
from app.rules.facts import Order, OrderState, OrderStatus, Refund
from app.rules.money import round_minor, split_by_weights


@dataclass(slots=True)
class _Left:
    """The refunds of an order, gathered line by line."""

    quantities: list[int]
    money: list[int]
    pieces: list[int]
    amounts: list[int]
    returned: list[int]
    """Pieces that refunds name, also beside an amount that decides about the money."""
    shipping_refunded: int = 0

    def pieces_left(self, index: int) -> int:
        """What no refund has named of a line's pieces."""
        return self.quantities[index] - self.returned[index]

    def money_left(self, index: int) -> int:
        """Pieces count at their share of the line's money; below zero where too much was given back."""
        money, quantity, pieces = self.money[index], self.quantities[index], self.pieces[index]
        if pieces:
            money = round_minor(money * (quantity - pieces), quantity) if quantity else 0
        return money - self.amounts[index]

    def is_gone(self, index: int) -> bool:
        """Nothing is left of the line. The last pieces may be worth less than a minor unit and are still there."""
        if self.money[index] > 0 and self.amounts[index]:
            return self.money_left(index) <= 0
        return self.pieces[index] >= self.quantities[index] > 0

    def remaining(self, index: int, base_minor: int) -> int:
        """The line's base times the part not refunded, rounded."""
        pieces, amount = self.pieces[index], self.amounts[index]
        if not pieces and not amount:
            return base_minor
        if self.is_gone(index):
            return 0
        quantity, money = self.quantities[index] or 1, self.money[index] or 1
        whole = quantity * money
        left = whole - pieces * money - amount * quantity
        return round_minor(base_minor * left, whole) if left > 0 else 0


class Left(NamedTuple):
    """What is left of an order, line by line."""

    bases: list[int]
    """Of each line, and of shipping at the end where it is in the base."""
    pieces_micro: list[int]
    """Of each line of goods: what no refund has named, and none of a line that is gone."""
    gone: list[bool]
    """Of each line of goods: nothing is left of it."""
    platform_minor: int = 0
    """Of the platform commission, where the terms pay of it beside the base."""

    @property
    def quantity_micro(self) -> int:
        """All pieces that are left."""
        return sum(self.pieces_micro)


def left_after(state: OrderState, bases: Sequence[int], refunds: Sequence[Refund]) -> Left:
    """What is left of each line's base (and of shipping's, where the last base is shipping's), and its pieces.

    Shipping is gone with the last line; before that it shrinks by what amounts without lines left over for it.
    """
    if not refunds:
        lines = goods_lines(state)
        return Left(list(bases), [line.quantity_micro for line in lines], [False] * len(lines))
    left = _gather(state, refunds)
    count = len(left.quantities)
    order_money = sum(left.money) + state.shipping_minor
    if 0 < order_money <= money_back(state, refunds):
        # All money is back, even if more of it was given for one line than for another.
        return nothing_left(state, bases)
    remaining = [left.remaining(index, bases[index]) for index in range(count)]
    gone = [left.is_gone(index) for index in range(count)]
    if len(bases) > count:
        remaining.append(0 if all(gone) else max(0, bases[count] - left.shipping_refunded))
    pieces = [0 if gone[index] else max(0, left.pieces_left(index)) for index in range(count)]
    return Left(remaining, pieces, gone)


def nothing_left(state: OrderState, bases: Sequence[int]) -> Left:
    """Of a cancelled order, or of one whose money is all back."""
    count = len(goods_lines(state))
    return Left([0] * len(bases), [0] * count, [True] * count)


def left_of(order: Order, bases: Sequence[int]) -> Left:
    """What is left of an order as its facts stand now; nothing of a cancelled one."""
    if order.nothing_left:
        return nothing_left(order.state, bases)
    return left_after(order.state, bases, order.refunds)


def gone_at(order: Order) -> datetime | None:
    """When nothing was left of a paid order's goods: refunded in full, or cancelled; None: something is left."""
    state = order.state
    if state.status is OrderStatus.CANCELLED:
        return state.cancelled_at or state.updated_at
    if not order.refunds:
        return None
    bases = line_money(state)
    for count, refund in enumerate(order.refunds, start=1):
        if all(left_after(state, bases, order.refunds[:count]).gone):
            return refund.at
    return None


def _gather(state: OrderState, refunds: Sequence[Refund]) -> _Left:
    """Pieces and amounts per line, refund by refund in their order."""
    lines = goods_lines(state)
    count = len(lines)
    quantities = [line.quantity_micro for line in lines]
    left = _Left(quantities, line_money(state), [0] * count, [0] * count, [0] * count)
    positions = {line.external_id: index for index, line in enumerate(lines)}
    for refund in refunds:
        if refund.lines:
            _give_back_lines(left, refund, positions)
        elif refund.amount_minor is not None:
            weights = [max(0, left.money_left(index)) for index in range(count)]
            _spread(left, refund.amount_minor, range(count), weights)
    return left


def _give_back_lines(left: _Left, refund: Refund, positions: dict[str, int]) -> None:
    """A refund of named lines. An amount of the whole refund is that of the lines that name only pieces."""
    rest = refund.amount_minor
    by_pieces: dict[int, int] = {}
    for part in refund.lines:
        index = positions.get(part.line)
        if index is not None:
            left.returned[index] += part.quantity_micro or 0
        if part.amount_minor is not None:
            rest = None if rest is None else rest - part.amount_minor
            if index is not None:
                left.amounts[index] += part.amount_minor
        elif index is not None:
            by_pieces[index] = by_pieces.get(index, 0) + (part.quantity_micro or 0)
    if rest is None:
        for index, pieces in by_pieces.items():
            left.pieces[index] += pieces
    elif rest > 0:
        indexes = list(by_pieces)
        _spread(left, rest, indexes, [left.money[index] * by_pieces[index] for index in indexes])


def _spread(left: _Left, amount_minor: int, indexes: Sequence[int], weights: Sequence[int]) -> None:
    """Give an amount back over lines, no more than is left of them, and its rest to shipping."""
    of_goods = min(amount_minor, sum(max(0, left.money_left(index)) for index in indexes))
    if of_goods > 0:
        for index, part in zip(indexes, split_by_weights(of_goods, weights), strict=True):
            left.amounts[index] += part
    left.shipping_refunded += amount_minor - of_goods


@dataclass(frozen=True, slots=True)
class RefundProblem:
    """Why a refund cannot be true of its order; `pointer` names the field inside the refund."""

    pointer: str
    code: str
    """unknown_line | too_many_pieces | above_order."""


def refund_problem(state: OrderState, known: Sequence[Refund], refund: Refund) -> RefundProblem | None:
    """What is wrong with one more refund beside those known (api.md "Orders"); None: it may be.

    Pieces above what is left of a line, lines that the order does not have, and sums above the order are refused.
    """
    lines = goods_lines(state)
    positions = {line.external_id: index for index, line in enumerate(lines)}
    left = _gather(state, known)
    pieces_left = [quantity - pieces for quantity, pieces in zip(left.quantities, left.pieces, strict=True)]
    for number, part in enumerate(refund.lines):
        index = positions.get(part.line)
        if index is None:
            return RefundProblem(f"/lines/{number}/line", "unknown_line")
        pieces_left[index] -= part.quantity_micro or 0
        if pieces_left[index] < 0:
            return RefundProblem(f"/lines/{number}/quantity", "too_many_pieces")
    order_money = sum(left.money) + state.shipping_minor
    if money_back(state, (*known, refund)) > order_money:
        return RefundProblem("/amount_minor" if refund.amount_minor is not None else "/lines", "above_order")
    return None


def money_back(state: OrderState, refunds: Sequence[Refund]) -> int:
    """What refunds give back in money: what they say, else their pieces at their share of the lines' money.

    The pieces of a line are counted together, so that one by one they are worth what they are all at once.
    """
    total = 0
    pieces: dict[str, int] = {}
    for refund in refunds:
        if refund.amount_minor is not None:
            total += refund.amount_minor
            continue
        for part in refund.lines:
            if part.amount_minor is not None:
                total += part.amount_minor
            elif part.quantity_micro:
                pieces[part.line] = pieces.get(part.line, 0) + part.quantity_micro
    if pieces:
        for line, money in zip(goods_lines(state), line_money(state), strict=True):
            # Downwards, so that thirds of a line never add up to more than the line.
            total += money * pieces.get(line.external_id, 0) // (line.quantity_micro or 1)
    return total
