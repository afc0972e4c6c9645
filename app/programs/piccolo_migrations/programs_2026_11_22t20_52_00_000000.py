"""Currency rates: exact decimals take the place of millionths."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T20:52:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Fill the exact currency rates"


async def run(sql: str) -> None:
    """Run SQL in the migration's own transaction."""
    engine = engine_finder()
    assert engine is not None
    await engine.current_transaction.get().connection.execute(sql)


async def change() -> None:
    await run("UPDATE program_currency_rates SET rate = rate_micro / 1000000.0")


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="programs", description=DESCRIPTION)
    manager.add_raw(change)
    return manager
