"""What is given without an order, computed again from its stored facts: bonuses, adjustments, the sums of runs."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import asyncpg

from app import db
from app.rules.bonuses import EVER
from app.rules.levels import next_turn
from app.rules.money import at_rate
from app.rules.state import State, TermsVersion
from app.rules.terms import Terms


@dataclass(frozen=True, slots=True)
class Difference:
    """One sum that comes out otherwise than it is recorded."""

    order: str
    """Its number; of what has none, what it is known by: the bonus, the adjustment's id, the run's."""
    partner_id: int
    """0: the customer's cashback."""
    kind: str
    tier: int
    recorded_minor: int
    replayed_minor: int


async def given_differences(program_id: int, terms: Sequence[TermsVersion]) -> list[Difference]:
    """Bonuses and volume bonuses by the terms, adjustments by what was asked for (rules.md §8, §16 "Bonuses")."""
    rewards = await db.fetch(_REWARDS, program_id)
    found = [one for row in rewards for one in _compare(row, _named(row), _rewarded(row, terms))]
    for row in await db.fetch(_ADJUSTMENTS, program_id):
        found.extend(_compare(row, f"#{row['id']}", row["amount_minor"]))
    lost = await db.fetch(_NOBODYS, program_id)
    found.extend(
        Difference(f"#{row['id']}", row["partner_id"], row["kind"], 0, row["amount_minor"], 0) for row in lost
    )
    return found


async def run_differences(program_id: int, calculated: Mapping[tuple[int, int], int]) -> list[Difference]:
    """Each partner's sum in each run; `calculated`: (position, whose sales) → what came out at it (rules.md §11)."""
    rows = await db.fetch(_RUNS, program_id)
    step_of = {position: (row["run_id"], row["step"]) for row in rows for position in row["positions"]}
    sums: dict[tuple[tuple[int, int], int], int] = defaultdict(int)
    for (position, sold_by), amount_minor in calculated.items():
        if position in step_of:
            sums[step_of[position], sold_by] += amount_minor
    found = ((row, sums[(row["run_id"], row["step"]), row["partner_id"]]) for row in rows)
    return [
        Difference(f"run {row['run_id']}", row["partner_id"], "run", 0, row["amount_minor"], wanted)
        for row, wanted in found
        if row["amount_minor"] != wanted
    ]


def _compare(row: asyncpg.Record, name: str, wanted: int) -> Iterator[Difference]:
    """Everything that records the sum, against what comes out; one difference is enough."""
    recorded = (row["amount_minor"], row["commission_minor"], row["accrued_minor"], row["entries_minor"])
    wrong = next((one for one in recorded if one != wanted), None)
    if wrong is not None:
        yield Difference(name, row["partner_id"], row["kind"], 0, wrong, wanted)


def _named(row: asyncpg.Record) -> str:
    """`first, ever`, or the period's first day alone."""
    return ", ".join(part for part in (row["code"], row["period"]) if part)


def _rewarded(row: asyncpg.Record, versions: Sequence[TermsVersion]) -> int:
    """The amount by the terms of then, for what was reached then; 0: they gave nothing for it.

    A job may have come late, and by whichever version it looked, the bonus was due: the newest that gives it counts.
    """
    amounts = [_amount(row, terms) for terms in _terms_of(row, versions)]
    if row["amount_minor"] in amounts:
        return int(row["amount_minor"])
    return next((one for one in amounts if one), 0)


def _terms_of(row: asyncpg.Record, versions: Sequence[TermsVersion]) -> list[Terms]:
    """The versions that may have given it, the newest first: a volume bonus only that of the period's last moment."""
    if row["period"] == EVER:
        return [one.terms for one in reversed(versions)]
    first = date.fromisoformat(row["period"])
    known = State(terms=list(versions))
    ends: list[datetime] = []
    for version in versions:
        start = datetime(first.year, first.month, first.day, tzinfo=version.terms.zone).astimezone(UTC)
        end = next_turn(start, version.terms)
        if end is not None:
            ends.append(end)
    if row["kind"] == "volume_bonus":
        last = [known.version_at(end - datetime.resolution) for end in dict.fromkeys(ends)]
        return [one.terms for one in last if one is not None]
    return [one.terms for one in reversed(versions) if not ends or one.from_at < max(ends)]


def _amount(row: asyncpg.Record, terms: Terms) -> int:
    """What one version gives for it."""
    if row["kind"] == "bonus":
        given = (one for one in terms.bonuses if one.code == row["code"] and one.reach <= row["reached"])
        return max((one.reward_minor for one in given), default=0)
    if row["base_minor"] != row["reached"]:
        return 0
    fitting = [one for one in terms.volume_bonuses if one.from_minor <= row["reached"]]
    if row["rate"] not in {one.rate_ppm for one in fitting}:
        return 0
    return at_rate(row["reached"], row["rate"])


_SUMS = """
    coalesce(commission.amount_minor, 0) AS commission_minor, coalesce(commission.accrued_minor, 0) AS accrued_minor,
    coalesce((SELECT sum(entry.amount_minor) FROM commission_entries AS entry
              WHERE entry.commission_id = commission.id), 0)::bigint AS entries_minor
"""

_REWARDS = f"""
    SELECT given.partner_id, given.kind, given.code, given.period, given.reached, given.amount_minor,
        commission.base_minor, commission.rate, {_SUMS}
    FROM rewards AS given LEFT JOIN commissions AS commission ON commission.id = given.commission_id
    WHERE given.program_id = $1 ORDER BY given.id
"""  # noqa: S608 - only constants of this file

_ADJUSTMENTS = f"""
    SELECT given.id, given.partner_id, 'adjustment' AS kind, given.amount_minor, {_SUMS}
    FROM adjustments AS given LEFT JOIN commissions AS commission ON commission.id = given.commission_id
    WHERE given.program_id = $1 ORDER BY given.id
"""  # noqa: S608 - only constants of this file

_NOBODYS = """
    SELECT commission.id, commission.partner_id, commission.kind, commission.amount_minor
    FROM commissions AS commission
    WHERE commission.program_id = $1 AND commission.order_id IS NULL
        AND NOT EXISTS (SELECT FROM rewards WHERE commission_id = commission.id)
        AND NOT EXISTS (SELECT FROM adjustments WHERE commission_id = commission.id)
    ORDER BY commission.id
"""
"""Commissions without an order that nothing asked for."""

_RUNS = """
    WITH taken AS (
        SELECT item.id, item.run_id, item.partner_id, item.amount_minor, item.state,
            (row_number() OVER (PARTITION BY item.run_id ORDER BY item.id) - 1) / run.step AS step
        FROM calculation_items AS item JOIN calculation_runs AS run ON run.id = item.run_id
        WHERE run.program_id = $1
    )
    SELECT taken.*,
        array(SELECT DISTINCT done.position FROM calculation_orders AS done WHERE done.item_id = taken.id) AS positions
    FROM taken WHERE state <> 'waiting' ORDER BY id
"""
"""Items with the step that took them: a parent's sum has what his children's orders of the same step brought him."""
