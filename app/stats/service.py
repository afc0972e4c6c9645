"""Counting into days: one set-based upsert, called in the transaction of the fact that is counted.

Pages sum `daily_counts` and never the facts, so a partner's overview costs the same with a thousand clicks and with
ten million. There is no row per program or per click: a batch adds to each (partner, day, link) once, however many
clicks or orders it holds.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from app import db

COLUMNS = {
    "program_id": "bigint",
    "partner_id": "bigint",
    "link_id": "bigint",
    "day": "date",
    "clicks": "bigint",
    "clicks_not_counted": "bigint",
    "orders": "bigint",
    "base_minor": "bigint",
    "earned_minor": "bigint",
}

ADDED = """
ON CONFLICT (partner_id, day, link_id) DO UPDATE SET
    clicks = kept.clicks + excluded.clicks,
    clicks_not_counted = kept.clicks_not_counted + excluded.clicks_not_counted,
    orders = kept.orders + excluded.orders,
    base_minor = kept.base_minor + excluded.base_minor,
    earned_minor = kept.earned_minor + excluded.earned_minor
"""

ADD = f"""
INSERT INTO daily_counts AS kept ({", ".join(COLUMNS)})
SELECT *
FROM unnest({", ".join(f"${place}::{kind}[]" for place, kind in enumerate(COLUMNS.values(), 1))}) AS given
{ADDED}
"""  # noqa: S608 - made of our own column names
"""Takes the nine values of `values()`. Tracking puts it behind its own INSERT, to write clicks in one statement."""


@dataclass(frozen=True, slots=True)
class Delta:
    """What to add to one partner's day on one link; `link_id` 0: without a link. Amounts may be negative."""

    partner_id: int
    link_id: int
    day: date
    clicks: int = 0
    clicks_not_counted: int = 0
    orders: int = 0
    base_minor: int = 0
    earned_minor: int = 0


async def add_in_transaction(program_id: int, deltas: Iterable[Delta]) -> None:
    """Add `deltas` to the days of a program's partners; several of one key are summed first.

    Rows are taken in the order of their key, so that two transactions which call this once each cannot deadlock.
    """
    inserts = db.Inserts()
    add_counts(inserts, program_id, deltas)
    await inserts.run()


def add_counts(inserts: db.Inserts, program_id: int, deltas: Iterable[Delta]) -> None:
    """As `add_in_transaction`, written with the caller's other rows."""
    given = values((program_id, delta) for delta in deltas)
    inserts.add("daily_counts", COLUMNS, list(zip(*given, strict=True)), conflict=ADDED)


def values(deltas: Iterable[tuple[int, Delta]]) -> tuple[list[Any], ...]:
    """The values of `ADD` for deltas with their programs' ids: a list per column, by key, without repetitions."""
    sums: dict[tuple[int, date, int], list[int]] = {}
    programs: dict[int, int] = {}
    for program_id, delta in deltas:
        added = (delta.clicks, delta.clicks_not_counted, delta.orders, delta.base_minor, delta.earned_minor)
        key = (delta.partner_id, delta.day, delta.link_id)
        kept = sums.get(key)
        sums[key] = (
            list(added) if kept is None else [one + other for one, other in zip(kept, added, strict=True)]
        )
        programs[delta.partner_id] = program_id
    keys = sorted(sums)
    return (
        [programs[key[0]] for key in keys],
        [key[0] for key in keys],
        [key[2] for key in keys],
        [key[1] for key in keys],
        *([sums[key][place] for key in keys] for place in range(5)),
    )
