"""Requests for money, and what became of them."""

from piccolo.columns import (
    BigInt,
    BigSerial,
    Bytea,
    ForeignKey,
    Integer,
    OnDelete,
    Timestamptz,
    Varchar,
)
from piccolo.columns.readable import Readable
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from app.partners.tables import Partner
from app.programs.tables import Program
from app.users.tables import User


class PayoutBatch(Table, tablename="payout_batches"):
    """Approved payouts that went to the bank together."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    program = ForeignKey(
        Program, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="program_id"
    )
    number = BigInt(default=None, help_text="1, 2, 3 … within the program.")
    method = Varchar(20, default=None, help_text="Of all its payouts.")
    payouts = Integer(default=None, help_text="How many it holds.")
    total_minor = BigInt(default=None, help_text="Their sum.")
    action_id = Varchar(64, default=None, help_text="Made with the form: a double click is one batch.")
    made_at = Timestamptz(default=None, help_text="When its files were made.")
    made_by = ForeignKey(
        User, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="made_by_id"
    )
    dissolved_at = Timestamptz(
        null=True, default=None, help_text="When staff said that it was not sent after all; null: it stands."
    )
    dissolved_by = ForeignKey(
        User, on_delete=OnDelete.restrict, null=True, default=None, db_column_name="dissolved_by_id"
    )

    payout_batches_positive = Check("payouts > 0 AND total_minor > 0")
    payout_batches_in_order = Unique(["program_id", "number"])
    payout_batches_once = Unique(["program_id", "action_id"])


class BatchFile(Table, tablename="payout_batch_files"):
    """A file of a batch as it was made; downloads give these bytes. Append-only."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    batch = ForeignKey(
        PayoutBatch, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="batch_id"
    )
    format = Varchar(8, default=None, help_text="1c or csv.")
    name = Varchar(100, default=None, help_text="What the browser saves it as.")
    content = Bytea(default=None, help_text="The file, sealed: account numbers stand in it.")
    digest = Varchar(64, default=None, help_text="SHA-256 of the file itself, hexadecimal.")

    payout_batch_files_known = Check("format IN ('1c', 'csv')")
    payout_batch_files_once = Unique(["batch_id", "format"])


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
    state = Varchar(
        10, default=None, help_text="requested, approved, sent, paid, rejected, returned or cancelled."
    )
    requested_minor = BigInt(default=None, help_text="What was asked for.")
    amount_minor = BigInt(
        default=None,
        help_text="What is or was paid; when rejected, returned or cancelled, what became available again.",
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
    second_approved_at = Timestamptz(
        null=True, default=None, help_text="When a second person agreed; null: not (yet) or not needed."
    )
    second_approved_by = ForeignKey(
        User, on_delete=OnDelete.restrict, null=True, default=None, db_column_name="second_approved_by_id"
    )
    batch = ForeignKey(
        PayoutBatch,
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        index=True,
        help_text="The batch it went to the bank with; null: none.",
        db_column_name="batch_id",
    )
    sent_at = Timestamptz(null=True, default=None, help_text="When its batch was made; null: in no batch.")
    paid_at = Timestamptz(null=True, default=None, help_text="When it was marked paid; null: not (yet).")
    paid_by = ForeignKey(
        User, on_delete=OnDelete.restrict, null=True, default=None, db_column_name="paid_by_id"
    )
    rejected_at = Timestamptz(null=True, default=None, help_text="When it was rejected; null: it was not.")
    rejected_by = ForeignKey(
        User, on_delete=OnDelete.restrict, null=True, default=None, db_column_name="rejected_by_id"
    )
    returned_at = Timestamptz(
        null=True, default=None, help_text="When the bank returned it; null: it did not."
    )
    returned_by = ForeignKey(
        User, on_delete=OnDelete.restrict, null=True, default=None, db_column_name="returned_by_id"
    )
    cancelled_at = Timestamptz(
        null=True, default=None, help_text="When the partner took it back; null: he did not."
    )
    reason = Varchar(500, default="", help_text="Why it was rejected or returned, as the partner reads it.")

    known = Check("state IN ('requested', 'approved', 'sent', 'paid', 'rejected', 'returned', 'cancelled')")
    positive = Check("requested_minor > 0 AND amount_minor >= 0 AND debt_repaid_minor >= 0")
    adds_up = Check("requested_minor = amount_minor + debt_repaid_minor")
    payouts_in_order = Unique(["program_id", "number"])
    payouts_once = Unique(["partner_id", "action_id"])

    @classmethod
    def get_readable(cls) -> Readable:
        """How piccolo-admin names a row."""
        return Readable(template="%s", columns=[cls.number])


class PayoutReturn(Table, tablename="payout_returns"):
    """What the bank sent back after the payout had been marked paid. The payout stays paid. Append-only."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    payout = ForeignKey(
        Payout,
        on_delete=OnDelete.restrict,
        null=False,
        default=None,
        unique=True,
        db_column_name="payout_id",
    )
    amount_minor = BigInt(default=None, help_text="What came back: all that was paid.")
    debt_repaid_minor = BigInt(default=None, help_text="The part of it that repaid debt.")
    reason = Varchar(500, default=None, help_text="The bank's words, as the partner reads them.")
    returned_at = Timestamptz(default=None, help_text="When we booked it.")
    returned_by = ForeignKey(
        User, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="returned_by_id"
    )

    payout_returns_adds_up = Check(
        "amount_minor > 0 AND debt_repaid_minor >= 0 AND debt_repaid_minor <= amount_minor"
    )


class BatchPayment(Table, tablename="payout_batch_payments"):
    """One payment of a batch as its files say it; stays when the batch is dissolved. Append-only."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    batch = ForeignKey(
        PayoutBatch, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="batch_id"
    )
    payout = ForeignKey(
        Payout,
        on_delete=OnDelete.restrict,
        null=False,
        default=None,
        index=True,
        db_column_name="payout_id",
    )
    document_number = Integer(default=None, help_text="The payment order's number in the files.")
    amount_minor = BigInt(default=None, help_text="What the bank is told to pay.")
    cut_minor = BigInt(
        default=None, help_text="What was cut from the payout for debt when the batch was made."
    )

    payout_batch_payments_positive = Check("amount_minor > 0 AND cut_minor >= 0 AND document_number > 0")
    payout_batch_payments_once = Unique(["batch_id", "payout_id"])
    payout_batch_payments_numbers = Unique(["batch_id", "document_number"])


