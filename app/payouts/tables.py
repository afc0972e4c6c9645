"""Requests for money, and what became of them."""

from piccolo.columns import BigInt, BigSerial, Bytea, ForeignKey, OnDelete, Timestamptz, Varchar
from piccolo.columns.readable import Readable
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from app.partners.tables import Partner
from app.programs.tables import Program
from app.users.tables import User


class Payout(Table, tablename="payouts"):
    """One withdrawal request."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    program = ForeignKey(
        Program, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="program_id"
    )
    partner = ForeignKey(
        Partner,
        on_delete=OnDelete.restrict,
        null=False,
        default=None,
        index=True,
        db_column_name="partner_id",
    )
    number = BigInt(default=None, help_text="1, 2, 3 … within the program.")
    state = Varchar(10, default=None, help_text="requested, approved, paid or rejected.")
    requested_minor = BigInt(default=None, help_text="What was asked for.")
    amount_minor = BigInt(
        default=None, help_text="What is or was paid; when rejected, what became available again."
    )
    debt_repaid_minor = BigInt(
        default=0, help_text="The part that repaid debt instead: a clawback overtook the request."
    )
    method = Varchar(20, default=None, help_text="As the details'.")
    details_masked = Varchar(100, default=None, help_text="Where to, as it may be shown.")
    details_encrypted = Bytea(default=None, help_text="Where to, sealed.")
    action_id = Varchar(64, default=None, help_text="Made with the form: a double click is one request.")
    requested_at = Timestamptz(default=None, help_text="When it was requested.")
    approved_at = Timestamptz(null=True, default=None, help_text="When it was approved; null: not (yet).")
    approved_by = ForeignKey(
        User, on_delete=OnDelete.restrict, null=True, default=None, db_column_name="approved_by_id"
    )
    paid_at = Timestamptz(null=True, default=None, help_text="When it was marked paid; null: not (yet).")
    paid_by = ForeignKey(
        User, on_delete=OnDelete.restrict, null=True, default=None, db_column_name="paid_by_id"
    )
    rejected_at = Timestamptz(null=True, default=None, help_text="When it was rejected; null: it was not.")
    rejected_by = ForeignKey(
        User, on_delete=OnDelete.restrict, null=True, default=None, db_column_name="rejected_by_id"
    )
    reason = Varchar(500, default="", help_text="Why it was rejected or cut, as the partner reads it.")

    known = Check("state IN ('requested', 'approved', 'paid', 'rejected')")
    positive = Check("requested_minor > 0 AND amount_minor >= 0 AND debt_repaid_minor >= 0")
    adds_up = Check("requested_minor = amount_minor + debt_repaid_minor")
    payouts_in_order = Unique(["program_id", "number"])
    payouts_once = Unique(["partner_id", "action_id"])

    @classmethod
    def get_readable(cls) -> Readable:
        """How piccolo-admin names a row."""
        return Readable(template="%s", columns=[cls.number])
