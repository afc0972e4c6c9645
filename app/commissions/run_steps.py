"""One step of a periodic run, inside its transaction: some partners, their waiting orders, their money."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from app import clock, db
from app.commissions.cards import card_events
from app.commissions.facts import load_in_transaction
from app.commissions.handing_over import hand_over_in_transaction
from app.commissions.stored import stored_orders
from app.commissions.writes import Written, write_effects
from app.events.service import NewEvent, emit_in_transaction
from app.orders.plan import NewFact, Plan
from app.orders.service import next_ids
from app.partners.service import change_state_in_transaction, lock_in_transaction
from app.programs.versions import versions
from app.rules.effects import Effects
from app.rules.fold import apply, calculate, waiting_partners
from app.rules.periodic import none_fits
from app.rules.state import State
from app.rules.terms import Terms

ACCOUNT_OF = {"reserve_and_credit": "internal", "reserve_and_mark_paid": "paid"}
NO_PLAN = "No plan fits what was sold in the period."


@dataclass(frozen=True, slots=True)
class StepRun:
    """The run that a step belongs to."""

    id: int
    program_id: int
    action: str
    to_at: datetime
    plan_from_at: datetime | None
    plan_to_at: datetime | None
    step: int


@dataclass(slots=True)
class _Step:
    """What a step gathers."""

    run: StepRun
    items: dict[int, asyncpg.Record]
    """By partner."""
    reached: dict[int, int] = field(default_factory=dict)
    orders: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Waiting orders of each partner, oldest first."""
    amounts: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    counts: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    calculated: list[tuple[int, int, int]] = field(default_factory=list)
    """(order, partner, position)."""


async def take_step(run: StepRun, items: Sequence[asyncpg.Record]) -> None:
    """Calculate the waiting orders of these partners, and do with the sums what the run says."""
    step = _Step(run, {item["partner_id"]: item for item in items})
    rows = await _waiting(step)
    known = await versions(run.program_id)
    if rows:
        plan = Plan(run.program_id, {})
        numbers = list(dict.fromkeys(row["external_id"] for row in rows))
        facts = {
            new.known.order_id: new for new in await stored_orders(plan, known[-1].terms.currency, numbers)
        }
        for row in rows:
            step.orders[row["partner_id"]].append(row["order_id"])
        await _measure(step, known[-1].terms)
        await _calculate(step, plan, facts)
    await _close_items(step)


async def _waiting(step: _Step) -> list[asyncpg.Record]:
    return await db.fetch(
        """
        SELECT waiting.order_id, waiting.partner_id, orders.external_id
        FROM unnest($1::bigint[], $2::timestamptz[]) AS item (partner_id, from_at)
        JOIN calculation_orders AS waiting ON waiting.partner_id = item.partner_id
        JOIN orders ON orders.id = waiting.order_id
        WHERE waiting.program_id = $3 AND waiting.item_id IS NULL AND waiting.paid_at < $4
            AND waiting.paid_at >= coalesce(item.from_at, '-infinity')
        ORDER BY waiting.paid_at, waiting.order_id, waiting.partner_id
        """,
        list(step.items),
        [item["from_at"] for item in step.items.values()],
        step.run.program_id,
        step.run.to_at,
    )


async def _measure(step: _Step, terms: Terms) -> None:
    """What each partner reached in the deciding period, calculated before or not (behind the orders' locks)."""
    run = step.run
    rows = await db.fetch(
        """
        SELECT item.partner_id, coalesce(sum(credit.base_minor), 0)::bigint AS base,
            coalesce(sum(credit.quantity_micro), 0)::bigint AS pieces
        FROM unnest($1::bigint[], $2::timestamptz[]) AS item (partner_id, from_at)
        LEFT JOIN calculation_orders AS credit ON credit.partner_id = item.partner_id
            AND credit.paid_at >= coalesce(item.from_at, '-infinity') AND credit.paid_at < $3
        GROUP BY item.partner_id
        """,
        list(step.items),
        [run.plan_from_at or item["from_at"] for item in step.items.values()],
        run.plan_to_at or run.to_at,
    )
    measure = "pieces" if terms.plan_choice.measure == "quantity" else "base"
    step.reached = {row["partner_id"]: row[measure] for row in rows}


