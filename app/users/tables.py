"""Who can sign in. One user table for partners and staff, shared with piccolo-admin."""

from typing import Any

from piccolo.apps.user.tables import BaseUser
from piccolo.columns import (
    BigInt,
    BigSerial,
    Boolean,
    Bytea,
    ForeignKey,
    OnDelete,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.readable import Readable
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from app.users import passwords


class User(BaseUser, tablename="users"):
    """Somebody who can sign in; `username` is the e-mail address in lower case.

    Passwords are argon2id. Piccolo's own class hashes whatever does not look like its own PBKDF2, also what it has
    just read from the table, and it hashes on the event loop; so every method that touches a password is replaced.
    """

    id: BigSerial
    id = BigSerial(primary_key=True)
    username = Varchar(254, unique=True, help_text="The e-mail address in lower case.")
    email = Varchar(254, unique=True, help_text="The same address; letters go there.")
    phone = Varchar(20, default="", help_text="E.164, or empty.")
    locale = Varchar(5, default="ru", help_text="Language of pages and mails: ru or en.")
    theme = Varchar(5, default="auto", help_text="auto, light or dark.")
    time_zone = Varchar(64, default="", help_text="IANA name; empty: the program's.")
    email_confirmed_at = Timestamptz(
        null=True, default=None, help_text="When the address was proved; null: not yet."
    )
    created_at = Timestamptz(default=None, help_text="When the user was made.")

    def __init__(self, **kwargs: Any) -> None:
        Table.__init__(self, **kwargs)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "password" and value and not str(value).startswith("$argon2"):
            raise ValueError("a password is set by app.users.service.set_password")
        object.__setattr__(self, name, value)

    @classmethod
    def hash_password(cls, password: str, salt: str = "", iterations: int | None = None) -> str:
        """Blocks for some 50 ms: services call `passwords.hash_in_thread` instead."""
        return passwords.hash_now(password)

    @classmethod
    async def login(cls, username: str, password: str) -> int | None:
        """The id of the user whose password this is; None: nobody's."""
        row = await cls.select(cls.id, cls.password).where(cls.username == username.lower()).first().run()
        matches = await passwords.verify_in_thread(row["password"] if row else "", password)
        return row["id"] if row and matches else None

    @classmethod
    def get_readable(cls) -> Readable:
        """How piccolo-admin names a row."""
        return Readable(template="%s", columns=[cls.email])

    known_locale = Check("locale IN ('ru', 'en')")
    known_theme = Check("theme IN ('auto', 'light', 'dark')")


class Role(Table, tablename="user_roles"):
    """What a user may do for one program, or for all (program_id null)."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    user = ForeignKey(
        User, on_delete=OnDelete.restrict, null=False, default=None, index=True, db_column_name="user_id"
    )
    program_id = BigInt(null=True, default=None, help_text="The program; null: every program.")
    role = Varchar(16, default=None, help_text="manager, marketer, accountant, developer or owner.")

    known = Check("role IN ('manager', 'marketer', 'accountant', 'developer', 'owner')")
    user_roles_once = Unique(["user_id", "program_id", "role"], nulls_distinct=False)


class Session(Table, tablename="user_sessions"):
    """A signed-in browser. Only a digest of its token is stored."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    token_digest = Bytea(default=None, unique=True, help_text="SHA-256 of the cookie's token.")
    user = ForeignKey(
        User, on_delete=OnDelete.restrict, null=False, default=None, index=True, db_column_name="user_id"
    )
    created_at = Timestamptz(default=None, help_text="When the user signed in.")
    seen_at = Timestamptz(default=None, help_text="When it was last used; the idle limit counts from here.")
    expires_at = Timestamptz(default=None, help_text="The absolute limit.")
    revoked_at = Timestamptz(null=True, default=None, help_text="When it was ended; null: it is not.")
    ip = Varchar(45, default="", help_text="Address at sign-in.")
    user_agent = Varchar(400, default="", help_text="Browser at sign-in.")


class OneTimeLink(Table, tablename="user_one_time_links"):
    """A link that works once: to confirm an address, to sign in, to set a new password."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    token_digest = Bytea(default=None, unique=True, help_text="SHA-256 of the link's token.")
    user = ForeignKey(
        User, on_delete=OnDelete.restrict, null=False, default=None, index=True, db_column_name="user_id"
    )
    purpose = Varchar(16, default=None, help_text="confirm_email, sign_in or reset.")
    created_at = Timestamptz(default=None, help_text="When the link was made.")
    expires_at = Timestamptz(default=None, help_text="After this it is dead.")
    used_at = Timestamptz(null=True, default=None, help_text="When it was used; null: not yet.")
    mail_due_at = Timestamptz(
        null=True,
        default=None,
        help_text="When a letter with it is to be sent; null: sent, or handed over otherwise.",
    )

    known = Check("purpose IN ('confirm_email', 'sign_in', 'reset')")


class SignInAttempt(Table, tablename="user_sign_in_attempts"):
    """Tries that count against a limit; swept after a day."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    subject = Varchar(
        100, default=None, index=True, help_text="What is limited: account:…, address:…, letter:…"
    )
    at = Timestamptz(default=None, help_text="When it failed.")


class AuditRecord(Table, tablename="audit_records"):
    """What staff did: who, what, to which object, from what to what, and why. Append-only."""

    id: BigSerial
    id = BigSerial(primary_key=True)
    at = Timestamptz(default=None, help_text="When.")
    user = ForeignKey(
        User,
        on_delete=OnDelete.restrict,
        null=True,
        default=None,
        help_text="Null: the system.",
        db_column_name="user_id",
    )
    program_id = BigInt(null=True, default=None, help_text="The program it concerns, where there is one.")
    action = Varchar(64, default=None, help_text="partner.approved, payout.paid, terms.published, …")
    subject = Varchar(100, default="", help_text="kind:id of the object.")
    reason = Text(default="", help_text="Why, as the person wrote it.")
    request_id = Varchar(64, default="", help_text="The request that did it.")
    automatic = Boolean(default=False, help_text="True when a job did it.")
