"""Every partner has an internal account in the shop."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T20:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Internal accounts of partners"


async def change() -> None:
    engine = engine_finder()
    assert engine is not None
    await engine.current_transaction.get().connection.execute(
        """
        WITH made AS (
            INSERT INTO ledger_accounts (program_id, kind, owner_id)
            SELECT program_id, 'internal', owner_id FROM ledger_accounts WHERE kind = 'paid'
            ON CONFLICT DO NOTHING RETURNING id
        )
        INSERT INTO ledger_balances (account_id, balance_minor) SELECT id, 0 FROM made
        """
    )


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="ledger", description=DESCRIPTION)
    manager.add_raw(change)
    return manager
