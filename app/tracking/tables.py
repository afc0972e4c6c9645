"""Links, promo codes and clicks."""

from piccolo.columns import (
    JSONB,
    UUID,
    BigInt,
    BigSerial,
    Boolean,
    ForeignKey,
    OnDelete,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from app.partners.tables import Partner
from app.programs.tables import Program


class Link(Table, tablename="links"):
    """A partner's link to a page of the shop."""

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
    partner = ForeignKey(
        Partner,
        on_delete=OnDelete.restrict,
        null=False,
        default=None,
        index=True,
        db_column_name="partner_id",
    )
    code = Varchar(32, default=None, unique=True, help_text="The short code of /r/<code>, lower case.")
    name = Varchar(100, default="", help_text="The partner's own name for it.")
    destination = Varchar(2000, default=None, help_text="The shop's page, on one of the program's hosts.")
    utm = JSONB(default="{}", help_text="UTM parameters of this link over the program's template.")
    sub1 = Varchar(255, default="", help_text="The partner's own mark.")
    sub2 = Varchar(255, default="", help_text="The partner's own mark.")
    sub3 = Varchar(255, default="", help_text="The partner's own mark.")
    sub4 = Varchar(255, default="", help_text="The partner's own mark.")
    sub5 = Varchar(255, default="", help_text="The partner's own mark.")
    main = Boolean(default=False, help_text="The link made at approval, shown on the overview.")
    created_at = Timestamptz(default=None, help_text="When it was made.")
    disabled_at = Timestamptz(
        null=True, default=None, help_text="Since when staff switched it off; null: it works."
    )
    archived_at = Timestamptz(
        null=True, default=None, help_text="Since when he put it out of his sight; it goes on working."
    )

    lower = Check("code = lower(code)")


class PromoCode(Table, tablename="promo_codes"):
    """A partner's code that buyers enter at checkout."""

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
    code = Varchar(20, default=None, help_text="As the partner wrote it, upper case.")
    code_key = Varchar(
        20, default=None, help_text="Case-folded, look-alike letters joined: codes are compared by it."
    )
    state = Varchar(8, default="active", help_text="active or disabled.")
    valid_from = Timestamptz(default=None, help_text="Orders placed from this moment on.")
    valid_to = Timestamptz(
        null=True, default=None, help_text="Orders placed before this moment; null: without end."
    )
    created_at = Timestamptz(default=None, help_text="When it was made.")

    known = Check("state IN ('active', 'disabled')")
    promo_codes_once = Unique(["program_id", "code_key"])


class Click(Table, tablename="clicks"):
    """One request through a link, counted or not, with the reason."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    public_id = UUID(default=None, unique=True, help_text="Random; the shop may give it back with the order.")
    program_id = BigInt(default=None, help_text="The program.")
    partner_id = BigInt(default=None, help_text="The link's partner.")
    link_id = BigInt(default=0, help_text="The link; 0: through the snippet or a promo code without one.")
    visitor_id = Varchar(
        64, default=None, help_text="First-party cookie of the browser, or the shop's own id."
    )
    clicked_at = Timestamptz(default=None, help_text="When it happened.")
    recorded_at = Timestamptz(default=None, help_text="When we wrote it down.")
    counted = Boolean(default=None, help_text="Whether it can earn.")
    reason = Varchar(
        16, default="", help_text="Why it is not counted: bot, prefetch, repeat, inactive; empty: it is."
    )
    landing_url = Text(default="", help_text="Where it led.")
    referrer = Text(default="", help_text="Where it came from.")
    user_agent = Text(default="", help_text="As the browser said, cut to 400 characters.")
    ip_digest = Varchar(
        32, default="", help_text="Keyed digest of the address, good for one day's comparisons."
    )
    sub = JSONB(default="{}", help_text="utm_* and sub1..sub5 as they came.")
