"""The PDF of an act may be typeset after the act was signed by a scan, or cancelled."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T21:12:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "PDFs of acts that ended before they were typeset"


async def run(sql: str) -> None:
    """Run SQL in the migration's own transaction."""
    engine = engine_finder()
    assert engine is not None
    await engine.current_transaction.get().connection.execute(sql)


async def function() -> None:
    await run(
        """
        CREATE OR REPLACE FUNCTION refuse_act_turning_back() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' THEN
                RAISE EXCEPTION 'act % stays: its number is used', OLD.id
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF (OLD.state, NEW.state) NOT IN (
                ('made', 'made'), ('made', 'scanned'), ('made', 'signed'), ('made', 'cancelled'),
                ('scanned', 'scanned'), ('scanned', 'made'), ('scanned', 'signed'), ('scanned', 'cancelled'),
                ('signed', 'signed'), ('signed', 'cancelled'), ('cancelled', 'cancelled')
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
                OR (OLD.state = 'cancelled' AND (OLD.scan_id, OLD.signed_sha256, OLD.cancelled_at, OLD.cancel_reason)
                    IS DISTINCT FROM (NEW.scan_id, NEW.signed_sha256, NEW.cancelled_at, NEW.cancel_reason))
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
    return manager
