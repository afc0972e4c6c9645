"""In-portal notices; mails go out beside them."""

from piccolo.columns import JSONB, BigInt, BigSerial, ForeignKey, OnDelete, Timestamptz, Varchar
from piccolo.constraints import Unique
from piccolo.table import Table

from app.events.tables import Event
from app.users.tables import User


class Notice(Table, tablename="notices"):
    """One message to one user."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    user = ForeignKey(
        User, on_delete=OnDelete.restrict, null=False, default=None, index=True, db_column_name="user_id"
    )
    program_id = BigInt(null=True, default=None, help_text="The program it concerns.")
    event = ForeignKey(
        Event,
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        index=True,
        help_text="What it tells of.",
        db_column_name="event_id",
    )
    kind = Varchar(48, default=None, help_text="Which sentence: partner.approved, partner.level_changed, …")
    values = JSONB(default=None, help_text="What the sentence needs.")
    url = Varchar(300, default="", help_text="Where it leads, within the portal.")
    created_at = Timestamptz(default=None, help_text="When it was written.")
    read_at = Timestamptz(null=True, default=None, help_text="When the user read it; null: unread.")
    mailed_at = Timestamptz(
        null=True, default=None, help_text="When its mail was handed over; null: no mail (yet)."
    )

    notices_once = Unique(["user_id", "event_id"])
