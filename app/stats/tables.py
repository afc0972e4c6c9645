"""Counts per partner, link and day, written in the transaction of the fact they count."""

from piccolo.columns import BigInt, BigSerial, Date, ForeignKey, OnDelete
from piccolo.constraints import Unique
from piccolo.table import Table

from app.partners.tables import Partner


class DailyCount(Table, tablename="daily_counts"):
    """One partner's day on one link (link_id 0: without a link). Pages sum these and never the facts."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    program_id = BigInt(default=None, help_text="The program.")
    partner = ForeignKey(
        Partner, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="partner_id"
    )
    link_id = BigInt(default=0, help_text="The link; 0: promo code, named partner or nothing to tell by.")
    day = Date(default=None, help_text="In the program's time zone.")
    clicks = BigInt(default=0, help_text="Counted clicks.")
    clicks_not_counted = BigInt(default=0, help_text="Bots, repeats, prefetches.")
    orders = BigInt(default=0, help_text="Paid orders credited to him, by the day of payment.")
    base_minor = BigInt(default=0, help_text="Credited base less refunds, by the moment of each.")
    earned_minor = BigInt(default=0, help_text="Commissions of all kinds less clawbacks.")

    daily_counts_once = Unique(["partner_id", "day", "link_id"])
