"""Currency rates over the API (rules.md §5): what one whole unit of a foreign currency is worth on a day."""

from typing import Annotated

import msgspec
from litestar import get, put
from litestar.params import FromPath, QueryParameter

from app.commissions.currency import enter_rates
from app.programs.currency_rates import NewRate, known_rates
from app.shops import listing
from app.shops.http import ApiRequest, JsonResponse, body_of, caller_of, json_response
from app.shops.openapi import CurrencyRateAnswer, CurrencyRateBody, described
from app.shops.reading import read
from app.users.policy import policy

_body = msgspec.json.Decoder(CurrencyRateBody)


@put(
    "/currency-rates/{currency:str}/{day:str}",
    opt=policy("api_key", scope="admin"),
    **described("put_currency_rate"),
)
async def put_currency_rate(request: ApiRequest, currency: FromPath[str], day: FromPath[str]) -> JsonResponse:
    """Enter a day's rate: orders that wait for it are judged at once. Orders judged before keep theirs."""
    body = read(await body_of(request), _body)
    new = NewRate(currency, day, body.rate, body.source)
    waited = await enter_rates(caller_of(request).program_id, [new])
    return json_response(CurrencyRateAnswer(currency, day, body.rate, body.source, waited))


@get("/currency-rates", opt=policy("api_key", scope="read"), **described("get_currency_rates"))
async def get_currency_rates(
    request: ApiRequest, limit: Annotated[str | None, QueryParameter(required=False)] = None
) -> JsonResponse:
    """The latest rates, newest day first."""
    rates = await known_rates(caller_of(request).program_id, limit=listing.limit_of(limit))
    items = [
        CurrencyRateAnswer(one.currency, one.day.isoformat(), f"{one.rate:f}", one.source) for one in rates
    ]
    return json_response({"items": items, "next_cursor": None})
