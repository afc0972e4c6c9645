"""Running totals of what partners turn over, sell and earn, kept beside the entries that they sum.

Turnover counts in the day and month of each change, for levels; sales in the month in which the order was paid,
whenever a change of it came, for plans' thresholds and caps (rules.md §6, §7, §16). Both stand in one row per month,
so that an order paid and judged now moves one row.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from app import db
from app.rules.effects import Effects

COLUMNS = {
    "partner_id": "bigint",
    "grain": "text",
    "starts_on": "date",
    "base_minor": "bigint",
    "sold_minor": "bigint",
    "sold_micro": "bigint",
    "earned_minor": "bigint",
    "sold_orders": "bigint",
}

MOVED = """
ON CONFLICT (partner_id, grain, starts_on) DO UPDATE
SET base_minor = kept.base_minor + excluded.base_minor, sold_minor = kept.sold_minor + excluded.sold_minor,
    sold_micro = kept.sold_micro + excluded.sold_micro, earned_minor = kept.earned_minor + excluded.earned_minor,
    sold_orders = kept.sold_orders + excluded.sold_orders
"""


def _nothing() -> list[int]:
    return [0, 0, 0, 0, 0]


@dataclass(slots=True)
class Totals:
    """What a batch adds to the running totals: base, sold base, sold pieces, earned, orders sold; by partner, grain, first day."""

    deltas: dict[tuple[int, str, date], list[int]] = field(default_factory=lambda: defaultdict(_nothing))

    def add(self, effects: Effects, zone: ZoneInfo) -> None:
        """Take the effects of one fact in."""
        for entry in effects.turnover:
            day = entry.at.astimezone(zone).date()
            self.deltas[entry.partner_id, "day", day][0] += entry.delta_minor
            self.deltas[entry.partner_id, "month", day.replace(day=1)][0] += entry.delta_minor
        for sale in effects.sales:
            delta = self.deltas[sale.partner_id, "month", date(sale.month // 12, sale.month % 12 + 1, 1)]
            delta[1] += sale.base_minor
            delta[2] += sale.quantity_micro
            delta[3] += sale.earned_minor
            delta[4] += sale.orders

    def write(self, inserts: db.Inserts) -> None:
        """Move the totals; rows are taken in the order of their key."""
        rows = sorted((*key, *delta) for key, delta in self.deltas.items() if any(delta))
        inserts.add("partner_turnovers", COLUMNS, rows, conflict=MOVED)
