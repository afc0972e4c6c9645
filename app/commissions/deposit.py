"""The merchant's deposit: putting money down, and paying released commissions from it, oldest first.

Whoever pays from a program's deposit holds its advisory lock before anything else, so nothing overtakes a waiting
commission, and the deposit's balance row is never fought for. After it locks are taken as everywhere: orders,
partners, balances. A commission is the older the earlier its moment of release; equal moments go by their ids.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from app import clock, db
from app.commissions.cards import refresh_cards_in_transaction
from app.commissions.partner_state import load_purses
from app.commissions.writes import notice_events
from app.errors import Conflict, FieldError, NotFound, invalid
from app.events.service import NewEvent, emit_in_transaction
from app.ledger.queries import deposit_balance
from app.ledger.service import Entry, book_in_transaction, open_deposit_in_transaction
from app.programs.versions import versions
from app.rules.deposit import Due, Settled, settle
from app.rules.deposit import top_up as top_up_postings
from app.rules.effects import Notice, NoticeKind
from app.rules.periods import local_midnight
from app.rules.postings import Purse
from app.rules.state import State
from app.users import audit

DEPOSIT_LOCK = 0x64657073
"""First key of the advisory lock on a program's deposit; the second is the program."""
BATCH = 500
AMOUNT_MAX = 10**15
LOOK_AHEAD = timedelta(days=7)
"""Staff are told when the deposit does not cover what falls due so soon."""


@dataclass(frozen=True, slots=True)
class NewTopUp:
    """Money that the merchant put down."""

    amount_minor: int
    reference: str = ""
    note: str = ""


async def top_up(program_id: int, new: NewTopUp, *, action_id: str, author_id: int | None = None) -> int:
    """Put money down and pay what waits, oldest first; the top-up's id. The same `action_id` again is the same one."""
    if not 0 < new.amount_minor <= AMOUNT_MAX:
        raise invalid(FieldError("amount", "out_of_range", "Enter an amount above zero."))
    now = clock.now()
    async with db.transaction():
        await lock_deposit_in_transaction(program_id)
        known = await db.fetchrow(
            "SELECT id, amount_minor FROM deposit_top_ups WHERE program_id = $1 AND action_id = $2",
            program_id,
            action_id,
        )
        if known is not None and known["amount_minor"] != new.amount_minor:
            raise sent_before()
        if known is not None:
            return int(known["id"])
        made = await _write_top_up(program_id, new, action_id, author_id)
        settled = await settle_in_transaction(program_id, now)
    while settled == BATCH:
        settled = await _settle_batch(program_id, now)
    return made


def sent_before() -> Conflict:
    """A form that was booked comes again with other values: after "back", an amount was corrected and sent anew."""
    return Conflict(
        "This form was sent before, with other values, and booked then. Open the page anew.", code="form_used"
    )


async def settle_due(program_id: int, now: datetime) -> int:
    """Pay from the deposit whatever it covers of what is due; how many commissions. Staff are told when it is low."""
    waits = await db.fetchval(
        """
        SELECT EXISTS (
            SELECT FROM commissions
            WHERE program_id = $1 AND settle = 'deposit' AND pending_minor > 0 AND release_at <= $2
        )
        """,
        program_id,
        now + LOOK_AHEAD,
    )
    if not waits:
        return 0
    total = settled = await _settle_batch(program_id, now)
    while settled == BATCH:
        settled = await _settle_batch(program_id, now)
        total += settled
    await _tell_when_low(program_id, now)
    return total


async def lock_deposit_in_transaction(program_id: int) -> None:
    """To be taken before all other locks of a transaction that may pay from the deposit."""
    await db.execute("SELECT pg_advisory_xact_lock($1, $2)", DEPOSIT_LOCK, program_id % 2**31)


