"""A program with a partner who has money, made by plain statements: payouts are the only thing under test here."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import msgspec

from app import clock, db
from app.ledger import service as ledger
from app.payouts import service
from app.rules.effects import Account, AccountKind, Posting
from app.rules.terms_document import parse_terms

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class People:
    """Alice is a partner with verified old details; Fedor and Nina are accountants."""

    program_id: int
    alice_id: int
    alice_user_id: int
    fedor_id: int
    nina_id: int


async def make_people(**payout_terms: object) -> People:
    """A new program in the open transaction; `payout_terms` are keys of [payout]."""
    program_id = await db.fetchval(
        "INSERT INTO programs (code, name, home_url, hosts, utm, created_at) "
        "VALUES ($1, 'Shop', 'https://shop.example', '{shop.example}', '{}', $2) RETURNING id",
        f"p{uuid4().hex[:20]}",
        NOON,
    )
    terms = parse_terms({"currency": "RUB", "time_zone": "Europe/Moscow", "payout": payout_terms})
    await db.execute(
        "INSERT INTO program_terms (program_id, number, in_force_from, document, published_at) "
        "VALUES ($1, 1, $2, $3::jsonb, $2)",
        program_id,
        NOON - timedelta(days=3650),
        msgspec.json.encode(terms.document).decode(),
    )
    alice_user_id, fedor_id, nina_id = [await make_user(name) for name in ("alice", "fedor", "nina")]
    alice_id = await make_partner(program_id, alice_user_id)
    return People(program_id, alice_id, alice_user_id, fedor_id, nina_id)


async def make_user(name: str) -> int:
    email = f"{name}-{uuid4().hex[:12]}@example.com"
    user_id: int = await db.fetchval(
        "INSERT INTO users (username, password, email, created_at, active, admin, superuser) "
        "VALUES ($1, '', $1, $2, true, false, false) RETURNING id",
        email,
        NOON,
    )
    return user_id


async def make_partner(program_id: int, user_id: int | None, *, code: str = "alice") -> int:
    partner_id: int = await db.fetchval(
        "INSERT INTO partners (program_id, user_id, code, name, kind, state, joined_at, created_at) "
        "VALUES ($1, $2, $3, 'Alice', 'person', 'active', $4, $4) RETURNING id",
        program_id,
        user_id,
        code,
        NOON - timedelta(days=100),
    )
    await ledger.open_partner_accounts_in_transaction(program_id, [partner_id])
    await give_details(partner_id)
    return partner_id


async def give_details(
    partner_id: int,
    *,
    method: str = "card",
    created_at: datetime = NOON - timedelta(days=10),
    verified_at: datetime | None = NOON - timedelta(days=9),
) -> None:
    await db.execute(
        "UPDATE partner_payout_details SET superseded_at = $2 WHERE partner_id = $1 AND superseded_at IS NULL",
        partner_id,
        NOON,
    )
    await db.execute(
        "INSERT INTO partner_payout_details (partner_id, method, encrypted, masked, created_at, verified_at) "
        "VALUES ($1, $2, 'sealed', '•• 4242', $3, $4)",
        partner_id,
        method,
        created_at,
        verified_at,
    )


async def move(people: People, debit: AccountKind, credit: AccountKind, amount_minor: int) -> None:
    """One posting of Alice's accounts (expense is the program's)."""

    def side(kind: AccountKind) -> Account:
        return Account(kind, None if kind is AccountKind.EXPENSE else people.alice_id)

    entry = ledger.Entry(
        "test", f"test:{uuid4()}", clock.now(), (Posting(side(debit), side(credit), amount_minor),)
    )
    await ledger.book_in_transaction(people.program_id, [entry])


async def earn(people: People, amount_minor: int) -> None:
    """Released at once, without debt to repay."""
    await move(people, AccountKind.EXPENSE, AccountKind.AVAILABLE, amount_minor)


async def claw_back(people: People, amount_minor: int) -> None:
    """As rules.md §10: from available, the rest becomes debt."""
    available = (await ledger.balances([people.alice_id]))[people.alice_id].available_minor
    if taken := min(available, amount_minor):
        await move(people, AccountKind.AVAILABLE, AccountKind.EXPENSE, taken)
    if rest := amount_minor - taken:
        await move(people, AccountKind.DEBT, AccountKind.EXPENSE, rest)


async def money_of(people: People) -> tuple[int, int, int, int]:
    """Available, reserved, debt, paid."""
    found = (await ledger.balances([people.alice_id]))[people.alice_id]
    return found.available_minor, found.reserved_minor, found.debt_minor, found.paid_minor


async def ask(people: People, amount_minor: int, *, action_id: str | None = None) -> int:
    with clock.at(NOON):
        return await service.request_payout(
            people.program_id, people.alice_id, amount_minor=amount_minor, action_id=action_id or uuid4().hex
        )


async def approve(people: People, payout_id: int) -> None:
    with clock.at(NOON):
        await service.approve(people.program_id, payout_id, user_id=people.fedor_id)


async def pay(people: People, payout_id: int, *, expected_minor: int | None = None) -> int:
    with clock.at(NOON):
        return await service.mark_paid(
            people.program_id, payout_id, user_id=people.fedor_id, expected_minor=expected_minor
        )


async def make_low_minimum(people: People) -> People:
    """The same people under terms with a minimum of 1.00, from before NOON on."""
    await db.execute(
        "INSERT INTO program_terms (program_id, number, in_force_from, document, published_at) "
        "SELECT program_id, 2, $2, jsonb_set(document, '{payout,min_minor}', '100'), $2 FROM program_terms "
        "WHERE program_id = $1",
        people.program_id,
        NOON - timedelta(days=1),
    )
    return people
