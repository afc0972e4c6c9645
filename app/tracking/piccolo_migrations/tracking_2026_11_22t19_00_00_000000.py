"""Indexes of clicks."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T19:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Indexes of clicks"


async def run(sql: str) -> None:
    """Run SQL in the migration's own transaction."""
    engine = engine_finder()
    assert engine is not None
    await engine.current_transaction.get().connection.execute(sql)


async def change() -> None:
    await run("CREATE INDEX clicks_visitor ON clicks (program_id, visitor_id, clicked_at)")
    await run("CREATE INDEX clicks_partner ON clicks (partner_id, id)")


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="tracking", description=DESCRIPTION)
    manager.add_raw(change)
    return manager
