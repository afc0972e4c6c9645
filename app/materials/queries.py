"""What a partner may show: banners and texts, those of his level with his link inside."""

from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import quote

import asyncpg
from markupsafe import escape

from app import clock, db
from app.config import settings
from app.rules.terms import Terms
from app.ui.i18n import gettext as _
from app.ui.i18n import in_locale, locale
from app.ui.paging import PAGE_SIZE, Cursor

NEW_FOR = timedelta(days=7)
KINDS = ("banner", "text")


@dataclass(frozen=True, slots=True)
class MaterialCard:
    """One material on the partner's page. Of a locked one only name, kind, size and level are given."""

    id: int
    name: str
    kind: str
    kind_label: str
    width: int
    height: int
    level_name: str
    """The lowest level that gets it; empty: everybody does."""
    locked: bool
    is_new: bool
    valid_to: date | None
    order: Cursor
    picture_url: str = ""
    alt: str = ""
    html: str = ""
    plain_text: str = ""
    download_url: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the partner asks for."""

    kind: str = ""
    """Empty: all."""
    size: str = ""
    """`300x250`; empty: all."""


async def materials(
    program_id: int, level: str, link_url: str, terms: Terms, choice: Choice, *, after: Cursor | None = None
) -> list[MaterialCard]:
    """The program's materials in force, newest first, one more than a page; `link_url` goes into what is open."""
    width, _x, height = choice.size.partition("x")
    rows = await db.fetch(
        """
        SELECT id, kind, title_ru, title_en, level, image, width, height, text, landing_url, valid_to, created_at
        FROM materials
        WHERE program_id = $1 AND active AND (valid_to IS NULL OR valid_to >= $2)
            AND created_at IS NOT NULL
            AND ($3 = '' OR kind = $3) AND ($4 = 0 OR (width = $4 AND height = $5))
            AND ($6::timestamptz IS NULL OR (created_at, id) < ($6, $7))
        ORDER BY created_at DESC, id DESC
        LIMIT $8
        """,
        program_id,
        clock.now().astimezone(terms.zone).date(),
        choice.kind,
        int(width) if width.isdecimal() and height.isdecimal() else 0,
        int(height) if height.isdecimal() else 0,
        after.moment if after else None,
        after.id if after else None,
        PAGE_SIZE + 1,
    )
    return [_card(row, level, link_url, terms) for row in rows]


async def sizes(program_id: int) -> list[str]:
    """Sizes of the program's banners, `300x250`, from small to large."""
    rows = await db.fetch(
        """
        SELECT DISTINCT width, height FROM materials
        WHERE program_id = $1 AND active AND width > 0
        ORDER BY width, height
        LIMIT 100
        """,
        program_id,
    )
    return [f"{row['width']}x{row['height']}" for row in rows]


def kind_label(kind: str) -> str:
    return {"banner": _("Banner"), "text": _("Text")}[kind]


def is_open(needed: str, level: str, terms: Terms) -> bool:
    """Whether a partner of `level` gets what is for `needed` and above. A level that the terms lack opens nothing."""
    codes = [one.code for one in terms.levels]
    if not needed:
        return True
    return needed in codes and level in codes and codes.index(level) >= codes.index(needed)


def _card(row: asyncpg.Record, level: str, link_url: str, terms: Terms) -> MaterialCard:
    titles = {"ru": row["title_ru"], "en": row["title_en"]}
    name = titles.get(locale()) or row["title_en"] or row["title_ru"]
    named = {one.code: in_locale(one.name) or one.code for one in terms.levels}
    open_ = is_open(row["level"], level, terms)
    inside = _inside(row, name, link_url) if open_ else {}
    return MaterialCard(
        id=row["id"],
        name=name,
        kind=row["kind"],
        kind_label=kind_label(row["kind"]),
        width=row["width"],
        height=row["height"],
        level_name=named.get(row["level"], row["level"]),
        locked=not open_,
        is_new=clock.now() - row["created_at"] < NEW_FOR,
        valid_to=row["valid_to"],
        order=Cursor(row["created_at"], row["id"]),
        **inside,
    )


def _inside(row: asyncpg.Record, name: str, link_url: str) -> dict[str, str]:
    """What only those get whose level opens it."""
    link = link_url
    if row["landing_url"]:
        link += ("&" if "?" in link else "?") + "to=" + quote(row["landing_url"], safe="")
    if row["kind"] == "text":
        return {"plain_text": with_link(row["text"], link), "html": text_html(row["text"], link)}
    picture = f"/media/{row['image']}"
    return {
        "picture_url": picture,
        "alt": name,
        "html": banner_html(link, settings().base_url + picture, row["width"], row["height"], name),
        "download_url": picture,
    }


def banner_html(link: str, picture: str, width: int, height: int, alt: str) -> str:
    """The code that a partner puts on his site."""
    return (
        f'<a href="{escape(link)}" rel="sponsored noopener">'
        f'<img src="{escape(picture)}" width="{width}" height="{height}" alt="{escape(alt)}" loading="lazy"></a>'
    )


def text_html(text: str, link: str) -> str:
    """The text as HTML: everything the marketer wrote is text, `{link}` is a link."""
    anchor = f'<a href="{escape(link)}" rel="sponsored noopener">{escape(link)}</a>'
    return anchor.join(str(escape(piece)) for piece in text.split("{link}"))


def with_link(text: str, link: str) -> str:
    """The text with the partner's link in the place of `{link}`."""
    return text.replace("{link}", link)
