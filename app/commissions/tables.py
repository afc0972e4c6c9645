"""Who is credited for what, and every change of it."""

from piccolo.columns import (
    JSONB,
    BigInt,
    BigSerial,
    Boolean,
    ForeignKey,
    Integer,
    OnDelete,
    SmallInt,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from app.ledger.tables import JournalEntry
from app.orders.tables import Order
from app.partners.tables import Partner
from app.programs.tables import Program
from app.users.tables import User


class Attribution(Table, tablename="attributions"):
    """How an order's credit was divided, with what was considered and passed over."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    order = ForeignKey(
        Order, on_delete=OnDelete.restrict, null=False, default=None, unique=True, db_column_name="order_id"
    )
    terms_number = Integer(default=None, help_text="The version that judged it.")
    source = Varchar(12, default=None, help_text="manual, promo_code, click, or none.")
    model = Varchar(12, default="", help_text="The model, where the source is click.")
    recorded = JSONB(
        default=None, help_text="rules.judgement.Judgement: credits, rates, bases and everything considered."
    )
    judged_at = Timestamptz(default=None, help_text="When.")


class Commission(Table, tablename="commissions"):
    """An amount owed to one partner for one cause, as it stands after clawbacks."""

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
    order = ForeignKey(
        Order,
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        help_text="Null: an adjustment.",
        db_column_name="order_id",
    )
    partner = ForeignKey(
        Partner, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="partner_id"
    )
    kind = Varchar(16, default=None, help_text="direct, tier, adjustment (rules.md §8).")
    tier = SmallInt(default=0, help_text="1, 2, … for tiers, else 0.")
    state = Varchar(10, default=None, help_text="pending, available or paid (without a payout request).")
    settle = Varchar(
        8, default="merchant", help_text="merchant: released to be asked for; deposit: paid from the deposit."
    )
    base_minor = BigInt(default=None, help_text="What the rate applies to, after refunds.")
    rate = Integer(null=True, default=None, help_text="In 1e-6; null: several rates.")
    accrued_minor = BigInt(default=None, help_text="The amount before clawbacks.")
    amount_minor = BigInt(
        default=None, help_text="The amount after clawbacks; never below zero but in adjustments."
    )
    pending_minor = BigInt(default=None, help_text="The part of the amount that is not claimable yet.")
    quantity_micro = BigInt(
        default=0, help_text="Direct: the partner's part of the pieces left, times 1,000,000."
    )
    orders = SmallInt(default=0, help_text="Direct: 1 while anything is left of the order, else 0.")
    level = Varchar(32, default="", help_text="The level that gave the rate; empty: none did.")
    earned_at = Timestamptz(default=None, help_text="When the order was paid.")
    release_at = Timestamptz(
        null=True, default=None, help_text="When it becomes available; null: not known yet."
    )
    released_at = Timestamptz(
        null=True, default=None, help_text="When it became available; null: it has not."
    )

    commission_state = Check("state IN ('pending', 'available', 'paid')")
    commission_settle = Check("settle IN ('merchant', 'deposit')")
    not_negative = Check("amount_minor >= 0 OR kind = 'adjustment'")
    pending_part = Check("pending_minor >= 0 AND pending_minor <= greatest(amount_minor, 0)")
    commissions_once = Unique(["order_id", "partner_id", "kind", "tier"])


class CommissionEntry(Table, tablename="commission_entries"):
    """One change of a commission by one fact. Append-only; turnover and the exported ledger are read from it."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    commission = ForeignKey(
        Commission,
        on_delete=OnDelete.restrict,
        null=False,
        default=None,
        index=True,
        db_column_name="commission_id",
    )
    program_id = BigInt(default=None, help_text="The program.")
    partner_id = BigInt(default=None, help_text="Whose commission.")
    order = ForeignKey(
        Order, on_delete=OnDelete.restrict, null=True, default=None, index=True, db_column_name="order_id"
    )
    kind = Varchar(16, default=None, help_text="As the commission's.")
    tier = SmallInt(default=0, help_text="As the commission's.")
    from_partner_id = BigInt(null=True, default=None, help_text="Tiers: whose earning it comes from.")
    cause = Varchar(10, default=None, help_text="paid, refund, cancel, restore, change, credit or adjust.")
    cause_ref = Varchar(200, default="", help_text="The refund's id and the like.")
    at = Timestamptz(default=None, help_text="When, by the shop's clock.")
    base_minor = BigInt(default=None, help_text="Change of the base.")
    quantity_micro = BigInt(default=0, help_text="Change of the pieces, times 1,000,000.")
    orders = SmallInt(default=0, help_text="1: the order begins to count as one; -1: it ceases to.")
    amount_minor = BigInt(default=None, help_text="Change of the amount.")
    rate = Integer(null=True, default=None, help_text="In 1e-6.")
    entry = ForeignKey(
        JournalEntry,
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        help_text="Null: no money moved.",
        db_column_name="entry_id",
    )


