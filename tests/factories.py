"""Programs, users and partners, made through the services that make real ones."""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any

from app import db
from app.partners.imports import ImportedPartner, import_partners_in_transaction
from app.programs.service import NewProgram, create_program
from app.users import passwords, service
from app.users.identity import StaffRole

SINCE = datetime(2020, 1, 1, tzinfo=UTC)
PASSWORD = "seven quiet herons"
_PASSWORD_HASH = passwords.hash_now(PASSWORD)
_numbers = count(1)

TERMS: dict[str, Any] = {
    "currency": "RUB",
    "time_zone": "Europe/Moscow",
    "levels": [
        {"code": "starter", "name": {"ru": "Старт", "en": "Starter"}, "from": 0, "rate": "7%"},
        {"code": "silver", "name": {"ru": "Серебро", "en": "Silver"}, "from": 10_000_000, "rate": "9%"},
        {"code": "gold", "name": {"ru": "Золото", "en": "Gold"}, "from": 50_000_000, "rate": "12%"},
    ],
    "tiers": {"rates": ["10%"]},
    "hold": {"release_on": "fulfilled", "days": 14},
    "payout": {"min_minor": 100_000},
}
"""Ordinary terms; `make_program(hold={…})` replaces a key."""


async def make_program(code: str = "", *, name: str = "", **terms: object) -> int:
    """A program in force since 2020; its id."""
    code = code or f"program-{next(_numbers)}"
    return await create_program(
        NewProgram(code, name or code.title(), "https://shop.example", ("shop.example",)),
        TERMS | terms,
        from_moment=SINCE,
    )


async def make_user(email: str = "", *, password: bool = False, name: str = "", locale: str = "en") -> int:
    """A user, with `PASSWORD` if asked for; his id."""
    email = email or f"user{next(_numbers)}@example.com"
    async with db.transaction():
        return await service.create_user_in_transaction(
            email, password_hash=_PASSWORD_HASH if password else "", name=name, locale=locale
        )


async def make_staff(
    role: StaffRole, email: str = "", *, program_id: int | None = None, name: str = ""
) -> int:
    """A user with one role; his id."""
    user_id = await make_user(email, password=True, name=name)
    await service.grant_role(user_id, role, program_id=program_id)
    return user_id


async def make_partner(
    program_id: int, code: str = "", *, user_id: int | None = None, **values: Mapping[str, Any] | Any
) -> int:
    """An active partner with ledger accounts; his id. `values` are fields of ImportedPartner."""
    code = code or f"partner{next(_numbers)}"
    async with db.transaction():
        made = await import_partners_in_transaction(
            program_id, [ImportedPartner(code, user_id=user_id, **({"joined_at": SINCE} | values))]
        )
    return made[code]
