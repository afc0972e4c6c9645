"""Rules of the money once more, as naively as they are written: fractions, loops, nothing kept but lists.

It shares no code with `app.rules` on purpose. Orders have pieces, discounts and tax; partners have parents, levels by
the turnover of a month (`on_paid`), tiers of earnings; credit goes to the last, the first or every touching partner.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

DAY = 24 * 60


def half_away(amount: Fraction) -> int:
    """Rules §2.3."""
    whole = int(abs(amount) + Fraction(1, 2))
    return whole if amount >= 0 else -whole


def shares_of(amount: int, weights: list[int]) -> list[int]:
    """Rules §2.4."""
    if sum(weights) == 0:
        return [amount] + [0] * (len(weights) - 1)
    exact = [Fraction(amount * weight, sum(weights)) for weight in weights]
    parts = [int(one) for one in exact]
    while sum(parts) < amount:
        rests = [one - part for one, part in zip(exact, parts, strict=True)]
        parts[rests.index(max(rests))] += 1
    return parts


@dataclass(frozen=True)
class Sold:
    """A line: pieces, money, tax inside."""

    pieces: int
    total: int
    tax: int


@dataclass(frozen=True)
class Bought:
    """An order: minutes since the beginning of March, clicks as (minute, partner)."""

    paid_at: int
    lines: tuple[Sold, ...]
    discount: int
    clicks: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Back:
    """What happens to an order later: pieces or money of a line, money of the order, all of it, or none of it again."""

    at: int
    kind: Literal["pieces", "line", "order", "cancelled", "restored"]
    line: int = 0
    much: int = 0


@dataclass
class Program:
    """The terms, and what has come out so far."""

    model: str
    parents: dict[str, str | None]
    levels: list[tuple[int, Fraction]]
    tiers: list[Fraction]
    window: int
    keep: str
    turnover: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    decided: dict[int, list[tuple[str, Fraction]]] = field(default_factory=dict)
    owed: dict[int, dict[tuple[str, int], int]] = field(default_factory=dict)
    bases: dict[int, dict[str, int]] = field(default_factory=dict)

    def credited(self, bought: Bought) -> list[str]:
        """Rules §4.2, §4.3."""
        seen = [
            one
            for one in sorted(bought.clicks)
            if bought.paid_at - self.window * DAY <= one[0] <= bought.paid_at
        ]
        names = [name for _, name in seen]
        if self.model == "last_click":
            return names[-1:]
        return names[:1] if self.model == "first_click" else list(dict.fromkeys(names))

    def level_rate(self, name: str, moment: int) -> Fraction:
        """Rules §7: by the turnover of the month so far; perhaps the better of it and the whole month before."""
        month = moment // (31 * DAY)
        entries = self.turnover.get(name, [])
        reached = sum(delta for at, delta in entries if at // (31 * DAY) == month and at <= moment)
        rate = max([self.levels[0][1], *(rate for start, rate in self.levels if reached >= start)])
        if self.keep == "next_period":
            before = sum(delta for at, delta in entries if at // (31 * DAY) == month - 1)
            rate = max([rate, *(rate for start, rate in self.levels if before >= start)])
        return rate

    def left(self, bought: Bought, facts: list[Back]) -> list[int]:
        """Rules §5, §10: what is left of each line's base after these facts."""
        whole = [line for line in bought.lines if line.total] and [line.total for line in bought.lines]
        cut = shares_of(bought.discount, whole or [0] * len(bought.lines))
        money = [max(0, line.total - part) for line, part in zip(bought.lines, cut, strict=True)]
        base = [max(0, line.total - part - line.tax) for line, part in zip(bought.lines, cut, strict=True)]
        ends = [fact for fact in facts if fact.kind in ("cancelled", "restored")]
        if ends and max(ends, key=lambda fact: fact.at).kind == "cancelled":
            return [0] * len(base)
        gone = [Fraction(0) for _ in base]
        pieces, amounts = [0] * len(base), [0] * len(base)
        for fact in sorted((one for one in facts if one not in ends), key=lambda fact: fact.at):
            if fact.kind == "pieces":
                pieces[fact.line] += fact.much
            elif fact.kind == "line":
                amounts[fact.line] += fact.much
            else:
                rest = [
                    max(0, half_away(Fraction(m * (line.pieces - p), line.pieces)) - a)
                    for m, line, p, a in zip(money, bought.lines, pieces, amounts, strict=True)
                ]
                for index, part in enumerate(shares_of(min(fact.much, sum(rest)), rest)):
                    amounts[index] += part
        given = sum(
            money[fact.line] * fact.much // bought.lines[fact.line].pieces
            if fact.kind == "pieces"
            else fact.much
            for fact in facts
            if fact not in ends
        )
        if 0 < sum(money) <= given:
            return [0] * len(base)  # All money is back.
        for index, line in enumerate(bought.lines):
            part = Fraction(amounts[index], money[index]) if amounts[index] else Fraction(0)
            gone[index] = Fraction(pieces[index], line.pieces) + part
        return [half_away(one * max(Fraction(0), 1 - part)) for one, part in zip(base, gone, strict=True)]

    def learn(self, number: int, bought: Bought, facts: list[Back], news: Back | None) -> None:
        """The order is known with these facts; `news` None: its payment has just become known."""
        if news is not None:
            self.owe(number, self.left(bought, facts), max(news.at, bought.paid_at))
            return
        names = self.credited(bought)
        self.decided[number] = [(name, self.level_rate(name, bought.paid_at)) for name in names]
        self.owe(number, self.left(bought, []), bought.paid_at)
        refunds = sorted(
            (one for one in facts if one.kind not in ("cancelled", "restored")), key=lambda one: one.at
        )
        for count, fact in enumerate(refunds, start=1):
            self.owe(number, self.left(bought, refunds[:count]), max(fact.at, bought.paid_at))
        if any(one.kind == "cancelled" for one in facts):
            last = max(
                (one for one in facts if one.kind in ("cancelled", "restored")), key=lambda one: one.at
            )
            if last.kind == "cancelled":
                self.owe(number, [0] * len(bought.lines), max(last.at, bought.paid_at))

    def owe(self, number: int, lines: list[int], at: int) -> None:
        """Rules §16, §8: each line over the credits, direct commissions, then each parent's, rounded once."""
        decided = self.decided[number]
        parts = {name: 0 for name, _ in decided}
        for base in lines if decided else []:
            for name, part in zip(parts, shares_of(base, [1] * len(decided)), strict=True):
                parts[name] += part
        owed: dict[tuple[str, int], int] = {}
        below: dict[tuple[str, int], int] = {}
        for name, rate in decided:
            owed[name, 0] = half_away(parts[name] * rate)
            above = self.parents[name]
            for tier in range(1, len(self.tiers) + 1):
                if above is None:
                    break
                below[above, tier] = below.get((above, tier), 0) + owed[name, 0]
                above = self.parents[above]
        for (name, tier), earned in below.items():
            owed[name, tier] = half_away(earned * self.tiers[tier - 1])
        known = self.bases.get(number, {})
        for name, part in parts.items():
            if part != known.get(name, 0):
                self.turnover.setdefault(name, []).append((at, part - known.get(name, 0)))
        self.bases[number], self.owed[number] = parts, owed
