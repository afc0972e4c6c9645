"""When nothing was left of the orders known so far, and an index for the first orders of a customer."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T20:52:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Fill when nothing was left of an order; an index by customer"


async def run(sql: str) -> None:
    """Run SQL in the migration's own transaction."""
    engine = engine_finder()
    assert engine is not None
    await engine.current_transaction.get().connection.execute(sql)


async def change() -> None:
    await run("UPDATE orders SET gone_at = coalesce(cancelled_at, updated_at) WHERE status = 'cancelled'")
    await run(
        """
        UPDATE orders SET gone_at = last.at
        FROM (SELECT order_id, max(at) AS at FROM order_refunds GROUP BY order_id) AS last
        WHERE last.order_id = orders.id AND orders.gone_at IS NULL AND (
            (orders.refunded_minor > 0 AND orders.refunded_minor >= orders.total_minor - orders.discount_minor)
            OR (
                EXISTS (SELECT FROM order_lines AS line WHERE line.order_id = orders.id)
                AND NOT EXISTS (
                    SELECT FROM order_lines AS line
                    WHERE line.order_id = orders.id AND line.quantity_micro > (
                        SELECT coalesce(sum((part ->> 1)::bigint), 0)
                        FROM order_refunds AS refund, jsonb_array_elements(refund.lines) AS part
                        WHERE refund.order_id = orders.id AND part ->> 0 = line.external_id
                    )
                )
            )
        )
        """
    )
    await run("CREATE INDEX orders_customer_paid ON orders (customer_id, paid_at) WHERE paid_at IS NOT NULL")
    await run(
        "CREATE INDEX orders_waiting ON orders (program_id, currency, paid_at) "
        "WHERE judged_at IS NULL AND paid_at IS NOT NULL"
    )


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="orders", description=DESCRIPTION)
    manager.add_raw(change)
    return manager
