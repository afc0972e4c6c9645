"""What all orders have earned in cashback, computed again from their facts, against what is recorded."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from app import db
from app.orders.plan import KnownOrder
from app.rules.cashback import earned
from app.rules.state import State, TermsVersion


@dataclass(frozen=True, slots=True)
class EarningDifference:
    """One order whose cashback comes out otherwise than it is recorded."""

    order: str
    recorded_minor: int
    replayed_minor: int


async def earning_differences(
    program_id: int, orders: Collection[KnownOrder], terms: Sequence[TermsVersion]
) -> list[EarningDifference]:
    """Every order of a program, as all its facts make it; one that could not be judged yet has earned nothing yet."""
    if all(version.terms.cashback is None for version in terms):
        return []
    rows = await db.fetch(
        """
        SELECT earning.order_id, customer.external_id, earning.terms_number, earning.amount_minor
        FROM cashback_earnings AS earning JOIN customers AS customer ON customer.id = earning.customer_id
        WHERE earning.program_id = $1
        """,
        program_id,
    )
    recorded = {(row["order_id"], row["external_id"]): row["amount_minor"] for row in rows}
    numbers = {row["order_id"]: row["terms_number"] for row in rows}
    failed = await db.fetch("SELECT id FROM orders WHERE program_id = $1 AND judging_error <> ''", program_id)
    skipped = {row["id"] for row in failed}
    versions = State(terms=list(terms))
    differences = []
    for known in orders:
        order = known.merged()
        if order is None or order.order_id in skipped:
            continue
        number = numbers.get(order.order_id)
        version = versions.version_at(order.state.placed_at) if number is None else versions.version(number)
        customer = order.state.customer_id
        wanted = earned(order, version.terms if version is not None else None) if customer else 0
        found = recorded.pop((order.order_id, customer or ""), 0)
        if found != wanted:
            differences.append(EarningDifference(known.external_id, found, wanted))
    # What is left was earned by a customer whom the order does not name any more.
    names = {known.order_id: known.external_id for known in orders}
    differences.extend(
        EarningDifference(names.get(order_id, str(order_id)), minor, 0)
        for (order_id, _), minor in recorded.items()
        if minor and order_id not in skipped
    )
    return differences