async def _calculate(step: _Step, plan: Plan, facts: dict[int, NewFact]) -> None:
    run, now = step.run, clock.now()
    loaded = await load_in_transaction(plan, await versions(run.program_id))
    state = loaded.state
    written = Written(run.program_id, state.terms[-1].terms.zone, loaded)
    fitting = {}
    _leave_out_what_moved(step, state)
    for partner_id, order_ids in step.orders.items():
        reached = step.reached[partner_id]
        orders = [
            new.fact.order
            for one in order_ids
            if (new := facts.get(one)) is not None and new.fact is not None
        ]
        if none_fits(state, orders, partner_id, reached):
            await _deactivate(run, partner_id, order_ids[0], now)
        else:
            fitting[partner_id] = reached
    wanted = list(dict.fromkeys(one for partner_id in fitting for one in step.orders[partner_id]))
    # In the order of payment, as everywhere: `stored_orders` has sorted them so.
    todo = [new for new in plan.facts if new.known.order_id in set(wanted)]
    for new, position in zip(todo, await next_ids("order_events", len(todo)), strict=True):
        assert new.fact is not None
        mine = {one: reached for one, reached in fitting.items() if new.known.order_id in step.orders[one]}
        record = state.orders[new.known.order_id]
        fresh = sorted(mine.keys() & set(waiting_partners(record.judgement)))
        effects = calculate(state, new.fact, mine)
        written.add(effects, new.fact.order, f"calculation:{position}", now)
        apply(state, effects)
        _count(step, effects)
        for partner_id in fresh:
            step.counts[partner_id] += 1
            step.calculated.append((new.known.order_id, partner_id, position))
    await write_effects(written)
    await _mark(step)
    await _pay(step, written, now)
    told = [(new.known.order_id, new.known.external_id) for new in todo]
    await emit_in_transaction(card_events(run.program_id, told, now))


def _leave_out_what_moved(step: _Step, state: State) -> None:
    """Orders that were taken from a partner, or calculated, before we had their locks."""
    for partner_id, order_ids in list(step.orders.items()):
        waiting = [
            one
            for one in order_ids
            if one in state.orders and partner_id in waiting_partners(state.orders[one].judgement)
        ]
        if waiting:
            step.orders[partner_id] = waiting
        else:
            del step.orders[partner_id]


def _count(step: _Step, effects: Effects) -> None:
    for change in effects.changes:
        step.amounts[change.from_partner or change.partner_id] += change.amount_delta_minor


async def _mark(step: _Step) -> None:
    """Say that these orders are calculated for these partners; each can be said once."""
    tag = await db.execute(
        """
        UPDATE calculation_orders AS kept SET item_id = new.item_id, position = new.position
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])
            AS new (order_id, partner_id, position, item_id)
        WHERE kept.order_id = new.order_id AND kept.partner_id = new.partner_id AND kept.item_id IS NULL
        """,
        [order_id for order_id, _, _ in step.calculated],
        [partner_id for _, partner_id, _ in step.calculated],
        [position for _, _, position in step.calculated],
        [step.items[partner_id]["id"] for _, partner_id, _ in step.calculated],
    )
    assert tag == f"UPDATE {len(step.calculated)}", "an order was calculated twice"


async def _pay(step: _Step, written: Written, now: datetime) -> None:
    """Where the run says so, pay what it has just booked, the parents' tiers included.

    What is held for a check stays pending (rules.md §8); once it is cleared, it becomes available as usual.
    """
    account = ACCOUNT_OF.get(step.run.action)
    if account is None:
        return
    keys = sorted(
        {
            (change.order_id, change.partner_id, change.kind.value, change.tier)
            for _, change in written.changes
            if change.amount_delta_minor > 0
        }
    )
    rows = await db.fetch(
        """
        SELECT commission.id, commission.partner_id, commission.order_id, commission.pending_minor,
            commission.accrued_minor
        FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::int[]) AS key (order_id, partner_id, kind, tier)
        JOIN commissions AS commission ON commission.order_id = key.order_id AND commission.partner_id = key.partner_id
            AND commission.kind = key.kind AND commission.tier = key.tier
        WHERE commission.pending_minor > 0 AND commission.settle = 'merchant'
            AND NOT EXISTS (
                SELECT FROM order_flags AS flag WHERE flag.order_id = commission.order_id AND flag.state = 'open'
            )
        ORDER BY commission.id
        """,
        *([key[place] for key in keys] for place in range(4)),
    )
    await hand_over_in_transaction(step.run.program_id, rows, "run", account, now)


async def _deactivate(run: StepRun, partner_id: int, order_id: int, now: datetime) -> None:
    """No plan fits and none is fixed: he is inactive from now on, his orders keep waiting; he and staff are told."""
    found = await lock_in_transaction(partner_id)
    if found.state != "active":
        return
    await change_state_in_transaction(found, "inactive", at=now, reason=NO_PLAN, author_id=None)
    payload = {"partner_id": partner_id, "order_id": order_id, "amount_minor": 0, "level": ""}
    await emit_in_transaction(
        [NewEvent("partner.deactivated", run.program_id, f"partner:{partner_id}", payload, now)]
    )


async def _close_items(step: _Step) -> None:
    partners = list(step.items)
    await db.execute(
        """
        UPDATE calculation_items AS item
        SET state = new.state, reached = new.reached, orders = new.orders, amount_minor = new.amount_minor,
            finished_at = $1
        FROM unnest($2::bigint[], $3::text[], $4::bigint[], $5::int[], $6::bigint[])
            AS new (id, state, reached, orders, amount_minor)
        WHERE item.id = new.id
        """,
        clock.now(),
        [step.items[one]["id"] for one in partners],
        ["no_plan" if step.orders.get(one) and not step.counts.get(one) else "done" for one in partners],
        [step.reached.get(one) for one in partners],
        [step.counts.get(one, 0) for one in partners],
        [step.amounts.get(one, 0) for one in partners],
    )
