"""Limits on tries, counted in PostgreSQL: the same for all processes, exact, and closed when the database is down.

A try is written down before its work is done, so a thousand parallel ones are counted like one after the other; a
try that succeeds is taken back.
"""

import hashlib
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from app import clock, db
from app.errors import TooManyRequests


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `tries` of `subject` within `window`."""

    subject: str
    tries: int
    window: timedelta


def sign_in_limits(email: str, ip: str) -> list[Limit]:
    """Five wrong passwords for one account and fifty from one address, in a quarter of an hour."""
    window = timedelta(minutes=15)
    return [Limit(_account("account", email), 5, window), Limit(f"address:{network(ip)}", 50, window)]


def letter_limits(email: str, ip: str) -> list[Limit]:
    """Three letters to one address of mail, and twenty asked for from one network address, in an hour."""
    window = timedelta(hours=1)
    return [Limit(_account("letter", email), 3, window), Limit(f"letters-from:{network(ip)}", 20, window)]


def link_limits(ip: str) -> list[Limit]:
    """Thirty wrong links from one address in a quarter of an hour."""
    return [Limit(f"link:{network(ip)}", 30, timedelta(minutes=15))]


def network(ip: str) -> str:
    """Who is counted as one: an IPv4 address, or a /64 of IPv6, of which every home has a whole one."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


async def take(limits: Sequence[Limit]) -> list[int]:
    """Count one try against all of `limits`; their ids, to give them back. TooManyRequests when one is reached."""
    now = clock.now()
    taken: list[int] = []
    # One order for everybody, or two requests would wait for each other.
    for limit in sorted(limits, key=lambda limit: limit.subject):
        async with db.transaction():
            await db.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 7))", limit.subject)
            row = await db.fetchrow(
                "SELECT count(*) AS tries, min(at) AS first FROM user_sign_in_attempts WHERE subject = $1 AND at > $2",
                limit.subject,
                now - limit.window,
            )
            assert row is not None
            if row["tries"] >= limit.tries:
                wait = int((row["first"] + limit.window - now).total_seconds()) + 1
                raise TooManyRequests(
                    "Too many tries. Wait %(minutes)s minutes and try again.",
                    retry_after=max(wait, 1),
                    minutes=-(-wait // 60),
                )
            taken.append(
                await db.fetchval(
                    "INSERT INTO user_sign_in_attempts (subject, at) VALUES ($1, $2) RETURNING id",
                    limit.subject,
                    now,
                )
            )
    return taken


async def give_back(ids: Sequence[int]) -> None:
    """Forget tries that succeeded."""
    await db.execute("DELETE FROM user_sign_in_attempts WHERE id = ANY($1::bigint[])", list(ids))


async def sweep() -> int:
    """Delete tries of yesterday; how many there were."""
    tag = await db.execute("DELETE FROM user_sign_in_attempts WHERE at < $1", clock.now() - timedelta(days=1))
    return int(tag.split()[-1])


def _account(kind: str, email: str) -> str:
    """The digest of an address: the table shall not collect what people type by mistake."""
    return f"{kind}:{hashlib.sha256(email.strip().lower().encode()).hexdigest()[:40]}"
