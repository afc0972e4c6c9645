"""What staff change of a membership: level, parent, state, rates; and partners that come from elsewhere."""

import asyncio
from datetime import UTC, datetime

import pytest

from app import db
from app.errors import DomainError, NotFound
from app.ledger.queries import balance_rows
from app.partners import queries, service
from app.partners.imports import BEFORE_EVERYTHING, ImportedPartner, import_partners_in_transaction
from tests.factories import make_partner, make_program

MARCH = datetime(2026, 3, 1, tzinfo=UTC)


async def imported(program: int, *partners: ImportedPartner) -> dict[str, int]:
    async with db.transaction():
        return await import_partners_in_transaction(program, partners)


async def history(table: str, columns: str, partner: int) -> list[tuple[object, ...]]:
    rows = await db.fetch(f"SELECT {columns} FROM {table} WHERE partner_id = $1 ORDER BY id", partner)
    return [tuple(row) for row in rows]


async def test_import_makes_everything_a_partner_needs(transaction: None) -> None:
    program = await make_program()
    ids = await imported(
        program,
        ImportedPartner(
            "Alice",
            parent="boris",
            level="gold",
            pinned=True,
            own_rate=120_000,
            joined_at=MARCH,
            email="Alice+shop@Example.com",
            phone="+7 900 000-00-01",
        ),
        ImportedPartner("boris"),
    )
    alice, boris = await queries.partner(ids["Alice"]), await queries.partner(ids["boris"])
    assert (alice.state, alice.level, alice.parent_id, alice.own_rate) == (
        "active",
        "gold",
        boris.id,
        120_000,
    )
    assert (boris.level, boris.joined_at) == ("starter", BEFORE_EVERYTHING)
    keys = await db.fetchrow("SELECT email_key, phone_key FROM partners WHERE id = $1", alice.id)
    assert keys is not None
    assert tuple(keys) == ("email:alice@example.com", "phone:+79000000001")
    levels = "at, before, after, reason, pinned"
    assert await history("partner_level_changes", levels, alice.id) == [(MARCH, "", "gold", "by_hand", True)]
    assert await history("partner_level_changes", levels, boris.id) == [
        (BEFORE_EVERYTHING, "", "starter", "approved", False)
    ]
    assert await history("partner_state_changes", "at, after", alice.id) == [(MARCH, "active")]
    assert await history("partner_parent_changes", "at, parent_id", alice.id) == [(MARCH, boris.id)]
    assert await history("partner_own_rate_changes", "at, own_rate", alice.id) == [(MARCH, 120_000)]
    assert (await balance_rows([alice.id]))[alice.id].available_minor == 0


async def test_import_repeated_changes_nothing(transaction: None) -> None:
    program = await make_program()
    first = await imported(program, ImportedPartner("alice", level="gold"), ImportedPartner("boris"))
    again = await imported(
        program, ImportedPartner("ALICE", level="silver"), ImportedPartner("carl", parent="alice")
    )
    assert again["ALICE"] == first["alice"]
    assert (await queries.partner(first["alice"])).level == "gold"
    assert len(await history("partner_level_changes", "id", first["alice"])) == 1
    assert (await queries.partner(again["carl"])).parent_id == first["alice"]


@pytest.mark.parametrize(
    ("partners", "message"),
    [
        ([ImportedPartner("a", parent="nobody")], "There is no partner nobody"),
        ([ImportedPartner("a", level="diamond")], "The terms have no level diamond"),
        ([ImportedPartner("a", parent="b"), ImportedPartner("b", parent="A")], "above himself"),
        ([ImportedPartner("a", parent="a")], "above himself"),
    ],
)
async def test_wrong_import_is_refused_as_a_whole(
    transaction: None, partners: list[ImportedPartner], message: str
) -> None:
    program = await make_program()
    with pytest.raises(DomainError, match=message):
        await imported(program, *partners)
    assert await db.fetchval("SELECT count(*) FROM partners WHERE program_id = $1", program) == 0


async def test_level_by_hand_is_written_with_its_pin(transaction: None) -> None:
    partner = await make_partner(await make_program())
    await service.set_level(partner, "gold", note="a good year", at=MARCH)
    await service.set_level(partner, None)
    changes = await history("partner_level_changes", "before, after, reason, pinned, note", partner)
    assert changes[1:] == [
        ("starter", "gold", "by_hand", True, "a good year"),
        ("gold", "gold", "unpinned", False, ""),
    ]
    assert (await queries.partner(partner)).level == "gold"
    with pytest.raises(DomainError, match="diamond"):
        await service.set_level(partner, "diamond")


async def test_loops_in_the_tree_are_refused(transaction: None) -> None:
    program = await make_program()
    a, b, c = [await make_partner(program, code) for code in ("aaa", "bbb", "ccc")]
    await service.set_parent(b, a)
    await service.set_parent(c, b)
    for parent in (c, b, a):
        with pytest.raises(DomainError) as caught:
            await service.set_parent(a, parent)
        assert caught.value.code == "parent_loop"
    assert (await queries.partner(a)).parent_id is None
    await service.set_parent(c, None)
    await service.set_parent(a, c)
    assert (await queries.partner(a)).parent_id == c


async def test_parent_of_another_program_is_not_found(transaction: None) -> None:
    a, other = await make_partner(await make_program()), await make_partner(await make_program())
    with pytest.raises(NotFound):
        await service.set_parent(a, other)


async def test_two_changes_at_once_cannot_make_a_loop_together(committing: object) -> None:
    program = await make_program()
    a, b = await make_partner(program), await make_partner(program)
    results = await asyncio.gather(service.set_parent(a, b), service.set_parent(b, a), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["DomainError", "NoneType"]


async def test_state_changes_are_kept(transaction: None) -> None:
    partner = await make_partner(await make_program())
    await service.set_state(partner, "inactive", reason="no site any more", at=MARCH)
    await service.set_state(partner, "inactive")
    changes = await history("partner_state_changes", "before, after, reason", partner)
    assert changes[1:] == [("active", "inactive", "no site any more")]
    with pytest.raises(DomainError):
        await service.set_state(partner, "rejected")


async def test_own_rates_are_kept(transaction: None) -> None:
    partner = await make_partner(await make_program())
    await service.set_own_rates(partner, external=150_000, direct=None, at=MARCH)
    await service.set_own_rates(partner, external=None, direct=None)
    assert await history("partner_own_rate_changes", "own_rate, own_rate_direct", partner) == [
        (150_000, None),
        (None, None),
    ]
    assert (await queries.partner(partner)).own_rate is None
