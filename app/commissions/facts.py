"""Loading the part of the state that a batch of orders touches: a fixed number of queries, whatever its size.

What must be loaded is said at the top of `rules/state.py`. Here partners and their balances are locked, in the order
of their ids, so that two batches which share a partner are judged one after the other; the program's own accounts
have nothing to lock. Turnover comes from running totals kept beside the entries: a partner's history is not read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import asyncpg
import msgspec

from app import db
from app.ledger.service import lock_balances_in_transaction
from app.orders.plan import Plan
from app.programs.versions import versions
from app.rules.facts import Fact
from app.rules.judgement import Judgement, Verdict
from app.rules.periods import local_midnight, month_index, month_start, period_first_month
from app.rules.state import (
    Activity,
    Balances,
    Click,
    CommissionRecord,
    Customer,
    LevelSetting,
    MonthTurnover,
    OrderRecord,
    OwnRates,
    ParentSince,
    PartnerState,
    PromoCode,
    State,
    TermsVersion,
)
from app.rules.terms import Terms
from app.tracking.codes import code_key


@dataclass(slots=True)
class Loaded:
    """The state, and what the writes need to know beside it."""

    state: State
    commission_ids: dict[tuple[int, int, str, int], int] = field(default_factory=dict)
    """By (order, partner, kind, tier)."""
    accrued: dict[tuple[int, int, str, int], int] = field(default_factory=dict)


async def load_in_transaction(plan: Plan) -> Loaded:
    """State for all facts of a plan; partners and balances stay locked until the end of the transaction."""
    facts = [new.fact for new in plan.facts if new.fact is not None]
    loaded = Loaded(State(terms=await versions(plan.program_id)))
    if not facts:
        return loaded
    known = [new.known.order_id for new in plan.facts if not new.known.is_new]
    await load_records(loaded, known)
    await _load_chains(loaded.state, plan.program_id, facts)
    await _load_promo_codes(loaded.state, plan.program_id, facts)
    moments = [_moment(fact) for fact in facts]
    await load_partners(
        loaded.state, plan.program_id, _candidates(loaded.state, facts), (min(moments), max(moments))
    )
    return loaded


def _moment(fact: Fact) -> datetime:
    """The earliest moment at which a fact asks for a turnover."""
    paid_at = fact.order.state.paid_at
    moments = [fact.at, *(refund.at for refund in fact.order.refunds)]
    return min([*moments, paid_at] if paid_at is not None else moments)


def _candidates(state: State, facts: Iterable[Fact]) -> set[int]:
    """Everybody who may be credited; parents are added by the query."""
    found = {click.partner_id for chain in state.clicks.values() for click in chain}
    found.update(code.partner_id for code in state.promo_codes.values())
    for record in state.orders.values():
        found.update(partner_id for partner_id, _, _ in record.commissions)
    for fact in facts:
        order = fact.order
        named = (order.state.partner_id, order.card.partner_id if order.card is not None else None)
        found.update(partner_id for partner_id in named if partner_id is not None)
    return found


async def load_records(loaded: Loaded, order_ids: Sequence[int]) -> None:
    """What is recorded of orders judged before."""
    if not order_ids:
        return
    judged = await db.fetch(
        "SELECT order_id, recorded FROM attributions WHERE order_id = ANY($1::bigint[])", order_ids
    )
    if not judged:
        return
    rows = await db.fetch(
        """
        SELECT id, order_id, partner_id, kind, tier, base_minor, amount_minor, accrued_minor, pending_minor,
            release_at
        FROM commissions WHERE order_id = ANY($1::bigint[])
        ORDER BY order_id, id
        """,
        order_ids,
    )
    commissions: dict[int, dict[tuple[int, str, int], CommissionRecord]] = {}
    release_at: dict[int, datetime | None] = {}
    for row in rows:
        key = (row["partner_id"], row["kind"], row["tier"])
        record = CommissionRecord(row["base_minor"], row["amount_minor"], row["pending_minor"])
        commissions.setdefault(row["order_id"], {})[key] = record
        release_at[row["order_id"]] = row["release_at"]
        loaded.commission_ids[row["order_id"], *key] = row["id"]
        loaded.accrued[row["order_id"], *key] = row["accrued_minor"]
    for row in judged:
        order_id = row["order_id"]
        loaded.state.orders[order_id] = OrderRecord(
            Judgement.from_json(msgspec.json.decode(row["recorded"])),
            commissions.get(order_id, {}),
            release_at.get(order_id),
        )


VERDICTS = {
    "": Verdict.COUNTED,
    "bot": Verdict.BOT,
    "prefetch": Verdict.PREFETCH,
    "repeat": Verdict.REPEAT,
    "inactive": Verdict.PARTNER_INACTIVE_AT_CLICK,
}


async def _load_chains(state: State, program_id: int, facts: Sequence[Fact]) -> None:
    """Clicks of the visitors that the orders, their clicks and their customers name, inside the widest window."""
    visitors = {fact.order.state.visitor_id for fact in facts if fact.order.state.visitor_id}
    click_ids = {fact.order.state.click_id for fact in facts if fact.order.state.click_id}
    customers = {fact.order.state.customer_id for fact in facts if fact.order.state.customer_id}
    if click_ids or customers:
        rows = await db.fetch(
            """
            SELECT 'click' AS source, public_id::text AS ref, visitor_id FROM clicks
            WHERE program_id = $1 AND public_id = ANY($2::uuid[])
            UNION ALL
            SELECT 'customer', customer.external_id, visitor.visitor_id
            FROM customers AS customer JOIN customer_visitors AS visitor ON visitor.customer_id = customer.id
            WHERE customer.program_id = $1 AND customer.external_id = ANY($3::text[])
            ORDER BY 1, 2, 3
            """,
            program_id,
            [one for one in click_ids if _is_uuid(one)],
            list(customers),
        )
        for row in rows:
            visitors.add(row["visitor_id"])
            if row["source"] == "click":
                state.click_visitors[row["ref"]] = row["visitor_id"]
            else:
                before = state.customers.get(row["ref"], Customer())
                state.customers[row["ref"]] = Customer((*before.visitors, row["visitor_id"]))
    if not visitors:
        return
    window = max((version.terms.attribution.window_days for version in state.terms), default=30)
    placed = [fact.order.state.placed_at for fact in facts]
    # One day more than the window, so that the explanation can name clicks that came just too early.
    rows = await db.fetch(
        """
        SELECT id, public_id::text AS public_id, partner_id, link_id, visitor_id, clicked_at, counted, reason
        FROM clicks
        WHERE program_id = $1 AND visitor_id = ANY($2::text[]) AND clicked_at >= $3 AND clicked_at <= $4
        ORDER BY visitor_id, clicked_at, id
        """,
        program_id,
        list(visitors),
        min(placed) - timedelta(days=window + 1),
        max(placed),
    )
    for row in rows:
        reason = VERDICTS.get(row["reason"], Verdict.NOT_COUNTED)
        click = Click(
            row["public_id"],
            row["id"],
            row["clicked_at"],
            row["partner_id"],
            row["counted"],
            reason,
            row["link_id"],
        )
        state.clicks.setdefault(row["visitor_id"], []).append(click)


def _is_uuid(text: str) -> bool:
    return len(text) == 36 and text.count("-") == 4 and all(c in "0123456789abcdef-" for c in text.lower())


async def _load_promo_codes(state: State, program_id: int, facts: Sequence[Fact]) -> None:
    texts = {fact.order.state.promo_code for fact in facts if fact.order.state.promo_code}
    texts |= {fact.order.card.promo_code for fact in facts if fact.order.card and fact.order.card.promo_code}
    if not texts:
        return
    keys = {code_key(text): text for text in sorted(texts)}
    rows = await db.fetch(
        """
        SELECT code, code_key, partner_id, valid_from, valid_to FROM promo_codes
        WHERE program_id = $1 AND code_key = ANY($2::text[])
        """,
        program_id,
        list(keys),
    )
    by_key = {row["code_key"]: row for row in rows}
    for text in texts:
        row = by_key.get(code_key(text))
        if row is not None:
            code = PromoCode(row["code"], row["partner_id"], row["valid_from"], row["valid_to"])
            state.promo_codes[text.casefold()] = code


async def load_partners(
    state: State,
    program_id: int,
    partner_ids: Iterable[int],
    span: tuple[datetime, datetime],
    *,
    lock: bool = True,
) -> None:
    """Partners and all their parents with their histories, turnover and balances, locked in the order of ids.

    `span`: the earliest and latest moment of what will be judged.
    """
    wanted = sorted(partner_ids)
    if not wanted:
        return
    rows = await db.fetch(
        f"""
        WITH RECURSIVE family AS (
            SELECT id, parent_id FROM partners WHERE id = ANY($1::bigint[])
            UNION
            SELECT parent.id, parent.parent_id FROM partners AS parent JOIN family ON family.parent_id = parent.id
        )
        SELECT partner.id, partner.code, partner.level, partner.joined_at, partner.email_key, partner.phone_key,
            partner.user_id
        FROM partners AS partner
        WHERE partner.id IN (SELECT id FROM family) AND partner.program_id = $2
        ORDER BY partner.id
        {"FOR NO KEY UPDATE OF partner" if lock else ""}
        """,  # noqa: S608 - no value is put into it
        wanted,
        program_id,
    )
    for row in rows:
        keys = frozenset(key for key in (row["email_key"], row["phone_key"]) if key)
        state.partners[row["id"]] = PartnerState(
            row["id"], row["code"], joined_at=row["joined_at"], keys=keys, level=row["level"]
        )
    ids = list(state.partners)
    await _load_histories(state, ids)
    await _load_turnover(state, ids, span)
    for partner_id, money in (await lock_balances_in_transaction(ids)).items():
        state.partners[partner_id].balances = Balances(
            money.pending_minor, money.available_minor, money.reserved_minor, money.debt_minor
        )


async def _load_histories(state: State, ids: Sequence[int]) -> None:
    """States, parents, own rates and hand-set levels, in order of time, by one query."""
    rows = await db.fetch(
        """
        SELECT 'state' AS history, partner_id, at, id, after AS word, NULL::bigint AS one, NULL::bigint AS two,
            false AS pinned, NULL::timestamptz AS until
        FROM partner_state_changes WHERE partner_id = ANY($1::bigint[])
        UNION ALL
        SELECT 'parent', partner_id, at, id, '', new_parent_id, NULL, false, NULL
        FROM (SELECT partner_id, at, id, parent_id AS new_parent_id FROM partner_parent_changes) AS parents
        WHERE partner_id = ANY($1::bigint[])
        UNION ALL
        SELECT 'rate', partner_id, at, id, plan, own_rate, own_rate_direct, false, NULL
        FROM partner_own_rate_changes WHERE partner_id = ANY($1::bigint[])
        UNION ALL
        SELECT 'level', partner_id, at, id, CASE WHEN reason = 'unpinned' THEN '' ELSE after END, NULL, NULL,
            pinned, pinned_until
        FROM partner_level_changes WHERE partner_id = ANY($1::bigint[]) AND reason <> 'turnover'
        ORDER BY partner_id, at, id
        """,
        ids,
    )
    for row in rows:
        partner = state.partners[row["partner_id"]]
        match row["history"]:
            case "state":
                partner.activities += (Activity(row["at"], row["word"] == "active"),)
            case "parent":
                partner.parents += (ParentSince(row["at"], row["one"]),)
            case "rate":
                partner.own_rates += (OwnRates(row["at"], row["one"], row["two"]),)
            case "level":
                setting = LevelSetting(row["at"], row["word"], row["pinned"], row["until"])
                partner.level_settings += (setting,)


async def _load_turnover(state: State, ids: Sequence[int], span: tuple[datetime, datetime]) -> None:
    """Running totals by month, and the entries from the earliest moment of the batch on.

    Where levels are recalculated daily, days stand for their entries: only midnights are ever asked for. Facts that
    come in order find no entry later than themselves, so nothing but the totals is read.
    """
    policies = [version.terms for version in _versions_in(state.terms, span)]
    if not policies or all(len(terms.levels) == 1 for terms in policies):
        return
    zone = policies[-1].zone
    daily = all(terms.levels_policy.recalculate == "daily" for terms in policies)
    since = local_midnight(span[0], zone) if daily else span[0]
    first = _first_month(policies, since)
    since_month = month_index(since, zone)
    rows = await db.fetch(
        """
        SELECT partner_id, starts_on, base_minor FROM partner_turnovers
        WHERE partner_id = ANY($1::bigint[]) AND grain = 'month' AND ($2::date IS NULL OR starts_on >= $2::date)
        ORDER BY partner_id, starts_on
        """,
        ids,
        None if first is None else month_start(first, zone).astimezone(zone).date(),
    )
    for row in rows:
        number = row["starts_on"].year * 12 + row["starts_on"].month - 1
        state.partners[row["partner_id"]].months[number] = MonthTurnover(opening_minor=row["base_minor"])
    for row in await (_days_from(ids, since, zone.key) if daily else _entries_from(ids, since)):
        number = month_index(row["at"], zone)
        month = state.partners[row["partner_id"]].months.get(number)
        if month is not None and number >= since_month:
            month.opening_minor -= row["base_minor"]
            month.moments.append(row["at"])
            month.totals.append(row["base_minor"])
    for partner_id in ids:
        _sum_up(state.partners[partner_id].months.values())
    await _load_latest(state, ids, since)


def _sum_up(months: Iterable[MonthTurnover]) -> None:
    """Turn each month's deltas into the totals after each of them."""
    for month in months:
        total = month.opening_minor
        for index, delta in enumerate(month.totals):
            total += delta
            month.totals[index] = total


