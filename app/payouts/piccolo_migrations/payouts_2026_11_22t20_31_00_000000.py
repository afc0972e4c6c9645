"""The ways a payout may go, what of a batch may change, and indexes."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T20:31:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "The ways a payout may go, what of a batch may change, and indexes"

APPEND_ONLY = ("payout_batch_files", "payout_batch_payments", "payout_returns")


async def run(sql: str) -> None:
    """Run SQL in the migration's own transaction."""
    engine = engine_finder()
    assert engine is not None
    await engine.current_transaction.get().connection.execute(sql)


async def change() -> None:
    await run("ALTER TABLE payouts DROP CONSTRAINT known")
    await run(
        """
        ALTER TABLE payouts ADD CONSTRAINT known CHECK (
            state IN ('requested', 'approved', 'sent', 'paid', 'rejected', 'returned', 'cancelled')
        )
        """
    )
    await run(
        "ALTER TABLE payouts ADD CONSTRAINT payouts_sent_in_batch CHECK (state <> 'sent' OR batch_id IS NOT NULL)"
    )
    await run("DROP INDEX payouts_open")
    await run(
        "CREATE INDEX payouts_open ON payouts (program_id, state, id) "
        "WHERE state IN ('requested', 'approved', 'sent')"
    )
    await run(
        "CREATE UNIQUE INDEX payer_details_current ON payer_details (program_id) WHERE superseded_at IS NULL"
    )
    await run(_ONE_WAY)
    await run(_BATCH_STAYS)
    await run(
        "CREATE TRIGGER payout_batches_stay BEFORE UPDATE OR DELETE ON payout_batches "
        "FOR EACH ROW EXECUTE FUNCTION refuse_changed_batch()"
    )
    for table in APPEND_ONLY:
        await run(append_only(table))


def append_only(table: str) -> str:
    """Triggers that refuse UPDATE, DELETE and TRUNCATE, whoever asks."""
    return (
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change(); "
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


_ONE_WAY = """
CREATE OR REPLACE FUNCTION refuse_payout_turning_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'payout % stays: payouts are never deleted', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF (OLD.state, NEW.state) NOT IN (
        ('requested', 'approved'), ('requested', 'rejected'), ('requested', 'cancelled'),
        ('approved', 'approved'), ('approved', 'sent'), ('approved', 'paid'), ('approved', 'rejected'),
        ('sent', 'approved'), ('sent', 'paid'), ('sent', 'returned')
    ) THEN
        RAISE EXCEPTION 'payout % is %: it cannot become %', OLD.id, OLD.state, NEW.state
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF (OLD.state, NEW.state) = ('approved', 'approved') AND (
        OLD.second_approved_by_id IS NOT NULL OR NEW.second_approved_by_id IS NULL
        OR NEW.second_approved_by_id = OLD.approved_by_id
        OR (OLD.amount_minor, OLD.debt_repaid_minor) IS DISTINCT FROM (NEW.amount_minor, NEW.debt_repaid_minor)
    ) THEN
        RAISE EXCEPTION 'payout %: only another person agrees once more', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF (OLD.state, NEW.state) = ('sent', 'paid')
        AND (OLD.amount_minor, OLD.debt_repaid_minor) IS DISTINCT FROM (NEW.amount_minor, NEW.debt_repaid_minor)
    THEN
        RAISE EXCEPTION 'payout %: its amount is with the bank', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF (OLD.id, OLD.program_id, OLD.partner_id, OLD.number, OLD.requested_minor, OLD.method, OLD.details_encrypted)
        IS DISTINCT FROM
        (NEW.id, NEW.program_id, NEW.partner_id, NEW.number, NEW.requested_minor, NEW.method, NEW.details_encrypted)
    THEN
        RAISE EXCEPTION 'payout %: what was requested stays', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$
"""

_BATCH_STAYS = """
CREATE FUNCTION refuse_changed_batch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'batch % stays: batches are never deleted', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF OLD.dissolved_at IS NOT NULL OR NEW.dissolved_at IS NULL OR
        (to_jsonb(OLD) - 'dissolved_at' - 'dissolved_by_id') <> (to_jsonb(NEW) - 'dissolved_at' - 'dissolved_by_id')
    THEN
        RAISE EXCEPTION 'batch %: it can be dissolved, nothing else', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="payouts", description=DESCRIPTION)
    manager.add_raw(change)
    return manager
