"""Days, months and level periods, cut in the program's time zone (rules.md §2.5, §16 "Time").

Months are numbered `year * 12 + month - 1`; a level period is the range of months it covers, so that a quarter's
turnover is the sum of three months whatever a later version of the terms makes of the period's length.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo


@lru_cache(maxsize=4096)
def month_index(moment: datetime, zone: ZoneInfo) -> int:
    """The local month that a moment lies in."""
    local = moment.astimezone(zone)
    return local.year * 12 + local.month - 1


@lru_cache(maxsize=4096)
def local_midnight(moment: datetime, zone: ZoneInfo) -> datetime:
    """The moment (UTC) at which the local day of `moment` began."""
    local = moment.astimezone(zone)
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC)


def next_midnight(moment: datetime, zone: ZoneInfo) -> datetime:
    """The first local 00:00 (UTC) strictly after `moment`."""
    local = moment.astimezone(zone)
    day = local.date() + timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


@lru_cache(maxsize=4096)
def month_start(month: int, zone: ZoneInfo) -> datetime:
    """The moment (UTC) at which a numbered month begins."""
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=zone).astimezone(UTC)


PERIOD_MONTHS = {"month": 1, "quarter": 3, "year": 12}
"""Level periods by name; `lifetime` has no borders."""


@lru_cache(maxsize=4096)
def period_first_month(month: int, period: str) -> int | None:
    """The first month of the level period that holds `month`; None: the period is the whole lifetime."""
    length = PERIOD_MONTHS.get(period)
    return None if length is None else month - month % length


def period_start(moment: datetime, period: str, zone: ZoneInfo) -> datetime | None:
    """The moment (UTC) at which the level period of `moment` began; None: lifetime."""
    first = period_first_month(month_index(moment, zone), period)
    return None if first is None else month_start(first, zone)
