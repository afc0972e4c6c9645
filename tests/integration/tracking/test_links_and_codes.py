"""Partners' links and promo codes: what may be made, by whom, and what the pages show."""

import asyncio
from datetime import UTC, datetime

import pytest

from app import db
from app.errors import DomainError, NotFound
from app.tracking.links import (
    NewLink,
    archive_link,
    create_link,
    ensure_main_link,
    ensure_main_links_in_transaction,
)
from app.tracking.promo_codes import create_promo_code, disable_promo_code
from app.tracking.queries import links, main_link, promo_codes
from tests.browsers import Browse
from tests.cast import Cast
from tests.conftest import TestEngines
from tests.factories import make_partner, make_program

LEVELS = [
    {
        "code": "starter",
        "name": {"en": "Starter", "ru": "Старт"},
        "from": 0,
        "rate": "5%",
        "promo_codes_max": 1,
    },
    {"code": "gold", "name": {"en": "Gold", "ru": "Золото"}, "from": 100, "rate": "9%", "promo_codes_max": 3},
]


@pytest.mark.parametrize(
    ("new", "field"),
    [
        (NewLink("https://evil.example/"), "target"),
        (NewLink("https://shop.example@evil.example/"), "target"),
        (NewLink("javascript:alert(1)"), "target"),
        (NewLink("", code="abc"), "code"),
        (NewLink("", code="-abcd"), "code"),
        (NewLink("", code="я" * 5), "code"),
        (NewLink("", code="a" * 33), "code"),
        (NewLink("", name="n" * 101), "name"),
        (NewLink("", utm={"utm_source": "x" * 256}), "utm_source"),
        (NewLink("", utm={"utm_source": "a\nb"}), "utm_source"),
        (NewLink("", utm={"onload": "x"}), "onload"),
        (NewLink("", sub={"sub6": "x"}), "sub6"),
        (NewLink("", sub={"sub1": "я" * 128}), "sub1"),
    ],
)
async def test_wrong_link_is_refused_with_its_field(cast: Cast, new: NewLink, field: str) -> None:
    assert cast.alice.partner_id
    with pytest.raises(DomainError) as refused:
        await create_link(cast.north_id, cast.alice.partner_id, new)
    assert [wrong.pointer for wrong in refused.value.fields] == [field]
    assert await db.fetchval("SELECT count(*) FROM links") == 0


async def test_own_code_is_unique_whatever_its_case(cast: Cast) -> None:
    assert cast.alice.partner_id
    assert cast.clara.partner_id
    await create_link(cast.north_id, cast.alice.partner_id, NewLink("", code="Spring"))
    with pytest.raises(DomainError) as refused:
        await create_link(cast.south_id, cast.clara.partner_id, NewLink("", code="sPRING"))
    assert refused.value.fields[0].code == "taken"


async def test_partner_who_is_not_active_makes_nothing(cast: Cast) -> None:
    assert cast.dora.partner_id
    with pytest.raises(DomainError) as refused:
        await create_link(cast.north_id, cast.dora.partner_id, NewLink(""))
    assert refused.value.code == "partner_inactive"
    with pytest.raises(DomainError):
        await create_promo_code(cast.north_id, cast.dora.partner_id)


async def test_main_link_is_made_once_and_takes_the_partners_code(cast: Cast) -> None:
    assert cast.alice.partner_id
    for _ in range(2):
        await ensure_main_link(cast.north_id, cast.alice.partner_id)
    found = await main_link(cast.alice.partner_id)
    assert found is not None
    assert found.url == "http://portal.test/r/alice"
    assert await db.fetchval("SELECT count(*) FROM links") == 1


async def test_main_link_gets_another_code_where_the_partners_is_taken(cast: Cast) -> None:
    other = await make_partner(cast.south_id, "alice")
    assert cast.alice.partner_id
    await ensure_main_link(cast.north_id, cast.alice.partner_id)
    codes = await ensure_main_links_in_transaction(cast.south_id, [other])
    assert len(codes[other]) == 8


async def test_archived_link_goes_out_of_sight_and_back(cast: Cast) -> None:
    assert cast.alice.partner_id
    link_id = await create_link(cast.north_id, cast.alice.partner_id, NewLink(""))
    await archive_link(cast.alice.partner_id, link_id, archived=True)
    assert await links(cast.alice.partner_id) == []
    assert [link.state for link in await links(cast.alice.partner_id, archived=True)] == ["archived"]
    await archive_link(cast.alice.partner_id, link_id, archived=False)
    assert [link.id for link in await links(cast.alice.partner_id)] == [link_id]
    assert cast.boris.partner_id
    with pytest.raises(NotFound):
        await archive_link(cast.boris.partner_id, link_id, archived=True)


