"""What every API route shares: the key behind a request, its raw body, and JSON answers."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.connection import ASGIConnection

from app.errors import DomainError
from app.shops.idempotency import Answer, once
from app.shops.keys import Caller, Scope, authenticate
from app.ui import error_pages

ApiRequest = Request[Any, Any, Any]
JsonResponse = Response[bytes]

JSON_KINDS = ("", "application/json", "application/x-www-form-urlencoded")
"""What a JSON body may be called: `curl -d` says the last of everything that it sends."""

_encode = msgspec.json.Encoder().encode

ROUTE_MAX = 200


async def check_key(connection: ASGIConnection[Any, Any, Any, Any], scope: str) -> None:
    """Find the shop behind the request and check that its key has the scope that the route asks for."""
    state = connection.scope["state"]
    caller = await authenticate(connection.headers.get("authorization", ""), state.get("client_ip", ""))
    caller.need(Scope(scope))
    state["caller"] = caller


def caller_of(request: ApiRequest) -> Caller:
    """The shop; the route's policy has let nobody else in."""
    caller = request.scope["state"]["caller"]
    assert isinstance(caller, Caller), "the route declares no API key"
    return caller


async def body_of(request: ApiRequest) -> bytes:
    """The raw body. 415 where it says that it is something else than JSON."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in JSON_KINDS and not kind.endswith("+json"):
        raise DomainError(
            "Send JSON: Content-Type: application/json.", code="unsupported_media_type", status=415
        )
    return await request.body()


def encoded(value: object) -> bytes:
    """A dataclass, dict or list as JSON."""
    return _encode(value)


def json_response(value: object, status: int = 200) -> JsonResponse:
    """An answer with a JSON body that nobody on the way may keep."""
    return Response(
        _encode(value),
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def problem_of(request: ApiRequest, error: Exception) -> bytes:
    """What the error would have answered by itself, as problem+json; our own failures are logged."""
    content = error_pages.handle(request, error).content
    return content if isinstance(content, bytes) else content.encode()


def route_name(method: str, path: str) -> str:
    """Method and path as the answer is kept under. An id of 200 characters does not fit: its digest does."""
    name = f"{method} {path}"
    return name if len(name) <= ROUTE_MAX else f"{method} {hashlib.sha256(path.encode()).hexdigest()}"


async def answer_once(
    request: ApiRequest, body: bytes, work: Callable[[], Awaitable[Answer]]
) -> JsonResponse:
    """The answer of `work` under the request's Idempotency-Key."""
    caller = caller_of(request)
    route = route_name(request.method, request.scope["path"])
    answer: Answer = await once(caller.program_id, route, request.headers.get("idempotency-key"), body, work)
    headers = {"Cache-Control": "no-store"}
    if answer.replayed:
        headers["Idempotency-Replayed"] = "true"
    return Response(answer.body, status_code=answer.status, media_type="application/json", headers=headers)
