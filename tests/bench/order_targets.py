"""What orders are measured against in the same server: the same PUT, read and checked in the same way, and no database."""

from typing import Any

from litestar import Litestar, Request, Response, put
from litestar.params import FromPath

from app import clock
from app.shops import bodies
from app.shops.http import json_response


@put("/api/v1/orders/{external_id:str}")
async def _validate(request: Request[Any, Any, Any], external_id: FromPath[str]) -> Response[bytes]:
    order = bodies.parse_order(await request.body(), external_id, clock.now())
    return json_response({"external_id": order.message.external_id, "status": order.message.status}, 201)


validating = Litestar([_validate], openapi_config=None, logging_config=None)
"""Neither keys nor headers of the portal's edge: the barest server that can tell a good order from a bad one."""
