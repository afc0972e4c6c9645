"""What the bank answered stays as it was booked."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T20:45:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "What the bank answered stays as it was booked"


async def run(sql: str) -> None:
    """Run SQL in the migration's own transaction."""
    engine = engine_finder()
    assert engine is not None
    await engine.current_transaction.get().connection.execute(sql)


async def change() -> None:
    await run(
        "CREATE TRIGGER bank_answer_lines_append_only BEFORE UPDATE OR DELETE ON bank_answer_lines "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change(); "
        "CREATE TRIGGER bank_answer_lines_no_truncate BEFORE TRUNCATE ON bank_answer_lines "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    await run(
        """
        CREATE FUNCTION refuse_changed_bank_answer() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' OR OLD.confirmed_at IS NOT NULL
                OR (to_jsonb(OLD) - 'confirmed_at' - 'confirmed_by_id') <> (to_jsonb(NEW) - 'confirmed_at' - 'confirmed_by_id')
            THEN
                RAISE EXCEPTION 'bank answer % stays: it is confirmed once, nothing else', OLD.id
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    await run(
        "CREATE TRIGGER bank_answers_stay BEFORE UPDATE OR DELETE ON bank_answers "
        "FOR EACH ROW EXECUTE FUNCTION refuse_changed_bank_answer()"
    )


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="payouts", description=DESCRIPTION)
    manager.add_raw(change)
    return manager
