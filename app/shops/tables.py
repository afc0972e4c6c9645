"""Shops' keys and what they have asked already."""

from piccolo.columns import Array, BigSerial, Bytea, ForeignKey, Integer, OnDelete, Timestamptz, Varchar
from piccolo.constraints import Unique
from piccolo.table import Table

from app.programs.tables import Program


class ApiKey(Table, tablename="api_keys"):
    """A shop's key. Shown once; only a digest is stored."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    program = ForeignKey(
        Program,
        on_delete=OnDelete.restrict,
        null=False,
        default=None,
        index=True,
        db_column_name="program_id",
    )
    name = Varchar(100, default=None, help_text="Which shop or person uses it.")
    digest = Bytea(default=None, unique=True, help_text="SHA-256 of the whole key.")
    shown = Varchar(60, default=None, help_text="Its beginning, to tell keys apart.")
    scopes = Array(base_column=Varchar(16), default=list, help_text="track, orders, read, cashback, admin.")
    created_at = Timestamptz(default=None, help_text="When it was made.")
    used_at = Timestamptz(
        null=True, default=None, help_text="When it was last used, to the minute; null: never."
    )
    revoked_at = Timestamptz(null=True, default=None, help_text="Since when it is dead; null: it lives.")


class IdempotentAnswer(Table, tablename="api_idempotent_answers"):
    """The answer to a POST with an Idempotency-Key; kept for thirty days."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    program = ForeignKey(
        Program, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="program_id"
    )
    route = Varchar(200, default=None, help_text="Method and path.")
    key = Varchar(255, default=None, help_text="As the shop sent it.")
    body_digest = Bytea(default=None, help_text="SHA-256 of the request's body.")
    status = Integer(null=True, default=None, help_text="The answer's status; null: still being worked on.")
    body = Bytea(null=True, default=None, help_text="The answer's body.")
    created_at = Timestamptz(default=None, index=True, help_text="When it came.")

    api_idempotent_answers_once = Unique(["program_id", "route", "key"])
