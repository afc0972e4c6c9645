"""The people of the tests.

Alice sells for the program North; Boris brought her. Clara sells for South and must see nothing of North's. Dora has
applied to North and waits. Olga (manager), Max (marketer) and Fedor (accountant) work for North, Dana is its developer,
the owner owns the portal, and Sergei manages South.
"""

from dataclasses import dataclass

from app import db
from app.users.identity import StaffRole
from tests.factories import make_partner, make_program, make_staff, make_user


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can sign in."""

    user_id: int
    email: str
    partner_id: int | None = None
    """None: not a partner."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody, and the two programs."""

    north_id: int
    south_id: int
    alice: Person
    boris: Person
    clara: Person
    dora: Person
    olga: Person
    max: Person
    fedor: Person
    dana: Person
    owner: Person
    sergei: Person


async def make_cast() -> Cast:
    """The whole cast, with the password of tests/factories.py."""
    north, south = await make_program("north"), await make_program("south")
    boris = await _partner(north, "boris")
    alice = await _partner(north, "alice", parent="boris")
    clara = await _partner(south, "clara")
    dora = await _partner(north, "dora")
    async with db.transaction():
        await db.execute(
            "UPDATE partners SET state = 'applied', joined_at = NULL WHERE id = $1", dora.partner_id
        )
    return Cast(
        north_id=north,
        south_id=south,
        alice=alice,
        boris=boris,
        clara=clara,
        dora=dora,
        olga=await _staff("olga", StaffRole.MANAGER, north),
        max=await _staff("max", StaffRole.MARKETER, north),
        fedor=await _staff("fedor", StaffRole.ACCOUNTANT, north),
        dana=await _staff("dana", StaffRole.DEVELOPER, north),
        owner=await _staff("owner", StaffRole.OWNER, None),
        sergei=await _staff("sergei", StaffRole.MANAGER, south),
    )


async def _partner(program_id: int, name: str, *, parent: str = "") -> Person:
    email = f"{name}@example.com"
    user_id = await make_user(email, password=True, name=name.title())
    partner_id = await make_partner(
        program_id, name, user_id=user_id, name=name.title(), parent=parent, email=email
    )
    return Person(user_id, email, partner_id)


async def _staff(name: str, role: StaffRole, program_id: int | None) -> Person:
    email = f"{name}@example.com"
    return Person(await make_staff(role, email, program_id=program_id, name=name.title()), email)