async def _days_from(ids: Sequence[int], since: datetime, zone: str) -> list[asyncpg.Record]:
    return await db.fetch(
        """
        SELECT partner_id, (starts_on::timestamp AT TIME ZONE $3) AS at, base_minor FROM partner_turnovers
        WHERE partner_id = ANY($1::bigint[]) AND grain = 'day' AND starts_on >= ($2::timestamptz AT TIME ZONE $3)::date
        ORDER BY partner_id, starts_on
        """,
        ids,
        since,
        zone,
    )


async def _entries_from(ids: Sequence[int], since: datetime) -> list[asyncpg.Record]:
    return await db.fetch(
        """
        SELECT partner_id, at, base_minor FROM commission_entries
        WHERE partner_id = ANY($1::bigint[]) AND kind = 'direct' AND at >= $2 AND base_minor <> 0
        ORDER BY partner_id, at, id
        """,
        ids,
        since,
    )


async def _load_latest(state: State, ids: Sequence[int], since: datetime) -> None:
    """When each partner's level was last looked at, and his last entry before the batch."""
    rows = await db.fetch(
        """
        SELECT partner.id,
            (SELECT at FROM commission_entries WHERE partner_id = partner.id AND kind = 'direct'
                ORDER BY at DESC LIMIT 1) AS latest,
            (SELECT at FROM commission_entries WHERE partner_id = partner.id AND kind = 'direct' AND at < $2
                ORDER BY at DESC LIMIT 1) AS latest_before,
            (SELECT max(at) FROM partner_level_changes WHERE partner_id = partner.id) AS changed
        FROM unnest($1::bigint[]) AS partner (id)
        """,
        ids,
        since,
    )
    zone = state.terms[-1].terms.zone
    for row in rows:
        partner = state.partners[row["id"]]
        partner.level_at = max((at for at in (row["latest"], row["changed"]) if at is not None), default=None)
        if row["latest_before"] is not None:
            month = partner.months.get(month_index(row["latest_before"], zone))
            if month is not None:
                month.opening_at = row["latest_before"]


def _versions_in(terms: Sequence[TermsVersion], span: tuple[datetime, datetime]) -> list[TermsVersion]:
    """The versions in force at some moment of the span."""
    begun = [version for version in terms if version.from_at <= span[1]]
    return [
        version
        for version, following in zip(begun, [*begun[1:], None], strict=True)
        if following is None or following.from_at > span[0]
    ]


def _first_month(policies: Sequence[Terms], since: datetime) -> int | None:
    """The first month whose turnover may be asked for: that of the period before; None: all."""
    firsts = []
    for terms in policies:
        first = period_first_month(month_index(since, terms.zone), terms.levels_policy.period)
        before = None if first is None else period_first_month(first - 1, terms.levels_policy.period)
        if before is None:
            return None
        firsts.append(before)
    return min(firsts)
