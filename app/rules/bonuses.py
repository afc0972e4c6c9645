"""Bonuses for what a partner has reached, and volume bonuses at a level period's end (rules.md §3, §16 "Bonuses").

Jobs ask; what is due is given once: over all time, or once per level period with `every_period`. A bonus is never taken
back, also when refunds undo what it was given for; the next period is judged anew. A volume bonus goes by the level at
the period's last moment, on the whole period's base; of several that fit the highest `from` counts.

    50 customers: 5,000.00 once.  Platinum, 10,000,000.00 in the quarter, 1 %: 100,000.00 at its end
"""

from collections.abc import Iterator
from typing import NamedTuple

from app.rules.money import at_rate
from app.rules.terms import BonusTerms, Terms, VolumeBonusTerms

EVER = "ever"
"""The period of what is given once over all time."""


class Figures(NamedTuple):
    """What a partner has reached: orders and customers that are not fully refunded, and the base net of refunds."""

    orders: int = 0
    customers: int = 0
    base_minor: int = 0


NOTHING = Figures()


class Reward(NamedTuple):
    """One bonus that is due."""

    partner_id: int
    kind: str
    """bonus | volume_bonus."""
    code: str
    """The bonus's; empty for a volume bonus."""
    period: str
    """The first day of the level period, or `ever`."""
    base_minor: int
    """What a volume bonus is of; else 0."""
    rate_ppm: int | None
    amount_minor: int
    reached: int
    """The figure that reached the threshold."""


def bonuses_due(
    partner_id: int, terms: Terms, ever: Figures, in_period: Figures, period: str
) -> Iterator[Reward]:
    """The bonuses whose reach the partner has, whether or not they were given before."""
    for bonus in terms.bonuses:
        figures = in_period if bonus.every_period and period != EVER else ever
        reached = _figure(bonus, figures)
        if reached >= bonus.reach:
            yield Reward(
                partner_id,
                "bonus",
                bonus.code,
                period if bonus.every_period else EVER,
                0,
                None,
                bonus.reward_minor,
                reached,
            )


def volume_bonus_due(
    partner_id: int, terms: Terms, level: str, base_minor: int, period: str
) -> Reward | None:
    """The volume bonus on a whole period's base, by the level at its last moment; None: none fits."""
    fitting = [
        bonus
        for bonus in terms.volume_bonuses
        if bonus.level in ("", level) and base_minor >= bonus.from_minor and base_minor > 0
    ]
    if not fitting:
        return None
    best: VolumeBonusTerms = max(fitting, key=lambda bonus: (bonus.from_minor, bonus.level != ""))
    amount = at_rate(base_minor, best.rate_ppm)
    return Reward(partner_id, "volume_bonus", "", period, base_minor, best.rate_ppm, amount, base_minor)


def _figure(bonus: BonusTerms, figures: Figures) -> int:
    return {"orders": figures.orders, "customers": figures.customers, "base": figures.base_minor}[bonus.count]