async def settle_in_transaction(program_id: int, now: datetime) -> int:
    """One batch of what is due, paid while the deposit covers it; how many. The caller holds the deposit's lock."""
    waiting = await _lock_waiting(program_id, now)
    if not waiting:
        return 0
    await open_deposit_in_transaction(program_id)
    state = State()
    await load_purses(state, program_id, {row["partner_id"] for row in waiting})
    purses = {one.partner_id: Purse(one.partner_id, one.balances) for one in state.partners.values()}
    dues = [Due(row["id"], row["partner_id"], row["pending_minor"]) for row in waiting]
    rates = await _fees(program_id, waiting)
    settled = settle(zip(dues, rates, strict=True), await deposit_balance(program_id), purses)
    await _write_settled(program_id, waiting[: len(settled)], settled, now)
    return len(settled)


async def _settle_batch(program_id: int, now: datetime) -> int:
    async with db.transaction():
        await lock_deposit_in_transaction(program_id)
        return await settle_in_transaction(program_id, now)


async def _write_top_up(program_id: int, new: NewTopUp, action_id: str, author_id: int | None) -> int:
    now = clock.now()
    currency = await db.fetchval(
        "SELECT document ->> 'currency' FROM program_terms WHERE program_id = $1 LIMIT 1", program_id
    )
    if currency is None:
        raise NotFound
    await open_deposit_in_transaction(program_id)
    entry = Entry(
        "top_up", f"top_up:{action_id}", now, top_up_postings(new.amount_minor), new.reference[:500]
    )
    entry_id = (await book_in_transaction(program_id, [entry]))[0]
    assert entry_id is not None, "a top-up was booked before it was made"
    made: int = await db.fetchval(
        """
        INSERT INTO deposit_top_ups
            (program_id, amount_minor, reference, note, author_id, action_id, at, entry_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id
        """,
        program_id,
        new.amount_minor,
        new.reference,
        new.note,
        author_id,
        action_id,
        now,
        entry_id,
    )
    await audit.write_in_transaction(
        "deposit.topped_up",
        f"top_up:{made}",
        program_id=program_id,
        user_id=author_id,
        reason=" ".join(part for part in (new.reference, new.note) if part),
    )
    return made


async def _lock_waiting(program_id: int, now: datetime) -> list[asyncpg.Record]:
    """The oldest that are due, with their orders locked; read again behind the locks."""
    rows = await db.fetch(_WAITING, program_id, now, BATCH)
    order_ids = sorted({row["order_id"] for row in rows if row["order_id"] is not None})
    if not order_ids:
        return rows
    await db.execute(
        "SELECT id FROM orders WHERE id = ANY($1::bigint[]) ORDER BY id FOR NO KEY UPDATE", order_ids
    )
    again = await db.fetch(_WAITING, program_id, now, BATCH)
    locked = {*order_ids, None}
    # An order that became the older one meanwhile has no lock: it and what is behind it wait for the next batch.
    until = next((place for place, row in enumerate(again) if row["order_id"] not in locked), len(again))
    return again[:until]


_WAITING = """
    SELECT commission.id, commission.partner_id, commission.order_id, commission.pending_minor,
        commission.accrued_minor, commission.earned_at, attribution.terms_number
    FROM commissions AS commission
    LEFT JOIN attributions AS attribution ON attribution.order_id = commission.order_id
    WHERE commission.program_id = $1 AND commission.settle = 'deposit' AND commission.pending_minor > 0
        AND commission.release_at <= $2
        AND NOT EXISTS (
            SELECT FROM order_flags AS flag WHERE flag.order_id = commission.order_id AND flag.state = 'open'
        )
    ORDER BY commission.release_at, commission.id
    LIMIT $3
"""


async def _fees(program_id: int, waiting: Sequence[asyncpg.Record]) -> list[int]:
    """The fee's rate of each: of its order's terms; without an order, of those in force when it was given."""
    state = State(terms=await versions(program_id))
    rates = []
    for row in waiting:
        number, at = row["terms_number"], row["earned_at"]
        version = state.version(number) if number is not None else state.version_at(at)
        assert version is not None, "a commission without terms"
        rates.append(version.terms.payout.deposit_fee_ppm)
    return rates


