"""Every route of the portal × every role × own and foreign things, made from the route table itself.

A route that is added is in here at once; one whose address holds a name that nobody taught `things` fails.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256

import pytest

from app import clock, db
from app.commissions import simulation_jobs
from app.commissions.runs import NewRun, start_run
from app.config import settings
from app.fraud.service import raise_flag
from app.ledger import service as ledger
from app.main import create_app
from app.partners.payout_details import seal_file
from app.payouts.bank_answer import upload
from app.payouts.payer import set_payer
from app.programs.queries import terms_in_force
from app.rules.effects import Account, AccountKind, Posting
from app.shops.keys import create_key, forget_keys
from app.tracking.links import NewLink, create_link
from app.tracking.promo_codes import create_promo_code
from app.users.identity import StaffRole
from app.users.policy import Policy, check_routes, policy_of, routes_of
from tests.browsers import Browse, Visitor
from tests.buyers import account_of
from tests.cast import Cast, Person
from tests.integration.payouts.bank import PAYER, debit, statement
from tests.papers import write_papers
from tests.sales import sell

ROLES = ("nobody", "alice", "clara", "dora", "olga", "max", "fedor", "dana", "owner", "sergei")
HELD = {
    "olga": StaffRole.MANAGER,
    "max": StaffRole.MARKETER,
    "fedor": StaffRole.ACCOUNTANT,
    "dana": StaffRole.DEVELOPER,
    "owner": StaffRole.OWNER,
    "sergei": StaffRole.MANAGER,
}


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one address."""

    method: str
    path: str
    policy: Policy

    def at(self, things: Mapping[str, object]) -> str:
        """The address with `things` in its places."""
        return re.sub(r"\{(\w+):\w+\}", lambda place: str(things[place[1]]), self.path)


def all_routes() -> list[Route]:
    found = []
    for path, method, handler in routes_of(create_app()):
        declared = policy_of(handler)
        if method not in ("OPTIONS", "HEAD"):
            assert declared is not None, f"{method} {path} declares no policy"
            found.append(Route("GET" if method == "*" else method, path, declared))
    return sorted(found, key=lambda route: (route.path, route.method))


ROUTES = all_routes()
OF_PARTNERS = [route for route in ROUTES if route.policy.kind == "partner" and "{" in route.path]
OF_STAFF = [route for route in ROUTES if route.policy.kind == "staff" and re.search(r"\{\w+_id:", route.path)]
BY_KEY = [route for route in ROUTES if route.policy.kind == "api_key"]


def name_of(route: Route) -> str:
    return f"{route.method} {route.path}"


ANY = {
    "file_path": "css/portal.css",
    "name": "1.toml",
    "section": "hold",
    "action": "pay",
    "number": "1",
    "kind": "csv",
    "file_format": "csv",
    "currency": "USD",
    "day": "2026-03-10",
    "redemption_id": 1,
    "sku": "coat",
}
"""What names nobody's thing, or nothing that there is."""


async def flag_of(cast: Cast, order_id: int) -> int:
    return await raise_flag(cast.north_id, order_id, reason="looks odd", user_id=cast.olga.user_id)


async def write_payout(program_id: int, partner_id: int) -> int:
    """A payout of 1.00 that was paid, in the ledger as well: the bank may return it."""
    payout = await db.fetchval(
        """
        INSERT INTO payouts (program_id, partner_id, number, state, requested_minor, amount_minor, method,
            details_masked, details_encrypted, action_id, requested_at)
        VALUES ($1, $2, 1, 'paid', 100, 100, 'card', '', '', 'x', now()) RETURNING id
        """,
        program_id,
        partner_id,
    )
    posting = Posting(Account(AccountKind.EXPENSE), Account(AccountKind.PAID, partner_id), 100)
    entry = ledger.Entry("payout_paid", f"payout:{payout}:paid", clock.now(), (posting,))
    async with db.transaction():
        await ledger.book_in_transaction(program_id, [entry])
    return int(payout)