@pytest.mark.parametrize("code", ["ALICE10", "alice10", "АLIСЕ10", "ALICE10 "])
async def test_code_that_looks_like_anothers_is_taken(cast: Cast, code: str) -> None:
    assert cast.alice.partner_id
    assert cast.boris.partner_id
    await create_promo_code(cast.north_id, cast.boris.partner_id, "ALICE10")
    with pytest.raises(DomainError) as refused:
        await create_promo_code(cast.north_id, cast.alice.partner_id, code)
    assert refused.value.fields[0].code in ("taken", "bad_code")


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ABC", "bad_length"),
        ("A" * 21, "bad_length"),
        ("AB CD", "bad_code"),
        ("СКИДКА", "bad_code"),
        ("-ABCD", "bad_code"),
        ("AB--CD", "bad_code"),
    ],
)
async def test_wrong_code_is_refused(cast: Cast, code: str, error: str) -> None:
    assert cast.alice.partner_id
    with pytest.raises(DomainError) as refused:
        await create_promo_code(cast.north_id, cast.alice.partner_id, code)
    assert refused.value.fields[0].code == error


async def test_level_limits_active_codes_and_a_disabled_one_stays_reserved(cast: Cast) -> None:
    assert cast.alice.partner_id
    first = await create_promo_code(cast.north_id, cast.alice.partner_id, "SPRING")
    with pytest.raises(DomainError) as refused:
        await create_promo_code(cast.north_id, cast.alice.partner_id, "SUMMER")
    assert refused.value.code == "too_many_promo_codes"
    await disable_promo_code(cast.alice.partner_id, first)
    await create_promo_code(cast.north_id, cast.alice.partner_id, "SUMMER")
    found = await promo_codes(cast.alice.partner_id)
    assert [(code.code, code.state) for code in found] == [("SUMMER", "active"), ("SPRING", "disabled")]
    assert found[1].valid_to is not None


async def test_end_before_the_beginning_is_refused(cast: Cast) -> None:
    assert cast.alice.partner_id
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    with pytest.raises(DomainError) as refused:
        await create_promo_code(
            cast.north_id, cast.alice.partner_id, "SPRING", valid_from=moment, valid_to=moment
        )
    assert refused.value.fields[0].pointer == "valid_to"


async def test_two_requests_at_once_make_no_more_codes_than_allowed(committing: TestEngines) -> None:
    program_id = await make_program("north", levels=LEVELS)
    partner_id = await make_partner(program_id, "alice", level="gold")
    tries = [create_promo_code(program_id, partner_id) for _ in range(8)]
    made = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, int) for one in made) == 3
    assert await db.fetchval("SELECT count(*) FROM promo_codes") == 3


async def test_pages_show_what_is_made(cast: Cast, browse: Browse) -> None:
    alice = await browse(cast.alice)
    made = await alice.post(
        "/links",
        data={
            "target": "https://shop.example/case",
            "name": "Cases <b>",
            "code": "cases",
            "utm_source": "tg",
            "sub1": "post",
        },
    )
    assert made.status_code == 303
    page = await alice.get(made.headers["location"])
    assert page.status_code == 200
    assert "http://portal.test/r/cases" in page.text
    assert "Cases &lt;b&gt;" in page.text
    assert "utm_source=tg" in page.text
    link_id = await db.fetchval("SELECT id FROM links")
    picture = await alice.get(f"/links/{link_id}/qr.svg")
    assert picture.headers["content-type"] == "image/svg+xml"
    assert b"<svg" in picture.content
    code = await alice.post("/promo-codes", data={"code": "ALICE10"})
    assert code.status_code == 303
    assert "ALICE10" in (await alice.get("/promo-codes")).text


async def test_form_with_mistakes_shows_itself_again(cast: Cast, browse: Browse) -> None:
    alice = await browse(cast.alice)
    answer = await alice.post("/links", data={"target": "https://evil.example/", "name": "kept"})
    assert answer.status_code == 422
    assert "shop.example" in answer.text
    assert 'value="kept"' in answer.text
    assert (await alice.post("/promo-codes", data={"code": "ЁЖ"})).status_code == 422


async def test_others_links_are_not_found(cast: Cast, browse: Browse) -> None:
    assert cast.alice.partner_id
    link_id = await create_link(cast.north_id, cast.alice.partner_id, NewLink(""))
    code_id = await create_promo_code(cast.north_id, cast.alice.partner_id, "ALICE10")
    clara = await browse(cast.clara)
    assert (await clara.get(f"/links/{link_id}/qr.svg")).status_code == 404
    assert (await clara.post(f"/links/{link_id}/archive")).status_code == 404
    assert (await clara.post(f"/promo-codes/{code_id}/disable")).status_code == 404
    assert (await clara.get(f"/links?made={link_id}")).status_code == 404


async def test_snippet_is_served_to_other_sites(anonymous: object, browse: Browse) -> None:
    answer = await (await browse()).get("/static/tracker.js")
    assert answer.status_code == 200
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert "window.tandem" in answer.text