class Simulation(Table, tablename="terms_simulations"):
    """History judged under a draft of the terms: who asked, how far it is, what came out. Books nothing."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    program_id = BigInt(default=None, index=True, help_text="The program.")
    document = JSONB(default=None, help_text="The complete document that is tried.")
    from_at = Timestamptz(default=None, help_text="Orders paid from this moment on …")
    to_at = Timestamptz(default=None, help_text="… and before this one are judged under it.")
    note = Varchar(300, default="", help_text="What is tried, in words.")
    author_id = BigInt(null=True, default=None, help_text="The user who asked for it.")
    asked_at = Timestamptz(default=None, help_text="When.")
    state = Varchar(8, default="waiting", help_text="waiting, running, done or failed.")
    leased_until = Timestamptz(null=True, default=None, help_text="A worker holds it until then.")
    facts = Integer(default=0, help_text="Facts to be judged.")
    facts_done = Integer(default=0, help_text="Facts judged so far.")
    finished_at = Timestamptz(null=True, default=None, help_text="When it ended.")
    error = Varchar(500, default="", help_text="Why it failed.")
    result = JSONB(null=True, default=None, help_text="What came out, by partner and in total.")

    terms_simulations_state = Check("state IN ('waiting', 'running', 'done', 'failed')")


class TopUp(Table, tablename="deposit_top_ups"):
    """Money that the merchant has put down for commissions. Append-only."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    program = ForeignKey(
        Program, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="program_id"
    )
    amount_minor = BigInt(default=None, help_text="In minor units of the program's currency; above zero.")
    reference = Varchar(100, default="", help_text="The bank's document, as staff wrote it.")
    note = Varchar(500, default="", help_text="What staff added.")
    author = ForeignKey(
        User,
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        help_text="Who wrote it down; null: by command.",
        db_column_name="author_id",
    )
    action_id = Varchar(64, default=None, help_text="The form's own id: pressing twice is one top-up.")
    at = Timestamptz(default=None, help_text="When it was written down.")
    entry = ForeignKey(
        JournalEntry, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="entry_id"
    )

    top_up_above_zero = Check("amount_minor > 0")
    deposit_top_ups_once = Unique(["program_id", "action_id"])


