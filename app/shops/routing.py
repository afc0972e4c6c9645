"""A shop that feeds several programs: which of them an order belongs to.

A key belongs to one program. Staff may let it feed further ones, each with the products and categories that are its
own. An order then goes to the first program that is found

1. by its click, else by the last counted click of its visitor inside that program's window;
2. by the partner or promo code that it names, which stand for a click;
3. by its products: the program to whose list most of the order's money belongs;
4. by its customer: where his last order went;

and else to the key's own. Where an order went is remembered: its later states, refunds and cards go the same way,
whatever they say. A key that feeds nothing else takes none of these steps.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

import asyncpg

from app import clock, db
from app.errors import DomainError
from app.orders.messages import OrderMessage
from app.programs.queries import terms_in_force
from app.shops.keys import Caller
from app.tracking.codes import code_key


@dataclass(frozen=True, slots=True)
class Route:
    """Where an order goes, and by what it was found."""

    program_id: int
    program_code: str
    found_by: str
    """click, code, product, customer, or home."""


async def route_of(caller: Caller, external_id: str) -> Route | None:
    """Where the order went before; None: it is new, or the key feeds one program alone."""
    if not caller.feeds:
        return None
    row = await db.fetchrow(
        """
        SELECT route.program_id, programs.code, route.found_by
        FROM order_routes AS route JOIN programs ON programs.id = route.program_id
        WHERE route.home_id = $1 AND route.external_id = $2
        """,
        caller.program_id,
        external_id,
    )
    return Route(row["program_id"], row["code"], row["found_by"]) if row is not None else None


async def program_of_order(caller: Caller, external_id: str) -> int:
    """The program that messages about this order go to."""
    route = await route_of(caller, external_id)
    return caller.program_id if route is None else route.program_id


async def find_route(caller: Caller, order: OrderMessage) -> Route | None:
    """The order's program, remembered from now on; None: the key feeds one program alone."""
    if not caller.feeds:
        return None
    known = await route_of(caller, order.external_id)
    if known is not None:
        return known
    program_id, found_by = await _find(caller, order)
    async with db.transaction():
        await db.execute(
            """
            INSERT INTO order_routes (home_id, external_id, program_id, found_by, routed_at)
            VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING
            """,
            caller.program_id,
            order.external_id,
            program_id,
            found_by,
            clock.now(),
        )
    # Of two first messages at once both go where the first of them was sent.
    return await route_of(caller, order.external_id)


async def forget_route(caller: Caller, external_id: str) -> None:
    """An order that was refused has gone nowhere: sent again, it is looked at anew."""
    async with db.transaction():
        await db.execute(
            """
            DELETE FROM order_routes AS route
            WHERE route.home_id = $1 AND route.external_id = $2 AND NOT EXISTS (
                SELECT FROM orders WHERE program_id = route.program_id AND external_id = route.external_id
            )
            """,
            caller.program_id,
            external_id,
        )


Done = TypeVar("Done")


async def in_first_of(caller: Caller, work: Callable[[int], Awaitable[Done]], *, every: bool = False) -> Done:
    """Do it in the first program that does not refuse, or in every such one: a link or code is one program's.

    Refused by all, it is refused as the key's own program did.
    """
    first: DomainError | None = None
    done: list[Done] = []
    for program_id in (caller.program_id, *caller.feeds):
        try:
            done.append(await work(program_id))
        except DomainError as refusal:
            first = first or refusal
        if done and not every:
            break
    if not done:
        assert first is not None, "a key belongs to a program"
        raise first
    return done[0]


async def _find(caller: Caller, order: OrderMessage) -> tuple[int, str]:
    programs = (caller.program_id, *caller.feeds)
    found = await _by_click(programs, order)
    if found is not None:
        return found, "click"
    found = await _by_code(programs, order)
    if found is not None:
        return found, "code"
    found = await _by_product(caller, order)
    if found is not None:
        return found, "product"
    found = await _by_customer(programs, order)
    return (found, "customer") if found is not None else (caller.program_id, "home")


async def _by_click(programs: Sequence[int], order: OrderMessage) -> int | None:
    try:
        click_id = UUID(order.click_id) if order.click_id else None
    except ValueError:
        click_id = None
    if click_id is not None:
        named: int | None = await db.fetchval(
            "SELECT program_id FROM clicks WHERE public_id = $1 AND program_id = ANY($2::bigint[])",
            click_id,
            programs,
        )
        if named is not None:
            return named
    if not order.visitor_id:
        return None
    rows = await db.fetch(
        """
        SELECT program.id AS program_id, last.clicked_at FROM unnest($1::bigint[]) AS program (id)
        CROSS JOIN LATERAL (
            SELECT clicked_at, id FROM clicks
            WHERE program_id = program.id AND visitor_id = $2 AND counted AND clicked_at <= $3
            ORDER BY clicked_at DESC, id DESC LIMIT 1
        ) AS last
        ORDER BY last.clicked_at DESC, last.id DESC
        """,
        programs,
        order.visitor_id,
        order.placed_at,
    )
    for row in rows:
        window = (await terms_in_force(row["program_id"])).terms.attribution.window_days
        if row["clicked_at"] >= order.placed_at - timedelta(days=window):
            return int(row["program_id"])
    return None


async def _by_code(programs: Sequence[int], order: OrderMessage) -> int | None:
    """A code of two of the programs says nothing."""
    if not order.partner and not order.promo_code:
        return None
    rows = await db.fetch(
        """
        SELECT program_id, 1 AS place FROM partners
        WHERE program_id = ANY($1::bigint[]) AND lower(code) = lower($2) AND $2 <> ''
        UNION
        SELECT program_id, 2 FROM promo_codes
        WHERE program_id = ANY($1::bigint[]) AND code_key = $3 AND $3 <> ''
        ORDER BY place, program_id
        """,
        programs,
        order.partner,
        code_key(order.promo_code) if order.promo_code else "",
    )
    for place in (1, 2):
        named = [row["program_id"] for row in rows if row["place"] == place]
        if len(named) == 1:
            return int(named[0])
    return None


async def _by_product(caller: Caller, order: OrderMessage) -> int | None:
    """The program to which most of the money belongs; of equal ones the one that was let in first."""
    rows = await db.fetch(
        "SELECT program_id, products, categories FROM api_key_programs WHERE key_id = $1 ORDER BY id",
        caller.key_id,
    )
    best: tuple[int, int] | None = None
    for row in rows:
        money = sum(line.total_minor for line in order.lines if _fits(row, line.product, line.categories))
        fits = any(_fits(row, line.product, line.categories) for line in order.lines)
        if fits and (best is None or money > best[0]):
            best = (money, row["program_id"])
    return best[1] if best is not None else None


def _fits(row: asyncpg.Record, product: str, categories: Sequence[str]) -> bool:
    return product in row["products"] or not set(row["categories"]).isdisjoint(categories)


async def _by_customer(programs: Sequence[int], order: OrderMessage) -> int | None:
    if order.customer is None:
        return None
    found: int | None = await db.fetchval(
        """
        SELECT orders.program_id
        FROM customers AS customer JOIN orders ON orders.customer_id = customer.id
        WHERE customer.program_id = ANY($1::bigint[]) AND customer.external_id = $2 AND orders.placed_at <= $3
        ORDER BY orders.placed_at DESC, orders.id DESC LIMIT 1
        """,
        programs,
        order.customer.external_id,
        order.placed_at,
    )
    return found
