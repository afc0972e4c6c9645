"""What time does to commissions: release, level recalculation, another try of what could not be judged."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from app import clock, db
from app.cashback.intake import fold_in_transaction as fold_cashback_in_transaction
from app.cashback.intake import write_in_transaction as write_cashback_in_transaction
from app.commissions.attempts import write_again_in_transaction
from app.commissions.deposit import settle_due
from app.commissions.facts import Loaded, load_in_transaction, load_records
from app.commissions.intake import OURS
from app.commissions.order_state import waited_for_rate, waiting_with_rate
from app.commissions.partner_customers import load_customers
from app.commissions.partner_state import load_partners, load_purses
from app.commissions.stored import stored_orders
from app.commissions.writes import Written, notice_events, write_effects, write_levels
from app.errors import DomainError
from app.events.service import emit_in_transaction
from app.fraud.queries import held_orders
from app.ledger.service import Entry, book_in_transaction
from app.orders.plan import Plan
from app.orders.service import next_ids
from app.programs.scope import only_program as only_program  # what jobs are run for is asked for here as well
from app.programs.scope import program_ids
from app.programs.versions import versions
from app.rules.effects import Notice
from app.rules.fold import apply, judge
from app.rules.levels import recalculate_levels
from app.rules.periods import local_midnight, next_midnight
from app.rules.postings import release
from app.rules.state import State

log = structlog.get_logger(__name__)

BATCH = 500
MOST_DAYS = 400
"""So many missed midnights are made up for; a program that slept longer starts anew."""


async def release_due(now: datetime | None = None) -> int:
    """Make everything available whose moment has come, or pay it from the deposit; how many orders and commissions."""
    moment = now or clock.now()
    released = 0
    for program_id in await program_ids():
        while done := await _release_batch(program_id, moment):
            released += done
        released += await settle_due(program_id, moment)
    return released


async def _release_batch(program_id: int, now: datetime) -> int:
    async with db.transaction():
        order_ids = await _lock_due(program_id, now)
        if not order_ids:
            return 0
        loaded = Loaded(State(held=await held_orders(order_ids)))
        await load_records(loaded, order_ids)
        await load_purses(loaded.state, program_id, {key[1] for key in loaded.commission_ids})
        entries: list[Entry] = []
        notices: list[Notice] = []
        released: list[int] = []
        accrued: dict[int, int] = defaultdict(int)
        for key, minor in loaded.accrued.items():
            accrued[key[0]] += minor
        for order_id in order_ids:
            effects = release(loaded.state, order_id, now)
            if not effects.postings:
                continue  # Another transaction has taken it back, or moved its moment, while we waited for the lock.
            apply(loaded.state, effects)
            released.append(order_id)
            # The sum accrued so far rises with every accrual, so an order can be released once for each.
            source_key = f"release:{order_id}:{accrued[order_id]}"
            entries.append(Entry("release", source_key, now, effects.postings))
            notices.extend(effects.notices)
        booked = await book_in_transaction(program_id, entries)
        assert all(
            entry_id is not None or not entry.postings
            for entry_id, entry in zip(booked, entries, strict=True)
        ), "a release was booked before"
        await db.execute(
            """
            UPDATE commissions SET pending_minor = 0, state = 'available', released_at = $2
            WHERE order_id = ANY($1::bigint[]) AND pending_minor > 0
            """,
            released,
            now,
        )
        await emit_in_transaction(notice_events(program_id, notices))
        return len(released)


async def _lock_due(program_id: int, now: datetime) -> list[int]:
    rows = await db.fetch(
        """
        SELECT id FROM orders
        WHERE id IN (
            SELECT order_id FROM commissions
            WHERE pending_minor > 0 AND release_at <= $2 AND program_id = $1 AND settle = 'merchant'
                AND NOT EXISTS (
                    SELECT FROM order_flags AS flag
                    WHERE flag.order_id = commissions.order_id AND flag.state = 'open'
                )
            ORDER BY release_at, id LIMIT $3
        )
        ORDER BY id FOR NO KEY UPDATE
        """,
        program_id,
        now,
        BATCH,
    )
    return [row["id"] for row in rows]


async def recalculate_levels_due(now: datetime | None = None) -> int:
    """Recalculate every program's levels at each local midnight since the last time; returns how many changed."""
    moment = now or clock.now()
    changed = 0
    for program_id in await program_ids():
        known = await versions(program_id)
        if not known:
            continue
        zone = known[-1].terms.zone
        last = await db.fetchval(
            "SELECT max(started_at) FROM job_runs WHERE job = 'levels' AND period LIKE $1", f"{program_id}:%"
        )
        midnight = local_midnight(moment, zone)
        due = next_midnight(last, zone) if last is not None else midnight
        due = max(due, midnight - timedelta(days=MOST_DAYS))
        while due <= midnight:
            changed += await recalculate_program_levels(program_id, due)
            due = next_midnight(due, zone)
    return changed


