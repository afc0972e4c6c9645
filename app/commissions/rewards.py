"""Bonuses and volume bonuses: given by the jobs, once, available at once after repaying debt (rules.md §16 "Bonuses").

At every run the present level period is looked at for bonuses; each period that has ended, once, for its last bonuses
and for volume bonuses, by the terms that were in force at its last moment.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from app import clock, db
from app.commissions.partner_customers import load_customers
from app.commissions.partner_state import load_partners, load_purses
from app.commissions.writes import notice_events
from app.events.service import emit_in_transaction
from app.ledger.service import Entry, book_in_transaction
from app.orders.service import next_ids
from app.programs.scope import program_ids
from app.programs.versions import versions
from app.rules.bonuses import EVER, NOTHING, Figures, Reward, bonuses_due, volume_bonus_due
from app.rules.effects import Notice, NoticeKind
from app.rules.levels import level_in_force, next_turn
from app.rules.periods import period_start
from app.rules.postings import Purse, accrue, adjust
from app.rules.state import State, TermsVersion
from app.rules.terms import Terms
from app.stats.service import Delta, add_in_transaction

LAST = timedelta(microseconds=1)
"""Before the end of a period."""
MOST_DAYS = 400
"""So far back are periods that nobody has looked at made up for."""


async def give_rewards_due(now: datetime | None = None) -> int:
    """Give every bonus that is due; returns how many were."""
    moment = now or clock.now()
    given = 0
    for program_id in await program_ids():
        known = await versions(program_id)
        if not any(one.terms.bonuses or one.terms.volume_bonuses for one in known):
            continue
        for ended in await _ended_periods(program_id, known, moment):
            given += await _give(program_id, known, ended, at_end=True)
        given += await _give(program_id, known, moment, at_end=False)
    return given


async def _ended_periods(program_id: int, known: Sequence[TermsVersion], now: datetime) -> list[datetime]:
    """The last moments of the level periods since the first commission that nobody has looked at yet."""
    first = await db.fetchval("SELECT min(earned_at) FROM commissions WHERE program_id = $1", program_id)
    if first is None:
        return []
    done = {
        row["period"]
        for row in await db.fetch(
            "SELECT period FROM job_runs WHERE job = 'rewards' AND period LIKE $1", f"{program_id}:%"
        )
    }
    found = []
    moment = max(first, now - timedelta(days=MOST_DAYS))
    while (terms := _terms_at(known, moment)) is not None:
        end = next_turn(moment, terms)
        if end is None or end > now:
            break
        if f"{program_id}:{end.isoformat()}" not in done:
            found.append(end - LAST)
        moment = end
    return found


def _terms_at(known: Sequence[TermsVersion], moment: datetime) -> Terms | None:
    version = State(terms=list(known)).version_at(moment)
    return version.terms if version is not None else None


async def _give(program_id: int, known: Sequence[TermsVersion], moment: datetime, *, at_end: bool) -> int:
    """What is due at one moment; at a period's last one also its volume bonuses, once."""
    terms = _terms_at(known, moment)
    if terms is None:
        return 0
    async with db.transaction():
        if at_end and not await _mark(program_id, moment + LAST):
            return 0
        due = await _due(program_id, known, terms, moment, at_end=at_end)
        return await _write(program_id, terms, due)


async def _mark(program_id: int, end: datetime) -> bool:
    fresh = await db.fetchval(
        """
        INSERT INTO job_runs (job, period, started_at, finished_at, result) VALUES ('rewards', $1, $2, $3, '')
        ON CONFLICT (job, period) DO NOTHING RETURNING id
        """,
        f"{program_id}:{end.isoformat()}",
        end,
        clock.now(),
    )
    return fresh is not None


async def _due(
    program_id: int, known: Sequence[TermsVersion], terms: Terms, moment: datetime, *, at_end: bool
) -> list[Reward]:
    start = period_start(moment, terms.levels_policy.period, terms.zone)
    period = start.astimezone(terms.zone).date().isoformat() if start is not None else EVER
    in_period = await _figures(program_id, start, moment, terms.zone.key)
    due: list[Reward] = []
    if terms.bonuses:
        ever = await _figures(program_id, None, moment, terms.zone.key)
        for partner_id, figures in ever.items():
            due.extend(bonuses_due(partner_id, terms, figures, in_period.get(partner_id, NOTHING), period))
    if at_end and terms.volume_bonuses and in_period:
        state = State(terms=list(known))
        await load_partners(state, program_id, in_period, (moment, moment))
        await load_customers(state, program_id, (moment, moment))
        for partner_id, figures in in_period.items():
            level = level_in_force(state.partners[partner_id], moment, terms).code
            found = volume_bonus_due(partner_id, terms, level, figures.base_minor, period)
            if found is not None:
                due.append(found)
    return due


