"""Where runs look for waiting orders."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T21:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Where runs look for waiting orders"


async def run(sql: str) -> None:
    """Run SQL in the migration's own transaction."""
    engine = engine_finder()
    assert engine is not None
    await engine.current_transaction.get().connection.execute(sql)


async def change() -> None:
    await run(
        "CREATE INDEX calculation_orders_waiting ON calculation_orders (program_id, partner_id, paid_at) "
        "WHERE item_id IS NULL"
    )
    await run("CREATE INDEX calculation_orders_partner ON calculation_orders (partner_id, paid_at)")
    await run("CREATE INDEX calculation_orders_position ON calculation_orders (program_id, position)")
    await run(
        "CREATE INDEX calculation_items_waiting ON calculation_items (run_id, id) WHERE state = 'waiting'"
    )


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="commissions", description=DESCRIPTION)
    manager.add_raw(change)
    return manager
