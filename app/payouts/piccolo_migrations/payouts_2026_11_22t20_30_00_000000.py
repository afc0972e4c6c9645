"""Papers are append-only, an act keeps its number and its words for ever, one act and one side's details at a time."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T20:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Papers stay as they are, acts go one way"


async def run(sql: str) -> None:
    """Run SQL in the migration's own transaction."""
    engine = engine_finder()
    assert engine is not None
    await engine.current_transaction.get().connection.execute(sql)


async def change() -> None:
    await run(
        "CREATE TRIGGER papers_append_only BEFORE UPDATE OR DELETE ON papers "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    await run(
        "CREATE TRIGGER papers_no_truncate BEFORE TRUNCATE ON papers "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    await run(
        "CREATE UNIQUE INDEX requisites_in_use ON requisites (program_id, coalesce(partner_id, 0)) "
        "WHERE superseded_at IS NULL"
    )
    await run(
        "CREATE UNIQUE INDEX payout_acts_one_valid ON payout_acts (payout_id) WHERE state <> 'cancelled'"
    )
    await run(
        "CREATE INDEX payout_acts_open ON payout_acts (program_id, id) WHERE state IN ('made', 'scanned')"
    )
    await run("CREATE INDEX payout_acts_bare ON payout_acts (id) WHERE paper_id IS NULL")
    await run("CREATE INDEX payout_receipts_missing ON payout_receipts (due_on, id) WHERE state = 'missing'")
    await run(
        "CREATE INDEX payout_receipts_limit ON payout_receipts (tax_number, year) WHERE tax_number <> ''"
    )
    await run(
        "CREATE TRIGGER payout_acts_one_way BEFORE UPDATE OR DELETE ON payout_acts "
        "FOR EACH ROW EXECUTE FUNCTION refuse_act_turning_back()"
    )


async def function() -> None:
    await run(
        """
        CREATE FUNCTION refuse_act_turning_back() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' THEN
                RAISE EXCEPTION 'act % stays: its number is used', OLD.id
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF (OLD.state, NEW.state) NOT IN (
                ('made', 'made'), ('made', 'scanned'), ('made', 'signed'), ('made', 'cancelled'),
                ('scanned', 'scanned'), ('scanned', 'made'), ('scanned', 'signed'), ('scanned', 'cancelled'),
                ('signed', 'cancelled')
            ) THEN
                RAISE EXCEPTION 'act % is %: it cannot become %', OLD.id, OLD.state, NEW.state
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF (OLD.id, OLD.program_id, OLD.partner_id, OLD.payout_id, OLD.year, OLD.number, OLD.drawn_on,
                OLD.period_from, OLD.period_to, OLD.amount_minor, OLD.currency, OLD.document)
                IS DISTINCT FROM
                (NEW.id, NEW.program_id, NEW.partner_id, NEW.payout_id, NEW.year, NEW.number, NEW.drawn_on,
                NEW.period_from, NEW.period_to, NEW.amount_minor, NEW.currency, NEW.document)
                OR (OLD.paper_id IS NOT NULL AND NEW.paper_id IS DISTINCT FROM OLD.paper_id)
                OR (OLD.state = 'signed' AND (OLD.scan_id, OLD.signed_at, OLD.signed_how, OLD.signed_by_id,
                    OLD.signed_ip, OLD.signed_sha256)
                    IS DISTINCT FROM (NEW.scan_id, NEW.signed_at, NEW.signed_how, NEW.signed_by_id,
                    NEW.signed_ip, NEW.signed_sha256))
            THEN
                RAISE EXCEPTION 'act %: what stands in it and who signed it stays', OLD.id
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="payouts", description=DESCRIPTION)
    manager.add_raw(function)
    manager.add_raw(change)
    return manager
