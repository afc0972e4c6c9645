"""What marketers give partners to show."""

from piccolo.columns import (
    BigSerial,
    Boolean,
    Date,
    ForeignKey,
    Integer,
    OnDelete,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.constraints import Check
from piccolo.table import Table

from app.programs.tables import Program


class Material(Table, tablename="materials"):
    """A banner or text, for partners from a level on."""

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
    kind = Varchar(8, default="banner", help_text="banner or text.")
    title_ru = Varchar(150, default=None, help_text="Name in Russian.")
    title_en = Varchar(150, default=None, help_text="Name in English.")
    level = Varchar(32, default="", help_text="Code of the lowest level that gets it; empty: everybody.")
    image = Varchar(300, default="", help_text="The picture: PNG, JPEG, WebP or GIF, re-encoded on upload.")
    width = Integer(default=0, help_text="Pixels; measured on upload.")
    height = Integer(default=0, help_text="Pixels; measured on upload.")
    text = Text(default="", help_text="For a text: what to publish. {link} becomes the partner's link.")
    landing_url = Varchar(2000, default="", help_text="The shop's page it leads to; empty: the home page.")
    active = Boolean(default=True, help_text="Inactive ones are hidden.")
    valid_to = Date(null=True, default=None, help_text="Last day it may be used; null: without end.")
    created_at = Timestamptz(default=None, null=True, help_text="When it was uploaded.")

    known = Check("kind IN ('banner', 'text')")
