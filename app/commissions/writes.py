"""Set-based writes of effects: commissions and their entries, journal, turnover, levels, counts and events.

Everything is gathered over the whole batch first and then written table by table. The journal's source keys make a
repeated write of the same fact an error that rolls back, never a second booking.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from app import clock, db
from app.commissions.cards import cards_of
from app.commissions.columns import COMMISSION_COLUMNS, ENTRY_COLUMNS, JUDGEMENT_COLUMNS
from app.commissions.counts import add_counts
from app.commissions.deactivations import write_deactivations
from app.commissions.facts import Loaded
from app.commissions.holds import hold_self_referrals
from app.commissions.run_writes import add_credits
from app.commissions.totals import Totals
from app.events.service import NewEvent, add_events
from app.ledger.service import Entry, book_in_transaction
from app.orders.service import next_ids
from app.rules.effects import (
    CommissionChange,
    CommissionKind,
    Deactivation,
    Effects,
    LevelChange,
    Notice,
)
from app.rules.facts import Order
from app.rules.judgement import Judgement
from app.rules.periodic import Credit, credits_of
from app.rules.state import CommissionRecord, OrderRecord

CommissionId = tuple[int, int, str, int]
"""(order, partner, kind, tier)."""


@dataclass(slots=True)
class Written:
    """What a batch comes to, gathered from its effects in the order of judging."""

    program_id: int
    zone: ZoneInfo
    loaded: Loaded
    judgements: dict[int, Judgement] = field(default_factory=dict)
    records: dict[int, OrderRecord] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    changes: list[tuple[int, CommissionChange]] = field(default_factory=list)
    """With the number of the journal entry in `entries` that books them."""
    entries: list[Entry] = field(default_factory=list)
    totals: Totals = field(default_factory=Totals)
    deactivated: list[Deactivation] = field(default_factory=list)
    levels: list[LevelChange] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    credits: dict[int, list[Credit]] = field(default_factory=dict)
    """Under periodic terms, what each order counts for its partners."""
    made: frozenset[int] = frozenset()
    """Orders that this batch makes; their rows are written with their cards."""

    def add(self, effects: Effects, order: Order, source_key: str, at: datetime) -> None:
        """Take the effects of one fact in."""
        if effects.record is None or effects.order_id is None:
            return
        order_id = effects.order_id
        self.records[order_id] = effects.record
        self.orders[order_id] = order
        if effects.judgement is not None:
            self.judgements[order_id] = effects.judgement
        terms = self.loaded.state.version(effects.record.judgement.terms_number).terms
        if terms.calculation.mode == "periodic":
            self.credits[order_id] = credits_of(order, effects.record.judgement, terms)
        kind = "accrual" if all(change.amount_delta_minor >= 0 for change in effects.changes) else "clawback"
        self.entries.append(Entry(kind, source_key, at, effects.postings))
        number = len(self.entries) - 1
        self.changes.extend((number, change) for change in effects.changes)
        self.totals.add(effects, self.zone)
        self.deactivated.extend(effects.deactivated)
        self.levels.extend(effects.levels)
        self.notices.extend(effects.notices)

    def settle_of(self, terms_number: int) -> str:
        """How commissions are paid by this version of the terms: column `commissions.settle`."""
        return self.loaded.state.version(terms_number).terms.payout.settle


async def write_effects(written: Written, inserts: db.Inserts | None = None) -> None:
    """Store all of it; the caller holds the locks. `inserts`: new rows of his, to be written with these."""
    inserts = inserts or db.Inserts()
    if written.records:
        entry_ids = await book_in_transaction(written.program_id, written.entries)
        booked = zip(entry_ids, written.entries, strict=True)
        assert all(entry_id is not None or not entry.postings for entry_id, entry in booked), "booked before"
        _add_judgements(inserts, written)
        ids = await _write_commissions(inserts, written)
        _add_entries(inserts, written, ids, entry_ids)
        await _write_orders(written)
        written.totals.write(inserts)
        add_counts(inserts, written)
        await add_credits(inserts, written)
    add_events(inserts, notice_events(written.program_id, written.notices))
    await inserts.run()
    await write_deactivations(written.deactivated)
    await hold_self_referrals(written)
    await write_levels(written.program_id, written.levels)


JUDGED_AGAIN = """
ON CONFLICT (order_id) DO UPDATE
SET source = excluded.source, model = excluded.model, recorded = excluded.recorded, judged_at = excluded.judged_at
"""


def _add_judgements(inserts: db.Inserts, written: Written) -> None:
    now = clock.now()
    inserts.add(
        "attributions",
        JUDGEMENT_COLUMNS,
        [
            (
                order_id,
                judgement.terms_number,
                judgement.source.value,
                judgement.model,
                msgspec.json.encode(judgement.to_json()).decode(),
                now,
            )
            for order_id, judgement in written.judgements.items()
        ],
        conflict=JUDGED_AGAIN,
    )


async def _write_commissions(inserts: db.Inserts, written: Written) -> dict[CommissionId, int]:
    """Add new commissions, update known ones; returns the ids of all that changed."""
    touched: dict[CommissionId, CommissionRecord] = {}
    accrued: dict[CommissionId, int] = defaultdict(int)
    rates: dict[CommissionId, int | None] = {}
    for _, change in written.changes:
        key = (change.order_id, change.partner_id, change.kind.value, change.tier)
        record = written.records[change.order_id]
        touched[key] = record.commissions[key[1:]]
        accrued[key] += max(0, change.amount_delta_minor)
        rates[key] = change.rate_ppm if rates.get(key, change.rate_ppm) == change.rate_ppm else None
    ids = {key: written.loaded.commission_ids[key] for key in touched if key in written.loaded.commission_ids}
    fresh = [key for key in touched if key not in ids]
    ids.update(zip(fresh, await next_ids("commissions", len(fresh)), strict=True))
    known = [key for key in touched if key in written.loaded.commission_ids]
    inserts.add(
        "commissions",
        COMMISSION_COLUMNS,
        [_commission_row(written, key, ids[key], accrued[key], rates[key]) for key in fresh],
    )
    if known:
        await _update_commissions(written, known, ids, accrued, rates)
    return ids


def _commission_row(
    written: Written, key: CommissionId, commission_id: int, accrued_minor: int, rate_ppm: int | None
) -> tuple[object, ...]:
    order_id, partner_id, kind, tier = key
    record = written.records[order_id]
    commission = record.commissions[key[1:]]
    levels = {share.partner_id: share.level for share in record.judgement.shares}
    level = levels.get(partner_id, "") if kind == CommissionKind.DIRECT.value else ""
    return (
        commission_id,
        written.program_id,
        order_id,
        partner_id,
        kind,
        tier,
        "pending",
        written.settle_of(record.judgement.terms_number),
        commission.base_minor,
        rate_ppm,
        accrued_minor,
        commission.amount_minor,
        commission.pending_minor,
        commission.quantity_micro,
        commission.orders,
        level,
        record.judgement.paid_at,
        record.release_at,
    )


async def _update_commissions(
    written: Written,
    known: Sequence[CommissionId],
    ids: dict[CommissionId, int],
    accrued: dict[CommissionId, int],
    rates: dict[CommissionId, int | None],
) -> None:
    commissions = [written.records[key[0]].commissions[key[1:]] for key in known]
    await db.execute(
        """
        UPDATE commissions
        SET base_minor = new.base_minor, amount_minor = new.amount_minor,
            accrued_minor = commissions.accrued_minor + new.accrued_minor,
            pending_minor = new.pending_minor, quantity_micro = new.quantity_micro, rate = new.rate,
            orders = new.orders,
            state = CASE
                WHEN new.pending_minor > 0 THEN 'pending'
                -- What was added after the release is taken back again: the rest is what it was.
                WHEN commissions.state = 'pending' AND commissions.released_at IS NOT NULL THEN
                    CASE WHEN EXISTS (SELECT FROM commission_settlements WHERE commission_id = commissions.id)
                    THEN 'paid' ELSE 'available' END
                ELSE commissions.state
            END
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::int[],
            $8::smallint[])
            AS new (id, base_minor, amount_minor, accrued_minor, pending_minor, quantity_micro, rate, orders)
        WHERE commissions.id = new.id
        """,
        [ids[key] for key in known],
        [commission.base_minor for commission in commissions],
        [commission.amount_minor for commission in commissions],
        [accrued[key] for key in known],
        [commission.pending_minor for commission in commissions],
        [commission.quantity_micro for commission in commissions],
        [rates[key] for key in known],
        [commission.orders for commission in commissions],
    )


def _add_entries(
    inserts: db.Inserts, written: Written, ids: dict[CommissionId, int], entry_ids: Sequence[int | None]
) -> None:
    inserts.add(
        "commission_entries",
        ENTRY_COLUMNS,
        [
            (
                ids[change.order_id, change.partner_id, change.kind.value, change.tier],
                written.program_id,
                change.partner_id,
                change.order_id,
                change.kind.value,
                change.tier,
                change.from_partner,
                change.cause.value,
                change.cause_ref,
                change.at,
                change.base_delta_minor,
                change.quantity_delta_micro,
                change.orders_delta,
                change.amount_delta_minor,
                change.rate_ppm,
                entry_ids[number] if change.postings else None,
            )
            for number, change in written.changes
        ],
    )


async def _write_orders(written: Written) -> None:
    """The cards of orders known before, and the moment of release, which follows the order's facts."""
    # The row of an order that this batch has made says it already.
    cards = {one: card for one, card in cards_of(written).items() if one not in written.made}
    if not cards:
        return
    await db.execute(
        """
        UPDATE orders
        SET judged_at = coalesce(orders.judged_at, $5), card_partner_id = new.partner_id, card_status = new.status,
            reward_minor = new.reward_minor, judging_error = ''
        FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[]) AS new (id, partner_id, status, reward_minor)
        WHERE orders.id = new.id
        """,
        list(cards),
        [card.partner_id for card in cards.values()],
        [card.status for card in cards.values()],
        [card.reward_minor for card in cards.values()],
        clock.now(),
    )
    recorded = {key[0] for key in written.loaded.commission_ids}
    known = [(one, written.records[one].release_at) for one in cards if one in recorded]
    if known:
        await db.execute(
            """
            UPDATE commissions SET release_at = new.release_at
            FROM unnest($1::bigint[], $2::timestamptz[]) AS new (order_id, release_at)
            WHERE commissions.order_id = new.order_id AND commissions.release_at IS DISTINCT FROM new.release_at
            """,
            [order_id for order_id, _ in known],
            [moment for _, moment in known],
        )