class PayerDetails(Table, tablename="payer_details"):
    """The program's own bank details, which payouts are sent from. Superseded, never edited."""

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
    name = Varchar(160, default=None, help_text="As the bank knows it.")
    tax_number = Varchar(12, default=None, help_text="INN, ten or twelve digits.")
    kpp = Varchar(9, default="", help_text="KPP, nine digits; empty for a sole trader.")
    account = Varchar(20, default=None, help_text="Settlement account, twenty digits.")
    bik = Varchar(9, default=None, help_text="BIK of the bank.")
    correspondent_account = Varchar(20, default=None, help_text="The bank's own account, twenty digits.")
    bank_name = Varchar(100, default=None, help_text="Name of the bank.")
    bank_city = Varchar(60, default="", help_text="Where it sits.")
    purpose = Varchar(
        210, default=None, help_text="What the payment is for, with the places that are filled in."
    )
    created_at = Timestamptz(default=None, help_text="When they were given.")
    created_by = ForeignKey(
        User, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="created_by_id"
    )
    superseded_at = Timestamptz(
        null=True, default=None, help_text="When newer ones took their place; null: in use."
    )


class Bank(Table, tablename="banks"):
    """A bank that partners' accounts are kept at: what payment orders say of it. Staff fill it when it first occurs."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    bik = Varchar(9, default=None, unique=True, help_text="BIK, nine digits.")
    name = Varchar(160, default=None, help_text="Its name, as the Bank of Russia lists it.")
    city = Varchar(60, default="", help_text="Where it sits.")
    correspondent_account = Varchar(20, default=None, help_text="Its own account, twenty digits.")
    given_at = Timestamptz(default=None, help_text="When staff last said so.")
    given_by = ForeignKey(
        User, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="given_by_id"
    )


class BankAnswer(Table, tablename="bank_answers"):
    """A statement of the bank that was handed in; the same file again is the same row."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    program = ForeignKey(
        Program, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="program_id"
    )
    name = Varchar(200, default=None, help_text="The file's name.")
    digest = Varchar(64, default=None, help_text="SHA-256 of the file, hexadecimal.")
    content = Bytea(default=None, help_text="The file, sealed: account numbers stand in it.")
    uploaded_at = Timestamptz(default=None, help_text="When it was handed in.")
    uploaded_by = ForeignKey(
        User, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="uploaded_by_id"
    )
    confirmed_at = Timestamptz(
        null=True, default=None, help_text="When its payments were booked; null: only looked at."
    )
    confirmed_by = ForeignKey(
        User, on_delete=OnDelete.restrict, null=True, default=None, db_column_name="confirmed_by_id"
    )

    bank_answers_once = Unique(["program_id", "digest"])


class BankAnswerLine(Table, tablename="bank_answer_lines"):
    """What a document of a confirmed statement led to. Append-only."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    answer = ForeignKey(
        BankAnswer, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="answer_id"
    )
    line = Integer(default=None, help_text="Where the document begins in the file.")
    document_number = Varchar(30, default="", help_text="Its number.")
    amount_minor = BigInt(default=None, help_text="Its amount.")
    outcome = Varchar(20, default=None, help_text="See bank_answer.Outcome.")
    payout = ForeignKey(
        Payout,
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        index=True,
        help_text="The payout it is about; null: none was found.",
        db_column_name="payout_id",
    )
    note = Varchar(500, default="", help_text="The bank's words of a return.")

    bank_answer_lines_once = Unique(["answer_id", "line"])