class Settlement(Table, tablename="commission_settlements"):
    """A commission's pending money paid to its partner without a payout request. Append-only."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    program_id = BigInt(default=None, help_text="The program.")
    commission = ForeignKey(
        Commission,
        on_delete=OnDelete.restrict,
        null=False,
        default=None,
        index=True,
        db_column_name="commission_id",
    )
    partner_id = BigInt(default=None, help_text="Whose commission.")
    way = Varchar(8, default=None, help_text="deposit, run (periodic calculation) or hand.")
    account = Varchar(8, default=None, help_text="Where the money went: paid or internal.")
    released_minor = BigInt(default=None, help_text="What was pending.")
    repaid_minor = BigInt(default=None, help_text="The part that repaid debt.")
    paid_minor = BigInt(default=None, help_text="The part that the partner got.")
    fee_minor = BigInt(default=0, help_text="The fee that the deposit paid beside it.")
    at = Timestamptz(default=None, help_text="When.")
    entry = ForeignKey(
        JournalEntry, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="entry_id"
    )

    settlement_adds_up = Check("released_minor > 0 AND released_minor = repaid_minor + paid_minor")
    settlement_way = Check("way IN ('deposit', 'run', 'hand') AND account IN ('paid', 'internal')")
    settlement_fee = Check("fee_minor >= 0 AND (way = 'deposit' OR fee_minor = 0)")


class Adjustment(Table, tablename="adjustments"):
    """A commission given or taken by hand: who, how much, why. Append-only."""

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
    commission = ForeignKey(
        Commission,
        on_delete=OnDelete.restrict,
        null=False,
        default=None,
        unique=True,
        db_column_name="commission_id",
    )
    amount_minor = BigInt(default=None, help_text="Above zero: given; below: taken.")
    reason = Text(default=None, help_text="As the partner reads it.")
    author = ForeignKey(
        User,
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        help_text="Who did it; null: by command.",
        db_column_name="author_id",
    )
    action_id = Varchar(64, default=None, help_text="The form's own id: pressing twice is one adjustment.")
    at = Timestamptz(default=None, help_text="When.")

    adjustment_moves_money = Check("amount_minor <> 0")
    adjustments_once = Unique(["program_id", "action_id"])


class CalculationRun(Table, tablename="calculation_runs"):
    """One periodic calculation: what staff (or the schedule) asked for, and how far it is (rules.md §11)."""

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
    action = Varchar(
        24,
        default=None,
        help_text="reserve, reserve_and_credit or reserve_and_mark_paid: what becomes of the sums.",
    )
    state = Varchar(8, default="running", help_text="running, paused or done.")
    from_at = Timestamptz(
        null=True, default=None, help_text="Orders paid from here on; null: since each partner's last run."
    )
    to_at = Timestamptz(default=None, help_text="… and before this moment.")
    plan_from_at = Timestamptz(
        null=True, default=None, help_text="The deciding period's start; null: as from_at."
    )
    plan_to_at = Timestamptz(null=True, default=None, help_text="Its end; null: as to_at.")
    step = Integer(default=None, help_text="So many partners are worked off at a time.")
    author = ForeignKey(
        User,
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        help_text="Who started it; null: the schedule.",
        db_column_name="author_id",
    )
    action_id = Varchar(64, default=None, help_text="The form's own id: pressing twice is one run.")
    started_at = Timestamptz(default=None, help_text="When.")
    finished_at = Timestamptz(null=True, default=None, help_text="When the last partner was done.")

    run_action = Check("action IN ('reserve', 'reserve_and_credit', 'reserve_and_mark_paid')")
    run_state = Check("state IN ('running', 'paused', 'done')")
    run_step = Check("step BETWEEN 1 AND 1000")
    calculation_runs_once = Unique(["program_id", "action_id"])


class CalculationItem(Table, tablename="calculation_items"):
    """One partner of a run."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    run = ForeignKey(
        CalculationRun, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="run_id"
    )
    partner = ForeignKey(
        Partner,
        on_delete=OnDelete.restrict,
        null=False,
        default=None,
        index=True,
        db_column_name="partner_id",
    )
    state = Varchar(8, default="waiting", help_text="waiting, done, or no_plan: his orders keep waiting.")
    from_at = Timestamptz(null=True, default=None, help_text="The start of his own period.")
    reached = BigInt(
        null=True, default=None, help_text="In the deciding period: minor units, or millionths of a piece."
    )
    orders = Integer(default=0, help_text="Orders calculated.")
    amount_minor = BigInt(default=0, help_text="What they came to, with the tiers of his parents.")
    finished_at = Timestamptz(null=True, default=None, help_text="When he was done.")

    item_state = Check("state IN ('waiting', 'done', 'no_plan')")
    calculation_items_once = Unique(["run_id", "partner_id"])


class CalculationOrder(Table, tablename="calculation_orders"):
    """What an order counts for one of its partners under periodic terms, and the run that calculated it, once."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    program_id = BigInt(default=None, help_text="The program.")
    order = ForeignKey(
        Order, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="order_id"
    )
    partner_id = BigInt(default=None, help_text="Who is credited.")
    paid_at = Timestamptz(default=None, help_text="When the order was paid.")
    base_minor = BigInt(default=None, help_text="His part of the base, after refunds.")
    quantity_micro = BigInt(default=None, help_text="His part of the pieces that are left, times 1,000,000.")
    item = ForeignKey(
        CalculationItem,
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        index=True,
        help_text="Null: it waits for a run.",
        db_column_name="item_id",
    )
    position = BigInt(
        null=True, default=None, help_text="Its place among the order events, for the replay; null: it waits."
    )

    calculated_once = Check("(item_id IS NULL) = (position IS NULL)")
    calculation_orders_once = Unique(["order_id", "partner_id"])


class CalculationSchedule(Table, tablename="calculation_schedules"):
    """When a program's run starts by itself: on a day of each month, for the month before."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    program = ForeignKey(
        Program,
        on_delete=OnDelete.restrict,
        null=False,
        default=None,
        unique=True,
        db_column_name="program_id",
    )
    day = SmallInt(default=None, help_text="Of the month, 1 to 28; at 00:00 of the program's zone.")
    action = Varchar(24, default=None, help_text="As the run's.")
    step = Integer(default=None, help_text="As the run's.")
    active = Boolean(default=True, help_text="Off: nothing starts by itself.")
    changed_at = Timestamptz(default=None, help_text="No run is started for a moment before it.")

    schedule_day = Check("day BETWEEN 1 AND 28 AND step BETWEEN 1 AND 1000")
    schedule_action = Check("action IN ('reserve', 'reserve_and_credit', 'reserve_and_mark_paid')")
