"""One way in for everything that is said about orders: the API, connectors, scenarios, the import of a history.

`take` is one transaction: what the shop said is written down, judged and booked, or none of it is. A batch of one,
the API under load and an import of a million orders are this same call.

    lock orders → read messages into facts → fold cashback → load state, lock partners → fold → write orders → write effects → commit

If judging fails for a reason of ours, the batch is taken apart; an order that fails alone is kept unjudged with the
reason, staff see it, the sweep tries it again, and the shop gets 202.
"""

from collections.abc import Sequence
from dataclasses import replace

import asyncpg
import structlog

from app import db
from app.cashback.intake import Folded
from app.cashback.intake import fold_in_transaction as fold_cashback_in_transaction
from app.cashback.intake import write_in_transaction as write_cashback_in_transaction
from app.commissions.attempts import write_again_in_transaction, write_failures_in_transaction
from app.commissions.cards import cards_of
from app.commissions.facts import load_in_transaction
from app.commissions.order_state import waited_for_rate
from app.commissions.writes import Written, write_effects
from app.errors import DomainError, Unavailable
from app.ledger.service import InsufficientFunds
from app.orders.messages import Message
from app.orders.outcomes import Outcome
from app.orders.plan import Plan, is_state, order_key
from app.orders.service import event_ids_in_transaction, plan_in_transaction, write_in_transaction
from app.programs.versions import versions
from app.rules.fold import apply, judge
from app.rules.state import TermsVersion

log = structlog.get_logger(__name__)

TAKEN_AGAIN = (asyncpg.UniqueViolationError, asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
"""Somebody else wrote the same order at the same time, or locks crossed: the whole batch is taken once more."""

OURS = (
    AssertionError,
    ArithmeticError,
    LookupError,
    TypeError,
    ValueError,
    InsufficientFunds,
    asyncpg.PostgresError,
)
"""A failure of judging that another try of the same batch would only repeat."""

NOT_JUDGING = (
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.LockNotAvailableError,
)
"""The database is away; nothing was written and the shop comes again."""

TRIES = 4


async def take(program_id: int, messages: Sequence[Message]) -> list[Outcome]:
    """Write down, judge and book `messages`; one outcome for each, in their order.

    Raises Unavailable when the database is not there; nothing is written then.
    """
    for left in reversed(range(TRIES)):
        try:
            async with db.transaction():
                return await take_in_transaction(program_id, messages)
        except TAKEN_AGAIN as error:
            if left == 0:
                raise Unavailable("Too much at once; please try again.", retry_after=1) from error
        except NOT_JUDGING as error:
            raise Unavailable("The database cannot be reached; please try again.", retry_after=5) from error
        except OURS:
            log.exception("orders.judging_failed", program_id=program_id, messages=len(messages))
            break
    return await _take_apart(program_id, messages)


async def take_in_transaction(program_id: int, messages: Sequence[Message]) -> list[Outcome]:
    """As `take`, inside the caller's transaction and without catching failures."""
    terms = await versions(program_id)
    currency = terms[-1].terms.currency if terms else ""
    refused: dict[int, DomainError] = {}
    while True:
        rest = [message for index, message in enumerate(messages) if index not in refused]
        plan = await plan_in_transaction(program_id, currency, rest)
        cashback = await fold_cashback_in_transaction(plan, terms)
        if cashback is None or not cashback.refused:
            break
        # Nothing is written yet: the batch is planned again without those who would pay with too much cashback.
        refused |= _refused(messages, cashback)
    if plan.facts:
        await _judge(plan, terms, cashback)
    if not refused:
        return plan.outcomes
    left = iter(plan.outcomes)
    return [
        Outcome(None, refused=refused[index]) if index in refused else next(left)
        for index in range(len(messages))
    ]


def _refused(messages: Sequence[Message], cashback: Folded) -> dict[int, DomainError]:
    """The messages behind the refused states, by their place."""
    found = {}
    for new, refusal in cashback.refused:
        for index, message in enumerate(messages):
            if order_key(message) == new.known.external_id and is_state(message, new.digest):
                found[index] = refusal
    assert found, "a refused state has its message in the batch"
    return found


async def _judge(plan: Plan, terms: Sequence[TermsVersion], cashback: Folded | None) -> None:
    loaded = await load_in_transaction(plan, terms)
    event_ids = await event_ids_in_transaction(plan)
    state = loaded.state
    if not state.terms:
        await write_in_transaction(plan, event_ids)
        return  # Without terms there is no cashback either.
    written = Written(plan.program_id, state.terms[-1].terms.zone, loaded)
    written.made = frozenset(new.known.order_id for new in plan.facts if new.known.is_new)
    for event_id, new in zip(event_ids, plan.facts, strict=True):
        if new.fact is None:
            continue
        effects = judge(state, new.fact)
        if not new.known.is_new and waited_for_rate(state, effects):
            await write_again_in_transaction(plan.program_id, new.known.order_id, event_id, waited=True)
        written.add(effects, new.fact.order, f"order_event:{event_id}", new.fact.at)
        apply(state, effects)
    inserts = db.Inserts()
    await write_in_transaction(plan, event_ids, cards_of(written), inserts=inserts)
    await write_effects(written, inserts)
    if cashback is not None:
        await write_cashback_in_transaction(cashback, event_ids)


async def _take_apart(program_id: int, messages: Sequence[Message]) -> list[Outcome]:
    """Each order by itself, in the order of its messages; one that fails alone is kept unjudged."""
    by_order: dict[str, list[int]] = {}
    for index, message in enumerate(messages):
        by_order.setdefault(order_key(message), []).append(index)
    if len(by_order) == 1:
        return await _keep_unjudged(program_id, messages)
    outcomes: dict[int, Outcome] = {}
    for indexes in by_order.values():
        taken = await take(program_id, [messages[index] for index in indexes])
        outcomes.update(zip(indexes, taken, strict=True))
    return [outcomes[index] for index in range(len(messages))]


async def _keep_unjudged(program_id: int, messages: Sequence[Message]) -> list[Outcome]:
    async with db.transaction():
        terms = await versions(program_id)
        plan = await plan_in_transaction(program_id, terms[-1].terms.currency if terms else "", messages)
        if plan.facts:
            event_ids = await event_ids_in_transaction(plan)
            await write_in_transaction(plan, event_ids)
            failed: dict[int, list[int]] = {}
            for event_id, new in zip(event_ids, plan.facts, strict=True):
                failed.setdefault(new.known.order_id, []).append(event_id)
            await write_failures_in_transaction(program_id, failed)
            await db.execute(
                "UPDATE orders SET judging_error = 'judging failed' WHERE id = ANY($1::bigint[])",
                list(failed),
            )
    return [replace(outcome, judged=outcome.refused is not None) for outcome in plan.outcomes]
