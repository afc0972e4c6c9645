"""Shops' keys and what they have asked already."""

from piccolo.columns import Array, BigSerial, Bytea, ForeignKey, Integer, OnDelete, Timestamptz, Varchar
from piccolo.constraints import Check, Unique
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


class KeyProgram(Table, tablename="api_key_programs"):
    """A further program that a shop's key feeds, and what of the shop's goods belongs to it."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    key = ForeignKey(ApiKey, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="key_id")
    program = ForeignKey(
        Program, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="program_id"
    )
    products = Array(base_column=Varchar(200), default=list, help_text="The shop's product codes.")
    categories = Array(base_column=Varchar(100), default=list, help_text="Category codes, at any depth.")

    api_key_programs_once = Unique(["key_id", "program_id"])


class OrderRoute(Table, tablename="order_routes"):
    """To which program an order of a shop that feeds several went, so that all its messages go there."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    home = ForeignKey(
        Program, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="home_id"
    )
    external_id = Varchar(200, default=None, help_text="The shop's id of the order.")
    program = ForeignKey(
        Program,
        on_delete=OnDelete.restrict,
        null=False,
        default=None,
        index=True,
        db_column_name="program_id",
    )
    found_by = Varchar(8, default=None, help_text="click, code, product, customer, or home: none of them.")
    routed_at = Timestamptz(default=None, help_text="When.")

    order_route_found_by = Check("found_by IN ('click', 'code', 'product', 'customer', 'home')")
    order_routes_once = Unique(["home_id", "external_id"])