async def things_of_north(cast: Cast) -> dict[str, object]:
    """Alice's link, promo code and commission, and what waits for North's staff."""
    assert cast.alice.partner_id
    link = await create_link(cast.north_id, cast.alice.partner_id, NewLink("https://shop.example/sale"))
    code = await create_promo_code(cast.north_id, cast.alice.partner_id)
    await sell(cast.north_id, "alice", "A-1", clock.now() - timedelta(days=1))
    commission = await db.fetchval(
        "SELECT id FROM commissions WHERE partner_id = $1 AND kind = 'direct'", cast.alice.partner_id
    )
    application = await db.fetchval(
        """
        INSERT INTO partner_applications (program_id, partner_id, state, consents, submitted_at)
        VALUES ($1, $2, 'submitted', '{}', now()) RETURNING id
        """,
        cast.north_id,
        cast.dora.partner_id,
    )
    payout = await write_payout(cast.north_id, cast.alice.partner_id)
    act = await write_papers(cast.north_id, cast.alice.partner_id, payout)
    batch, answer = await write_batch(cast.north_id, cast.fedor.user_id)
    order = await db.fetchval("SELECT id FROM orders WHERE program_id = $1", cast.north_id)
    terms = (await terms_in_force(cast.north_id)).terms
    simulation = await simulation_jobs.ask(
        cast.north_id, terms, clock.now() - timedelta(days=9), clock.now(), author_id=None
    )
    run = await start_run(cast.north_id, NewRun("reserve"), action_id="north-run")
    return ANY | {
        "run_id": run,
        "link_id": link,
        "code_id": code,
        "commission_id": commission,
        "application_id": application,
        "payout_id": payout,
        "act_id": act,
        "batch_id": batch,
        "details_id": await write_details(cast.alice.partner_id),
        "answer_id": answer,
        "customer_id": await account_of(cast.north_id),
        "order_id": order,
        "simulation_id": simulation,
        "flag_id": await flag_of(cast, order),
        "partner_id": cast.alice.partner_id,
        "external_id": "A-1",
        "code": "north",
        "token": "a" * 43,
    }


async def write_details(partner_id: int) -> int:
    """Payment details that nobody has checked."""
    written: int = await db.fetchval(
        "INSERT INTO partner_payout_details (partner_id, method, encrypted, masked, created_at) "
        "VALUES ($1, 'card', '', '', now()) RETURNING id",
        partner_id,
    )
    return written


async def write_batch(program_id: int, user_id: int) -> tuple[int, int]:
    """A batch with a file, and a statement of the bank."""
    await set_payer(program_id, PAYER, user_id=user_id)
    batch: int = await db.fetchval(
        """
        INSERT INTO payout_batches (program_id, number, method, payouts, total_minor, action_id, made_at, made_by_id)
        VALUES ($1, 1, 'card', 1, 100, 'x', now(), $2) RETURNING id
        """,
        program_id,
        user_id,
    )
    await db.execute(
        "INSERT INTO payout_batch_files (batch_id, format, name, content, digest) VALUES ($1, 'csv', 'x.csv', $2, $3)",
        batch,
        seal_file(b"x"),
        sha256(b"x").hexdigest(),
    )
    return batch, await upload(program_id, "x.txt", statement(debit(1, "1.00")), user_id=user_id)


def is_let_in(role: str, route: Route) -> bool:
    """What the declared policy says of the role, in the program that is at hand for it."""
    declared = route.policy
    match declared.kind:
        case "public":
            return True
        case "signed_in":
            return role != "nobody"
        case "applicant":
            return role in ("alice", "clara", "dora")
        case "partner":
            return role in ("alice", "clara")
        case "staff":
            held = HELD.get(role)
            return held is StaffRole.OWNER or held in declared.roles
    return False


async def ask(visitor: Visitor, route: Route, things: Mapping[str, object]) -> tuple[int, str]:
    """The status, and where a redirect leads."""
    path = route.at(things) + ("/" if route.path == "/admin" else "")
    answer = await visitor.request(route.method, path)
    return answer.status_code, answer.headers.get("location", "")


async def browser_of(role: str, cast: Cast, browse: Browse) -> Visitor:
    person: Person | None = getattr(cast, role, None)
    return await browse(person)


@pytest.mark.parametrize("role", ROLES)
async def test_each_role_gets_what_its_policy_says_on_every_route(
    role: str, cast: Cast, browse: Browse
) -> None:
    things = await things_of_north(cast)
    wrong = []
    for route in ROUTES:
        if route.policy.kind == "api_key" or route.path in ("/sign-out", "/healthz"):
            continue
        visitor = await browser_of(role, cast, browse)
        status, location = await ask(visitor, route, things)
        refused = status in (401, 403) or location.startswith("/sign-in?") or location == "/sign-in"
        if status >= 500 or refused is is_let_in(role, route):
            wrong.append(f"{name_of(route)}: {status} {location}")
    assert not wrong, "\n".join(wrong)


async def test_who_is_not_signed_in_is_sent_to_sign_in_and_back(anonymous: Visitor, cast: Cast) -> None:
    things = await things_of_north(cast)
    for route in ROUTES:
        if route.policy.kind in ("signed_in", "partner", "staff") and route.method == "GET":
            status, location = await ask(anonymous, route, things)
            assert status == 303, name_of(route)
            assert location.startswith("/sign-in?next="), name_of(route)


@pytest.mark.parametrize("route", OF_PARTNERS, ids=name_of)
async def test_clara_finds_nothing_of_alices(route: Route, cast: Cast, browse: Browse) -> None:
    things = await things_of_north(cast)
    status, _ = await ask(await browse(cast.clara), route, things)
    assert status == 404


