"""One open flag of a kind, and what waits."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T20:45:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "One open flag of a kind, and what waits"


async def run(sql: str) -> None:
    """Run SQL in the migration's own transaction."""
    engine = engine_finder()
    assert engine is not None
    await engine.current_transaction.get().connection.execute(sql)


async def change() -> None:
    await run(
        "CREATE UNIQUE INDEX order_flags_one_open ON order_flags (order_id, kind, coalesce(partner_id, 0)) "
        "WHERE state = 'open'"
    )
    await run("CREATE INDEX order_flags_listed ON order_flags (program_id, (state = 'open'), raised_at, id)")


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="fraud", description=DESCRIPTION)
    manager.add_raw(change)
    return manager
