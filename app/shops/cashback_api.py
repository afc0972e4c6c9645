"""Customers' cashback over HTTP (api.md); what is done stands in `cashback.py`."""

from litestar import delete, get, post
from litestar.params import FromPath

from app.shops import cashback
from app.shops.http import ApiRequest, JsonResponse, answer_once, body_of, caller_of, encoded, json_response
from app.shops.idempotency import Answer
from app.shops.openapi import described
from app.users.policy import policy


@get(
    "/customers/{external_id:str}/cashback",
    opt=policy("api_key", scope="cashback"),
    **described("get_cashback"),
)
async def get_cashback(request: ApiRequest, external_id: FromPath[str]) -> JsonResponse:
    """What the customer has, what waits, what expires when, and how it came about."""
    return json_response(await cashback.cashback(caller_of(request).program_id, external_id))


@post(
    "/customers/{external_id:str}/cashback/quote",
    opt=policy("api_key", scope="cashback"),
    **described("post_cashback_quote"),
)
async def post_cashback_quote(request: ApiRequest, external_id: FromPath[str]) -> JsonResponse:
    """How much of a basket can be paid with cashback; nothing is set aside."""
    body = await body_of(request)

    async def work() -> Answer:
        return Answer(200, encoded(await cashback.quote(caller_of(request).program_id, external_id, body)))

    return await answer_once(request, body, work)


@post(
    "/customers/{external_id:str}/cashback/redemptions",
    opt=policy("api_key", scope="cashback"),
    **described("post_redemption"),
)
async def post_redemption(request: ApiRequest, external_id: FromPath[str]) -> JsonResponse:
    """Set cashback aside for an order, before or after the order is sent; it is spent when the order is paid."""
    body = await body_of(request)

    async def work() -> Answer:
        return Answer(201, encoded(await cashback.redeem(caller_of(request).program_id, external_id, body)))

    return await answer_once(request, body, work)


@delete(
    "/customers/{external_id:str}/cashback/redemptions/{redemption_id:int}",
    opt=policy("api_key", scope="cashback"),
    status_code=200,
    **described("delete_redemption"),
)
async def delete_redemption(
    request: ApiRequest, external_id: FromPath[str], redemption_id: FromPath[int]
) -> JsonResponse:
    """Return a reservation to its lots; one that is returned already stays so."""
    program_id = caller_of(request).program_id
    return json_response(await cashback.take_back(program_id, external_id, redemption_id))


HANDLERS = [get_cashback, post_cashback_quote, post_redemption, delete_redemption]
