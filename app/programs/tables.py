"""Programs and their terms."""

from decimal import Decimal

from piccolo.columns import (
    JSONB,
    Array,
    BigSerial,
    Boolean,
    ForeignKey,
    Integer,
    Numeric,
    OnDelete,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.readable import Readable
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from app.users.tables import User


class Program(Table, tablename="programs"):
    """One offer of one merchant that partners join."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    code = Varchar(32, default=None, unique=True, help_text="In addresses and keys: a-z, 0-9 and -.")
    name = Varchar(100, default=None, help_text="As partners see it.")
    home_url = Varchar(
        300, default=None, help_text="The shop's home page; where a link without a target leads."
    )
    hosts = Array(
        base_column=Varchar(253),
        default=list,
        help_text="The shop's verified hosts; links may lead to these only.",
    )
    partner_parameter = Varchar(
        32, default="ref", help_text="The landing address's parameter that names the partner."
    )
    utm = JSONB(default="{}", help_text="Template of UTM parameters that links get.")
    about_ru = Text(default="", help_text="What the public page says, in Russian.")
    about_en = Text(default="", help_text="What the public page says, in English.")
    active = Boolean(
        default=True, help_text="An inactive program takes no applications and counts no clicks."
    )
    created_at = Timestamptz(default=None, help_text="When the program was made.")

    good_code = Check("code ~ '^[a-z0-9][a-z0-9-]*$'")

    @classmethod
    def get_readable(cls) -> Readable:
        """How piccolo-admin names a row."""
        return Readable(template="%s", columns=[cls.name])


class TermsVersion(Table, tablename="program_terms"):
    """One published version of a program's terms: immutable, numbered, in force from a moment on."""

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
    number = Integer(default=None, help_text="1, 2, 3 … within the program.")
    in_force_from = Timestamptz(default=None, help_text="Orders paid from this moment on are judged by it.")
    document = JSONB(default=None, help_text="The complete document (rules.md §3), canonical.")
    published_at = Timestamptz(default=None, help_text="When it was published.")
    author = ForeignKey(
        User,
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        help_text="Null: by command.",
        db_column_name="author_id",
    )
    note = Varchar(300, default="", help_text="What changed, in words.")

    program_terms_in_order = Unique(["program_id", "number"])


class ConsentDocument(Table, tablename="program_consent_documents"):
    """A text that an applicant agrees to, by version."""

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
    kind = Varchar(
        16, default="terms", help_text="terms: the programme's conditions; privacy: personal data."
    )
    version = Integer(default=None, help_text="1, 2, 3 … within program and kind.")
    text_ru = Text(default=None, help_text="The text in Russian.")
    text_en = Text(default=None, help_text="The text in English.")
    published_at = Timestamptz(default=None, help_text="From when on it is asked for.")

    known = Check("kind IN ('terms', 'privacy')")
    program_consent_documents_in_order = Unique(["program_id", "kind", "version"])


class CurrencyRate(Table, tablename="program_currency_rates"):
    """What one whole unit of a foreign currency is worth on a day."""

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
    currency = Varchar(3, default=None, help_text="ISO 4217.")
    day = Varchar(10, default=None, help_text="YYYY-MM-DD in the program's time zone.")
    rate = Numeric(
        digits=(20, 10),
        default=Decimal(0),
        help_text="The program's currency for one whole unit, up to ten decimals.",
    )
    source = Varchar(100, default="", help_text="Where the rate comes from.")

    above_zero = Check("rate > 0")
    program_currency_rates_once = Unique(["program_id", "currency", "day"])


class TermsDraft(Table, tablename="program_terms_drafts"):
    """The document that managers of a program are working at: one per program, not in force."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    program = ForeignKey(
        Program,
        on_delete=OnDelete.restrict,
        null=False,
        default=None,
        db_column_name="program_id",
    )
    revision = Integer(default=1, help_text="Rises with every save; a save of an older one is refused.")
    based_on = Integer(default=None, help_text="Number of the version that it was begun from.")
    document = JSONB(
        null=True, default=None, help_text="Each section is right in itself. Null: nobody has begun a draft."
    )
    author = ForeignKey(
        User,
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        help_text="Who saved it last.",
        db_column_name="author_id",
    )
    updated_at = Timestamptz(default=None, help_text="When it was saved last.")

    program_terms_drafts_one = Unique(["program_id"])
