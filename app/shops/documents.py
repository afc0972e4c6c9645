"""The API's description: /api/v1/openapi.json for programs, /developers for people."""

from functools import lru_cache
from typing import Any

import msgspec
from litestar import Litestar, Response, Router, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme, Server

from app.config import settings
from app.shops.http import ApiRequest, JsonResponse
from app.shops.openapi import OPERATIONS, schemas
from app.ui.render import render
from app.users.policy import policy

ABOUT = """Orders, clicks, registrations and refunds of one program.

Amounts are integers of minor units (`*_minor`), moments RFC 3339 with an offset. Unknown fields are refused.
A PUT is safe to repeat; a POST is with an `Idempotency-Key`. Errors are `application/problem+json` (RFC 9457)
and name each wrong field by its JSON pointer. Bodies are at most 64 KiB, a batch of orders 4 MiB."""


def routes(api: Router) -> list[HTTPRouteHandler]:
    """The two addresses that describe `api`."""

    @lru_cache(maxsize=1)
    def document() -> bytes:
        return msgspec.json.encode(openapi_document(api))

    @get("/api/v1/openapi.json", opt=policy("public"), include_in_schema=False)
    async def openapi_json() -> JsonResponse:
        """The OpenAPI 3.1 document."""
        return Response(document(), media_type="application/json", headers={"Cache-Control": "max-age=300"})

    @get("/developers", opt=policy("public"), include_in_schema=False)
    async def developers(request: ApiRequest) -> Response[Any]:
        """How a shop is connected, and every call with an example."""
        return render(
            request,
            "shops/developers.html",
            calls=_calls(msgspec.json.decode(document())),
            base=settings().base_url,
        )

    return [openapi_json, developers]


def openapi_document(api: Router) -> dict[str, Any]:
    """The document of the routes of `api`, as the framework makes it."""
    config = OpenAPIConfig(
        title="Tandem",
        version="1",
        description=ABOUT,
        use_handler_docstrings=True,
        servers=[Server(url=settings().base_url)],
        components=Components(
            security_schemes={"key": SecurityScheme(type="http", scheme="bearer", bearer_format="pk_…")},
        ),
    )
    app = Litestar(route_handlers=[api], openapi_config=config, logging_config=None)
    document: dict[str, Any] = app.openapi_schema.to_schema()
    document["components"]["schemas"] = schemas()  # the framework keeps only those that it made itself
    for operations in document["paths"].values():
        for operation in operations.values():
            if OPERATIONS[operation["operationId"]].idempotent:
                operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
    return document


_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "The same key with the same body gets the stored answer.",
}


def _calls(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Method, path, summary and example of every call, in the order of the document."""
    calls = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            described = OPERATIONS[operation["operationId"]]
            example = msgspec.json.format(msgspec.json.encode(described.example), indent=2).decode()
            calls.append(
                {
                    "method": method.upper(),
                    "path": path,
                    "summary": described.summary,
                    "about": operation.get("description", ""),
                    "example": example if described.example else "",
                }
            )
    return calls
