"""The scratch program of a scenario: terms, partners who can sign in, codes, payout details, an accountant, a key.

It stays in the database afterwards, switched off: journals cannot be deleted, and a look at them may be wanted.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from app import clock, db
from app.config import settings
from app.partners.imports import BEFORE_EVERYTHING, ImportedPartner, import_partners_in_transaction
from app.partners.payout_details import NewPayoutDetails, give_details_in_transaction
from app.programs.service import NewProgram, create_program
from app.scenario.files import Event, Scenario
from app.scenario.people import Person
from app.shops.keys import create_key
from app.tracking.links import ensure_main_links_in_transaction
from app.tracking.promo_codes import add_promo_codes_in_transaction
from app.users import passwords
from app.users.identity import StaffRole
from app.users.service import create_user_in_transaction, grant_role

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
"""From when on the first version of the terms holds."""


@dataclass(slots=True)
class Stage:
    """Where a scenario plays."""

    app: Any
    program_id: int
    program: str
    api: httpx.AsyncClient
    partners: dict[str, int]
    """Ids by lower-cased code."""
    users: dict[str, int]
    people: dict[str, Person]
    accountants: tuple[Person, Person]
    """One approves, the other pays: terms may ask for two people."""
    links: dict[str, str]
    """Code of each partner's first link."""


async def build(app: Any, scenario: Scenario) -> Stage:
    """Make the scratch program, long before the first event."""
    first = next((step.at for step in scenario.steps if isinstance(step, Event)), clock.now())
    program = f"scenario-{secrets.token_hex(6)}"
    with clock.at(first - timedelta(days=30)):
        program_id = await create_program(
            NewProgram(program, scenario.title[:100] or program, "https://shop.example/", ["shop.example"]),
            scenario.terms,
            from_moment=BEGINNING,
        )
        password = secrets.token_urlsafe(24)
        users, accountants = await _make_users(program_id, program, password, scenario)
        partners = await _make_partners(program_id, scenario, users)
        key = await create_key(program, "scenario", ["admin"])
        async with db.transaction():
            links = await ensure_main_links_in_transaction(program_id, list(partners.values()))
    by_id = {partner_id: code for code, partner_id in partners.items()}
    return Stage(
        app=app,
        program_id=program_id,
        program=program,
        api=_shop(app, key),
        partners=partners,
        users=users,
        people={code: Person(app, _email(program, code), password) for code in partners},
        accountants=(Person(app, accountants[0], password), Person(app, accountants[1], password)),
        links={by_id[partner_id]: code for partner_id, code in links.items() if partner_id in by_id},
    )


async def leave(stage: Stage) -> None:
    """Switch the scratch program off and close what was opened."""
    await stage.api.aclose()
    async with db.transaction():
        await db.execute("UPDATE programs SET active = false WHERE id = $1", stage.program_id)
        await db.execute("UPDATE users SET active = false WHERE email LIKE $1", f"%@{stage.program}.invalid")


async def _make_users(
    program_id: int, program: str, password: str, scenario: Scenario
) -> tuple[dict[str, int], tuple[str, str]]:
    """A user for each partner and two accountants, all with one password: hashing it is meant to be slow."""
    hashed = await passwords.hash_in_thread(password)
    first, second = f"staff-1@{program}.invalid", f"staff-2@{program}.invalid"
    users = {}
    async with db.transaction():
        for one in scenario.partners:
            users[one.code.lower()] = await create_user_in_transaction(
                _email(program, one.code), password_hash=hashed, name=one.code
            )
        staff = [await create_user_in_transaction(one, password_hash=hashed) for one in (first, second)]
    for user_id in staff:
        await grant_role(user_id, StaffRole.ACCOUNTANT, program_id=program_id)
    return users, (first, second)


async def _make_partners(program_id: int, scenario: Scenario, users: dict[str, int]) -> dict[str, int]:
    imported = [
        ImportedPartner(
            one.code,
            kind=one.kind,
            parent=one.parent,
            level=one.level,
            pinned=one.pinned,
            own_rate=one.own_rate,
            own_rate_direct=one.own_rate_direct,
            plan=one.plan,
            joined_at=one.joined_at or BEFORE_EVERYTHING,
            email=one.email,
            phone=one.phone,
            user_id=users[one.code.lower()],
        )
        for one in scenario.partners
    ]
    async with db.transaction():
        made = await import_partners_in_transaction(program_id, imported) if imported else {}
        ids = {code.lower(): partner_id for code, partner_id in made.items()}
        codes = [(ids[one.code.lower()], code) for one in scenario.partners for code in one.promo_codes]
        await add_promo_codes_in_transaction(program_id, codes, BEGINNING)
        for partner_id in ids.values():
            details = NewPayoutDetails("e_wallet", holder="Scenario", account="410011234567890")
            await give_details_in_transaction(partner_id, details, verified=True)
    return ids


def _email(program: str, name: str) -> str:
    return f"partner-{name.lower()}@{program}.invalid"


def _shop(app: Any, key: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url=settings().base_url,
        headers={"Authorization": f"Bearer {key}", "Accept-Language": "en"},
    )
