"""Which level a partner has at a moment, and when it changes (rules.md §7, §16 "Levels").

The level is a function of the turnover as it stands and of what was set by hand; nothing else is remembered.

- `on_paid`: the order that crosses a threshold earns at the old rate, the next one at the new.
- `daily`: entries before the last local 00:00 count.
- `keep = "next_period"`: the better of this period so far and the whole previous one.
"""

from datetime import datetime

from app.rules.counting import count_customers, count_orders
from app.rules.effects import Effects, LevelChange, Notice, NoticeKind, TurnoverEntry
from app.rules.periods import (
    local_midnight,
    month_index,
    month_start,
    period_first_month,
    period_start,
)
from app.rules.state import LevelSetting, PartnerState, State
from app.rules.terms import Level, Terms


def level_in_force(partner: PartnerState, moment: datetime, terms: Terms) -> Level:
    """The level by which an order paid at `moment` is judged, entries that arrived before it counted."""
    setting = setting_in_force(partner, moment, terms)
    if setting is not None:
        return terms.level(setting.level)
    if len(terms.levels) == 1:
        return terms.levels[0]
    return level_by_turnover(partner, moment, terms)


def level_by_turnover(
    partner: PartnerState, moment: datetime, terms: Terms, more: tuple[TurnoverEntry, ...] = ()
) -> Level:
    """The level that the turnover alone gives; `more` are entries that the state does not hold yet."""
    levels, policy = terms.levels, terms.levels_policy
    present = turnover(partner, moment, terms, more)
    index = _reached(levels, present)
    if policy.keep == "next_period" and policy.period != "lifetime":
        index = max(index, _reached(levels, _previous_turnover(partner, moment, terms, more)))
    return levels[index]


def turnover(
    partner: PartnerState, moment: datetime, terms: Terms, more: tuple[TurnoverEntry, ...] = ()
) -> int:
    """The turnover of the period of `moment` that counts for a level at `moment`."""
    policy = terms.levels_policy
    month = month_index(moment, terms.zone)
    first = period_first_month(month, policy.period)
    daily = policy.recalculate == "daily"
    cut = local_midnight(moment, terms.zone) if daily else moment
    months = partner.months
    if policy.count != "base":
        return _counted(partner, moment, month, terms) + sum(
            entry.delta_minor
            for entry in more
            if entry.month <= month
            and (first is None or entry.month >= first)
            and (entry.at < cut if daily else entry.at <= cut)
        )
    total = sum(
        months[number].total_minor
        for number in (range(first, month) if first is not None else months)
        if number < month and number in months
    )
    if month in months:
        total += months[month].before(cut) if daily else months[month].until(cut)
    for entry in more:
        if entry.month <= month and (first is None or entry.month >= first):
            counts = entry.at < cut if daily else entry.at <= cut
            total += entry.delta_minor if counts else 0
    return total


def setting_in_force(partner: PartnerState, moment: datetime, terms: Terms) -> LevelSetting | None:
    """The level set by hand that still holds at `moment`, if one does."""
    setting = None
    for one in partner.level_settings:
        if one.at is not None and one.at > moment:
            break
        setting = one
    if setting is None or not setting.level:
        return None
    if setting.pinned:
        return setting if setting.until is None or moment < setting.until else None
    return None if _recalculated_since(partner, setting, moment, terms) else setting


def recalculate_levels(state: State, moment: datetime) -> Effects:
    """All partners' levels at a local midnight or period border; only changes are told."""
    version = state.version_at(moment)
    if version is None:
        return Effects()
    changes = []
    for partner in state.partners.values():
        change = level_change(partner, moment, version.terms)
        if change is not None:
            changes.append(change)
    return Effects(levels=tuple(changes), notices=tuple(level_notice(change) for change in changes))


def level_change(partner: PartnerState, moment: datetime, terms: Terms) -> LevelChange | None:
    """The change from the recorded level to the one in force at `moment`, if they differ."""
    before = recorded_level(partner, terms)
    after = level_in_force(partner, moment, terms)
    if before == after.code:
        return None
    reason = "turnover"
    start = period_start(moment, terms.levels_policy.period, terms.zone)
    if setting_in_force(partner, moment, terms) is not None:
        reason = "setting"
    elif start is not None and (
        start == moment or (partner.level_at is not None and partner.level_at < start)
    ):
        reason = "period"
    return LevelChange(
        partner.partner_id, moment, before, after.code, turnover(partner, moment, terms), reason
    )


