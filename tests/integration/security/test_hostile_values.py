"""Whatever is written into addresses and forms, by whomever a route lets in: an answer, never our own mistake."""

import re

import pytest

from app.ui.render import TEMPLATES
from app.users.identity import StaffRole
from tests.browsers import Browse
from tests.cast import Cast, make_cast
from tests.conftest import TestEngines
from tests.integration.access.test_matrix import ROUTES, Route, name_of, things_of_north

VALUES = (
    "9" * 5000,
    "-1",
    "\x00",
    "٣",
    "😀\u202e\ufeff\u2028",
    "9999-12-31T23:59:59+14:00",
    "' OR 1=1--",
    "/привет",
    "%s%n%(name)s{{7*7}}",
)
NO_TEXTS = ("\ud800".encode("utf-8", "surrogatepass"), b"\xff\xfe", b"%", b"&&==;")
"""Queries that are no text at all."""
NUMBERS = ("0", "2147483648", "9223372036854775808", "9" * 30)


def field_names() -> list[str]:
    """Every name that a form of ours has, and every parameter that a page reads."""
    found = {
        "after",
        "cursor",
        "made",
        "new",
        "size",
        "kind",
        "show",
        "from",
        "to",
        "period",
        "program",
        "lang",
    }
    for template in TEMPLATES.rglob("*.html"):
        found |= set(re.findall(r'name="([a-z_0-9]+)"', template.read_text()))
        found |= set(re.findall(r'ui\.\w+\(form, "([a-z_0-9]+)"', template.read_text()))
    return sorted(found - {"csrf_token"})


NAMES = field_names()


def role_for(route: Route) -> str:
    """Somebody whom the route lets in."""
    if route.policy.kind != "staff":
        return {"public": "nobody", "applicant": "dora"}.get(route.policy.kind, "alice")
    names = {StaffRole.MANAGER: "olga", StaffRole.MARKETER: "max", StaffRole.ACCOUNTANT: "fedor"}
    return next((names[role] for role in names if role in route.policy.roles), "owner")


PAGES = [
    route for route in ROUTES if route.policy.kind != "api_key" and route.path not in ("/admin", "/healthz")
]


@pytest.fixture
async def real_cast(committing: TestEngines) -> Cast:
    """The cast in a database that commits: one refused statement must not hide the next."""
    return await make_cast()


async def test_no_value_of_a_page_is_our_mistake(real_cast: Cast, browse: Browse) -> None:
    things = await things_of_north(real_cast)
    broken = []
    visitors = {
        role: await browse(getattr(real_cast, role, None))
        for role in {"nobody", "owner", *map(role_for, PAGES)}
    }
    for route in PAGES:
        if route.path == "/sign-out":
            continue
        for value in VALUES:
            sent = dict.fromkeys(NAMES, value)
            place = "data"
            if route.method == "GET":
                place, sent = "params", {name: text[:100] for name, text in sent.items()}
            visitor = visitors[role_for(route)]
            answer = await visitor.request(route.method, route.at(things), **{place: sent})  # type: ignore[arg-type]
            if answer.status_code >= 500:
                broken.append(f"{name_of(route)} with {value[:20]!r}: {answer.status_code}")
    assert not broken, "\n".join(broken)


async def test_no_number_in_an_address_is_our_mistake(real_cast: Cast, browse: Browse) -> None:
    things = await things_of_north(real_cast)
    broken = []
    for route in [route for route in PAGES if ":int}" in route.path]:
        visitor = await browse(getattr(real_cast, role_for(route)))
        for number in NUMBERS:
            path = route.at(
                things | {name: number for name in things if name.endswith("_id") or name == "number"}
            )
            answer = await visitor.request(route.method, path)
            if answer.status_code not in (404, 422):
                broken.append(f"{route.method} {path}: {answer.status_code}")
    assert not broken, "\n".join(broken)


async def test_no_query_is_our_mistake(real_cast: Cast, browse: Browse) -> None:
    alice = await browse(real_cast.alice)
    for path in ("/overview", "/links", "/materials", "/sign-in", "/r/unknown"):
        for raw in NO_TEXTS:
            for query in (b"?" + raw, b"?next=" + raw, b"?cursor=" + raw):
                answer = await alice.get(path + query.decode("latin-1"))
                assert answer.status_code < 500, (path, query)


async def test_next_of_a_page_with_any_letters_is_followed(real_cast: Cast, browse: Browse) -> None:
    visitor = await browse()
    answer = await visitor.post("/preferences", data={"lang": "ru", "next": "/нет такой?a=%20б#в"})
    assert answer.status_code == 303
    assert (
        answer.headers["location"]
        == "/%D0%BD%D0%B5%D1%82%20%D1%82%D0%B0%D0%BA%D0%BE%D0%B9?a=%20%D0%B1#%D0%B2"
    )


async def test_a_report_that_is_no_text_is_taken(real_cast: Cast, browse: Browse) -> None:
    visitor = await browse()
    for body in (b"\xff", b'{"csp-report": {"document-uri": "\xff"}}', b"[" * 8000, b""):
        assert (await visitor.post("/csp-reports", content=body)).status_code == 204
