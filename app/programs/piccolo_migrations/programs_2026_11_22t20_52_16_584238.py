from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.constraints import Check

ID = "2026-11-22T20:52:16:584238"
VERSION = "1.38.0"
DESCRIPTION = "currency rates only as exact decimals"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="programs", description=DESCRIPTION)

    manager.drop_column(
        table_class_name="CurrencyRate",
        tablename="program_currency_rates",
        column_name="rate_micro",
        db_column_name="rate_micro",
        schema=None,
    )

    manager.add_constraint(
        table_class_name="CurrencyRate",
        tablename="program_currency_rates",
        constraint_name="above_zero",
        constraint_class=Check,
        params={"condition": "rate > 0"},
        schema=None,
    )

    return manager
