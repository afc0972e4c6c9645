"""Indexes of payouts and their one way."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T19:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Indexes of payouts and their one way"


async def run(sql: str) -> None:
    """Run SQL in the migration's own transaction."""
    engine = engine_finder()
    assert engine is not None
    await engine.current_transaction.get().connection.execute(sql)


async def change() -> None:
    await run(
        "CREATE INDEX payouts_open ON payouts (program_id, state, id) WHERE state IN ('requested', 'approved')"
    )
    await run("CREATE INDEX payouts_program ON payouts (program_id, requested_at, id)")
    await run(
        """
        CREATE FUNCTION refuse_payout_turning_back() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' THEN
                RAISE EXCEPTION 'payout % stays: payouts are never deleted', OLD.id
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF (OLD.state, NEW.state) NOT IN (
                ('requested', 'approved'), ('requested', 'rejected'), ('approved', 'paid'), ('approved', 'rejected')
            ) THEN
                RAISE EXCEPTION 'payout % is %: it cannot become %', OLD.id, OLD.state, NEW.state
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
    )
    await run(
        "CREATE TRIGGER payouts_one_way BEFORE UPDATE OR DELETE ON payouts "
        "FOR EACH ROW EXECUTE FUNCTION refuse_payout_turning_back()"
    )


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="payouts", description=DESCRIPTION)
    manager.add_raw(change)
    return manager
