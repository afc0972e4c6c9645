"""Foreign keys to programs, immutable terms."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T19:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Foreign keys to programs, immutable terms"


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
    for table in ("ledger_accounts", "user_roles", "events", "notices", "audit_records"):
        await run(
            f"ALTER TABLE {table} ADD CONSTRAINT {table}_program_fkey "
            "FOREIGN KEY (program_id) REFERENCES programs (id) ON DELETE RESTRICT"
        )
    await run("CREATE INDEX events_program ON events (program_id, id)")
    await run("CREATE INDEX events_due ON events (due_at, id) WHERE state = 'new'")
    await run("CREATE INDEX events_dead ON events (id) WHERE state = 'dead'")
    await run("CREATE INDEX notices_unread ON notices (user_id, id) WHERE read_at IS NULL")
    await run(append_only("program_terms"))


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="programs", description=DESCRIPTION)
    manager.add_raw(change)
    return manager
