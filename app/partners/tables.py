"""Partners: the application, the membership, its levels and states, and where money is sent."""

from typing import Any

from piccolo.columns import (
    JSONB,
    Array,
    BigInt,
    BigSerial,
    Boolean,
    Bytea,
    Date,
    ForeignKey,
    Integer,
    OnDelete,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.readable import Readable
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from app.programs.tables import Program
from app.users.tables import User


class Partner(Table, tablename="partners"):
    """A user's membership in one program."""

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
    user = ForeignKey(
        User,
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        index=True,
        help_text="Null: imported, cannot sign in.",
        db_column_name="user_id",
    )
    code = Varchar(32, default=None, help_text="In links; compared without case.")
    name = Varchar(150, default=None, help_text="Person or company, as he wrote it.")
    kind = Varchar(16, default=None, help_text="person, self_employed, sole_trader or company.")
    state = Varchar(12, default=None, help_text="applied, active, inactive, rejected or closed.")
    parent: ForeignKey[Any] = ForeignKey(
        "self",
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        index=True,
        help_text="Who brought him; null: nobody.",
        db_column_name="parent_id",
    )
    level = Varchar(32, default="", help_text="The level's code as last recalculated; empty before approval.")
    own_rate = Integer(
        null=True, default=None, help_text="External orders, in 1e-6 (7 % = 70000); null: none."
    )
    own_rate_direct = Integer(null=True, default=None, help_text="Direct orders, in 1e-6; null: none.")
    plan = Varchar(32, default="", help_text="Code of the fixed plan; empty: none.")
    email_key = Varchar(
        254, default="", help_text="E-mail, lower case, without +tag: self-referral is told by it."
    )
    phone_key = Varchar(32, default="", help_text="Phone, digits and plus sign only.")
    joined_at = Timestamptz(null=True, default=None, help_text="When he was approved; null: not yet.")
    created_at = Timestamptz(default=None, help_text="When he applied or was imported.")

    known_state = Check("state IN ('applied', 'active', 'inactive', 'rejected', 'closed')")
    known_kind = Check("kind IN ('person', 'self_employed', 'sole_trader', 'company')")
    rates = Check("own_rate BETWEEN 0 AND 1000000 AND own_rate_direct BETWEEN 0 AND 1000000")

    @classmethod
    def get_readable(cls) -> Readable:
        """How piccolo-admin names a row."""
        return Readable(template="%s (%s)", columns=[cls.name, cls.code])


class Application(Table, tablename="partner_applications"):
    """The questionnaire as it was sent, and what was decided."""

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
    state = Varchar(12, default=None, help_text="unconfirmed (e-mail), submitted, approved or rejected.")
    tax_number = Varchar(12, default="", help_text="INN.")
    sector = Varchar(32, default="", help_text="Business sector, a code of forms.SECTORS.")
    channels = Array(
        base_column=Varchar(32), default=list, help_text="How he promotes, codes of forms.CHANNELS."
    )
    channel_urls = Text(default="", help_text="His sites and pages, one a line.")
    comment = Text(default="", help_text="What he added.")
    consents = JSONB(default=None, help_text="Kind and version of each document agreed to, with the moment.")
    submitted_at = Timestamptz(default=None, help_text="When it was sent.")
    decided_at = Timestamptz(null=True, default=None, help_text="When staff decided; null: not yet.")
    decided_by = ForeignKey(
        User,
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        help_text="Who decided.",
        db_column_name="decided_by_id",
    )
    reason = Text(default="", help_text="Why it was rejected, as the applicant reads it.")

    known_state = Check("state IN ('unconfirmed', 'submitted', 'approved', 'rejected')")


class PartnerStateChange(Table, tablename="partner_state_changes"):
    """Every change of a partner's state; rules ask who was active at a moment."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    partner = ForeignKey(
        Partner,
        on_delete=OnDelete.restrict,
        null=False,
        default=None,
        index=True,
        db_column_name="partner_id",
    )
    at = Timestamptz(default=None, help_text="From when on.")
    before = Varchar(12, default="", help_text="The state before; empty: the first.")
    after = Varchar(12, default=None, help_text="The state after.")
    author = ForeignKey(
        User,
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        help_text="Null: the system.",
        db_column_name="author_id",
    )
    reason = Varchar(300, default="", help_text="Why.")
    order_id = BigInt(
        null=True, default=None, help_text="The order that no plan fitted; null: somebody decided."
    )


class ParentChange(Table, tablename="partner_parent_changes"):
    """Every parent a partner had; orders go by the parent at their moment."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    partner = ForeignKey(
        Partner,
        on_delete=OnDelete.restrict,
        null=False,
        default=None,
        index=True,
        db_column_name="partner_id",
    )
    at = Timestamptz(default=None, help_text="From when on.")
    parent = ForeignKey(
        Partner,
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        help_text="Null: none.",
        db_column_name="parent_id",
    )
    author = ForeignKey(
        User,
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        help_text="Null: the system.",
        db_column_name="author_id",
    )
    note = Varchar(300, default="", help_text="Why, where a person did it.")


