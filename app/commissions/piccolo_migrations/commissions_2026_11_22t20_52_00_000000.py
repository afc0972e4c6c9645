"""The pieces of the commissions known so far, and what partners have sold by the month of payment.

Entries of before say nothing of pieces: what each took of the order's pieces is told by what it took of the base.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T20:52:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Fill the pieces of commissions and what partners have sold"


async def run(sql: str) -> None:
    """Run SQL in the migration's own transaction."""
    engine = engine_finder()
    assert engine is not None
    await engine.current_transaction.get().connection.execute(sql)


FILL_ENTRIES = """
WITH credit AS (
    SELECT attribution.order_id, (share ->> 'partner')::bigint AS partner_id, (share ->> 'weight')::numeric AS weight,
        sum((share ->> 'weight')::numeric) OVER (PARTITION BY attribution.order_id) AS weights
    FROM attributions AS attribution, jsonb_array_elements(attribution.recorded -> 'shares') AS share
), held AS (
    SELECT orders.id AS order_id, coalesce(sum(line.quantity_micro), 1000000) AS pieces
    FROM orders LEFT JOIN order_lines AS line ON line.order_id = orders.id GROUP BY orders.id
), first AS (
    SELECT DISTINCT ON (commission_id) commission_id, id, base_minor
    FROM commission_entries WHERE kind = 'direct' ORDER BY commission_id, id
)
UPDATE commission_entries AS entry SET quantity_micro = CASE
    WHEN first.base_minor > 0 THEN round(held.pieces * credit.weight / credit.weights * entry.base_minor / first.base_minor)
    WHEN first.id = entry.id THEN round(held.pieces * credit.weight / credit.weights)
    ELSE 0 END
FROM first, credit, held
WHERE entry.commission_id = first.commission_id AND entry.kind = 'direct'
    AND credit.order_id = entry.order_id AND credit.partner_id = entry.partner_id AND held.order_id = entry.order_id
"""

FILL_SALES = """
WITH zone AS (
    SELECT DISTINCT ON (program_id) program_id, document ->> 'time_zone' AS name
    FROM program_terms ORDER BY program_id, number DESC
)
INSERT INTO partner_turnovers (partner_id, grain, starts_on, base_minor, sold_minor, sold_micro, earned_minor)
SELECT entry.partner_id, 'month', date_trunc('month', commission.earned_at AT TIME ZONE zone.name)::date, 0,
    sum(entry.base_minor), sum(entry.quantity_micro), sum(entry.amount_minor)
FROM commission_entries AS entry
JOIN commissions AS commission ON commission.id = entry.commission_id
JOIN zone ON zone.program_id = entry.program_id
WHERE entry.kind = 'direct'
GROUP BY 1, 3
ON CONFLICT (partner_id, grain, starts_on) DO UPDATE
SET sold_minor = excluded.sold_minor, sold_micro = excluded.sold_micro, earned_minor = excluded.earned_minor
"""


async def change() -> None:
    await run("ALTER TABLE commission_entries DISABLE TRIGGER commission_entries_append_only")
    await run(FILL_ENTRIES)
    await run("ALTER TABLE commission_entries ENABLE TRIGGER commission_entries_append_only")
    await run(
        """
        UPDATE commissions SET quantity_micro = entry.pieces
        FROM (SELECT commission_id, sum(quantity_micro) AS pieces FROM commission_entries GROUP BY commission_id) AS entry
        WHERE entry.commission_id = commissions.id AND entry.pieces <> 0
        """
    )
    await run(FILL_SALES)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="commissions", description=DESCRIPTION)
    manager.add_raw(change)
    return manager
