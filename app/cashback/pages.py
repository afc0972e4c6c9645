"""The customer's own page, opened by a signed link from the shop: no sign-in, no script needed, phone first."""

from dataclasses import dataclass
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath

from app import clock, db
from app.cashback import links, queries
from app.cashback.words import condition_of, step_of
from app.errors import NotFound
from app.programs.queries import terms_in_force
from app.rules.money import at_rate
from app.rules.terms_cashback import CashbackTerms
from app.ui.filters import exponent
from app.ui.paging import number_in
from app.ui.render import render
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]

PRIVATE = {"X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
"""Nobody but who has the link is meant to see the page, and no other site to hear of the link."""

EXAMPLE_UNITS = 1000
"""The order of the example on the page, in whole units of the currency."""


@dataclass(frozen=True, slots=True)
class RuleLine:
    """What a rule gives, for the reader."""

    rate_ppm: int
    text: str


@get("/cashback/{token:str}", opt=policy("public"))
async def show_cashback(request: AnyRequest, token: FromPath[str]) -> Response[str]:
    """What the customer has, what waits, what expires when, how to spend it, and how it came about."""
    owner = await links.owner_of(token)
    program = await db.fetchrow("SELECT name, home_url, active FROM programs WHERE id = $1", owner.program_id)
    if program is None or not program["active"]:
        raise NotFound("This link is over. Open your cashback from the shop again.")
    terms = (await terms_in_force(owner.program_id)).terms
    before = number_in(request.query_params.get("before", ""))
    steps = await queries.history(owner.customer_id, before=before)
    return render(
        request,
        "cashback/customer.html",
        block="rows",
        headers=PRIVATE,
        program_name=program["name"],
        shop_url=program["home_url"],
        currency=terms.currency,
        zone=terms.zone.key,
        sums=(await queries.sums([owner.customer_id]))[owner.customer_id],
        spendable_minor=await queries.spendable(owner.customer_id, clock.now()),
        lots=[lot for lot in await queries.lots(owner.customer_id) if lot.expires_at is not None],
        waiting=await queries.waiting(owner.customer_id),
        cashback=terms.cashback,
        example=_example(terms.cashback, terms.currency),
        rules=_rules(terms.cashback, terms.currency),
        history=[(step, step_of(step)) for step in steps if step.amount_minor],
        next_url=f"/cashback/{token}?before={steps[-1].id}" if len(steps) >= queries.HISTORY_ROWS else None,
    )


def _example(cashback: CashbackTerms | None, currency: str) -> tuple[int, int]:
    """An order and the most of it that can be paid with cashback."""
    order = EXAMPLE_UNITS * 10 ** exponent(currency)
    return order, at_rate(order, cashback.max_share_ppm) if cashback is not None else 0


def _rules(cashback: CashbackTerms | None, currency: str) -> list[RuleLine]:
    """The rules in force today, in the order in which they are asked."""
    if cashback is None:
        return []
    return [RuleLine(rule.rate_ppm, condition_of(rule, currency)) for rule in cashback.rules if rule.active]


ROUTES = [show_cashback]