class LevelChange(Table, tablename="partner_level_changes"):
    """Every change of a level, by turnover or by hand."""

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
    at = Timestamptz(default=None, help_text="From when on.")
    before = Varchar(32, default="", help_text="The level before; empty: the first.")
    after = Varchar(32, default=None, help_text="The level after.")
    turnover_minor = BigInt(null=True, default=None, help_text="The turnover that decided; null: by hand.")
    reason = Varchar(16, default=None, help_text="approved, turnover, by_hand or unpinned.")
    pinned = Boolean(default=False, help_text="Set by hand to stay until unpinned.")
    pinned_until = Timestamptz(null=True, default=None, help_text="The pin's end; null: until unpinned.")
    author = ForeignKey(
        User,
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        help_text="Null: the system.",
        db_column_name="author_id",
    )
    note = Varchar(300, default="", help_text="Why, where a person did it.")
    recorded_at = Timestamptz(default=None, help_text="When we wrote it down.")

    known = Check("reason IN ('approved', 'turnover', 'by_hand', 'unpinned')")


class OwnRateChange(Table, tablename="partner_own_rate_changes"):
    """Every own rate and fixed plan that staff set; orders go by what was in force when they were paid."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    partner = ForeignKey(
        Partner,
        on_delete=OnDelete.restrict,
        null=False,
        default=None,
        index=True,
        db_column_name="partner_id",
    )
    at = Timestamptz(default=None, help_text="From when on.")
    own_rate = Integer(null=True, default=None, help_text="External orders, in 1e-6; null: none.")
    own_rate_direct = Integer(null=True, default=None, help_text="Direct orders, in 1e-6; null: none.")
    plan = Varchar(32, default="", help_text="Code of the fixed plan; empty: none.")
    author = ForeignKey(
        User,
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        help_text="Null: by command.",
        db_column_name="author_id",
    )
    note = Varchar(300, default="", help_text="Why.")


class PartnerTurnover(Table, tablename="partner_turnovers"):
    """Credited base of a partner per day and month, beside the entries it sums."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    partner = ForeignKey(
        Partner, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="partner_id"
    )
    grain = Varchar(8, default=None, help_text="day or month.")
    starts_on = Date(default=None, help_text="Its first day, in the program's zone.")
    base_minor = BigInt(default=None, help_text="Paid less refunded; may be below zero.")
    sold_minor = BigInt(
        default=0, help_text="Months: base of the orders paid in it, net of refunds whenever they came."
    )
    sold_micro = BigInt(default=0, help_text="Months: their pieces, times 1,000,000.")
    earned_minor = BigInt(default=0, help_text="Months: their direct commissions, as they stand.")
    sold_orders = BigInt(default=0, help_text="Months: how many of them something is left of.")

    known = Check("grain IN ('day', 'month')")
    partner_turnovers_once = Unique(["partner_id", "grain", "starts_on"])


class PayoutDetails(Table, tablename="partner_payout_details"):
    """Where a partner's money is sent. Superseded, never edited; the numbers themselves are encrypted."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    partner = ForeignKey(
        Partner,
        on_delete=OnDelete.restrict,
        null=False,
        default=None,
        index=True,
        db_column_name="partner_id",
    )
    method = Varchar(20, default=None, help_text="bank_account, card, e_wallet or internal_account.")
    encrypted = Bytea(default=None, help_text="The details, sealed with a key outside the database.")
    masked = Varchar(100, default=None, help_text="As it may be shown: the last four digits and the like.")
    created_at = Timestamptz(default=None, help_text="When they were given; new ones wait 72 hours.")
    verified_at = Timestamptz(
        null=True, default=None, help_text="When staff or the bank proved them; null: not yet."
    )
    superseded_at = Timestamptz(
        null=True, default=None, help_text="When newer ones took their place; null: in use."
    )

    known = Check("method IN ('bank_account', 'card', 'e_wallet', 'internal_account')")
