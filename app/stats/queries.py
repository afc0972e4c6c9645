"""Reads of the daily counts: totals, series by day, and figures per link. Days are the program's zone's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from app import db


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over some days."""

    clicks: int = 0
    clicks_not_counted: int = 0
    orders: int = 0
    base_minor: int = 0
    earned_minor: int = 0


@dataclass(frozen=True, slots=True)
class Day:
    """One day's sums; a day without anything is there too, with zeros."""

    day: date
    clicks: int = 0
    clicks_not_counted: int = 0
    orders: int = 0
    base_minor: int = 0
    earned_minor: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """A period beside the one of the same length before it."""

    first_day: date
    last_day: date
    totals: Totals
    days: tuple[Day, ...]
    previous: Totals
    previous_days: tuple[Day, ...]


async def figures(partner_id: int, first_day: date, last_day: date) -> Figures:
    """A partner's period (both days inclusive) and the previous one, day by day, in one read."""
    assert first_day <= last_day, (first_day, last_day)
    length = (last_day - first_day).days + 1
    before = first_day - timedelta(days=length)
    rows = await db.fetch(
        """
        SELECT day, sum(clicks)::bigint AS clicks, sum(clicks_not_counted)::bigint AS clicks_not_counted,
               sum(orders)::bigint AS orders, sum(base_minor)::bigint AS base_minor,
               sum(earned_minor)::bigint AS earned_minor
        FROM daily_counts
        WHERE partner_id = $1 AND day BETWEEN $2 AND $3
        GROUP BY day
        ORDER BY day
        """,
        partner_id,
        before,
        last_day,
    )
    known = {row["day"]: Day(*row.values()) for row in rows}
    every = [before + timedelta(days=place) for place in range(2 * length)]
    days = tuple(known.get(day) or Day(day) for day in every)
    return Figures(
        first_day, last_day, _sum(days[length:]), days[length:], _sum(days[:length]), days[:length]
    )


async def totals(partner_id: int, first_day: date, last_day: date) -> Totals:
    """A partner's sums over a period, both days inclusive."""
    return (await figures(partner_id, first_day, last_day)).totals


@dataclass(frozen=True, slots=True)
class LinkFigures:
    """One link's sums over some days, and the last day on which it was clicked."""

    clicks: int
    orders: int
    earned_minor: int
    last_click_on: date | None


async def figures_by_link(
    partner_id: int, link_ids: Sequence[int], first_day: date = date.min, last_day: date = date.max
) -> dict[int, LinkFigures]:
    """Figures of some links of a partner, over all time by default; a link without any is left out."""
    rows = await db.fetch(
        """
        SELECT link_id, sum(clicks)::bigint AS clicks, sum(orders)::bigint AS orders,
               sum(earned_minor)::bigint AS earned_minor, max(day) FILTER (WHERE clicks > 0) AS last_click_on
        FROM daily_counts
        WHERE partner_id = $1 AND link_id = ANY($2::bigint[]) AND day BETWEEN $3 AND $4
        GROUP BY link_id
        """,
        partner_id,
        list(link_ids),
        first_day,
        last_day,
    )
    return {row["link_id"]: LinkFigures(*list(row.values())[1:]) for row in rows}


def _sum(days: Sequence[Day]) -> Totals:
    return Totals(
        clicks=sum(day.clicks for day in days),
        clicks_not_counted=sum(day.clicks_not_counted for day in days),
        orders=sum(day.orders for day in days),
        base_minor=sum(day.base_minor for day in days),
        earned_minor=sum(day.earned_minor for day in days),
    )
