"""Which facts could not be judged when they came, and when their orders were judged again.

Facts are judged in the order of their events' ids. A fact whose judging failed has an id, too, but was not judged at
it; when its order is judged again, that takes an id of its own from the same sequence. Both are kept in the audit
log, so that a replay judges every fact with the neighbours that were known then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app import db
from app.users import audit

FAILED, AGAIN, RATE_KNOWN = "order.judging_failed", "order.judged_again", "order.rate_known"


@dataclass(frozen=True, slots=True)
class Attempts:
    """What a replay needs to know of a program's failures."""

    failed: frozenset[int]
    """Ids of events that were stored and not judged."""
    again: tuple[tuple[int, int], ...]
    """(id, order), rising."""
    waited: Mapping[int, int]
    """The id at which an order was judged that had waited for its currency's rate, by order: not before."""


async def write_failures_in_transaction(program_id: int, events_of: Mapping[int, Sequence[int]]) -> None:
    """Say that these events were stored and not judged; by order."""
    for order_id, event_ids in events_of.items():
        await audit.write_in_transaction(
            FAILED, f"order:{order_id}", program_id=program_id, reason=" ".join(map(str, event_ids))
        )


async def write_again_in_transaction(
    program_id: int, order_id: int, position: int, *, waited: bool = False
) -> None:
    """Say that an order was judged at an id between those of events; `waited`: for the rate of its currency."""
    action = RATE_KNOWN if waited else AGAIN
    await audit.write_in_transaction(action, f"order:{order_id}", program_id=program_id, reason=str(position))


async def attempts(program_id: int) -> Attempts:
    """All failures of a program, and all later tries that succeeded."""
    rows = await db.fetch(
        """
        SELECT action, substr(subject, 7)::bigint AS order_id, reason FROM audit_records
        WHERE program_id = $1 AND action = ANY($2::text[]) AND subject LIKE 'order:%'
        ORDER BY id
        """,
        program_id,
        [FAILED, AGAIN, RATE_KNOWN],
    )
    failed = [int(one) for row in rows if row["action"] == FAILED for one in row["reason"].split()]
    again = [(int(row["reason"]), row["order_id"]) for row in rows if row["action"] != FAILED]
    waited = {row["order_id"]: int(row["reason"]) for row in rows if row["action"] == RATE_KNOWN}
    return Attempts(frozenset(failed), tuple(sorted(again)), waited)
