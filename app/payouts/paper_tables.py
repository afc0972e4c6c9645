"""Papers of payouts: stored files, what papers say of both sides, acts with their numbers, receipts of the self-employed."""

from piccolo.columns import (
    JSONB,
    BigInt,
    BigSerial,
    Bytea,
    Date,
    ForeignKey,
    Integer,
    OnDelete,
    Timestamptz,
    Varchar,
)
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from app.partners.tables import Partner
from app.payouts.tables import Payout
from app.programs.tables import Program
from app.users.tables import User


class Paper(Table, tablename="papers"):
    """A file as it was made or handed in. Append-only: what was signed can always be shown."""

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
    kind = Varchar(8, default=None, help_text="act, scan or receipt.")
    media_type = Varchar(40, default=None, help_text="application/pdf, image/jpeg or image/png.")
    sha256 = Varchar(64, default=None, help_text="Digest of the content, in hexadecimal digits.")
    size = Integer(default=None, help_text="Bytes.")
    content = Bytea(default=None, help_text="The file.")
    made_at = Timestamptz(default=None, help_text="When it was made or handed in.")
    made_by = ForeignKey(
        User,
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        help_text="Who handed it in; null: the portal made it.",
        db_column_name="made_by_id",
    )

    papers_known = Check("kind IN ('act', 'scan', 'receipt')")
    papers_typed = Check("media_type IN ('application/pdf', 'image/jpeg', 'image/png')")
    papers_whole = Check("size = octet_length(content) AND size > 0 AND length(sha256) = 64")


class Requisites(Table, tablename="requisites"):
    """What papers say of a side: the partner, or the program itself. Superseded, never edited."""

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
        null=True,
        default=None,
        index=True,
        help_text="Null: the program's own side.",
        db_column_name="partner_id",
    )
    full_name = Varchar(300, default="", help_text="As in the register of companies or the passport.")
    tax_number = Varchar(12, default="", help_text="INN.")
    kpp = Varchar(9, default="", help_text="KPP; empty: a sole trader has none.")
    ogrn = Varchar(15, default="", help_text="OGRN or OGRNIP.")
    address = Varchar(300, default="", help_text="The legal address.")
    signer = Varchar(150, default="", help_text="Who signs.")
    signer_role = Varchar(150, default="", help_text="His office: director.")
    signer_basis = Varchar(150, default="", help_text="What he acts on: the charter, a power of attorney.")
    contract = Varchar(200, default="", help_text="Number and date of the contract; empty: the public offer.")
    vat = Varchar(4, default="none", help_text="none, or the percent that is inside his amounts.")
    vat_reason = Varchar(150, default="", help_text="Why there is no VAT.")
    given_at = Timestamptz(default=None, help_text="When they were given.")
    given_by = ForeignKey(
        User, on_delete=OnDelete.restrict, null=True, default=None, db_column_name="given_by_id"
    )
    superseded_at = Timestamptz(null=True, default=None, help_text="Null: in use.")

    requisites_vat = Check("vat IN ('none', '5', '7', '10', '20', '22')")