async def recalculate_program_levels(program_id: int, midnight: datetime) -> int:
    """One program's levels at one local midnight, once; returns how many changed."""
    async with db.transaction():
        fresh = await db.fetchval(
            """
            INSERT INTO job_runs (job, period, started_at, finished_at, result) VALUES ('levels', $1, $2, $3, '')
            ON CONFLICT (job, period) DO NOTHING RETURNING id
            """,
            f"{program_id}:{midnight.isoformat()}",
            midnight,
            clock.now(),
        )
        if fresh is None:
            return 0
        state = State(terms=await versions(program_id))
        version = state.version_at(midnight)
        if version is None:
            return 0
        rows = await db.fetch(
            """
            SELECT id FROM partners
            WHERE program_id = $1 AND joined_at <= $2 AND (
                level <> $3
                OR EXISTS (SELECT FROM partner_turnovers AS total WHERE total.partner_id = partners.id)
                OR EXISTS (SELECT FROM partner_level_changes AS change WHERE change.partner_id = partners.id AND change.pinned)
            )
            """,
            program_id,
            midnight,
            version.terms.levels[0].code,
        )
        await load_partners(state, program_id, [row["id"] for row in rows], (midnight, midnight))
        await load_customers(state, program_id, (midnight, midnight))
        effects = recalculate_levels(state, midnight)
        await write_levels(program_id, effects.levels)
        await emit_in_transaction(notice_events(program_id, effects.notices))
        return len(effects.levels)


async def retry_failed_judgements(now: datetime | None = None) -> int:
    """Judge once more what could not be judged; returns how many orders now are."""
    rows = await db.fetch(
        """
        SELECT program_id, external_id FROM orders
        WHERE judging_error <> '' AND ($2::bigint IS NULL OR program_id = $2)
        ORDER BY id LIMIT $1
        """,
        BATCH,
        only_program.get(),
    )
    judged = 0
    for row in rows:
        try:
            judged += await judge_again(row["program_id"], [row["external_id"]])
        except (*OURS, DomainError):
            # It waits on, as staff see; the orders after it must not wait for it.
            log.exception("orders.judging_failed", program_id=row["program_id"], order=row["external_id"])
    return judged


async def judge_waiting(program_id: int | None = None) -> int:
    """Judge the orders that waited for the rate of their currency, where it is known by now; returns how many."""
    judged = 0
    for one in await program_ids() if program_id is None else [program_id]:
        while external_ids := await waiting_with_rate(one, BATCH):
            judged += await judge_again(one, external_ids)
    return judged


async def judge_again(program_id: int, external_ids: Sequence[str]) -> int:
    """Judge orders from their stored facts; what is booked already stays, only differences are added."""
    async with db.transaction():
        known_terms = await versions(program_id)
        if not known_terms:
            return 0
        plan = Plan(program_id, {})
        orders = await stored_orders(plan, known_terms[-1].terms.currency, external_ids)
        cashback = await fold_cashback_in_transaction(plan, known_terms)
        if cashback is not None and cashback.refused:
            raise cashback.refused[0][1]
        loaded = await load_in_transaction(plan, known_terms)
        written = Written(program_id, known_terms[-1].terms.zone, loaded)
        positions = await next_ids("order_events", len(orders))
        for new, position in zip(orders, positions, strict=True):
            assert new.fact is not None
            effects = judge(loaded.state, new.fact)
            waited = waited_for_rate(loaded.state, effects)
            written.add(effects, new.fact.order, f"order_event:{position}", new.fact.at)
            apply(loaded.state, effects)
            await write_again_in_transaction(program_id, new.known.order_id, position, waited=waited)
        await write_effects(written)
        if cashback is not None:
            await write_cashback_in_transaction(cashback, positions)
        # What only waits, for its payment or for terms, has not failed any more.
        await db.execute(
            "UPDATE orders SET judging_error = '' WHERE id = ANY($1::bigint[]) AND judging_error <> ''",
            [new.known.order_id for new in orders if new.known.order_id not in written.records],
        )
        return len(orders)
