"""Flags on orders: why somebody has to look, and what was decided."""

from piccolo.columns import BigSerial, ForeignKey, OnDelete, Timestamptz, Varchar
from piccolo.constraints import Check
from piccolo.table import Table

from app.orders.tables import Order
from app.partners.tables import Partner
from app.programs.tables import Program
from app.users.tables import User


class OrderFlag(Table, tablename="order_flags"):
    """A doubt about an order. While one is open the order's commissions stay pending (rules.md §9)."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    program = ForeignKey(
        Program, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="program_id"
    )
    order = ForeignKey(
        Order, on_delete=OnDelete.restrict, null=False, default=None, index=True, db_column_name="order_id"
    )
    partner = ForeignKey(
        Partner,
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        help_text="Whom the doubt is about; null: the order as a whole.",
        db_column_name="partner_id",
    )
    kind = Varchar(20, default=None, help_text="self_referral, or staff: raised by hand.")
    state = Varchar(10, default="open", help_text="open, cleared or confirmed.")
    reason = Varchar(500, default="", help_text="Why, where a person raised it.")
    raised_at = Timestamptz(default=None, help_text="When it was raised.")
    raised_by = ForeignKey(
        User,
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        help_text="Null: the rules.",
        db_column_name="raised_by_id",
    )
    decided_at = Timestamptz(null=True, default=None, help_text="When it was decided; null: it is open.")
    decided_by = ForeignKey(
        User,
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        help_text="Null: open, or the rules took it back.",
        db_column_name="decided_by_id",
    )
    decision = Varchar(500, default="", help_text="Why it was decided so.")

    order_flags_kind = Check("kind IN ('self_referral', 'staff')")
    order_flags_state = Check("state IN ('open', 'cleared', 'confirmed')")
    order_flags_decided = Check("(state = 'open') = (decided_at IS NULL)")