async def _write_settled(
    program_id: int, rows: Sequence[asyncpg.Record], settled: Sequence[Settled], now: datetime
) -> None:
    if not settled:
        return
    # What was accrued so far rises with every accrual, so a commission can be settled once for each.
    entries = [
        Entry("deposit", f"deposit:{row['id']}:{row['accrued_minor']}", now, one.postings)
        for row, one in zip(rows, settled, strict=True)
    ]
    booked = await book_in_transaction(program_id, entries)
    assert None not in booked, "a commission was settled before"
    await write_settlements_in_transaction(program_id, "deposit", "paid", settled, booked, now)
    await refresh_cards_in_transaction(
        program_id, sorted({row["order_id"] for row in rows if row["order_id"] is not None}), now
    )
    paid = [
        Notice(NoticeKind.COMMISSION_PAID, one.due.partner_id, now, row["order_id"], one.paid_minor)
        for row, one in zip(rows, settled, strict=True)
        if one.paid_minor
    ]
    await emit_in_transaction(notice_events(program_id, paid))


async def write_settlements_in_transaction(
    program_id: int,
    way: str,
    account: str,
    settled: Sequence[Settled],
    entry_ids: Sequence[int | None],
    now: datetime,
) -> None:
    """Store what was paid and say at the commissions that nothing of them is pending any more."""
    await db.execute(
        """
        INSERT INTO commission_settlements (program_id, commission_id, partner_id, way, account, released_minor,
            repaid_minor, paid_minor, fee_minor, at, entry_id)
        SELECT $1, commission_id, partner_id, $2, $3, released, repaid, paid, fee, $4, entry_id
        FROM unnest($5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[])
            WITH ORDINALITY AS new (commission_id, partner_id, released, repaid, paid, fee, entry_id, place)
        ORDER BY place
        """,
        program_id,
        way,
        account,
        now,
        [one.due.commission_id for one in settled],
        [one.due.partner_id for one in settled],
        [one.due.amount_minor for one in settled],
        [one.repaid_minor for one in settled],
        [one.paid_minor for one in settled],
        [one.fee_minor for one in settled],
        list(entry_ids),
    )
    await db.execute(
        """
        UPDATE commissions SET pending_minor = 0, state = 'paid', released_at = $2
        WHERE id = ANY($1::bigint[])
        """,
        [one.due.commission_id for one in settled],
        now,
    )


async def _tell_when_low(program_id: int, now: datetime) -> None:
    """Tell staff, at most once a local day, that the deposit does not cover what falls due within a week."""
    known = await versions(program_id)
    terms = known[-1].terms
    needed = await db.fetchval(
        """
        SELECT coalesce(sum(pending_minor), 0)::bigint FROM commissions
        WHERE program_id = $1 AND settle = 'deposit' AND pending_minor > 0 AND release_at <= $2
        """,
        program_id,
        now + LOOK_AHEAD,
    )
    balance = await deposit_balance(program_id)
    if needed + needed * terms.payout.deposit_fee_ppm // 1_000_000 <= balance:
        return
    async with db.transaction():
        fresh = await db.fetchval(
            """
            INSERT INTO job_runs (job, period, started_at, finished_at, result) VALUES ('deposit_low', $1, $2, $2, '')
            ON CONFLICT (job, period) DO NOTHING RETURNING id
            """,
            f"{program_id}:{local_midnight(now, terms.zone).isoformat()}",
            now,
        )
        if fresh is not None:
            payload = {"needed_minor": needed, "balance_minor": balance, "currency": terms.currency}
            await emit_in_transaction(
                [NewEvent("deposit.low", program_id, f"program:{program_id}", payload, now)]
            )
