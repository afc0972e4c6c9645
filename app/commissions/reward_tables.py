"""Which bonuses were given."""

from piccolo.columns import BigInt, BigSerial, ForeignKey, OnDelete, Timestamptz, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from app.commissions.tables import Commission
from app.partners.tables import Partner


class RewardGiven(Table, tablename="rewards"):
    """One bonus or volume bonus that a partner was given, once per its period (rules.md §16 "Bonuses")."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    program_id = BigInt(default=None, index=True, help_text="The program.")
    partner = ForeignKey(
        Partner, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="partner_id"
    )
    commission = ForeignKey(
        Commission,
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        help_text="What was booked for it.",
        db_column_name="commission_id",
    )
    kind = Varchar(16, default=None, help_text="bonus or volume_bonus.")
    code = Varchar(60, default="", help_text="The bonus's code; empty: a volume bonus.")
    period = Varchar(10, default=None, help_text="First day of the level period, or ever.")
    reached = BigInt(default=None, help_text="The figure that reached the threshold.")
    amount_minor = BigInt(default=None, help_text="What was given.")
    at = Timestamptz(default=None, help_text="When.")

    rewards_known = Check("kind IN ('bonus', 'volume_bonus')")
    rewards_once = Unique(["partner_id", "kind", "code", "period"])
