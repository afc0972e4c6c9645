"""Where a partner's money is sent: sealed with a key that the database does not have, shown only in part.

Details are superseded, never edited, so that a payout can always be told from where it went. What a thief of the
database gets is the masked form; what a thief of the key gets is nothing without the database.
"""

import base64
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import msgspec
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app import clock, db
from app.config import settings
from app.errors import Conflict, DomainError, NotFound
from app.events.service import NewEvent, emit_in_transaction
from app.users import audit

CHANGED = "payout_details.changed"
"""Event: a partner gave other payment details."""


@dataclass(frozen=True, slots=True)
class NewPayoutDetails:
    """What the partner typed, checked."""

    method: str
    """bank_account, card, e_wallet or internal_account."""
    holder: str = ""
    """Who the account or card belongs to."""
    account: str = ""
    """bank_account: twenty digits; card: the number; e_wallet: the wallet's number."""
    bik: str = ""
    """bank_account: the bank's BIK."""

    @property
    def masked(self) -> str:
        """As it may be shown: the last four digits."""
        if self.method == "internal_account":
            return ""
        last = f"•••• {self.account[-4:]}"
        return f"{last}, {self.bik}" if self.method == "bank_account" else last


@dataclass(frozen=True, slots=True)
class PayoutDetails:
    """Details in use, as they may be shown."""

    id: int
    method: str
    masked: str
    encrypted: bytes
    created_at: datetime
    verified_at: datetime | None
    """None: nobody has checked them yet."""


async def details_in_use(partner_id: int) -> PayoutDetails | None:
    """The partner's present details; None: he gave none."""
    row = await db.fetchrow(
        """
        SELECT id, method, masked, encrypted, created_at, verified_at
        FROM partner_payout_details
        WHERE partner_id = $1 AND superseded_at IS NULL
        """,
        partner_id,
    )
    return PayoutDetails(**dict(row)) if row else None


async def give_details_in_transaction(
    partner_id: int, details: NewPayoutDetails, *, verified: bool = False
) -> None:
    """Make these the partner's details from now on. Payouts to new details wait until they are verified and 72 h old."""
    now = clock.now()
    await db.execute(
        "UPDATE partner_payout_details SET superseded_at = $2 WHERE partner_id = $1 AND superseded_at IS NULL",
        partner_id,
        now,
    )
    await db.execute(
        """
        INSERT INTO partner_payout_details (partner_id, method, encrypted, masked, created_at, verified_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        partner_id,
        details.method,
        seal(details),
        details.masked,
        now,
        now if verified else None,
    )


async def change_details(
    program_id: int, partner_id: int, details: NewPayoutDetails, *, user_id: int
) -> None:
    """The partner gives new details. They are unverified and wait 72 hours; he and the accountants are told at once."""
    async with db.transaction():
        await db.execute("SELECT FROM partners WHERE id = $1 FOR NO KEY UPDATE", partner_id)
        await give_details_in_transaction(partner_id, details)
        await audit.write_in_transaction(
            "payout_details.changed", f"partner:{partner_id}", program_id=program_id, user_id=user_id
        )
        await emit_in_transaction(
            [NewEvent(CHANGED, program_id, f"partner:{partner_id}", {"partner_id": partner_id})]
        )


async def verify_details(program_id: int, details_id: int, *, user_id: int) -> None:
    """Staff have checked these very details. Nobody verifies his own; those that were replaced meanwhile are refused."""
    async with db.transaction():
        row = await db.fetchrow(
            """
            SELECT partner.user_id, details.superseded_at FROM partner_payout_details AS details
            JOIN partners AS partner ON partner.id = details.partner_id
            WHERE details.id = $1 AND partner.program_id = $2
            FOR UPDATE OF details
            """,
            details_id,
            program_id,
        )
        if row is None:
            raise NotFound
        if row["user_id"] == user_id:
            raise DomainError(
                "These are your own details: somebody else must check them.", code="own_details"
            )
        if row["superseded_at"] is not None:
            raise Conflict("The partner has given other details meanwhile.", code="details_changed")
        await db.execute(
            "UPDATE partner_payout_details SET verified_at = $2 WHERE id = $1 AND verified_at IS NULL",
            details_id,
            clock.now(),
        )
        await audit.write_in_transaction(
            "payout_details.verified", f"details:{details_id}", program_id=program_id, user_id=user_id
        )


async def verify_details_in_transaction(partner_id: int) -> None:
    """Staff have checked the details in use."""
    await db.execute(
        """
        UPDATE partner_payout_details SET verified_at = $2
        WHERE partner_id = $1 AND superseded_at IS NULL AND verified_at IS NULL
        """,
        partner_id,
        clock.now(),
    )


def seal(details: NewPayoutDetails) -> bytes:
    """Encrypted and authenticated."""
    return _box(settings().secret_key).encrypt(msgspec.json.encode(details))


def unseal(encrypted: bytes) -> NewPayoutDetails:
    """What was sealed; cryptography.fernet.InvalidToken under another secret key."""
    return msgspec.json.decode(_box(settings().secret_key).decrypt(encrypted), type=NewPayoutDetails)


def seal_file(content: bytes) -> bytes:
    """A file that account numbers stand in, as what `seal` gives."""
    return _box(settings().secret_key).encrypt(content)


def unseal_file(encrypted: bytes) -> bytes:
    """What was sealed; cryptography.fernet.InvalidToken under another secret key."""
    return _box(settings().secret_key).decrypt(encrypted)


@lru_cache(maxsize=2)
def _box(secret_key: bytes) -> Fernet:
    """A key of its own, derived from the portal's secret, so that no other use of the secret shares it."""
    derived = HKDF(SHA256(), length=32, salt=None, info=b"tandem payout details 1").derive(secret_key)
    return Fernet(base64.urlsafe_b64encode(derived))
