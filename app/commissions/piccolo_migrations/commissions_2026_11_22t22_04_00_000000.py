"""Which of the commissions known so far count as an order, for levels that count orders or customers.

Something is left of an order while pieces of it are; so the entries tell when each began and ceased to count.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T22:04:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Fill the orders that commissions count as"


async def run(sql: str) -> None:
    """Run SQL in the migration's own transaction."""
    engine = engine_finder()
    assert engine is not None
    await engine.current_transaction.get().connection.execute(sql)


FILL_ENTRIES = """
WITH held AS (
    SELECT id, quantity_micro, sum(quantity_micro) OVER (PARTITION BY commission_id ORDER BY id) AS after
    FROM commission_entries WHERE kind = 'direct'
)
UPDATE commission_entries AS entry
SET orders = (held.after > 0)::int - (held.after - held.quantity_micro > 0)::int
FROM held WHERE held.id = entry.id AND (held.after > 0) <> (held.after - held.quantity_micro > 0)
"""

FILL_COMMISSIONS = """
UPDATE commissions SET orders = entry.orders
FROM (SELECT commission_id, sum(orders) AS orders FROM commission_entries GROUP BY commission_id) AS entry
WHERE entry.commission_id = commissions.id AND entry.orders <> 0
"""

FILL_SALES = """
WITH zone AS (
    SELECT DISTINCT ON (program_id) program_id, document ->> 'time_zone' AS name
    FROM program_terms ORDER BY program_id, number DESC
)
UPDATE partner_turnovers AS total SET sold_orders = sold.orders
FROM (
    SELECT commission.partner_id, date_trunc('month', commission.earned_at AT TIME ZONE zone.name)::date AS starts_on,
        sum(commission.orders) AS orders
    FROM commissions AS commission JOIN zone ON zone.program_id = commission.program_id
    GROUP BY 1, 2
) AS sold
WHERE total.partner_id = sold.partner_id AND total.grain = 'month' AND total.starts_on = sold.starts_on
"""


async def change() -> None:
    await run("ALTER TABLE commission_entries DISABLE TRIGGER commission_entries_append_only")
    await run(FILL_ENTRIES)
    await run("ALTER TABLE commission_entries ENABLE TRIGGER commission_entries_append_only")
    await run(FILL_COMMISSIONS)
    await run(FILL_SALES)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="commissions", description=DESCRIPTION)
    manager.add_raw(change)
    return manager