class ActNumber(Table, tablename="payout_act_numbers"):
    """The last number given per program and year; its row is locked until the act is committed, so there are no gaps."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    program = ForeignKey(
        Program, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="program_id"
    )
    year = Integer(default=None, help_text="In the program's time zone.")
    last = Integer(default=None, help_text="The last number given.")

    payout_act_numbers_once = Unique(["program_id", "year"])


class Act(Table, tablename="payout_acts"):
    """The act of work performed, of one payout to a company or sole trader (rules.md §12)."""

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
    payout = ForeignKey(
        Payout, on_delete=OnDelete.restrict, null=False, default=None, index=True, db_column_name="payout_id"
    )
    year = Integer(default=None, help_text="Of its day.")
    number = Integer(default=None, help_text="1, 2, 3 … within program and year, without gaps.")
    drawn_on = Date(default=None, help_text="Its day, in the program's time zone.")
    period_from = Date(default=None, help_text="First day of the work.")
    period_to = Date(default=None, help_text="Last day of the work.")
    amount_minor = BigInt(default=None, help_text="What the work costs.")
    currency = Varchar(3, default=None, help_text="ISO 4217.")
    document = JSONB(default=None, help_text="Everything that stands in it, as it was when it was made.")
    state = Varchar(10, default="made", help_text="made, scanned, signed or cancelled.")
    made_at = Timestamptz(default=None, help_text="When it was made.")
    paper = ForeignKey(
        Paper,
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        help_text="The PDF; null: not typeset yet.",
        db_column_name="paper_id",
    )
    scan = ForeignKey(
        Paper,
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        help_text="The last scan handed in.",
        db_column_name="scan_id",
    )
    scan_refusal = Varchar(500, default="", help_text="Why staff refused the last scan; empty: they did not.")
    signed_at = Timestamptz(
        null=True, default=None, help_text="When it was accepted; null: it is not signed."
    )
    signed_how = Varchar(8, default="", help_text="online or scan; empty: it is not signed.")
    signed_by = ForeignKey(
        User,
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        help_text="The partner who accepted online, or who of the staff approved the scan.",
        db_column_name="signed_by_id",
    )
    signed_ip = Varchar(45, default="", help_text="From where it was accepted.")
    signed_sha256 = Varchar(64, default="", help_text="Digest of what was accepted: the PDF, or the scan.")
    cancelled_at = Timestamptz(null=True, default=None, help_text="When it was cancelled; null: it was not.")
    cancel_reason = Varchar(500, default="", help_text="Why it was cancelled.")

    payout_acts_known = Check("state IN ('made', 'scanned', 'signed', 'cancelled')")
    payout_acts_amount = Check("amount_minor > 0")
    payout_acts_numbered = Unique(["program_id", "year", "number"])
    payout_acts_signed = Check(
        "state <> 'signed' OR (signed_at IS NOT NULL AND signed_by_id IS NOT NULL AND signed_how IN ('online', 'scan') "
        "AND length(signed_sha256) = 64)"
    )
    payout_acts_scanned = Check("state <> 'scanned' OR scan_id IS NOT NULL")
    payout_acts_cancelled = Check("(state = 'cancelled') = (cancelled_at IS NOT NULL)")


class Receipt(Table, tablename="payout_receipts"):
    """The receipt that a self-employed partner owes for a paid payout; the row is made when it is paid."""

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
    payout = ForeignKey(
        Payout, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="payout_id"
    )
    tax_number = Varchar(
        12, default="", help_text="Whose yearly limit the payout counts for; empty: not known."
    )
    amount_minor = BigInt(default=None, help_text="What was paid.")
    currency = Varchar(3, default=None, help_text="ISO 4217.")
    year = Integer(default=None, help_text="In which it was paid, in the program's time zone.")
    state = Varchar(
        8,
        default="missing",
        help_text="missing, given, waived by staff, or undone: the bank returned the money.",
    )
    due_on = Date(default=None, help_text="The last day to give it.")
    url = Varchar(500, default="", help_text="Its address at the tax office; empty: none or a file.")
    paper = ForeignKey(Paper, on_delete=OnDelete.restrict, null=True, default=None, db_column_name="paper_id")
    given_at = Timestamptz(null=True, default=None, help_text="When it was given; null: it is missing.")
    refusal = Varchar(
        500, default="", help_text="Why staff refused what was given last; empty: they did not."
    )
    reminded_on = Date(null=True, default=None, help_text="The day of the last reminder; null: none yet.")

    payout_receipts_once = Unique(["payout_id"])
    payout_receipts_known = Check("state IN ('missing', 'given', 'waived', 'undone')")
    payout_receipts_given = Check(
        "state <> 'given' OR (given_at IS NOT NULL AND (url <> '' OR paper_id IS NOT NULL))"
    )
