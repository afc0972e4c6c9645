"""Partners as judging reads them: their histories, running turnovers and balances, locked in the order of ids.

Running totals by month are kept beside the entries (`partner_turnovers`), so a partner's history is never read: facts
that come in order need the totals alone, a late fact also the entries that are later than itself.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from app import db
from app.commissions.partner_sales import load_sales, versions_in
from app.ledger.service import balances, lock_balances_in_transaction
from app.rules.contacts import email_key, phone_key
from app.rules.periods import local_midnight, month_index, month_start, period_first_month
from app.rules.state import (
    Activity,
    Balances,
    LevelSetting,
    MonthTurnover,
    OwnRates,
    ParentSince,
    PartnerState,
    State,
)
from app.rules.terms import Terms


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
            SELECT unnest($1::bigint[]) AS id
            UNION
            SELECT since.parent_id FROM partner_parent_changes AS since JOIN family ON family.id = since.partner_id
            WHERE since.parent_id IS NOT NULL
        )
        SELECT partner.id, partner.code, partner.level, partner.joined_at, partner.email_key, partner.phone_key,
            partner.user_id, account.email AS user_email, account.phone AS user_phone
        FROM partners AS partner LEFT JOIN users AS account ON account.id = partner.user_id
        WHERE partner.id IN (SELECT id FROM family) AND partner.program_id = $2
        ORDER BY partner.id
        {"FOR NO KEY UPDATE OF partner" if lock else ""}
        """,  # noqa: S608 - no value is put into it
        wanted,
        program_id,
    )
    for row in rows:
        # The shop tells of a buyer's e-mail and phone alone; the user's own are the partner's, too (rules.md §4.5).
        own = email_key(row["user_email"] or ""), phone_key(row["user_phone"] or "")
        keys = frozenset(key for key in (row["email_key"], row["phone_key"], *own) if key)
        state.partners[row["id"]] = PartnerState(
            row["id"], row["code"], joined_at=row["joined_at"], keys=keys, level=row["level"]
        )
    ids = list(state.partners)
    await _load_histories(state, ids)
    await _load_turnover(state, ids, span)
    await load_sales(state, ids, span)
    await _load_balances(state, ids, lock=lock)


async def load_purses(state: State, program_id: int, partner_ids: Iterable[int]) -> None:
    """Partners with nothing but their balances, locked in the order of ids: all that a release asks for."""
    rows = await db.fetch(
        """
        SELECT id, code FROM partners WHERE id = ANY($1::bigint[]) AND program_id = $2
        ORDER BY id FOR NO KEY UPDATE
        """,
        sorted(partner_ids),
        program_id,
    )
    for row in rows:
        state.partners[row["id"]] = PartnerState(row["id"], row["code"])
    await _load_balances(state, [row["id"] for row in rows], lock=True)


async def _load_balances(state: State, ids: Sequence[int], *, lock: bool) -> None:
    money_of = await (lock_balances_in_transaction(ids) if lock else balances(ids))
    for partner_id, money in money_of.items():
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
                partner.own_rates += (OwnRates(row["at"], row["one"], row["two"], row["word"]),)
            case "level":
                setting = LevelSetting(row["at"], row["word"], row["pinned"], row["until"])
                partner.level_settings += (setting,)


