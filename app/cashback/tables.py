"""Customers' cashback. The money itself is in the ledger; here is what it is made of: earnings, lots, spendings."""

from piccolo.columns import BigInt, BigSerial, Boolean, ForeignKey, Integer, OnDelete, Timestamptz, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from app.orders.tables import Customer, Order
from app.programs.tables import Program


class CashbackAccount(Table, tablename="cashback_accounts"):
    """A customer who has or had cashback. Its row is locked by whoever moves his lots."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    program = ForeignKey(
        Program, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="program_id"
    )
    customer = ForeignKey(
        Customer,
        on_delete=OnDelete.restrict,
        null=False,
        default=None,
        unique=True,
        db_column_name="customer_id",
    )
    link_number = Integer(
        default=1, help_text="Links to his page carry it; raising it revokes all that were given out."
    )
    created_at = Timestamptz(default=None, help_text="When he first got cashback.")


class CashbackEarning(Table, tablename="cashback_earnings"):
    """What one order has earned one customer, as its facts stand."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    program = ForeignKey(
        Program, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="program_id"
    )
    order = ForeignKey(
        Order, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="order_id"
    )
    customer = ForeignKey(
        Customer,
        on_delete=OnDelete.restrict,
        null=False,
        default=None,
        index=True,
        db_column_name="customer_id",
    )
    terms_number = Integer(default=None, help_text="The version in force when the order was placed.")
    amount_minor = BigInt(default=None, help_text="What it gives after refunds.")
    pending_minor = BigInt(default=None, help_text="The part that cannot be spent yet.")
    written_off_minor = BigInt(
        default=0, help_text="To be taken back, but spent already: borne by the program."
    )
    due_at = Timestamptz(null=True, default=None, help_text="When pending becomes available; null: unknown.")
    released = Boolean(default=False, help_text="Nothing waits for the job.")
    again_at = Timestamptz(
        null=True, default=None, help_text="Since when it is earned anew after a release; null: never was."
    )

    cashback_earnings_once = Unique(["order_id", "customer_id"])
    not_negative = Check("amount_minor >= 0 AND pending_minor >= 0 AND written_off_minor >= 0")
    pending_inside = Check("pending_minor <= amount_minor")


class CashbackLot(Table, tablename="cashback_lots"):
    """One earning that became available, with its own end."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    program = ForeignKey(
        Program, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="program_id"
    )
    customer = ForeignKey(
        Customer, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="customer_id"
    )
    order = ForeignKey(
        Order, on_delete=OnDelete.restrict, null=False, default=None, index=True, db_column_name="order_id"
    )
    amount_minor = BigInt(default=None, help_text="What became available.")
    left_minor = BigInt(default=None, help_text="Neither spent, set aside, taken back nor lapsed.")
    available_at = Timestamptz(default=None, help_text="When it became available.")
    expires_at = Timestamptz(null=True, default=None, help_text="From when on it is over; null: never.")

    within = Check("left_minor >= 0 AND left_minor <= amount_minor")


class CashbackSpending(Table, tablename="cashback_spendings"):
    """Cashback on one order, set aside or spent. It may be there before its order."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    program = ForeignKey(
        Program, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="program_id"
    )
    order_key = Varchar(200, default=None, help_text="The shop's id of the order.")
    customer = ForeignKey(
        Customer,
        on_delete=OnDelete.restrict,
        null=False,
        default=None,
        index=True,
        db_column_name="customer_id",
    )
    wished_minor = BigInt(default=None, help_text="Asked for by reservations that stand.")
    granted_minor = BigInt(default=0, help_text="The largest cashback_spent of the order so far.")
    spent = Boolean(default=False, help_text="True: the order is paid; false: it is set aside.")

    cashback_spendings_once = Unique(["program_id", "order_key"])
    not_negative = Check("wished_minor >= 0 AND granted_minor >= 0")


class CashbackTaking(Table, tablename="cashback_takings"):
    """What is out of one lot for one spending; ids are in the order of taking."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    spending = ForeignKey(
        CashbackSpending,
        on_delete=OnDelete.restrict,
        null=False,
        default=None,
        index=True,
        db_column_name="spending_id",
    )
    lot = ForeignKey(
        CashbackLot,
        on_delete=OnDelete.restrict,
        null=False,
        default=None,
        index=True,
        db_column_name="lot_id",
    )
    amount_minor = BigInt(default=None, help_text="Less what has come back.")

    not_negative = Check("amount_minor >= 0")


class CashbackRedemption(Table, tablename="cashback_redemptions"):
    """A reservation that the shop asked for."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    program = ForeignKey(
        Program, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="program_id"
    )
    spending = ForeignKey(
        CashbackSpending,
        on_delete=OnDelete.restrict,
        null=False,
        default=None,
        index=True,
        db_column_name="spending_id",
    )
    amount_minor = BigInt(default=None, help_text="What was asked for.")
    state = Varchar(10, default=None, help_text="reserved, spent (the order was paid) or returned.")
    created_at = Timestamptz(default=None, help_text="When it was asked for.")
    closed_at = Timestamptz(null=True, default=None, help_text="When it was spent or returned.")

    known = Check("state IN ('reserved', 'spent', 'returned')")
    positive = Check("amount_minor > 0")


class CashbackEntry(Table, tablename="cashback_entries"):
    """One step of a customer's cashback. Append-only; the sums of the columns are his balances."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    program_id = BigInt(default=None, help_text="The program.")
    customer = ForeignKey(
        Customer, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="customer_id"
    )
    kind = Varchar(12, default=None, help_text="See rules.cashback_moves.MoveKind.")
    order_key = Varchar(200, default=None, help_text="The shop's id of the order that it is about.")
    lot_id = BigInt(null=True, default=None, help_text="The lot; null: none is concerned.")
    cause_ref = Varchar(200, default="", help_text="A refund's id; else empty.")
    at = Timestamptz(default=None, help_text="When it happened, by the clock of what caused it.")
    recorded_at = Timestamptz(default=None, help_text="When we wrote it down.")
    amount_minor = BigInt(default=None, help_text="The step, without a sign.")
    pending_minor = BigInt(default=0, help_text="What it adds to pending.")
    available_minor = BigInt(default=0, help_text="What it adds to available.")
    reserved_minor = BigInt(default=0, help_text="What it adds to what is set aside.")
    spent_minor = BigInt(default=0, help_text="What it adds to spent.")
    expired_minor = BigInt(default=0, help_text="What it adds to expired.")
    written_off_minor = BigInt(default=0, help_text="What it adds to what the program bears.")

    not_negative = Check("amount_minor >= 0")
