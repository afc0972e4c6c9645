"""The shop's API (api.md). Every route names the scope that its key needs; the body is read strictly."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from litestar import Router, get, patch, post, put
from litestar.params import FromPath, QueryParameter
from litestar.types import ControllerRouterHandler

from app import clock
from app.errors import DomainError, NotFound
from app.shops import bodies, cashback_api, currencies, documents, listing, sellers, service, statement
from app.shops.answers import OrderAnswer, order_answer
from app.shops.batcher import Taken, submit, submit_all
from app.shops.http import (
    ApiRequest,
    JsonResponse,
    answer_once,
    body_of,
    caller_of,
    encoded,
    json_response,
    problem_of,
)
from app.shops.idempotency import Answer
from app.shops.keys import Caller
from app.shops.openapi import described
from app.shops.queries import StoredOrder, orders_changed, stored_order
from app.shops.routing import Route, find_route, forget_route, in_first_of, program_of_order, route_of
from app.ui.i18n import choose_locale
from app.ui.paging import Cursor
from app.users.policy import policy

BATCH_BODY_LIMIT = 4 * 1024 * 1024

Query = Annotated[str | None, QueryParameter(required=False)]


@put("/orders/{external_id:str}", opt=policy("api_key", scope="orders"), **described("put_order"))
async def put_order(request: ApiRequest, external_id: FromPath[str]) -> JsonResponse:
    """The order's whole present state; send it at every change."""
    caller = caller_of(request)
    order = bodies.parse_order(await body_of(request), external_id, clock.now())
    route = await find_route(caller, order.message)
    try:
        taken = await submit(caller.program_id if route is None else route.program_id, order)
    except DomainError:
        if route is not None:
            await forget_route(caller, external_id)
        raise
    return json_response(_routed(_answer(request, taken.order), route), _status(taken))


@post("/orders/{external_id:str}/refunds", opt=policy("api_key", scope="orders"), **described("post_refund"))
async def post_refund(request: ApiRequest, external_id: FromPath[str]) -> JsonResponse:
    """Money given back; unique in its order by `external_id`. A refund of an unknown order waits for it."""
    body = await body_of(request)

    async def work() -> Answer:
        refund = bodies.parse_refund(body, external_id, clock.now())
        taken = await submit(await program_of_order(caller_of(request), external_id), refund)
        return Answer(_refund_status(taken), encoded(_answer(request, taken.order)))

    return await answer_once(request, body, work)


@patch("/orders/{external_id:str}/card", opt=policy("api_key", scope="orders"), **described("patch_card"))
async def patch_card(request: ApiRequest, external_id: FromPath[str]) -> JsonResponse:
    """The operator's change of the partner or the promo code of an order."""
    body = await body_of(request)

    async def work() -> Answer:
        card = bodies.parse_card(body, external_id, clock.now())
        taken = await submit(await program_of_order(caller_of(request), external_id), card)
        return Answer(_status(taken, created=200), encoded(_answer(request, taken.order)))

    return await answer_once(request, body, work)


@get("/orders/{external_id:str}", opt=policy("api_key", scope="orders"), **described("get_order"))
async def get_order(request: ApiRequest, external_id: FromPath[str]) -> JsonResponse:
    """The order as it stands."""
    named = listing.text_of("external_id", external_id)
    route = await route_of(caller_of(request), named)
    order = await stored_order(route.program_id if route else caller_of(request).program_id, named)
    if order is None:
        raise NotFound("There is no such order.")
    return json_response(_routed(_answer(request, order), route))


@get("/orders", opt=policy("api_key", scope="orders"), **described("get_orders"))
async def get_orders(
    request: ApiRequest, updated_since: Query = None, limit: Query = None, cursor: Query = None
) -> JsonResponse:
    """Orders that changed here, the longest unchanged first."""
    size = listing.limit_of(limit)
    after = Cursor.decode(listing.text_of("cursor", cursor))
    since = listing.moment_of("updated_since", updated_since)
    rows = await orders_changed(
        caller_of(request).program_id, since, (after.moment, after.id) if after else None, size + 1
    )
    return json_response(
        listing.page(rows, size, lambda row: Cursor(*row[0]).encode(), lambda row: _answer(request, row[1]))
    )