async def _load_turnover(state: State, ids: Sequence[int], span: tuple[datetime, datetime]) -> None:
    """Running totals by month, and the entries from the earliest moment of the batch on.

    Where levels are recalculated daily, days stand for their entries: only midnights are ever asked for. Facts that
    come in order find no entry later than themselves, so nothing but the totals is read.
    """
    policies = [version.terms for version in versions_in(state.terms, span)]
    if not policies or all(len(terms.levels) == 1 for terms in policies):
        return
    zone = policies[-1].zone
    recalculated = {terms.levels_policy.recalculate for terms in policies}
    daily = recalculated == {"daily"}
    # Entries are asked for from the last midnight on where any version of the span recalculates at midnights.
    since = local_midnight(span[0], zone) if "daily" in recalculated else span[0]
    first = _first_month(policies, since)
    since_month = month_index(since, zone)
    rows = await db.fetch(
        _DAILY if daily else _BY_ENTRIES,
        ids,
        None if first is None else month_start(first, zone).astimezone(zone).date(),
        since,
        *([zone.key] if daily else []),
    )
    for row in rows:
        partner = state.partners[row["partner_id"]]
        number = month_index(row["at"], zone) if row["starts_on"] is None else _month_of(row["starts_on"])
        match row["what"]:
            case "month":
                # Entries of a month may come first.
                partner.months.setdefault(number, MonthTurnover()).opening_minor += row["base_minor"]
            case "entry" if number >= since_month:
                # A month whose entries of one batch add up to nothing has no total, and yet its entries count.
                month = partner.months.setdefault(number, MonthTurnover())
                month.opening_minor -= row["base_minor"]
                month.moments.append(row["at"])
                month.totals.append(row["base_minor"])
            case "looked_at":
                partner.level_at = max(partner.level_at or row["at"], row["at"])
            case "before":
                partner.months.setdefault(number, MonthTurnover()).opening_at = row["at"]
    for partner_id in ids:
        _sum_up(state.partners[partner_id].months.values())


def _month_of(day: date) -> int:
    return day.year * 12 + day.month - 1


def _sum_up(months: Iterable[MonthTurnover]) -> None:
    """Turn each month's deltas into the totals after each of them."""
    for month in months:
        total = month.opening_minor
        for index, delta in enumerate(month.totals):
            total += delta
            month.totals[index] = total


_MONTHS = """
    SELECT 'month' AS what, partner_id, NULL::timestamptz AS at, id, starts_on, base_minor FROM partner_turnovers
    WHERE partner_id = ANY($1::bigint[]) AND grain = 'month' AND ($2::date IS NULL OR starts_on >= $2::date)
    UNION ALL
    SELECT 'looked_at', partner_id, max(at), 0, NULL, 0 FROM partner_level_changes
    WHERE partner_id = ANY($1::bigint[]) GROUP BY partner_id
"""
_DAILY = f"""
    {_MONTHS}
    UNION ALL
    SELECT 'entry', partner_id, (starts_on::timestamp AT TIME ZONE $4), id, NULL, base_minor FROM partner_turnovers
    WHERE partner_id = ANY($1::bigint[]) AND grain = 'day' AND starts_on >= ($3::timestamptz AT TIME ZONE $4)::date
    ORDER BY partner_id, at, id
"""  # noqa: S608 - no value is put into it
"""Midnight looks at levels, not entries."""
_BY_ENTRIES = f"""
    {_MONTHS}
    UNION ALL
    SELECT 'entry', partner_id, at, id, NULL, base_minor FROM commission_entries
    WHERE partner_id = ANY($1::bigint[]) AND kind = 'direct' AND at >= $3 AND base_minor <> 0
    UNION ALL
    SELECT 'looked_at', partner.id, latest.at, 0, NULL, 0
    FROM unnest($1::bigint[]) AS partner (id) CROSS JOIN LATERAL (
        SELECT at FROM commission_entries WHERE partner_id = partner.id AND kind = 'direct' AND base_minor <> 0
        ORDER BY at DESC LIMIT 1
    ) AS latest
    UNION ALL
    SELECT 'before', partner.id, latest.at, 0, NULL, 0
    FROM unnest($1::bigint[]) AS partner (id) CROSS JOIN LATERAL (
        SELECT at FROM commission_entries WHERE partner_id = partner.id AND kind = 'direct' AND base_minor <> 0
            AND at < $3
        ORDER BY at DESC LIMIT 1
    ) AS latest
    ORDER BY partner_id, at, id
"""  # noqa: S608 - no value is put into it
"""Every entry looks at the level: the last of all, and the last before the batch, are asked for."""


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