async def _figures(
    program_id: int, start: datetime | None, moment: datetime, zone: str
) -> dict[int, Figures]:
    """What active partners have reached between two moments; orders by their payment, as they stand now."""
    rows = await db.fetch(
        """
        SELECT partner.id,
            (SELECT coalesce(sum(sold_orders), 0)::bigint FROM partner_turnovers AS total
             WHERE total.partner_id = partner.id AND total.grain = 'month'
                AND ($2::timestamptz IS NULL OR total.starts_on >= ($2 AT TIME ZONE $4)::date)
                AND total.starts_on <= ($3 AT TIME ZONE $4)::date) AS orders,
            (SELECT count(DISTINCT orders.customer_id)
             FROM commissions AS sold JOIN orders ON orders.id = sold.order_id
             WHERE sold.partner_id = partner.id AND sold.kind = 'direct' AND sold.orders > 0
                AND ($2::timestamptz IS NULL OR sold.earned_at >= $2) AND sold.earned_at <= $3) AS customers,
            (SELECT coalesce(sum(base_minor), 0)::bigint FROM partner_turnovers AS total
             WHERE total.partner_id = partner.id AND total.grain = 'month'
                AND ($2::timestamptz IS NULL OR total.starts_on >= ($2 AT TIME ZONE $4)::date)
                AND total.starts_on <= ($3 AT TIME ZONE $4)::date) AS base_minor
        FROM partners AS partner
        WHERE partner.program_id = $1 AND partner.state = 'active'
            AND EXISTS (SELECT FROM partner_turnovers AS total WHERE total.partner_id = partner.id)
        ORDER BY partner.id
        """,
        program_id,
        start,
        moment,
        zone,
    )
    return {row["id"]: Figures(row["orders"], row["customers"], row["base_minor"]) for row in rows}


async def _write(program_id: int, terms: Terms, due: Sequence[Reward]) -> int:
    """Store and book those of them that were not given before; the unique key of `rewards` tells."""
    if not due:
        return 0
    now = clock.now()
    rows = await db.fetch(
        """
        INSERT INTO rewards (program_id, partner_id, kind, code, period, reached, amount_minor, at)
        SELECT $1, partner_id, kind, code, period, reached, amount_minor, $2
        FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[])
            AS due (partner_id, kind, code, period, reached, amount_minor)
        WHERE amount_minor > 0
        ORDER BY partner_id, kind, code, period
        ON CONFLICT (partner_id, kind, code, period) DO NOTHING
        RETURNING id, partner_id, kind, code, period
        """,
        program_id,
        now,
        [one.partner_id for one in due],
        [one.kind for one in due],
        [one.code for one in due],
        [one.period for one in due],
        [one.reached for one in due],
        [one.amount_minor for one in due],
    )
    fresh = {(row["partner_id"], row["kind"], row["code"], row["period"]): row["id"] for row in rows}
    new = [one for one in due if (one.partner_id, one.kind, one.code, one.period) in fresh]
    ids = [fresh[one.partner_id, one.kind, one.code, one.period] for one in new]
    if new:
        await _book(program_id, terms, new, ids, now)
    return len(new)


async def _book(
    program_id: int, terms: Terms, new: Sequence[Reward], reward_ids: Sequence[int], now: datetime
) -> None:
    """Commissions without an order; from a deposit they wait in its queue like all others."""
    state = State()
    await load_purses(state, program_id, {one.partner_id for one in new})
    purses = {partner_id: Purse(partner_id, one.balances) for partner_id, one in state.partners.items()}
    waits = terms.payout.by_deposit
    entries = [
        Entry(
            "bonus",
            f"reward:{reward_id}",
            now,
            accrue(one.partner_id, one.amount_minor)
            if waits
            else adjust(purses[one.partner_id], one.amount_minor),
        )
        for one, reward_id in zip(new, reward_ids, strict=True)
    ]
    entry_ids = await book_in_transaction(program_id, entries)
    commission_ids = await next_ids("commissions", len(new))
    for one, reward_id, entry_id, commission_id in zip(
        new, reward_ids, entry_ids, commission_ids, strict=True
    ):
        await db.execute(
            """
            WITH made AS (
                INSERT INTO commissions (id, program_id, partner_id, kind, tier, state, settle, base_minor, rate,
                    accrued_minor, amount_minor, pending_minor, level, earned_at, release_at, released_at)
                VALUES ($1, $2, $3, $4, 0, CASE WHEN $5 THEN 'pending' ELSE 'available' END,
                    CASE WHEN $5 THEN 'deposit' ELSE 'merchant' END, $6, $7, $8, $8,
                    CASE WHEN $5 THEN $8::bigint ELSE 0 END, '', $9, $9,
                    CASE WHEN $5 THEN NULL ELSE $9::timestamptz END)
            ), linked AS (UPDATE rewards SET commission_id = $1 WHERE id = $11)
            INSERT INTO commission_entries (commission_id, program_id, partner_id, kind, tier, cause, cause_ref, at,
                base_minor, amount_minor, rate, entry_id)
            VALUES ($1, $2, $3, $4, 0, 'bonus', $12, $9, $6, $8, $7, $10)
            """,
            commission_id,
            program_id,
            one.partner_id,
            one.kind,
            waits,
            one.base_minor,
            one.rate_ppm,
            one.amount_minor,
            now,
            entry_id,
            reward_id,
            one.code,
        )
    day = now.astimezone(terms.zone).date()
    await add_in_transaction(
        program_id, [Delta(one.partner_id, 0, day, earned_minor=one.amount_minor) for one in new]
    )
    told = [] if waits else new
    notices = [
        Notice(NoticeKind.COMMISSION_AVAILABLE, one.partner_id, now, None, one.amount_minor) for one in told
    ]
    await emit_in_transaction(notice_events(program_id, notices))
