"""An index for who asks about an order by the number that people see."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T22:08:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "An index by the number that people see"


async def change() -> None:
    engine = engine_finder()
    assert engine is not None
    await engine.current_transaction.get().connection.execute(
        "CREATE INDEX orders_number ON orders (program_id, number) WHERE number <> ''"
    )


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="orders", description=DESCRIPTION)
    manager.add_raw(change)
    return manager
