"""Append-only cashback entries, indexes."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T23:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Append-only cashback entries, indexes"


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
    await run(append_only("cashback_entries"))
    await run("CREATE INDEX cashback_entries_customer ON cashback_entries (customer_id, id)")
    await run("CREATE INDEX cashback_entries_program ON cashback_entries (program_id, id)")
    await run(
        "CREATE INDEX cashback_earnings_due ON cashback_earnings (program_id, due_at, id) WHERE NOT released"
    )
    await run(
        "CREATE INDEX cashback_earnings_written_off ON cashback_earnings (program_id, id) WHERE written_off_minor > 0"
    )
    await run("CREATE INDEX cashback_lots_left ON cashback_lots (customer_id, id) WHERE left_minor > 0")
    await run(
        "CREATE INDEX cashback_lots_ending ON cashback_lots (program_id, expires_at, id) "
        "WHERE left_minor > 0 AND expires_at IS NOT NULL"
    )


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="cashback", description=DESCRIPTION)
    manager.add_raw(change)
    return manager
