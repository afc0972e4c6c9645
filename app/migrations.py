"""Bring the schema up to date, one process at a time, and give the run-time role what it needs and no more."""

import os

import asyncpg
from piccolo.apps.migrations.commands.forwards import run_forwards

from app import db
from app.db import Connection

LOCK = 0x74616E64656D  # any constant: everybody who migrates takes the same

APP_ROLE = "tandem_app"

APPEND_ONLY = (
    "journal_entries",
    "postings",
    "ledger_chain_blocks",
    "commission_entries",
    "commission_settlements",
    "deposit_top_ups",
    "adjustments",
    "cashback_entries",
    "order_events",
    "audit_records",
    "program_terms",
    "payout_batch_files",
    "payout_batch_payments",
    "payout_returns",
    "papers",
    "bank_answer_lines",
)
"""The run-time role may read these and add to them, nothing else. Triggers refuse the owner too."""


async def migrate(owner_url: str) -> None:
    """Apply all migrations as the owner of the tables, under an advisory lock, then grant.

    `owner_url`: the role that owns the tables. Safe to call from several processes at once.
    """
    os.environ.setdefault("PICCOLO_CONF", "piccolo_conf")
    lock = await asyncpg.connect(owner_url)
    try:
        await lock.execute("SELECT pg_advisory_lock($1)", LOCK)
        before = db.ENGINE.config
        db.ENGINE.config = {"dsn": owner_url, "server_settings": {"lock_timeout": "10s"}}
        try:
            if (await run_forwards("all")).success is False:
                raise RuntimeError("a migration failed; see above")
        finally:
            db.ENGINE.config = before
        await _grant(lock)
    finally:
        await lock.close()


async def _grant(connection: Connection) -> None:
    exists = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", APP_ROLE)
    same = await connection.fetchval("SELECT current_user = $1", APP_ROLE)
    if not exists or same:
        return
    await connection.execute(
        f"""
        GRANT USAGE ON SCHEMA public TO {APP_ROLE};
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {APP_ROLE};
        GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {APP_ROLE};
        GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {APP_ROLE};
        REVOKE UPDATE, DELETE, TRUNCATE ON {", ".join(APPEND_ONLY)} FROM {APP_ROLE};
        REVOKE INSERT, UPDATE, DELETE ON migration FROM {APP_ROLE};
        """  # noqa: S608 - names of ours
    )
