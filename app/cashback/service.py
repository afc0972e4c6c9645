"""What is done with cashback beside judging orders: reservations, and what time does to it (rules.md §14).

A reservation is asked for by the shop at checkout, before or after it has told the order:

    POST …/cashback/redemptions   sets the money aside from the lots that expire first, for one order
    the order is paid             it is spent: as much as the order's `cashback_spent_minor` says, the rest goes back;
                                  an order that says nothing of it has spent all that was set aside for it
    the order is cancelled        it goes back to the same lots
    DELETE …/redemptions/{id}     the customer has changed his mind

An order may say `cashback_spent_minor` without any reservation; the money is then taken when the order is told.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import asyncpg

from app import clock, db
from app.cashback.refusals import refusal
from app.cashback.state import hold_in_transaction
from app.cashback.writes import Step, write_in_transaction
from app.errors import Conflict, FieldError, NotFound, Unavailable, invalid
from app.orders.service import lock_known_orders, next_ids
from app.programs.scope import program_ids
from app.programs.versions import versions
from app.rules.facts import Order, OrderStatus
from app.rules.state import State
from app.rules.terms import Terms
from app.rules.wallet import TooMuchError

T = TypeVar("T")

BATCH = 500
TRIES = 4


@dataclass(frozen=True, slots=True)
class Redemption:
    """One reservation as it stands."""

    id: int
    order: str
    amount_minor: int
    state: str
    """reserved, spent or returned."""


async def reserve(program_id: int, customer: str, order_key: str, amount_minor: int) -> Redemption:
    """Set cashback aside for an order that is not paid yet. 422 names what is too much; 404: nobody has this id."""

    async def work() -> Redemption:
        async with db.transaction():
            return await reserve_in_transaction(program_id, customer, order_key, amount_minor)

    return await _once_more(work)


async def reserve_in_transaction(
    program_id: int, customer: str, order_key: str, amount_minor: int
) -> Redemption:
    """As `reserve`, inside the caller's transaction."""
    now = clock.now()
    order, terms = await _order_and_terms(program_id, order_key, now)
    await _customer_id(program_id, customer)
    if order is not None and (order.state.paid_at is not None or order.state.status is OrderStatus.CANCELLED):
        raise invalid(FieldError("/order", "order_closed", "The order is paid or cancelled already."))
    held = await hold_in_transaction(program_id, order_keys=[order_key], spenders=[customer])
    try:
        held.wallets.reserve(order_key, customer, amount_minor, now, order, terms)
    except TooMuchError as error:
        pointer = "/order" if error.reason.startswith("other") else "/amount_minor"
        raise refusal(error, pointer) from error
    [redemption_id] = await next_ids("cashback_redemptions", 1)
    moves = tuple(held.wallets.moves)
    await write_in_transaction(held, [Step(f"cashback:redemption:{redemption_id}", "cashback", now, moves)])
    await db.execute(
        """
        INSERT INTO cashback_redemptions (id, program_id, spending_id, amount_minor, state, created_at)
        VALUES ($1, $2, $3, $4, 'reserved', $5)
        """,
        redemption_id,
        program_id,
        held.spending_ids[order_key],
        amount_minor,
        now,
    )
    return Redemption(redemption_id, order_key, amount_minor, "reserved")


async def give_up(program_id: int, customer: str, redemption_id: int) -> Redemption:
    """Return a reservation to its lots; one that is returned already stays so. 409 once it is spent."""

    async def work() -> Redemption:
        async with db.transaction():
            return await _give_up_in_transaction(program_id, customer, redemption_id)

    return await _once_more(work)


async def _give_up_in_transaction(program_id: int, customer: str, redemption_id: int) -> Redemption:
    now = clock.now()
    order_key = await db.fetchval(
        """
        SELECT spending.order_key FROM cashback_redemptions AS redemption
        JOIN cashback_spendings AS spending ON spending.id = redemption.spending_id
        JOIN customers AS customer ON customer.id = spending.customer_id
        WHERE redemption.id = $1 AND redemption.program_id = $2 AND customer.external_id = $3
        """,
        redemption_id,
        program_id,
        customer,
    )
    if order_key is None:
        raise NotFound("There is no such reservation.")
    order, _terms = await _order_and_terms(program_id, order_key, now, must_give=False)
    held = await hold_in_transaction(program_id, order_keys=[order_key], spenders=[customer])
    row = await db.fetchrow(
        "SELECT amount_minor, state FROM cashback_redemptions WHERE id = $1", redemption_id
    )
    assert row is not None, "reservations are never deleted"
    if row["state"] == "spent":
        raise Conflict("The order is paid with it already; send the order's refund instead.", code="spent")
    if row["state"] == "reserved":
        held.wallets.give_up(order_key, row["amount_minor"], now, order)
        step = Step(
            f"cashback:redemption:{redemption_id}:returned", "cashback", now, tuple(held.wallets.moves)
        )
        await db.execute(
            "UPDATE cashback_redemptions SET state = 'returned', closed_at = $2 WHERE id = $1",
            redemption_id,
            now,
        )
        await write_in_transaction(held, [step])
    return Redemption(redemption_id, order_key, row["amount_minor"], "returned")