async def write_levels(program_id: int, levels: Sequence[LevelChange]) -> None:
    """Add the changes to the history and set the partners' present levels."""
    if not levels:
        return
    await db.execute(
        """
        INSERT INTO partner_level_changes
            (program_id, partner_id, at, before, after, turnover_minor, reason, pinned, note, recorded_at)
        SELECT $1, partner_id, at, before, after, turnover_minor, 'turnover', false, note, $2
        FROM unnest($3::bigint[], $4::timestamptz[], $5::text[], $6::text[], $7::bigint[], $8::text[])
            WITH ORDINALITY AS new (partner_id, at, before, after, turnover_minor, note, place)
        ORDER BY place
        """,
        program_id,
        clock.now(),
        [change.partner_id for change in levels],
        [change.at for change in levels],
        [change.before for change in levels],
        [change.after for change in levels],
        [change.turnover_minor for change in levels],
        [change.reason for change in levels],
    )
    last = {change.partner_id: change.after for change in levels}
    await db.execute(
        """
        UPDATE partners SET level = new.level
        FROM unnest($1::bigint[], $2::text[]) AS new (id, level) WHERE partners.id = new.id
        """,
        list(last),
        list(last.values()),
    )


EVENT_KINDS = {
    "commission_created": "commission.created",
    "commission_available": "commission.available",
    "commission_paid": "commission.paid",
    "commission_clawed_back": "commission.clawed_back",
    "level_changed": "partner.level_changed",
    "deactivated": "partner.deactivated",
}


def notice_events(program_id: int, notices: Sequence[Notice]) -> list[NewEvent]:
    """The outbox rows for what partners are told of."""
    return [
        NewEvent(
            EVENT_KINDS[notice.kind.value],
            program_id,
            f"partner:{notice.partner_id}",
            {
                "partner_id": notice.partner_id,
                "order_id": notice.order_id,
                "amount_minor": notice.amount_minor,
                "level": notice.level,
            },
            notice.at,
        )
        for notice in notices
    ]
