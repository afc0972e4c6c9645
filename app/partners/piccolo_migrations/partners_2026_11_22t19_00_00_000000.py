"""Indexes of partners."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T19:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Indexes of partners"


async def run(sql: str) -> None:
    """Run SQL in the migration's own transaction."""
    engine = engine_finder()
    assert engine is not None
    await engine.current_transaction.get().connection.execute(sql)


async def change() -> None:
    await run("CREATE UNIQUE INDEX partners_code_key ON partners (program_id, lower(code))")
    await run(
        "CREATE UNIQUE INDEX partners_one_per_user ON partners (program_id, user_id) WHERE user_id IS NOT NULL"
    )
    await run("CREATE INDEX partner_level_changes_at ON partner_level_changes (program_id, at, id)")
    await run(
        "CREATE UNIQUE INDEX partner_payout_details_current ON partner_payout_details (partner_id) "
        "WHERE superseded_at IS NULL"
    )
    await run(
        "CREATE INDEX partner_applications_waiting ON partner_applications (program_id, id) WHERE state = 'submitted'"
    )


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="partners", description=DESCRIPTION)
    manager.add_raw(change)
    return manager
