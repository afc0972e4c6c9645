"""What the snippet on the shop's pages tells, and what it is answered.

A visitor comes to the shop in one of two ways. Through a link of ours: his click is written down already and its id
stands in the landing address; then nothing new is counted, and the snippet learns under which visitor that was. Or
straight to a page with the partner's parameter (`?ref=ALICE`): then this is the click.

The id in an address may be passed on with the address, to a friend or a forum. So it names its visitor only for a few
minutes; later it is a new visitor's click on the same partner.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec

from app import db
from app.tracking import bots
from app.tracking.batcher import BATCHER
from app.tracking.directory import Program, Target, load_partners
from app.tracking.messages import Reason
from app.tracking.visitors import VISITOR_ID, clean, is_mark, new_click_id, new_visitor_id
from app.tracking.writing import NewClick

MAX_BODY = 8192
SAME_VISIT = timedelta(minutes=10)

Short = Annotated[str, msgspec.Meta(max_length=64)]
Long = Annotated[str, msgspec.Meta(max_length=2000)]


class Beacon(msgspec.Struct, forbid_unknown_fields=True):
    """The snippet's message."""

    partner: Short = ""
    """The value of the partner's parameter."""
    click_id: Short = ""
    visitor_id: Short = ""
    landing_url: Long = ""
    referrer: Long = ""
    sub: dict[Annotated[str, msgspec.Meta(max_length=32)], Annotated[str, msgspec.Meta(max_length=255)]] = {}
    consent: bool = True
    """False: the visitor has not agreed; nothing is kept."""


async def answer_beacon(
    program: Program, beacon: Beacon, *, user_agent: str, ip_digest: str, now: datetime
) -> tuple[int, Mapping[str, object]]:
    """Status and body. Raises NotWrittenError and database errors."""
    if not beacon.consent:
        return 200, {"visitor_id": "", "click_id": "", "partner": "", "counted": False, "reason": "consent"}
    known = await _click_of_this_visit(program, beacon, now)
    if known is not None:
        return 200, known
    partner = clean(beacon.partner, 64).lower()
    target = (await load_partners(program.id, [partner])).get(partner) if partner else None
    if target is None:
        return 200, {"visitor_id": "", "click_id": "", "partner": "", "counted": False, "reason": "unknown"}
    click = _new_click(target, beacon, user_agent, ip_digest, now)
    await BATCHER.submit(click)
    return 200, {
        "visitor_id": click.visitor_id,
        "click_id": click.public_id,
        "partner": target.partner_code,
        "counted": click.reason is Reason.COUNTED,
        "reason": click.reason.value,
    }


async def _click_of_this_visit(
    program: Program, beacon: Beacon, now: datetime
) -> Mapping[str, object] | None:
    """The click that brought this visitor a moment ago through a link; None: there is none."""
    try:
        click_id = UUID(hex=beacon.click_id)
    except ValueError:
        return None
    row = await db.fetchrow(
        """
        SELECT click.visitor_id, click.counted, click.reason, partner.code
        FROM clicks AS click
        JOIN partners AS partner ON partner.id = click.partner_id
        WHERE click.public_id = $1 AND click.program_id = $2 AND click.clicked_at > $3
        """,
        click_id,
        program.id,
        now - SAME_VISIT,
    )
    if row is None:
        return None
    return {
        "visitor_id": row["visitor_id"],
        "click_id": str(click_id),
        "partner": row["code"],
        "counted": row["counted"],
        "reason": row["reason"],
    }


def _new_click(target: Target, beacon: Beacon, user_agent: str, ip_digest: str, now: datetime) -> NewClick:
    known = VISITOR_ID.fullmatch(beacon.visitor_id) is not None
    reason = Reason.BOT if bots.is_bot(user_agent) else Reason.COUNTED
    kept = {name: clean(value, 255) for name, value in beacon.sub.items() if is_mark(name)}
    return NewClick(
        public_id=new_click_id(),
        program=target.program,
        partner_id=target.partner_id,
        link_id=target.link_id,
        visitor_id=beacon.visitor_id if known else new_visitor_id(),
        known_visitor=known,
        clicked_at=now,
        reason=reason if target.active else Reason.INACTIVE,
        landing_url=clean(beacon.landing_url, 2000),
        referrer=clean(beacon.referrer, 2000),
        user_agent=user_agent,
        ip_digest=ip_digest,
        sub=msgspec.json.encode(kept),
    )
