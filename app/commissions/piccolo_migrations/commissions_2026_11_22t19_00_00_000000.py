"""Append-only commission entries, indexes."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T19:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Append-only commission entries, indexes"


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
    await run(append_only("commission_entries"))
    await run("CREATE INDEX commissions_partner ON commissions (partner_id, earned_at, id)")
    await run(
        "CREATE INDEX commissions_due ON commissions (release_at, id) WHERE pending_minor > 0 AND release_at IS NOT NULL"
    )
    await run(
        "CREATE INDEX commissions_next_release ON commissions (partner_id, release_at) WHERE pending_minor > 0"
    )
    await run(
        "CREATE INDEX commission_entries_turnover ON commission_entries (partner_id, at) WHERE kind = 'direct'"
    )
    await run("CREATE INDEX commission_entries_program ON commission_entries (program_id, id)")


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="commissions", description=DESCRIPTION)
    manager.add_raw(change)
    return manager