@post(
    "/orders/batch",
    opt=policy("api_key", scope="orders"),
    request_max_body_size=BATCH_BODY_LIMIT,
    **described("post_batch"),
)
async def post_batch(request: ApiRequest) -> JsonResponse:
    """Up to 500 orders, one result each, in order; a bad one does not spoil the rest."""
    body = await body_of(request)

    async def work() -> Answer:
        orders = bodies.parse_batch(body, clock.now())
        good = [order for order in orders if isinstance(order, bodies.ParsedOrder)]
        taken = iter(await _submit_routed(caller_of(request), good))
        results = [next(taken) if isinstance(order, bodies.ParsedOrder) else order for order in orders]
        return Answer(200, encoded({"results": [_result(request, result) for result in results]}))

    return await answer_once(request, body, work)


@put("/customers/{external_id:str}", opt=policy("api_key", scope="track"), **described("put_customer"))
async def put_customer(request: ApiRequest, external_id: FromPath[str]) -> JsonResponse:
    """A buyer registered: the clicks of his browser join his chain."""
    customer = service.parse_customer(await body_of(request), external_id, clock.now())
    caller = caller_of(request)
    await in_first_of(caller, lambda one: service.take_customer(one, external_id, customer), every=True)
    return json_response({"external_id": external_id, "registered_at": customer.registered_at})


@put("/sellers/{external_id:str}", opt=policy("api_key", scope="orders"), **described("put_seller"))
async def put_seller(request: ApiRequest, external_id: FromPath[str]) -> JsonResponse:
    """A marketplace's seller and the partner who brought him; orders judged before stay as they are."""
    seller = sellers.parse_seller(await body_of(request), external_id, clock.now())
    await sellers.take_seller(caller_of(request).program_id, external_id, seller)
    return json_response(
        {"external_id": external_id, "registered_at": seller.registered_at, "partner": seller.partner}
    )


@post("/clicks", opt=policy("api_key", scope="track"), **described("post_click"))
async def post_click(request: ApiRequest) -> JsonResponse:
    """A click as the shop's own server saw it."""
    body = await body_of(request)

    async def work() -> Answer:
        click = service.parse_click(body, clock.now())
        outcome = await in_first_of(caller_of(request), lambda one: service.take_click(one, click))
        answer = {
            "click_id": outcome.click_id,
            "visitor_id": outcome.visitor_id,
            "counted": outcome.counted,
            "reason": outcome.reason.value or None,
        }
        return Answer(201, encoded(answer))

    return await answer_once(request, body, work)


@post("/promo-codes/quote", opt=policy("api_key", scope="orders"), **described("post_quote"))
async def post_quote(request: ApiRequest) -> JsonResponse:
    """What a promo code takes off a basket."""
    body = await body_of(request)

    async def work() -> Answer:
        return Answer(200, encoded(await service.quote(caller_of(request).program_id, body)))

    return await answer_once(request, body, work)


@get("/partners", opt=policy("api_key", scope="read"), **described("get_partners"))
async def get_partners(request: ApiRequest, limit: Query = None, cursor: Query = None) -> JsonResponse:
    """The program's partners with their balances."""
    after, size = listing.number_of("cursor", cursor), listing.limit_of(limit)
    return json_response(await listing.partners(caller_of(request).program_id, after, size))


@get("/partners/{code:str}", opt=policy("api_key", scope="read"), **described("get_partner"))
async def get_partner(request: ApiRequest, code: FromPath[str]) -> JsonResponse:
    """One partner by his code."""
    _id, partner = await listing.partner(caller_of(request).program_id, code)
    return json_response(partner)


@get("/partners/{code:str}/statement", opt=policy("api_key", scope="read"), **described("get_statement"))
async def get_statement(
    request: ApiRequest,
    code: FromPath[str],
    since: Annotated[str | None, QueryParameter(name="from", required=False)] = None,
    to: Query = None,
) -> JsonResponse:
    """Everything that moved the partner's money from one moment to another, with the balances at both ends."""
    start, end = listing.moment_of("from", since), listing.moment_of("to", to)
    partner_id, _partner = await listing.partner(caller_of(request).program_id, code)
    return json_response(await statement.statement(caller_of(request).program_id, partner_id, start, end))


@get("/commissions", opt=policy("api_key", scope="read"), **described("get_commissions"))
async def get_commissions(
    request: ApiRequest,
    partner_code: Annotated[str | None, QueryParameter(name="partner", required=False)] = None,
    order: Query = None,
    limit: Query = None,
    cursor: Query = None,
) -> JsonResponse:
    """Commissions, oldest first; `partner` and `order` narrow the list."""
    wanted = listing.text_of("partner", partner_code), listing.text_of("order", order)
    after, size = listing.number_of("cursor", cursor), listing.limit_of(limit)
    return json_response(await listing.commissions(caller_of(request).program_id, *wanted, after, size))