async def _order_and_terms(
    program_id: int, order_key: str, now: datetime, *, must_give: bool = True
) -> tuple[Order | None, Terms]:
    """The order, locked, if it is known, and the terms it goes by: those of its placing, else the present ones."""
    known_terms = await versions(program_id)
    currency = known_terms[-1].terms.currency if known_terms else ""
    known = await lock_known_orders(program_id, currency, [order_key])
    order = known[0][0].merged() if known and known[0][0].states else None
    version = State(terms=known_terms).version_at(order.state.placed_at if order is not None else now)
    if version is None or (must_give and version.terms.cashback is None):
        raise invalid(FieldError("/order", "no_cashback", "The program gives no cashback for this order."))
    return order, version.terms


async def _customer_id(program_id: int, customer: str) -> int:
    found = await db.fetchval(
        "SELECT id FROM customers WHERE program_id = $1 AND external_id = $2", program_id, customer
    )
    if found is None:
        raise NotFound("There is no such customer.")
    return int(found)


async def _once_more(work: Callable[[], Awaitable[T]]) -> T:
    """Two requests for one order that nobody knew yet, or crossed locks: the one that lost comes again."""
    for left in reversed(range(TRIES)):
        try:
            return await work()
        except (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError) as error:
            if left == 0:
                raise Unavailable("Too much at once; please try again.", retry_after=1) from error
    raise AssertionError("the loop returns or raises")


async def release_due(now: datetime | None = None) -> int:
    """Make available what has waited long enough; returns how many orders that were."""
    moment = now or clock.now()
    released = 0
    for program_id in await program_ids():
        while done := await _release_batch(program_id, moment):
            released += done
    return released


async def _release_batch(program_id: int, now: datetime) -> int:
    async with db.transaction():
        return await release_in_transaction(program_id, now)


async def release_in_transaction(program_id: int, now: datetime) -> int:
    """One batch of a program, the earliest first; how many were looked at."""
    rows = await db.fetch(
        """
        SELECT earning.order_id, customer.external_id AS customer, orders.external_id AS order_key
        FROM cashback_earnings AS earning
        JOIN customers AS customer ON customer.id = earning.customer_id
        JOIN orders ON orders.id = earning.order_id
        WHERE earning.program_id = $1 AND NOT earning.released AND earning.due_at <= $2
        ORDER BY earning.due_at, earning.id LIMIT $3
        """,
        program_id,
        now,
        BATCH,
    )
    if not rows:
        return 0
    terms = State(terms=await versions(program_id))
    held = await hold_in_transaction(
        program_id,
        customers={row["customer"] for row in rows},
        order_ids=[row["order_id"] for row in rows],
        may_take=False,
    )
    steps = []
    for row, number in zip(rows, await next_ids("cashback_entries", len(rows)), strict=True):
        earning = held.wallets.earnings[row["order_id"], row["customer"]]
        version = terms.version(earning.terms_number)
        held.wallets.release(row["order_id"], row["customer"], row["order_key"], version.terms, now)
        moves, held.wallets.moves = tuple(held.wallets.moves), []
        if moves:
            steps.append(Step(f"cashback:release:{number}", "cashback", moves[0].at, moves))
    await write_in_transaction(held, steps)
    return len(rows)


async def expire_due(now: datetime | None = None) -> int:
    """Burn what is left of lots whose day has come; returns how many lots that were."""
    moment = now or clock.now()
    burnt = 0
    for program_id in await program_ids():
        while done := await _expire_batch(program_id, moment):
            burnt += done
    return burnt


async def _expire_batch(program_id: int, now: datetime) -> int:
    async with db.transaction():
        rows = await db.fetch(
            """
            SELECT lot.id, customer.external_id AS customer, orders.external_id AS order_key
            FROM cashback_lots AS lot
            JOIN customers AS customer ON customer.id = lot.customer_id
            JOIN orders ON orders.id = lot.order_id
            WHERE lot.program_id = $1 AND lot.left_minor > 0 AND lot.expires_at <= $2
            ORDER BY lot.expires_at, lot.id LIMIT $3
            """,
            program_id,
            now,
            BATCH,
        )
        if not rows:
            return 0
        held = await hold_in_transaction(
            program_id, customers={row["customer"] for row in rows}, lots=[row["id"] for row in rows]
        )
        lots = {lot.lot_id: lot for mine in held.wallets.lots.values() for lot in mine}
        steps = []
        for row, number in zip(rows, await next_ids("cashback_entries", len(rows)), strict=True):
            held.wallets.expire(lots[row["id"]], row["order_key"], now)
            moves, held.wallets.moves = tuple(held.wallets.moves), []
            if moves:
                steps.append(Step(f"cashback:expiry:{number}", "cashback", now, moves))
        await write_in_transaction(held, steps)
        return len(rows)
