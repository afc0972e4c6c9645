"""Errors in their three forms: page, fragment, problem+json."""

import asyncpg
import pytest
from litestar import Litestar, Request, get, post
from litestar.types import ASGIApp

from app import main
from app.config import settings
from app.errors import Conflict, FieldError, TooManyRequests, invalid
from app.users.policy import policy
from tests.browsers import Visitor, visitor_for

OPEN = policy("public")


@get("/api/broken", opt=OPEN)
async def api_broken() -> None:
    raise ZeroDivisionError("canary-of-a-traceback")


@get("/broken", opt=OPEN)
async def broken() -> None:
    raise ZeroDivisionError("canary-of-a-traceback")


@get(["/conflict", "/api/conflict"], opt=OPEN)
async def conflict() -> None:
    raise Conflict("The payout is %(state)s already.", code="payout_state", state="paid")


@get(["/fields", "/api/fields"], opt=OPEN)
async def fields() -> None:
    raise invalid(FieldError("/lines/0/quantity", "too_small", "At least %(least)s.", {"least": 1}))


@get(["/busy", "/api/busy"], opt=OPEN)
async def busy() -> None:
    raise TooManyRequests("Wait.", retry_after=7)


@get(["/gone", "/api/gone"], opt=OPEN)
async def gone() -> None:
    raise asyncpg.CannotConnectNowError("the database system is starting up")


@get("/api/number/{number:int}", opt=OPEN)
async def number(number: int, least: int) -> int:
    return number + least


@post(["/api/echo", "/echo"], opt=policy("public", form_token=False))
async def echo(request: Request[object, object, object]) -> int:
    return len(await request.body())


@pytest.fixture
async def visitor(transaction: None, monkeypatch: pytest.MonkeyPatch) -> Visitor:
    """A browser on the portal with some routes more that go wrong in every way."""
    more = [api_broken, broken, conflict, fields, busy, gone, number, echo]
    routes = main._routes
    monkeypatch.setattr(main, "_routes", lambda config: [*routes(config), *more])
    app: ASGIApp = main.create_app()
    return await visitor_for(app, None)


async def test_a_refusal_of_the_api_is_a_problem(visitor: Visitor) -> None:
    answer = await visitor.get("/api/conflict")
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:tandem:error:payout_state",
        "title": "It has changed meanwhile",
        "status": 409,
        "detail": "The payout is paid already.",
        "code": "payout_state",
        "request_id": answer.headers["x-request-id"],
    }


async def test_a_problem_names_each_wrong_field(visitor: Visitor) -> None:
    answer = await visitor.get("/api/fields")
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"pointer": "/lines/0/quantity", "code": "too_small", "detail": "At least 1."}
    ]


async def test_a_refusal_is_a_page_in_the_readers_language(visitor: Visitor) -> None:
    english = await visitor.get("/conflict")
    assert english.status_code == 409
    assert "<!doctype html>" in english.text
    assert "The payout is paid already." in english.text
    russian = await visitor.get("/nothing-here", headers={"Accept-Language": "ru"})
    assert russian.status_code == 404
    assert '<html lang="ru"' in russian.text


async def test_htmx_gets_a_fragment(visitor: Visitor) -> None:
    answer = await visitor.get("/conflict", headers={"HX-Request": "true"})
    assert answer.status_code == 409
    assert "The payout is paid already." in answer.text
    assert "<html" not in answer.text


@pytest.mark.parametrize("path", ["/broken", "/api/broken"])
async def test_our_own_mistake_shows_the_request_id_and_nothing_else(
    visitor: Visitor, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = await visitor.get(path)
    assert answer.status_code == 500
    assert "canary" not in answer.text
    assert "ZeroDivision" not in answer.text
    assert answer.headers["x-request-id"] in answer.text
    logged = capsys.readouterr().err
    assert "ZeroDivisionError" in logged
    assert answer.headers["x-request-id"] in logged


@pytest.mark.parametrize("path", ["/gone", "/api/gone"])
async def test_a_database_that_is_away_is_a_503(visitor: Visitor, path: str) -> None:
    answer = await visitor.get(path)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "starting up" not in answer.text


async def test_a_limit_says_when_to_come_again(visitor: Visitor) -> None:
    for path in ("/busy", "/api/busy"):
        answer = await visitor.get(path)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


async def test_the_frameworks_own_refusals_look_the_same(visitor: Visitor) -> None:
    assert (await visitor.get("/api/nothing-here")).json()["code"] == "not_found"
    assert (await visitor.delete("/api/conflict")).json()["code"] == "method_not_allowed"
    wrong = await visitor.get("/api/number/7", params={"least": "many"})
    assert wrong.status_code == 400
    assert wrong.json()["errors"][0]["pointer"] == "least"
    assert (await visitor.get("/api/number/x")).status_code == 404


@pytest.mark.parametrize("path", ["/echo", "/api/echo"])
async def test_a_body_is_at_most_64_kib(visitor: Visitor, path: str) -> None:
    assert (await visitor.post(path, content=b"x" * 65_536)).status_code == 201
    answer = await visitor.post(path, content=b"x" * 65_537)
    assert answer.status_code == 413


async def test_an_app_with_a_route_without_policy_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    @get("/forgotten")
    async def forgotten() -> None: ...

    monkeypatch.setattr(main, "_routes", lambda config: [forgotten])
    with pytest.raises(Exception, match="GET /forgotten"):
        main.create_app(settings())


def test_the_app_is_one_litestar_app() -> None:
    assert isinstance(main.create_app(), Litestar)
