"""`tandem replay`: all of a program's history folded again in memory, and compared with what is booked.

The folding is `past.py`'s: each fact with the inputs that were stored with its order. What customers earn, and what
partners are given without an order, is computed again from its own stored facts (`app.cashback.replay`,
`replay_given.py`). Whatever differs from what is recorded is reported; nothing is written.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from app import db
from app.cashback.replay import earning_differences
from app.commissions.past import Booked, begin, fold
from app.commissions.replay_given import Difference as Difference
from app.commissions.replay_given import given_differences, run_differences


@dataclass(slots=True)
class Replayed:
    """What a replay has found."""

    facts: int = 0
    orders: int = 0
    differences: list[Difference] = field(default_factory=list)


async def replay(program_id: int) -> Replayed:
    """Fold the whole history of a program again and compare it with what is recorded, as both are at this moment."""
    async with db.snapshot():
        folding = await begin(program_id)
        await fold(folding)
        names = {order_id: known.external_id for order_id, known in folding.orders.items()}
        differences = await _differences(program_id, names, folding.booked)
        differences += [
            Difference(one.order, 0, "cashback", 0, one.recorded_minor, one.replayed_minor)
            for one in await earning_differences(program_id, folding.orders.values(), folding.versions)
        ]
        differences += await given_differences(program_id, folding.versions)
        differences += await run_differences(program_id, folding.calculated)
        return Replayed(folding.facts, len(folding.orders), differences)


async def recorded_of(program_id: int) -> dict[int, Booked]:
    """What is booked for each order, summed in the database."""
    rows = await db.fetch(
        """
        SELECT order_id, partner_id, kind, tier, from_partner_id,
            sum(base_minor)::bigint AS base_minor, sum(amount_minor)::bigint AS amount_minor
        FROM commission_entries WHERE program_id = $1 AND order_id IS NOT NULL
        GROUP BY order_id, partner_id, kind, tier, from_partner_id
        """,
        program_id,
    )
    recorded: dict[int, Booked] = defaultdict(dict)
    for row in rows:
        key = (row["partner_id"], row["kind"], row["tier"], row["from_partner_id"])
        recorded[row["order_id"]][key] = (row["base_minor"], row["amount_minor"])
    return recorded


async def _differences(program_id: int, names: dict[int, str], booked: dict[int, Booked]) -> list[Difference]:
    """Recorded entries, summed in the database, against those that came out now."""
    recorded = await recorded_of(program_id)
    nothing = (0, 0)
    return [
        Difference(
            names[order_id],
            key[0],
            key[1],
            key[2],
            recorded[order_id].get(key, nothing)[1],
            booked[order_id].get(key, nothing)[1],
        )
        for order_id in sorted(recorded.keys() | booked.keys())
        for key in sorted(recorded[order_id].keys() | booked[order_id].keys(), key=str)
        if recorded[order_id].get(key, nothing) != booked[order_id].get(key, nothing)
    ]
