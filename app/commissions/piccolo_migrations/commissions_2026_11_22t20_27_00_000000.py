"""Append-only settlements, the deposit's queue."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T20:27:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Append-only settlements, the deposit's queue"


async def run(sql: str) -> None:
    """Run SQL in the migration's own transaction."""
    engine = engine_finder()
    assert engine is not None
    await engine.current_transaction.get().connection.execute(sql)


def append_only(table: str) -> str:
    """Triggers that refuse UPDATE, DELETE and TRUNCATE, whoever asks."""
    return (
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change(); "
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


async def change() -> None:
    for table in ("deposit_top_ups", "commission_settlements", "adjustments"):
        await run(append_only(table))
    await run(
        "CREATE INDEX commissions_deposit_queue ON commissions (program_id, release_at, id) "
        "WHERE pending_minor > 0 AND settle = 'deposit'"
    )
    await run("CREATE INDEX commission_settlements_program ON commission_settlements (program_id, id)")
    await run("CREATE INDEX commission_settlements_partner ON commission_settlements (partner_id)")


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="commissions", description=DESCRIPTION)
    manager.add_raw(change)
    return manager