@get("/payouts", opt=policy("api_key", scope="read"), **described("get_payouts"))
async def get_payouts(
    request: ApiRequest,
    partner_code: Annotated[str | None, QueryParameter(name="partner", required=False)] = None,
    limit: Query = None,
    cursor: Query = None,
) -> JsonResponse:
    """Payouts, oldest first; `partner` narrows the list."""
    wanted = listing.text_of("partner", partner_code)
    after, size = listing.number_of("cursor", cursor), listing.limit_of(limit)
    return json_response(await listing.payouts(caller_of(request).program_id, wanted, after, size))


@get("/events", opt=policy("api_key", scope="read"), **described("get_events"))
async def get_events(request: ApiRequest, since: Query = None, limit: Query = None) -> JsonResponse:
    """What happened after the cursor; go on from `next_cursor`, which is there also when nothing is new."""
    after, size = listing.number_of("since", since), listing.limit_of(limit)
    return json_response(await listing.events(caller_of(request).program_id, after, size))


def _answer(request: ApiRequest, stored: StoredOrder | None) -> OrderAnswer:
    """The order in the language that the request asks for; English unless it says so."""
    assert stored is not None, "a message that was not refused has its order"
    asked = request.headers.get("accept-language", "")
    return order_answer(stored, choose_locale(accept_language=asked) if "ru" in asked.lower() else "en")


def _routed(answer: OrderAnswer, route: Route | None) -> OrderAnswer | dict[str, Any]:
    """For a shop that feeds several programs the answer says which one the order belongs to, and why."""
    if route is None:
        return answer
    fields: dict[str, Any] = msgspec.to_builtins(answer)
    return fields | {"program": route.program_code, "program_found_by": route.found_by}


async def _submit_routed(caller: Caller, orders: Sequence[bodies.ParsedOrder]) -> list[Taken | Exception]:
    """As `submit_all`, each order into its own program; results in the order of the orders."""
    if not caller.feeds:
        return await submit_all(caller.program_id, orders)
    routes = [await find_route(caller, order.message) for order in orders]
    programs = [route.program_id if route is not None else caller.program_id for route in routes]
    results: dict[int, Taken | Exception] = {}
    for program_id in dict.fromkeys(programs):
        places = [place for place, one in enumerate(programs) if one == program_id]
        taken = await submit_all(program_id, [orders[place] for place in places])
        results.update(zip(places, taken, strict=True))
    for place, result in results.items():
        if isinstance(result, Exception) or result.outcome.refused is not None:
            await forget_route(caller, orders[place].message.external_id)
    return [results[place] for place in range(len(orders))]


def _result(request: ApiRequest, result: Taken | Exception) -> dict[str, Any]:
    """One order of a batch: its status and the order, or the problem."""
    error = result.outcome.refused if isinstance(result, Taken) else result
    if error is not None:
        problem = problem_of(request, error)
        return {
            "status": msgspec.json.decode(problem)["status"],
            "order": None,
            "problem": msgspec.Raw(problem),
        }
    assert isinstance(result, Taken)
    return {"status": _status(result), "order": _answer(request, result.order), "problem": None}


def _status(taken: Taken, *, created: int = 201) -> int:
    """202: kept, but not judged yet for a reason of ours."""
    if not taken.outcome.judged:
        return 202
    return created if taken.outcome.created else 200


def _refund_status(taken: Taken) -> int:
    """202: the refund waits for its order."""
    if taken.order is not None and taken.order.row["status"] == "awaited":
        return 202
    return _status(taken) if not taken.outcome.changed else 201


API = Router(
    "/api/v1",
    route_handlers=[
        put_order,
        post_refund,
        patch_card,
        get_order,
        get_orders,
        post_batch,
        put_customer,
        currencies.put_currency_rate,
        currencies.get_currency_rates,
        put_seller,
        post_click,
        post_quote,
        get_partners,
        get_partner,
        get_statement,
        get_commissions,
        get_payouts,
        get_events,
        *cashback_api.HANDLERS,
    ],
)

ROUTES: list[ControllerRouterHandler] = [API, *documents.routes(API)]