def changes_by_entries(
    partner: PartnerState, terms: Terms, more: tuple[TurnoverEntry, ...]
) -> list[LevelChange]:
    """What a fact's turnover does to the recorded level where levels follow every order (`on_paid`).

    First the turn of a period that nobody has told yet, then the threshold that the entries cross. An entry that
    comes late changes the level as it stands now, so the turnover is looked at where the partner's facts have got.
    """
    known = [partner.level_at] if partner.level_at is not None else []
    moment = max([*known, *(entry.at for entry in more)])
    changes = []
    turned = level_change(partner, moment, terms)
    if turned is not None:
        changes.append(turned)
    setting = setting_in_force(partner, moment, terms)
    if setting is not None and (setting.pinned or _given_after(partner, setting, more)):
        return changes
    before = turned.after if turned is not None else recorded_level(partner, terms)
    after = level_by_turnover(partner, moment, terms, more).code
    if after != before:
        total = turnover(partner, moment, terms, more)
        changes.append(LevelChange(partner.partner_id, moment, before, after, total, "turnover"))
    return changes


def recorded_level(partner: PartnerState, terms: Terms) -> str:
    """The code of the level last told; the first level where none was."""
    return partner.level or terms.levels[0].code


def level_notice(change: LevelChange) -> Notice:
    """The partner is told of every change."""
    return Notice(NoticeKind.LEVEL_CHANGED, change.partner_id, change.at, level=change.after)


def _reached(levels: tuple[Level, ...], turnover_minor: int) -> int:
    """The index of the highest level whose threshold is reached; below the first one the first holds."""
    index = 0
    for number, level in enumerate(levels):
        if turnover_minor >= level.from_minor:
            index = number
    return index


def _previous_turnover(
    partner: PartnerState, moment: datetime, terms: Terms, more: tuple[TurnoverEntry, ...]
) -> int:
    """The turnover of the whole period before that of `moment`, as it stands."""
    first = period_first_month(month_index(moment, terms.zone), terms.levels_policy.period)
    if first is None:
        return 0
    previous = period_first_month(first - 1, terms.levels_policy.period)
    assert previous is not None
    if terms.levels_policy.count != "base":
        daily = terms.levels_policy.recalculate == "daily"
        cut = local_midnight(moment, terms.zone) if daily else moment
        return _counted(partner, moment, first - 1, terms) + sum(
            entry.delta_minor
            for entry in more
            if previous <= entry.month < first and (entry.at < cut if daily else entry.at <= cut)
        )
    total = 0
    for number, entries in partner.months.items():
        if previous <= number < first:
            total += entries.total_minor
    return total + sum(entry.delta_minor for entry in more if previous <= entry.month < first)


def _counted(partner: PartnerState, moment: datetime, month: int, terms: Terms) -> int:
    """Orders or customers of the period of `month` that count for a level at `moment`."""
    policy = terms.levels_policy
    daily = policy.recalculate == "daily"
    cut = local_midnight(moment, terms.zone) if daily else moment
    first = period_first_month(month, policy.period)
    if policy.count == "orders":
        return count_orders(partner, first, month, cut, daily=daily)
    return count_customers(partner, (policy.period, first), cut, daily=daily)


def _recalculated_since(partner: PartnerState, setting: LevelSetting, moment: datetime, terms: Terms) -> bool:
    """Whether the partner's level was recalculated after it was set by hand, up to `moment`."""
    given_at = setting.at or partner.joined_at
    policy = terms.levels_policy
    if given_at is not None:
        start = period_start(moment, policy.period, terms.zone)
        if start is not None and start > given_at:
            return True
        if policy.recalculate == "daily":
            return local_midnight(moment, terms.zone) > given_at
    latest = latest_entry(partner, moment)
    if latest is None:
        return False
    if given_at is None:
        return policy.recalculate != "daily" or latest < local_midnight(moment, terms.zone)
    return latest > given_at


def _given_after(partner: PartnerState, setting: LevelSetting, more: tuple[TurnoverEntry, ...]) -> bool:
    """Whether the level was set by hand after all of these entries: arriving late, they recalculate nothing."""
    given_at = setting.at or partner.joined_at
    return given_at is not None and all(entry.at <= given_at for entry in more)


def latest_entry(partner: PartnerState, moment: datetime) -> datetime | None:
    """The partner's latest turnover entry not later than `moment`."""
    found = [entries.latest(moment) for entries in partner.months.values()]
    return max((at for at in found if at is not None), default=None)


def next_turn(moment: datetime, terms: Terms) -> datetime | None:
    """The first period border strictly after `moment`; None: the period is the lifetime."""
    first = period_first_month(month_index(moment, terms.zone), terms.levels_policy.period)
    if first is None:
        return None
    month = first + 1
    while period_first_month(month, terms.levels_policy.period) == first:
        month += 1
    return month_start(month, terms.zone)
