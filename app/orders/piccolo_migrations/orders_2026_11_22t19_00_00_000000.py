"""Append-only order events, indexes."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T19:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Append-only order events, indexes"


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
    await run(append_only("order_events"))
    await run("CREATE INDEX order_events_program ON order_events (program_id, id)")
    await run("CREATE INDEX orders_program_changed ON orders (program_id, changed_at, id)")
    await run("CREATE INDEX orders_visitor ON orders (program_id, visitor_id) WHERE visitor_id <> ''")
    await run("CREATE INDEX orders_failed ON orders (id) WHERE judging_error <> ''")
    await run("CREATE INDEX orders_awaited ON orders (program_id, id) WHERE status = 'awaited'")
    await run("CREATE INDEX customers_email ON customers (program_id, email_key) WHERE email_key <> ''")


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="orders", description=DESCRIPTION)
    manager.add_raw(change)
    return manager
