"""Writes: clicks that others tell us of: the shop's server, an import, a scenario."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from app import clock, db
from app.config import settings
from app.errors import DomainError, FieldError, NotFound, invalid
from app.tracking import bots, codes
from app.tracking.directory import (
    Program,
    Target,
    load_links,
    load_partners,
    load_program_by_id,
)
from app.tracking.links import SUBS
from app.tracking.messages import ClickMessage, ClickOutcome, Reason
from app.tracking.visitors import AddressDigest, clean, new_click_id, new_visitor_id
from app.tracking.writing import NewClick, write

CHUNK = 1000
"""Clicks per statement of a long list; each may hold one lock, and the server has room for some thousands."""


async def record_clicks(program_id: int, messages: Sequence[ClickMessage]) -> list[ClickOutcome]:
    """Write clicks down in their order, in one transaction; an outcome each, in the same order.

    A message that names nobody, or a partner, link or code that the program does not have, is refused in its outcome
    and does not spoil the others.
    """
    async with db.transaction():
        return await record_clicks_in_transaction(program_id, messages)


async def record_clicks_in_transaction(
    program_id: int, messages: Sequence[ClickMessage]
) -> list[ClickOutcome]:
    """The same within the transaction at hand."""
    now = clock.now()
    program = await load_program_by_id(program_id, now)
    if program is None:
        raise NotFound("There is no such program.")
    targets = await _targets(program, messages)
    activity = await _activity(targets.values())
    digest = AddressDigest(settings().secret_key)
    outcomes: list[ClickOutcome] = []
    clicks: list[NewClick] = []
    places: list[int] = []
    for place, message in enumerate(messages):
        target = targets.get(_source(message))
        if target is None:
            outcomes.append(ClickOutcome("", "", False, Reason.COUNTED, _refusal(message)))
            continue
        click = _new_click(target, activity[target.partner_id], message, message.at or now, digest)
        clicks.append(click)
        places.append(place)
        outcomes.append(ClickOutcome(click.public_id, click.visitor_id, False, click.reason))
    async with db.connection() as held:
        for start in range(0, len(clicks), CHUNK):
            await write(held, clicks[start : start + CHUNK], now)
    for place, click in zip(places, clicks, strict=True):
        counted = click.reason is Reason.COUNTED
        outcomes[place] = ClickOutcome(click.public_id, click.visitor_id, counted, click.reason)
    return outcomes


Source = tuple[str, str]
"""(partner, link or promo_code; its value as it is compared)."""


def _source(message: ClickMessage) -> Source:
    """What the message names; ("", "") unless it is exactly one thing."""
    given = [
        source
        for source in (
            ("partner", message.partner.lower()),
            ("link", message.link.lower()),
            ("promo_code", codes.code_key(message.promo_code)),
        )
        if source[1]
    ]
    return given[0] if len(given) == 1 else ("", "")


def _refusal(message: ClickMessage) -> DomainError:
    kind, _value = _source(message)
    if not kind:
        return invalid(FieldError("", "one_source", "Name exactly one of partner, link and promo_code."))
    return invalid(FieldError(f"/{kind}", f"unknown_{kind}", "The program has nothing of this code."))


async def _targets(program: Program, messages: Sequence[ClickMessage]) -> dict[Source, Target]:
    """Whose the named partners, links and codes are."""
    wanted: dict[str, set[str]] = {"partner": set(), "link": set(), "promo_code": set()}
    for message in messages:
        kind, value = _source(message)
        if kind:
            wanted[kind].add(value)
    found: dict[Source, Target] = {}
    if wanted["link"]:
        links = await load_links(sorted(wanted["link"]))
        found.update({("link", code): link for code, link in links.items() if link.program.id == program.id})
    owners = await _owners(program.id, wanted["promo_code"])
    names = wanted["partner"] | set(owners.values())
    if names:
        partners = await load_partners(program.id, sorted(names))
        found.update({("partner", code): partner for code, partner in partners.items()})
        found.update(
            {("promo_code", key): partners[code] for key, code in owners.items() if code in partners}
        )
    return found


async def _owners(program_id: int, keys: Iterable[str]) -> dict[str, str]:
    """Lower-case codes of the promo codes' owners, by the codes' keys."""
    wanted = sorted(keys)
    if not wanted:
        return {}
    rows = await db.fetch(
        """
        SELECT promo.code_key, lower(partner.code) AS partner
        FROM promo_codes AS promo
        JOIN partners AS partner ON partner.id = promo.partner_id
        WHERE promo.program_id = $1 AND promo.code_key = ANY($2::text[])
        """,
        program_id,
        wanted,
    )
    return {row["code_key"]: row["partner"] for row in rows}


@dataclass(slots=True)
class _Activity:
    """When a partner was active: a click is told late, so his state of today does not do."""

    joined_at: datetime | None
    state: str
    changes: list[tuple[datetime, str]] = field(default_factory=list)

    def at(self, moment: datetime) -> bool:
        if self.joined_at is not None and moment < self.joined_at:
            return False
        state = self.state if not self.changes else ""
        for since, after in self.changes:
            if since > moment:
                break
            state = after
        return state == "active"


async def _activity(targets: Iterable[Target]) -> dict[int, _Activity]:
    ids = sorted({target.partner_id for target in targets})
    partners = await db.fetch(
        "SELECT id, joined_at, state FROM partners WHERE id = ANY($1::bigint[]) ORDER BY id", ids
    )
    found = {row["id"]: _Activity(row["joined_at"], row["state"]) for row in partners}
    changes = await db.fetch(
        """
        SELECT partner_id, at, after FROM partner_state_changes
        WHERE partner_id = ANY($1::bigint[])
        ORDER BY partner_id, at, id
        """,
        ids,
    )
    for row in changes:
        found[row["partner_id"]].changes.append((row["at"], row["after"]))
    return found


def _new_click(
    target: Target, activity: _Activity, message: ClickMessage, at: datetime, digest: AddressDigest
) -> NewClick:
    reason = Reason.COUNTED
    if not activity.at(at) or not (target.program.active and target.link_active):
        reason = Reason.INACTIVE
    elif message.user_agent is not None and bots.is_bot(message.user_agent):
        reason = Reason.BOT
    visitor = clean(message.visitor_id, 64)
    utm = {
        name if name.startswith("utm_") else f"utm_{name}": clean(value, 255)
        for name, value in message.utm.items()
    }
    kept = {**utm, **{name: clean(value, 255) for name, value in message.sub.items() if name in SUBS}}
    return NewClick(
        public_id=new_click_id(),
        program=target.program,
        partner_id=target.partner_id,
        link_id=target.link_id,
        visitor_id=visitor or new_visitor_id(),
        known_visitor=bool(visitor),
        clicked_at=at,
        reason=reason,
        landing_url=clean(message.landing_url, 2000),
        referrer=clean(message.referrer, 2000),
        user_agent=clean(message.user_agent or "", 400),
        ip_digest=digest(message.ip, at),
        sub=msgspec.json.encode(kept) if kept else b"{}",
    )
