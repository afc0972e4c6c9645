"""What a draft of the terms would have cost: history judged under it in memory, beside what was really booked.

The orders paid in a span are judged by the draft, all others by the versions they were judged by, so that turnovers
and levels come into the span as they were. Compared are the commissions of the span's orders, with everything that
has happened to them since. Nothing is written; with the terms in force the result equals the ledger.

What was decided outside of judging stays as it was: clicks that were not counted when they came, levels and rates
set by hand, partners' states.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from app import clock, db
from app.commissions.partner_customers import load_customers
from app.commissions.partner_state import load_partners
from app.commissions.past import Booked, Folding, Trial, begin, fold
from app.commissions.replay import recorded_of
from app.programs.versions import versions
from app.rules.levels import level_in_force
from app.rules.state import State
from app.rules.terms import Terms


class PartnerOutcome(msgspec.Struct):
    """One partner's share of what was booked and of what the draft gives."""

    partner_id: int
    code: str
    name: str
    now_minor: int = 0
    then_minor: int = 0
    orders: int = 0
    """Of the span, whose commissions of his differ."""
    level_now: str = ""
    level_then: str = ""
    """At the end of the span; empty: as he has none."""

    @property
    def delta_minor(self) -> int:
        """What he would have more."""
        return self.then_minor - self.now_minor

    @property
    def level_moved(self) -> bool:
        """Whether he would stand on another level."""
        return self.level_now != self.level_then


class Simulated(msgspec.Struct):
    """What came out of a trial."""

    from_at: datetime
    to_at: datetime
    currency: str
    facts: int
    orders: int
    """Judged by the draft."""
    orders_changed: int
    now_minor: int
    then_minor: int
    now_by_kind: dict[str, int]
    then_by_kind: dict[str, int]
    partners: list[PartnerOutcome]
    """Who earned or moved at all, most changed first."""

    @property
    def delta_minor(self) -> int:
        """What the draft costs more."""
        return self.then_minor - self.now_minor

    @property
    def winners(self) -> list[PartnerOutcome]:
        """Who would have more."""
        return [one for one in self.partners if one.delta_minor > 0]

    @property
    def losers(self) -> list[PartnerOutcome]:
        """Who would have less."""
        return [one for one in self.partners if one.delta_minor < 0]

    @property
    def moves(self) -> list[PartnerOutcome]:
        """Who would stand on another level."""
        return [one for one in self.partners if one.level_moved]


@dataclass(slots=True)
class _Sums:
    now: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    then: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    now_by_kind: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    then_by_kind: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    changed: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    orders_changed: int = 0


async def simulate(
    program_id: int,
    terms: Terms,
    from_at: datetime,
    to_at: datetime,
    tell: Callable[[int], object] = lambda facts: None,
) -> Simulated:
    """Judge the orders paid in [from_at, to_at) by `terms`, as the database is at this moment."""
    async with db.snapshot():
        folding = await begin(program_id, Trial(terms, from_at, to_at))
        await fold(folding, tell)
        tried = [order_id for order_id in folding.booked if _was_tried(folding, order_id)]
        sums = _summed(tried, await recorded_of(program_id), folding.booked)
        moment = min(to_at, max(from_at, clock.now()))
        levels_now = await _levels_now(program_id, folding, moment)
        outcomes = await _outcomes(program_id, sums, levels_now, _levels_then(folding, terms, moment))
    return Simulated(
        from_at,
        to_at,
        terms.currency,
        folding.facts,
        len(tried),
        sums.orders_changed,
        sum(sums.now.values()),
        sum(sums.then.values()),
        dict(sums.now_by_kind),
        dict(sums.then_by_kind),
        outcomes,
    )


async def retried(program_id: int) -> int:
    """How many orders come out otherwise under the very terms that judged them: none, or the books are wrong."""
    known = await versions(program_id)
    ends = [*(version.from_at for version in known[1:]), datetime(9999, 1, 1, tzinfo=UTC)]
    changed = 0
    for version, end in zip(known, ends, strict=True):
        if version.from_at < end:
            changed += (await simulate(program_id, version.terms, version.from_at, end)).orders_changed
    return changed


async def facts_of(program_id: int) -> int:
    """How many facts a simulation of the program folds."""
    found: int = await db.fetchval("SELECT count(*) FROM order_events WHERE program_id = $1", program_id)
    return found


def _was_tried(folding: Folding, order_id: int) -> bool:
    order = folding.orders[order_id].merged()
    return order is not None and folding.is_tried(order)


def _summed(order_ids: Iterable[int], recorded: Mapping[int, Booked], booked: Mapping[int, Booked]) -> _Sums:
    sums = _Sums()
    for order_id in order_ids:
        differs = set()
        before, after = recorded.get(order_id, {}), booked.get(order_id, {})
        for key in before.keys() | after.keys():
            partner_id, kind = key[0], key[1]
            old, new = before.get(key, (0, 0))[1], after.get(key, (0, 0))[1]
            sums.now[partner_id] += old
            sums.then[partner_id] += new
            sums.now_by_kind[kind] += old
            sums.then_by_kind[kind] += new
            if old != new:
                differs.add(partner_id)
        for partner_id in differs:
            sums.changed[partner_id] += 1
        sums.orders_changed += bool(differs)
    return sums


async def _levels_now(program_id: int, folding: Folding, moment: datetime) -> dict[int, str]:
    """Everybody's level at a moment as it really was."""
    state = State(terms=list(folding.versions))
    version = state.version_at(moment)
    if version is None:
        return {}
    await load_partners(state, program_id, folding.state.partners, (moment, moment), lock=False)
    await load_customers(state, program_id, (moment, moment))
    return {
        partner.partner_id: level_in_force(partner, moment, version.terms).code
        for partner in state.partners.values()
    }


def _levels_then(folding: Folding, terms: Terms, moment: datetime) -> dict[int, str]:
    return {
        partner.partner_id: level_in_force(partner, moment, terms).code
        for partner in folding.state.partners.values()
    }


async def _outcomes(
    program_id: int, sums: _Sums, now: Mapping[int, str], then: Mapping[int, str]
) -> list[PartnerOutcome]:
    wanted = [
        partner_id
        for partner_id in then
        if partner_id in sums.now or now.get(partner_id, "") != then[partner_id]
    ]
    rows = await db.fetch(
        "SELECT id, code, name FROM partners WHERE program_id = $1 AND id = ANY($2::bigint[])",
        program_id,
        wanted,
    )
    found = [
        PartnerOutcome(
            row["id"],
            row["code"],
            row["name"],
            sums.now.get(row["id"], 0),
            sums.then.get(row["id"], 0),
            sums.changed.get(row["id"], 0),
            now.get(row["id"], ""),
            then[row["id"]],
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: (-abs(one.delta_minor), -one.now_minor, one.code))


def to_json(simulated: Simulated) -> dict[str, Any]:
    """For one JSON column; `from_json` reads it back."""
    found: dict[str, Any] = msgspec.to_builtins(simulated)
    return found


def from_json(text: str) -> Simulated:
    """What `to_json` wrote."""
    return msgspec.json.decode(text, type=Simulated)
