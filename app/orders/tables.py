"""What the shop told us: customers, orders, lines, refunds, and every message as it came."""

from piccolo.columns import (
    JSONB,
    Array,
    BigInt,
    BigSerial,
    Bytea,
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

from app.partners.tables import Partner
from app.programs.tables import Program


class Customer(Table, tablename="customers"):
    """The shop's buyer, known by the shop's id."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    program = ForeignKey(
        Program, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="program_id"
    )
    external_id = Varchar(200, default=None, help_text="The shop's id.")
    email_key = Varchar(254, default="", help_text="E-mail, lower case, without +tag.")
    phone_key = Varchar(32, default="", help_text="Phone, digits and plus sign only.")
    registered_at = Timestamptz(null=True, default=None, help_text="When he registered in the shop, if told.")
    created_at = Timestamptz(default=None, help_text="When we first heard of him.")

    customers_once = Unique(["program_id", "external_id"])


class CustomerVisitor(Table, tablename="customer_visitors"):
    """A browser that the shop registered for a customer: its clicks join his chain."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    customer = ForeignKey(
        Customer, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="customer_id"
    )
    visitor_id = Varchar(64, default=None, help_text="See clicks.visitor_id.")
    registered_at = Timestamptz(default=None, help_text="When they were joined.")

    customer_visitors_once = Unique(["customer_id", "visitor_id"])


class Seller(Table, tablename="sellers"):
    """Whose goods are sold on a marketplace, known by the shop's id (rules.md §8)."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    program = ForeignKey(
        Program, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="program_id"
    )
    external_id = Varchar(200, default=None, help_text="The shop's id.")
    partner = ForeignKey(
        Partner,
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        index=True,
        help_text="Who brought him; null: nobody.",
        db_column_name="partner_id",
    )
    registered_at = Timestamptz(default=None, help_text="When he registered with the marketplace.")
    created_at = Timestamptz(default=None, help_text="When we first heard of him.")
    changed_at = Timestamptz(
        default=None, help_text="When we last wrote it; orders judged before stay as they are."
    )

    sellers_once = Unique(["program_id", "external_id"])


class Order(Table, tablename="orders"):
    """An order's present state: the latest of its messages, by the shop's own moment, and what was judged."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    program = ForeignKey(
        Program, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="program_id"
    )
    external_id = Varchar(200, default=None, help_text="The shop's id.")
    number = Varchar(100, default="", help_text="The number people see.")
    status = Varchar(
        10, default=None, help_text="awaited (a refund came first), placed, paid, fulfilled or cancelled."
    )
    currency = Varchar(3, default=None, help_text="ISO 4217.")
    updated_at = Timestamptz(
        null=True, default=None, help_text="The shop's moment of this state; null: awaited."
    )
    placed_at = Timestamptz(null=True, default=None, help_text="When it was placed.")
    paid_at = Timestamptz(null=True, default=None, help_text="When it was paid.")
    fulfilled_at = Timestamptz(null=True, default=None, help_text="When it was fulfilled.")
    cancelled_at = Timestamptz(null=True, default=None, help_text="When it was cancelled.")
    customer = ForeignKey(
        Customer,
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        index=True,
        db_column_name="customer_id",
    )
    visitor_id = Varchar(64, default="", help_text="The buyer's browser, as the shop passed it on.")
    click_id = Varchar(64, default="", help_text="The click, as the shop passed it on.")
    named_partner = ForeignKey(
        Partner,
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        help_text="Whom the shop named.",
        db_column_name="named_partner_id",
    )
    promo_code = Varchar(64, default="", help_text="As entered at checkout.")
    channel = Varchar(10, default="external", help_text="external or direct.")
    site = Varchar(253, default="", help_text="The shop's host.")
    total_minor = BigInt(default=0, help_text="The lines' money, or the order's own where it has no lines.")
    shipping_minor = BigInt(default=0, help_text="Shipping.")
    discount_minor = BigInt(default=0, help_text="Discount on the whole order.")
    tax_minor = BigInt(default=0, help_text="Tax inside the prices, beside that of the lines.")
    cashback_spent_minor = BigInt(default=0, help_text="Paid with cashback.")
    platform_commission_minor = BigInt(default=0, help_text="What the marketplace keeps.")
    sale_kind = Varchar(10, default="sale", help_text="sale or placement.")
    seller = Varchar(200, default="", help_text="The marketplace's seller, by the shop's id; empty: none.")
    refunded_minor = BigInt(default=0, help_text="Money refunded so far.")
    gone_at = Timestamptz(
        null=True,
        default=None,
        help_text="When nothing was left of it: refunded in full, or cancelled; null: something is.",
    )
    judged_at = Timestamptz(
        null=True, default=None, help_text="When its payment was judged; null: not (yet)."
    )
    judging_error = Text(
        default="", help_text="Why judging failed; empty: it did not. The sweep tries again."
    )
    card_partner = ForeignKey(
        Partner,
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        index=True,
        help_text="Largest credit.",
        db_column_name="card_partner_id",
    )
    card_status = Varchar(10, default="none", help_text="none, agreed, approved, paid or cancelled.")
    reward_minor = BigInt(default=0, help_text="All commissions of the order after clawbacks.")
    created_at = Timestamptz(default=None, help_text="When we first heard of it.")
    changed_at = Timestamptz(default=None, index=True, help_text="When we last wrote it.")

    known_status = Check("status IN ('awaited', 'placed', 'paid', 'fulfilled', 'cancelled')")
    known_card = Check("card_status IN ('none', 'agreed', 'approved', 'paid', 'cancelled')")
    known_channel = Check("channel IN ('external', 'direct')")
    orders_once = Unique(["program_id", "external_id"])

    @classmethod
    def get_readable(cls) -> Readable:
        """How piccolo-admin names a row."""
        return Readable(template="%s", columns=[cls.external_id])


