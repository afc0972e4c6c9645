"""The tables of this slice, for Piccolo's migrations."""

from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

APP_CONFIG = AppConfig(
    app_name="commissions",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=table_finder(
        modules=["app.commissions.tables", "app.commissions.reward_tables"], exclude_imported=True
    ),
    migration_dependencies=["app.orders.piccolo_app", "app.ledger.piccolo_app", "app.fraud.piccolo_app"],
)
