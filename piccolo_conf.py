"""Where Piccolo finds the database and the tables of each slice."""

import os

from piccolo.conf.apps import AppRegistry

from app.db import ENGINE

DB = ENGINE
if not DB.config and os.environ.get("DATABASE_OWNER_URL"):
    DB.config = {"dsn": os.environ["DATABASE_OWNER_URL"]}  # Piccolo's own commands, such as `make migrations`

APP_REGISTRY = AppRegistry(
    apps=[
        "app.users.piccolo_app",
        "app.ledger.piccolo_app",
        "app.events.piccolo_app",
        "app.notices.piccolo_app",
        "app.programs.piccolo_app",
        "app.partners.piccolo_app",
        "app.stats.piccolo_app",
        "app.tracking.piccolo_app",
        "app.materials.piccolo_app",
        "app.orders.piccolo_app",
        "app.cashback.piccolo_app",
        "app.fraud.piccolo_app",
        "app.commissions.piccolo_app",
        "app.payouts.piccolo_app",
        "app.shops.piccolo_app",
    ]
)