class OrderLine(Table, tablename="order_lines"):
    """One line of an order's present state."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    order = ForeignKey(
        Order, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="order_id"
    )
    position = Integer(default=None, help_text="1, 2, 3 … as the shop sent them.")
    external_id = Varchar(100, default=None, help_text="The shop's id of the line.")
    product = Varchar(200, default="", help_text="The shop's product code.")
    name = Varchar(300, default="", help_text="The product's name.")
    categories = Array(base_column=Varchar(100), default=list, help_text="From the root to the leaf.")
    brand = Varchar(100, default="", help_text="The product's brand.")
    quantity_micro = BigInt(default=None, help_text="Pieces times 1,000,000.")
    total_minor = BigInt(default=None, help_text="The line's amount after its own discount.")
    tax_minor = BigInt(default=0, help_text="Tax inside the amount.")

    order_lines_once = Unique(["order_id", "position"])


class Refund(Table, tablename="order_refunds"):
    """Money given back, once per its own id."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    order = ForeignKey(
        Order, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="order_id"
    )
    external_id = Varchar(200, default=None, help_text="The shop's id of the refund.")
    at = Timestamptz(default=None, help_text="The shop's moment.")
    amount_minor = BigInt(null=True, default=None, help_text="Money without lines; null: by lines.")
    lines = JSONB(default="[]", help_text="Line, quantity, amount of each.")
    created_at = Timestamptz(default=None, help_text="When we heard of it.")

    order_refunds_once = Unique(["order_id", "external_id"])


class OrderEvent(Table, tablename="order_events"):
    """Every message about an order as it came. Append-only; ids are in the order in which they were judged."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    program_id = BigInt(default=None, help_text="The program.")
    order = ForeignKey(
        Order, on_delete=OnDelete.restrict, null=False, default=None, db_column_name="order_id"
    )
    kind = Varchar(8, default=None, help_text="state, refund or card.")
    digest = Bytea(default=None, help_text="SHA-256 of the facts: a repetition is told by it.")
    occurred_at = Timestamptz(default=None, help_text="The shop's moment.")
    recorded_at = Timestamptz(default=None, help_text="Ours.")
    body = JSONB(default=None, help_text="The facts.")

    known = Check("kind IN ('state', 'refund', 'card')")
    order_events_once = Unique(["order_id", "digest"])
