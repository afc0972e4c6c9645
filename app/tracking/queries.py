"""Reads of partners' links and promo codes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import asyncpg
import msgspec

from app import db
from app.config import settings
from app.errors import NotFound
from app.rules.terms import Level, Terms
from app.stats.queries import LinkFigures, figures_by_link
from app.tracking.links import MARKS, SUBS
from app.ui.i18n import in_locale
from app.ui.paging import PAGE_SIZE, Cursor


@dataclass(frozen=True, slots=True)
class MainLink:
    """The link on the overview."""

    url: str
    qr_url: str


@dataclass(frozen=True, slots=True)
class LinkRow:
    """One link as its partner sees it, with its figures of all time."""

    id: int
    code: str
    url: str
    qr_url: str
    name: str
    target: str
    utm_text: str
    sub_text: str
    state: str
    """active, archived or disabled."""
    clicks: int
    orders: int
    earned_minor: int
    last_click_on: date | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PromoCodeRow:
    """One promo code as its partner sees it."""

    id: int
    code: str
    state: str
    """active or disabled."""
    created_at: datetime
    valid_to: datetime | None


def link_url(code: str) -> str:
    """The address that a partner gives away."""
    return f"{settings().base_url}/r/{code}"


def qr_url(link_id: int) -> str:
    """The picture of a link, for print."""
    return f"/links/{link_id}/qr.svg"


async def main_link(partner_id: int) -> MainLink | None:
    """The partner's main link; None: he was never approved."""
    row = await db.fetchrow(
        "SELECT id, code FROM links WHERE partner_id = $1 ORDER BY main DESC, id LIMIT 1", partner_id
    )
    return MainLink(link_url(row["code"]), qr_url(row["id"])) if row else None


async def links(
    partner_id: int, *, archived: bool = False, after: Cursor | None = None, size: int = PAGE_SIZE
) -> list[LinkRow]:
    """The partner's links, newest first; one more than `size`, which tells whether there is a next page."""
    rows = await db.fetch(
        _LINK
        + """
        WHERE partner_id = $1 AND (archived_at IS NOT NULL) = $2
            AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4))
        ORDER BY created_at DESC, id DESC
        LIMIT $5
        """,
        partner_id,
        archived,
        after.moment if after else None,
        after.id if after else None,
        size + 1,
    )
    figures = await figures_by_link(partner_id, [row["id"] for row in rows])
    return [_link(row, figures) for row in rows]


async def link_by_id(partner_id: int, link_id: int) -> LinkRow:
    """One link of the partner; NotFound for others'."""
    row = await db.fetchrow(_LINK + " WHERE partner_id = $1 AND id = $2", partner_id, link_id)
    if row is None:
        raise NotFound
    return _link(row, await figures_by_link(partner_id, [link_id]))


async def clicked_links(partner_id: int, click_ids: Sequence[str]) -> list[str]:
    """Through which of the partner's links those of his clicks came, with their sub-ids, in his own words."""
    rows = await db.fetch(
        """
        SELECT link.name, link.code, click.sub, link.sub1, link.sub2, link.sub3, link.sub4, link.sub5
        FROM clicks AS click
        LEFT JOIN links AS link ON link.id = click.link_id
        WHERE click.partner_id = $1 AND click.public_id = ANY($2::uuid[])
        ORDER BY click.clicked_at, click.id
        LIMIT 100
        """,
        partner_id,
        list(click_ids),
    )
    found = []
    for row in rows:
        given: dict[str, str] = msgspec.json.decode(row["sub"])
        subs = [f"{name}={value}" for name in SUBS if (value := given.get(name) or row[name])]
        found.append(" · ".join([row["name"] or row["code"] or "", *subs]).removeprefix(" · "))
    return list(dict.fromkeys(text for text in found if text))


async def promo_codes(partner_id: int) -> list[PromoCodeRow]:
    """The partner's promo codes, active ones first, newest first."""
    rows = await db.fetch(
        """
        SELECT id, code, state, created_at, valid_to FROM promo_codes
        WHERE partner_id = $1
        ORDER BY state, created_at DESC, id DESC
        LIMIT 200
        """,
        partner_id,
    )
    return [
        PromoCodeRow(row["id"], row["code"], row["state"], row["created_at"], row["valid_to"]) for row in rows
    ]


_LINK = """
SELECT id, code, name, destination, utm, sub1, sub2, sub3, sub4, sub5, created_at, archived_at, disabled_at
FROM links
"""


def _link(row: asyncpg.Record, figures: Mapping[int, LinkFigures]) -> LinkRow:
    utm: dict[str, str] = msgspec.json.decode(row["utm"])
    found = figures.get(row["id"]) or LinkFigures(0, 0, 0, None)
    state = "disabled" if row["disabled_at"] else "archived" if row["archived_at"] else "active"
    return LinkRow(
        id=row["id"],
        code=row["code"],
        url=link_url(row["code"]),
        qr_url=qr_url(row["id"]),
        name=row["name"],
        target=row["destination"],
        utm_text=" · ".join(f"{name}={utm[name]}" for name in MARKS if utm.get(name)),
        sub_text=" · ".join(f"{name}={row[name]}" for name in SUBS if row[name]),
        state=state,
        clicks=found.clicks,
        orders=found.orders,
        earned_minor=found.earned_minor,
        last_click_on=found.last_click_on,
        created_at=row["created_at"],
    )


@dataclass(frozen=True, slots=True)
class NextLimit:
    """The next level that allows more promo codes."""

    name: str
    limit: int


def next_limit(terms: Terms, level: Level) -> NextLimit | None:
    """Which level above `level` allows more codes; None: none does."""
    above = terms.levels[[one.code for one in terms.levels].index(level.code) + 1 :]
    for one in above:
        if one.promo_codes_max > level.promo_codes_max:
            return NextLimit(in_locale(one.name) or one.code, one.promo_codes_max)
    return None