@pytest.mark.parametrize("route", [route for route in OF_PARTNERS if route.method == "GET"], ids=name_of)
async def test_alice_finds_her_own(route: Route, cast: Cast, browse: Browse) -> None:
    things = await things_of_north(cast)
    status, _ = await ask(await browse(cast.alice), route, things)
    assert status == 200


@pytest.mark.parametrize("route", OF_STAFF, ids=name_of)
async def test_staff_of_another_program_find_nothing_of_norths(
    route: Route, cast: Cast, browse: Browse
) -> None:
    things = await things_of_north(cast)
    await db.execute(
        "UPDATE user_roles SET role = 'owner' WHERE user_id = $1 AND program_id = $2",
        cast.sergei.user_id,
        cast.south_id,
    )
    sergei = await browse(cast.sergei)
    for query in ("", "?program=north"):
        answer = await sergei.request(
            route.method, route.at(things) + query, data={"reason": "x", "level": "gold"}
        )
        assert answer.status_code == 404


async def test_staff_cannot_choose_a_program_that_is_not_theirs(cast: Cast, browse: Browse) -> None:
    sergei = await browse(cast.sergei)
    page = await sergei.get("/desk?program=north")
    assert page.status_code == 200
    assert "South" in page.text
    assert "North" not in page.text


async def test_a_partner_cannot_choose_a_program_that_is_not_his(cast: Cast, browse: Browse) -> None:
    clara = await browse(cast.clara)
    page = await clara.get("/overview?program=north")
    assert page.status_code == 200
    assert "North" not in page.text


@pytest.mark.parametrize("route", BY_KEY, ids=name_of)
async def test_the_api_needs_a_key_and_no_session(route: Route, cast: Cast, browse: Browse) -> None:
    things = await things_of_north(cast) | {"code": "alice"}
    for visitor in (await browse(), await browse(cast.alice), await browse(cast.owner)):
        answer = await visitor.request(route.method, route.at(things), json={})
        assert answer.status_code == 401
        assert answer.json()["code"]


@pytest.mark.parametrize("route", BY_KEY, ids=name_of)
async def test_a_key_without_the_scope_is_refused(route: Route, cast: Cast, browse: Browse) -> None:
    forget_keys()
    things = await things_of_north(cast) | {"code": "alice"}
    other = next(scope for scope in ("read", "orders", "track") if scope != route.policy.scope)
    key = await create_key("north", "test", [other])
    visitor = await browse()
    answer = await visitor.request(
        route.method, route.at(things), json={}, headers={"Authorization": f"Bearer {key}"}
    )
    assert answer.status_code == 403


@pytest.mark.parametrize("route", [r for r in BY_KEY if r.method == "GET" and "{" in r.path], ids=name_of)
async def test_a_key_of_another_program_finds_nothing_of_norths(
    route: Route, cast: Cast, browse: Browse
) -> None:
    forget_keys()
    things = await things_of_north(cast) | {"code": "alice"}
    key = await create_key("south", "test", ["read", "orders", "track", "cashback"])
    visitor = await browse()
    answer = await visitor.get(route.at(things), headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "route",
    [
        r
        for r in ROUTES
        if r.method not in ("GET", "*") and r.policy.kind != "api_key" and r.policy.form_token
    ],
    ids=name_of,
)
async def test_no_form_is_taken_without_its_token(route: Route, cast: Cast, browse: Browse) -> None:
    things = await things_of_north(cast)
    visitor = await browse(cast.owner if route.policy.kind == "staff" else cast.alice)
    del visitor.headers["X-CSRF-Token"]
    status, _ = await ask(visitor, route, things)
    assert status == 403


def test_every_route_declares_a_policy() -> None:
    check_routes(create_app())
    check_routes(create_app(replace(settings(), demo=True)))
    assert len(ROUTES) > 60


def test_the_demos_shop_and_mailbox_are_not_there_outside_the_demo() -> None:
    assert not [route.path for route in ROUTES if route.path.startswith(("/demo-shop", "/dev/"))]


async def test_a_paused_partner_may_look_but_not_act(cast: Cast, browse: Browse) -> None:
    await db.execute("UPDATE partners SET state = 'inactive' WHERE id = $1", cast.alice.partner_id)
    alice = await browse(cast.alice)
    assert (await alice.get("/links")).status_code == 200
    assert (await alice.post("/links", data={"target": "https://shop.example/"})).status_code == 403


async def test_who_has_applied_sees_his_application_only(cast: Cast, browse: Browse) -> None:
    dora = await browse(cast.dora)
    answer = await dora.get("/overview")
    assert answer.status_code == 403
    assert "review" in answer.text
