"""The public page tells what the terms say, in the reader's language."""

from app.programs.service import publish_changes, publish_consent_text
from tests.browsers import Visitor
from tests.factories import make_program


async def test_landing_shows_the_reward_table(anonymous: Visitor) -> None:
    await make_program("north", name="North", hold={"days": 21}, payout={"min_minor": 150_000})
    page = (await anonymous.get("/")).text
    assert "Recommend North and earn up to 12% of every order" in page
    assert "Silver" in page
    assert "RUB\u00a0100,000" in page
    assert "21 days" in page
    assert "RUB\u00a01,500" in page
    assert 'href="/apply?program=north"' in page
    russian = (await anonymous.get("/", headers={"Accept-Language": "ru"})).text
    assert "Серебро" in russian


async def test_landing_follows_the_terms(anonymous: Visitor) -> None:
    program = await make_program("north")
    await publish_changes(program, {"attribution": {"window_days": 45}})
    assert "45 days" in (await anonymous.get("/p/north")).text


async def test_each_program_has_its_page_and_names_the_others(anonymous: Visitor) -> None:
    await make_program("north", name="North")
    await make_program("south", name="South")
    page = (await anonymous.get("/p/south")).text
    assert "Recommend South" in page
    assert 'href="/p/north"' in page
    assert (await anonymous.get("/p/west")).status_code == 404


async def test_without_a_program_there_is_nothing_to_show(anonymous: Visitor) -> None:
    assert (await anonymous.get("/")).status_code == 404


async def test_conditions_are_shown_with_their_version_and_escaped(anonymous: Visitor) -> None:
    program = await make_program("north")
    await publish_consent_text(program, "terms", ru="<b>Условия</b>", en="<b>Be honest</b>")
    page = (await anonymous.get("/p/north/terms")).text
    assert "&lt;b&gt;Be honest&lt;/b&gt;" in page
    assert "version 1" in page
