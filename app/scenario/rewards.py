"""Bonuses of a scenario through the rules alone: what each partner has reached is counted from the folded orders."""

from collections.abc import Callable
from datetime import datetime, timedelta

from app.rules.bonuses import EVER, Figures, Reward, bonuses_due, volume_bonus_due
from app.rules.levels import level_in_force, next_turn
from app.rules.periods import month_index, period_start
from app.rules.state import PartnerState, State
from app.rules.terms import Terms

LAST = timedelta(microseconds=1)


class RewardsMirror:
    """Which bonuses the jobs of a scenario give."""

    def __init__(self) -> None:
        self._given: set[tuple[int, str, str, str]] = set()
        self._ended: set[datetime] = set()

    def run_jobs(
        self, state: State, now: datetime, customer_of: Callable[[int], str | None]
    ) -> list[tuple[int, str, int]]:
        """What is due by now: (partner, kind, amount). `customer_of`: the buyer of an order."""
        paid = [record.judgement.paid_at for record in state.orders.values() if record.commissions]
        found: list[Reward] = []
        moment = min(paid, default=now)
        while (version := state.version_at(moment)) is not None:
            end = next_turn(moment, version.terms)
            if end is None or end > now:
                break
            if end not in self._ended:
                self._ended.add(end)
                found += self._due(state, end - LAST, now, customer_of, at_end=True)
            moment = end
        found += self._due(state, now, now, customer_of, at_end=False)
        given = []
        for one in found:
            key = (one.partner_id, one.kind, one.code, one.period)
            if key not in self._given and one.amount_minor:
                self._given.add(key)
                given.append((one.partner_id, one.kind, one.amount_minor))
        return given

    def _due(
        self,
        state: State,
        moment: datetime,
        now: datetime,
        customer_of: Callable[[int], str | None],
        *,
        at_end: bool,
    ) -> list[Reward]:
        version = state.version_at(moment)
        if version is None:
            return []
        terms = version.terms
        start = period_start(moment, terms.levels_policy.period, terms.zone)
        period = start.astimezone(terms.zone).date().isoformat() if start is not None else EVER
        due: list[Reward] = []
        for partner in state.partners.values():
            if not (partner.months or partner.sales) or not partner.is_active(now):
                continue
            in_period = _figures(state, partner, start, moment, terms, customer_of)
            ever = _figures(state, partner, None, moment, terms, customer_of)
            due.extend(bonuses_due(partner.partner_id, terms, ever, in_period, period))
            if at_end:
                level = level_in_force(partner, moment, terms).code
                volume = volume_bonus_due(partner.partner_id, terms, level, in_period.base_minor, period)
                due.extend([volume] if volume is not None else [])
        return due


def _figures(
    state: State,
    partner: PartnerState,
    start: datetime | None,
    moment: datetime,
    terms: Terms,
    customer_of: Callable[[int], str | None],
) -> Figures:
    sold = [
        order_id
        for order_id, record in state.orders.items()
        if (held := record.commissions.get((partner.partner_id, "direct", 0))) is not None
        and held.orders > 0
        and record.judgement.paid_at <= moment
        and (start is None or record.judgement.paid_at >= start)
    ]
    last = month_index(moment, terms.zone)
    first = month_index(start, terms.zone) if start is not None else None
    base = sum(
        month.total_minor
        for number, month in partner.months.items()
        if number <= last and (first is None or number >= first)
    )
    return Figures(len(sold), len({customer_of(one) for one in sold} - {None}), base)
