"""API keys: `pk_<program>_<secret>`, shown once, stored as a digest, with scopes, revocable at any moment.

The secret has 192 bits of chance, so a plain SHA-256 is as good as a slow hash and costs a microsecond a request.
"""

import hashlib
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app import clock, db
from app.errors import FieldError, Forbidden, NotFound, TooManyRequests, Unauthenticated, invalid

CACHE_SECONDS = 5.0
"""So long may another process still take a key that was revoked."""
CACHE_MAX = 2_000
WRONG_KEYS_PER_MINUTE = 60
"""So many wrong keys are looked up for one address and minute; guessing 192 bits is hopeless, a flood is not."""


class Scope(StrEnum):
    """What a key may do."""

    TRACK = "track"
    """Send clicks and registrations."""
    ORDERS = "orders"
    """Send and read orders, refunds, cards; quote promo codes."""
    READ = "read"
    """Read partners, commissions, payouts and events."""
    CASHBACK = "cashback"
    """Customers' cashback."""
    ADMIN = "admin"
    """Everything."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The shop behind a request."""

    key_id: int
    program_id: int
    program_code: str
    scopes: frozenset[str]
    feeds: tuple[int, ...] = ()
    """Further programs that the shop feeds (`routing.py`); empty: this one alone."""

    def need(self, scope: Scope) -> None:
        """Forbidden unless the key has the scope."""
        if scope not in self.scopes and Scope.ADMIN not in self.scopes:
            raise Forbidden("This key does not have the scope %(scope)s.", code="scope", scope=scope.value)


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as it may be shown."""

    id: int
    program_code: str
    name: str
    shown: str
    scopes: tuple[str, ...]
    created_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


_known: dict[str, tuple[float, Caller]] = {}
_wrong: dict[str, tuple[int, int]] = {}


async def create_key(program_code: str, name: str, scopes: Iterable[str]) -> str:
    """Make a key and return it; it can never be shown again. NotFound: no such program."""
    wanted = sorted(set(scopes))
    unknown = [scope for scope in wanted if scope not in set(Scope)]
    if unknown or not wanted:
        raise invalid(
            FieldError("scopes", "unknown_value", "Choose from track, orders, read, cashback, admin.")
        )
    if not 0 < len(name) <= 100:
        raise invalid(FieldError("name", "wrong_length", "A name has 1 to 100 characters."))
    key = f"pk_{program_code}_{secrets.token_hex(24)}"
    async with db.transaction():
        made = await db.fetchval(
            """
            INSERT INTO api_keys (program_id, name, digest, shown, scopes, created_at)
            SELECT id, $2, $3, $4, $5, $6
            FROM programs
            WHERE code = $1
            RETURNING id
            """,
            program_code,
            name,
            _digest(key),
            key[: len(program_code) + 10],
            wanted,
            clock.now(),
        )
        if made is None:
            raise NotFound("There is no program %(program)s.", program=program_code)
    return key


async def revoke_key(key_id: int) -> None:
    """End a key; repeating it changes nothing."""
    async with db.transaction():
        found = await db.fetchval(
            """
            UPDATE api_keys
            SET revoked_at = coalesce(revoked_at, $2)
            WHERE id = $1
            RETURNING id
            """,
            key_id,
            clock.now(),
        )
        if found is None:
            raise NotFound("There is no such key.")
    for key, (_until, caller) in list(_known.items()):
        if caller.key_id == key_id:
            del _known[key]


async def feed_program(
    key_id: int, program_code: str, *, products: Iterable[str] = (), categories: Iterable[str] = ()
) -> None:
    """Let a key feed one more program with these goods, or change its goods; NotFound: no such key or program."""
    async with db.transaction():
        made = await db.fetchval(
            """
            INSERT INTO api_key_programs (key_id, program_id, products, categories)
            SELECT k.id, p.id, $3, $4 FROM api_keys AS k CROSS JOIN programs AS p
            WHERE k.id = $1 AND k.revoked_at IS NULL AND p.code = $2 AND p.id <> k.program_id
            ON CONFLICT (key_id, program_id) DO UPDATE
            SET products = excluded.products, categories = excluded.categories
            RETURNING id
            """,
            key_id,
            program_code,
            sorted(set(products)),
            sorted(set(categories)),
        )
        if made is None:
            raise NotFound("There is no such key, or no such other program.")
    forget_keys()


async def keys(program_code: str = "") -> list[KeyRow]:
    """All keys, of one program or of all, newest first."""
    rows = await db.fetch(
        """
        SELECT k.id, p.code, k.name, k.shown, k.scopes, k.created_at, k.used_at, k.revoked_at
        FROM api_keys AS k
        JOIN programs AS p ON p.id = k.program_id
        WHERE $1 IN ('', p.code)
        ORDER BY k.id DESC
        LIMIT 500
        """,
        program_code,
    )
    return [
        KeyRow(
            row["id"],
            row["code"],
            row["name"],
            row["shown"],
            tuple(row["scopes"]),
            row["created_at"],
            row["used_at"],
            row["revoked_at"],
        )
        for row in rows
    ]


async def authenticate(authorization: str, address: str) -> Caller:
    """The shop whose key stands in the header `Authorization: Bearer …`; Unauthenticated for anything else."""
    scheme, _, key = authorization.partition(" ")
    if scheme.lower() != "bearer" or not key.startswith("pk_") or not key.isascii() or len(key) > 120:
        raise Unauthenticated("Send your key: Authorization: Bearer pk_…", code="no_key")
    known = _known.get(key)
    if known is not None and known[0] > time.monotonic():
        return known[1]
    minute = int(time.monotonic() // 60)
    # A key that was good a moment ago is looked up in any case: strangers may share its shop's address.
    if known is None and _wrong.get(address, (minute, 0)) >= (minute, WRONG_KEYS_PER_MINUTE):
        raise TooManyRequests("Too many wrong keys from this address.", retry_after=60)
    caller = await _look_up(key)
    if caller is None:
        _known.pop(key, None)
        if len(_wrong) > CACHE_MAX:
            _wrong.clear()
        since, count = _wrong.get(address, (minute, 0))
        _wrong[address] = (minute, count + 1 if since == minute else 1)
        raise Unauthenticated("There is no such key, or it was revoked.", code="wrong_key")
    if len(_known) > CACHE_MAX:
        _known.clear()
    _known[key] = (time.monotonic() + CACHE_SECONDS, caller)
    return caller


def forget_keys() -> None:
    """Drop what this process remembers of keys; tests that roll a key back need it."""
    _known.clear()
    _wrong.clear()


async def _look_up(key: str) -> Caller | None:
    row = await db.fetchrow(
        """
        SELECT k.id, k.program_id, p.code, k.scopes, k.used_at,
            ARRAY(SELECT program_id FROM api_key_programs WHERE key_id = k.id ORDER BY id) AS feeds
        FROM api_keys AS k
        JOIN programs AS p ON p.id = k.program_id
        WHERE k.digest = $1 AND k.revoked_at IS NULL
        """,
        _digest(key),
    )
    if row is None:
        return None
    minute = clock.now().replace(second=0, microsecond=0)
    if row["used_at"] is None or row["used_at"] < minute:
        await db.execute("UPDATE api_keys SET used_at = $2 WHERE id = $1", row["id"], minute)
    return Caller(row["id"], row["program_id"], row["code"], frozenset(row["scopes"]), tuple(row["feeds"]))


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
