"""Links to a customer's page: signed, ending by themselves, revocable; nothing in them says who he is.

    /cashback/<customer, number and last day in base 36>.<signature>

The customer is our own number, not the shop's id, name or address. The last day and the account's `link_number` are
signed with them: a link ends after thirty days, or at once when the number is raised.
"""

import hashlib
import hmac
import re
from datetime import UTC, date, datetime, timedelta

from app import clock, db
from app.cashback.queries import Owner, owner_by_id
from app.config import settings
from app.errors import NotFound

LIFE = timedelta(days=30)
"""A shop asks for a new link whenever it shows one, so an old one is a forgotten one."""

_TOKEN = re.compile(r"([0-9a-z]{1,13})-([0-9a-z]{1,6})-([0-9a-z]{1,5})\.([0-9a-f]{40})", re.ASCII)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_EPOCH = date(1970, 1, 1)


def page_url(owner: Owner) -> str:
    """Where the customer sees his cashback; he must have an account."""
    last = clock.now().astimezone(UTC).date() + LIFE
    days = (last - _EPOCH).days
    body = "-".join(_base36(number) for number in (owner.customer_id, owner.link_number, days))
    return f"{settings().base_url}/cashback/{body}.{_sign(body)}"


async def owner_of(token: str) -> Owner:
    """Whose page a link shows. NotFound for one that is forged, over or revoked: all look alike."""
    match = _TOKEN.fullmatch(token)
    if match is None or not hmac.compare_digest(_sign(token.partition(".")[0]), match[4]):
        raise NotFound("This link is over. Open your cashback from the shop again.")
    customer_id, number, days = (int(part, 36) for part in match.groups()[:3])
    ends = datetime.combine(_EPOCH + timedelta(days=days + 1), datetime.min.time(), tzinfo=UTC)
    found = await owner_by_id(customer_id)
    if found is None or found.link_number != number or ends <= clock.now():
        raise NotFound("This link is over. Open your cashback from the shop again.")
    return found


async def revoke_links_in_transaction(program_id: int, customer_id: int) -> bool:
    """No link that was given out so far opens the page any more; False: the program has no such account."""
    done = await db.fetchval(
        """
        UPDATE cashback_accounts SET link_number = link_number + 1
        WHERE program_id = $1 AND customer_id = $2 RETURNING id
        """,
        program_id,
        customer_id,
    )
    return done is not None


def _sign(body: str) -> str:
    return hmac.new(settings().secret_key, f"cashback:{body}".encode(), hashlib.sha256).hexdigest()[:40]


def _base36(number: int) -> str:
    text = ""
    while True:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
        if not number:
            return text
