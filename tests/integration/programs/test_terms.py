"""Terms are published as numbered versions, each from a moment on, and never touch what was before."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from app import clock, db
from app.errors import Conflict, DomainError, NotFound
from app.programs import queries, service
from tests.factories import SINCE, make_program

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
APRIL = datetime(2026, 4, 1, tzinfo=UTC)


async def test_versions_hold_from_their_moment_inclusive(transaction: None) -> None:
    program = await make_program(hold={"days": 14})
    assert await service.publish_changes(program, {"hold": {"days": 30}}, from_moment=MARCH) == 2
    just_before = await queries.terms_in_force(program, MARCH - timedelta(microseconds=1))
    assert (just_before.number, just_before.terms.hold.days) == (1, 14)
    at = await queries.terms_in_force(program, MARCH)
    assert (at.number, at.terms.hold.days) == (2, 30)
    with pytest.raises(NotFound):
        await queries.terms_in_force(program, SINCE - timedelta(seconds=1))


async def test_changes_merge_tables_and_replace_lists(transaction: None) -> None:
    program = await make_program()
    levels = [{"code": "only", "name": {"ru": "Один", "en": "One"}, "from": 0, "rate": "1%"}]
    await service.publish_changes(
        program, {"attribution": {"model": "linear"}, "levels": levels}, from_moment=MARCH
    )
    terms = (await queries.terms_in_force(program, MARCH)).terms
    assert terms.attribution.model == "linear"
    assert terms.attribution.window_days == 30
    assert [level.code for level in terms.levels] == ["only"]


async def test_of_versions_of_one_moment_the_later_holds(transaction: None) -> None:
    program = await make_program()
    for days in (1, 2):
        await service.publish_changes(program, {"hold": {"days": days}}, from_moment=MARCH)
    assert (await queries.terms_in_force(program, MARCH)).terms.hold.days == 2


async def test_version_before_the_latest_is_refused(transaction: None) -> None:
    program = await make_program()
    await service.publish_changes(program, {"hold": {"days": 1}}, from_moment=APRIL)
    with pytest.raises(DomainError, match="cannot begin before") as caught:
        await service.publish_changes(program, {"hold": {"days": 2}}, from_moment=MARCH)
    assert caught.value.code == "terms_in_the_past"
    assert len(await queries.terms_versions(program)) == 2


async def test_wrong_document_names_every_key(transaction: None) -> None:
    program = await make_program()
    with pytest.raises(DomainError) as caught:
        await service.publish_changes(
            program, {"hold": {"days": -1}, "tiers": {"rates": ["200%"]}, "colour": "red"}
        )
    assert sorted(field.pointer for field in caught.value.fields) == ["colour", "hold.days", "tiers.rates[0]"]
    assert len(await queries.terms_versions(program)) == 1


async def test_currency_is_fixed_for_good(transaction: None) -> None:
    program = await make_program()
    with pytest.raises(DomainError) as caught:
        await service.publish_changes(program, {"currency": "EUR"})
    assert [field.pointer for field in caught.value.fields] == ["currency"]


async def test_published_version_cannot_be_edited(transaction: None) -> None:
    await make_program()
    with pytest.raises(asyncpg.PostgresError):
        await db.execute("UPDATE program_terms SET note = 'edited'")


async def test_code_is_taken_once(transaction: None) -> None:
    await make_program("north")
    with pytest.raises(Conflict, match="north"):
        await make_program("north")


async def test_parallel_publications_are_numbered_without_gaps(committing: object) -> None:
    program = await make_program()
    numbers = await asyncio.gather(
        *(
            service.publish_changes(program, {"hold": {"days": days}}, from_moment=MARCH)
            for days in range(1, 9)
        )
    )
    assert sorted(numbers) == list(range(2, 10))
    held = (await queries.terms_in_force(program, MARCH)).terms.hold.days
    assert held == numbers.index(9) + 1


async def test_consent_texts_are_numbered_by_kind(transaction: None) -> None:
    program = await make_program()
    with clock.at(MARCH):
        assert await service.publish_consent_text(program, "terms", ru="Раз", en="One") == 1
        assert await service.publish_consent_text(program, "terms", ru="Два", en="Two") == 2
        assert await service.publish_consent_text(program, "privacy", ru="Данные", en="Data") == 1
        texts = await queries.consent_texts(program)
    assert {kind: text.version for kind, text in texts.items()} == {"terms": 2, "privacy": 1}
    assert texts["terms"].text == {"ru": "Два", "en": "Two"}
