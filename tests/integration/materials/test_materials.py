"""Who sees which banner, and what he gets to copy."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from app import clock, db
from app.config import settings
from app.materials.queries import banner_html, text_html
from app.tracking.links import ensure_main_link
from tests.browsers import Browse
from tests.cast import Cast

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = "materials/" + "ab" * 16 + ".png"


async def add(program_id: int, **values: object) -> int:
    row = {
        "kind": "banner", "title_ru": "Золотой баннер", "title_en": "Golden banner", "level": "", "image": SECRET,
        "width": 300, "height": 250, "text": "", "landing_url": "", "active": True, "valid_to": None, "created_at": NOW,
    } | values  # fmt: skip
    names = ", ".join(row)
    places = ", ".join(f"${number}" for number in range(2, len(row) + 2))
    found = await db.fetchval(
        f"INSERT INTO materials (program_id, {names}) VALUES ($1, {places}) RETURNING id",
        program_id,
        *row.values(),
    )
    return int(found)


async def set_level(cast: Cast, level: str) -> None:
    await db.execute("UPDATE partners SET level = $2 WHERE id = $1", cast.alice.partner_id, level)


async def test_starter_sees_that_gold_opens_more_and_nothing_of_it(cast: Cast, browse: Browse) -> None:
    await add(cast.north_id, level="gold")
    page = await (await browse(cast.alice)).get("/materials")
    assert page.status_code == 200
    assert "Golden banner" in page.text
    assert "Opens at level Gold." in page.text
    assert SECRET not in page.text


async def test_gold_copies_html_with_his_link_inside(cast: Cast, browse: Browse) -> None:
    assert cast.alice.partner_id
    await ensure_main_link(cast.north_id, cast.alice.partner_id)
    await set_level(cast, "gold")
    await add(cast.north_id, level="gold", landing_url="https://shop.example/sale?a=1")
    page = await (await browse(cast.alice)).get("/materials")
    assert f"/media/{SECRET}" in page.text
    # Escaped once for HTML inside HTML: what is copied is the line below.
    code = banner_html(
        "http://portal.test/r/alice?to=https%3A%2F%2Fshop.example%2Fsale%3Fa%3D1",
        f"http://portal.test/media/{SECRET}", 300, 250, "Golden banner",
    )  # fmt: skip
    assert code == (
        '<a href="http://portal.test/r/alice?to=https%3A%2F%2Fshop.example%2Fsale%3Fa%3D1" rel="sponsored noopener">'
        f'<img src="http://portal.test/media/{SECRET}" width="300" height="250" alt="Golden banner" loading="lazy"></a>'
    )
    assert (
        code.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&#34;")
        in page.text
    )


@pytest.mark.parametrize(("level", "seen"), [("starter", False), ("silver", True), ("gold", True)])
async def test_level_opens_what_is_for_it_and_below(
    cast: Cast, browse: Browse, level: str, seen: bool
) -> None:
    await set_level(cast, level)
    await add(cast.north_id, level="silver")
    page = await (await browse(cast.alice)).get("/materials")
    assert (SECRET in page.text) is seen


@pytest.mark.parametrize(
    "hidden",
    [{"active": False}, {"valid_to": date(2026, 2, 28)}, {"created_at": None}],
)
async def test_what_is_not_in_force_is_not_there(
    cast: Cast, browse: Browse, hidden: dict[str, object]
) -> None:
    await add(cast.north_id, **hidden)
    alice = await browse(cast.alice)
    with clock.at(NOW):
        assert "Golden banner" not in (await alice.get("/materials")).text


async def test_last_day_still_counts(cast: Cast, browse: Browse) -> None:
    await add(cast.north_id, valid_to=date(2026, 3, 1))
    alice = await browse(cast.alice)
    with clock.at(NOW):
        assert "Golden banner" in (await alice.get("/materials")).text


async def test_other_programs_materials_are_not_there(cast: Cast, browse: Browse) -> None:
    await add(cast.north_id)
    assert "Golden banner" not in (await (await browse(cast.clara)).get("/materials")).text


async def test_filters_by_kind_and_size(cast: Cast, browse: Browse) -> None:
    await add(cast.north_id)
    await add(cast.north_id, kind="text", title_en="Words", image="", width=0, height=0, text="Buy {link}!")
    alice = await browse(cast.alice)
    assert "Golden banner" not in (await alice.get("/materials?kind=text")).text
    assert "Words" not in (await alice.get("/materials?size=300x250")).text
    assert (await alice.get("/materials?kind=evil&size=%00x1&cursor=")).status_code == 200


def test_text_is_text_and_only_the_link_is_a_link() -> None:
    assert text_html('<script>alert(1)</script> "{link}" & {link', "http://portal.test/r/alice?a=1&b=2") == (
        "&lt;script&gt;alert(1)&lt;/script&gt; &#34;"
        '<a href="http://portal.test/r/alice?a=1&amp;b=2" rel="sponsored noopener">http://portal.test/r/alice?a=1&amp;b=2</a>'
        "&#34; &amp; {link"
    )


async def test_picture_is_served_for_ever_and_in_a_sandbox(transaction: None, browse: Browse) -> None:
    folder = settings().media_dir / "materials"
    folder.mkdir(parents=True, exist_ok=True)
    Path(folder / "00.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    answer = await (await browse()).get("/media/materials/00.png")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
