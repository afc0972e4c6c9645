"""The order batcher: every request that waits at this moment goes into one transaction.

At rest a request is its own batch. Under load requests arrive while the batch before is being committed; they gather,
up to 500, and are the next batch. Nobody is waited for by the clock: before a batch begins, requests that the server
has read already are let in by a few turns of the loop. Sixteen shops' orders then cost one transaction and one commit
instead of sixteen, and a partner who gets them all is locked once.

One task per program works its queue off and ends when the queue is empty. It is started by the request that finds
none, in that request's context, so that a clock set for a scenario or a transaction held by a test is its own, too.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from app.commissions.intake import take
from app.errors import TooManyRequests, Unavailable
from app.orders.messages import Message, OrderMessage
from app.orders.outcomes import Outcome
from app.shops.bodies import ParsedOrder
from app.shops.queries import StoredOrder, known_moments, stored_orders
from app.ui.error_pages import is_database_down

BATCH = 500
QUIET_TURNS = 5
"""So many turns of the loop in which nobody came tell that nobody is at the door."""
WAITING_MAX = 5_000
"""Beyond it a program's shop is told to come again: answers would come too late to be of use."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one message, and the order as it stands; None where it was refused."""

    outcome: Outcome
    order: StoredOrder | None


@dataclass(frozen=True, slots=True)
class _Waiting:
    message: Message | ParsedOrder
    answer: asyncio.Future[Taken]


@dataclass(slots=True)
class _Queue:
    waiting: deque[_Waiting]
    worker: asyncio.Task[None] | None = None


_queues: dict[int, _Queue] = {}


async def submit(program_id: int, message: Message | ParsedOrder) -> Taken:
    """Have a message written down and judged; returns once that is committed. Raises what refused it."""
    _check_room(program_id)
    taken = await _put(program_id, message)
    if taken.outcome.refused is not None:
        raise taken.outcome.refused
    return taken


async def submit_all(program_id: int, messages: Sequence[Message | ParsedOrder]) -> list[Taken | Exception]:
    """As `submit` for many, one result each, in order; a refusal stands in its outcome."""
    if not messages:
        return []
    _check_room(program_id)
    answers = [_put(program_id, message) for message in messages]
    await asyncio.wait(answers)
    return [_result(answer) for answer in answers]


def _result(answer: asyncio.Future[Taken]) -> Taken | Exception:
    error = answer.exception()
    if error is None:
        return answer.result()
    assert isinstance(error, Exception), "the worker hands over nothing else"
    return error


def _check_room(program_id: int) -> None:
    queue = _queues.get(program_id)
    if queue is not None and len(queue.waiting) >= WAITING_MAX:
        raise TooManyRequests("Too many orders are waiting; send them a little later.", retry_after=2)


def _put(program_id: int, message: Message | ParsedOrder) -> asyncio.Future[Taken]:
    queue = _queues.setdefault(program_id, _Queue(deque()))
    answer: asyncio.Future[Taken] = asyncio.get_running_loop().create_future()
    queue.waiting.append(_Waiting(message, answer))
    if queue.worker is None:
        queue.worker = asyncio.create_task(_work(program_id, queue))
    return answer


async def _work(program_id: int, queue: _Queue) -> None:
    """Work the queue off, then end."""
    batch: list[_Waiting] = []
    try:
        while queue.waiting:
            await _gather(queue)
            batch = [queue.waiting.popleft() for _ in range(min(len(queue.waiting), BATCH))]
            await _answer(program_id, batch)
    finally:
        # No await between the last look at the queue and this: nobody can slip in between.
        del _queues[program_id]
        for waiting in (*batch, *queue.waiting):
            if not waiting.answer.done():
                waiting.answer.set_exception(
                    Unavailable("The portal is stopping; please try again.", retry_after=5)
                )


async def _gather(queue: _Queue) -> None:
    """Let those in who are at the door: turns of the loop without anybody new end the waiting, and so does BATCH."""
    quiet = 0
    while quiet < QUIET_TURNS and len(queue.waiting) < BATCH:
        before = len(queue.waiting)
        await asyncio.sleep(0)
        quiet = quiet + 1 if len(queue.waiting) == before else 0


async def _answer(program_id: int, batch: Sequence[_Waiting]) -> None:
    try:
        answers = await _take(program_id, [waiting.message for waiting in batch])
    except Exception as error:  # noqa: BLE001  the edge of a worker: each waiting request must get an answer
        if len(batch) > 1 and not is_database_down(error):
            log.warning("orders.batch_failed", program=program_id, orders=len(batch), error=repr(error)[:300])
            for waiting in batch:
                await _answer(program_id, [waiting])
            return
        for waiting in batch:
            if not waiting.answer.done():
                waiting.answer.set_exception(error)
        return
    for waiting, taken in zip(batch, answers, strict=True):
        if not waiting.answer.done():
            waiting.answer.set_result(taken)


async def _take(program_id: int, parsed: Sequence[Message | ParsedOrder]) -> list[Taken]:
    messages = await _with_known_moments(program_id, parsed)
    outcomes = await take(program_id, messages)
    ids = {
        outcome.order_id for outcome in outcomes if outcome.refused is None and outcome.order_id is not None
    }
    orders = await stored_orders(program_id, sorted(ids))
    return [
        Taken(outcome, orders.get(outcome.order_id) if outcome.order_id is not None else None)
        for outcome in outcomes
    ]


async def _with_known_moments(program_id: int, parsed: Sequence[Message | ParsedOrder]) -> list[Message]:
    """A shop that sends only a status has told when the order was paid before, by sending `paid` then."""
    asked = [item.message.external_id for item in parsed if isinstance(item, ParsedOrder) and item.guessed]
    known = await known_moments(program_id, asked) if asked else {}
    messages: list[Message] = []
    for item in parsed:
        if not isinstance(item, ParsedOrder):
            messages.append(item)
            continue
        message: OrderMessage = item.message
        stored = known.get(message.external_id, {})
        earlier: dict[str, Any] = {
            name: moment
            for name, moment in stored.items()
            if name in item.guessed and moment is not None and moment <= message.updated_at
        }
        messages.append(replace(message, **earlier) if earlier else message)
    return messages
