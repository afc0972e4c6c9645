"""Reads of commissions: a partner's earnings, and everything that explains one of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import asyncpg
import msgspec

from app import db
from app.errors import NotFound
from app.rules.judgement import Judgement
from app.ui.paging import PAGE_SIZE, Cursor, Page, page


class EarningState(StrEnum):
    """How a commission stands, as its partner sees it."""

    PENDING = "pending"
    """Not yet claimable."""
    HELD = "held"
    """Staff look at the order; not claimable before they have decided."""
    AVAILABLE = "available"
    """Claimable, or claimed already."""
    PAID = "paid"
    """Paid without a payout request: from the merchant's deposit, or by a periodic calculation."""
    CLAWED_BACK = "clawed_back"
    """Nothing of it is left after cancellation or refunds."""
    NOTHING = "nothing"
    """The order earned nothing from the beginning; it answers "where is my order?"."""


class EarningKind(StrEnum):
    """What a commission is for (rules.md §8)."""

    DIRECT = "direct"
    """An own sale."""
    TIER = "tier"
    """A sale of a partner whom he brought."""
    SELLER = "seller"
    """A sale of a seller whom he brought to the marketplace."""
    SELLER_PARENT = "seller_parent"
    """A sale of a seller whom a partner of his brought."""
    BONUS = "bonus"
    """For what he has reached."""
    VOLUME_BONUS = "volume_bonus"
    """Of a whole period's base."""
    ADJUSTMENT = "adjustment"
    """By hand."""


@dataclass(frozen=True, slots=True)
class EarningsFilter:
    """Which commissions to list. Moments: from the start on, before the end."""

    state: EarningState | None = None
    """None: all but NOTHING, which stay hidden until `with_nothing` or the state itself asks for them."""
    kind: EarningKind | None = None
    start: datetime | None = None
    end: datetime | None = None
    with_nothing: bool = False


@dataclass(frozen=True, slots=True)
class Earning:
    """One commission in a list."""

    id: int
    order_id: int | None
    """None: an adjustment."""
    order_number: str
    """The shop's number, most of it hidden (`masked`); empty: an adjustment."""
    kind: EarningKind
    tier: int
    state: EarningState
    source: str
    """Which source credited the partner: judgement.Source; empty: an adjustment."""
    promo_code: str
    """The code of the order, where it was the source."""
    base_minor: int
    rate: int | None
    """In 1e-6; None: several rates."""
    amount_minor: int
    accrued_minor: int
    """Before clawbacks."""
    level: str
    """The level that gave the rate; empty: none did."""
    earned_at: datetime
    release_at: datetime | None
    released_at: datetime | None
    settle: str = "merchant"
    """merchant, or deposit: how it is paid."""
    judgement: Judgement | None = None
    """Only where the reader asked for explanations."""

    @property
    def clawed_back_minor(self) -> int:
        """What was taken back so far."""
        return self.accrued_minor - self.amount_minor


@dataclass(frozen=True, slots=True)
class EarningSum:
    """All commissions of one state."""

    state: EarningState
    count: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One change of a commission by one fact."""

    at: datetime
    cause: str
    cause_ref: str
    base_minor: int
    amount_minor: int
    rate: int | None
    from_partner_id: int | None


@dataclass(frozen=True, slots=True)
class LineRow:
    """One line of the order as it stands."""

    external_id: str
    name: str
    quantity_micro: int
    total_minor: int
    tax_minor: int


@dataclass(frozen=True, slots=True)
class EarningFacts:
    """Everything that is recorded about one commission."""

    earning: Earning
    entries: Sequence[EntryRow]
    """Oldest first."""
    lines: Sequence[LineRow] = field(default=())
    placed_at: datetime | None = None
    fulfilled_at: datetime | None = None
    cancelled_at: datetime | None = None
    terms_number: int | None = None


async def earnings(
    partner_id: int, wanted: EarningsFilter, *, after: Cursor | None = None, size: int = PAGE_SIZE
) -> Page[Earning]:
    """A partner's commissions by the moment of payment, the newest first."""
    rows = await db.fetch(
        _EARNING
        + f"""
        WHERE {_FILTER}
            AND ($7::timestamptz IS NULL OR (commission.earned_at, commission.id) < ($7, $8::bigint))
        ORDER BY commission.earned_at DESC, commission.id DESC
        LIMIT {size + 1}
        """,
        *_values(partner_id, wanted),
        after.moment if after is not None else None,
        after.id if after is not None else None,
    )
    return page([_earning(row) for row in rows], lambda earning: (earning.earned_at, earning.id), size=size)


async def sums(partner_id: int, wanted: EarningsFilter) -> list[EarningSum]:
    """Count and amount by state of what the filter leaves over."""
    rows = await db.fetch(
        f"""
        SELECT {_STATE} AS shown_state, count(*) AS count, sum(commission.amount_minor)::bigint AS amount_minor
        FROM commissions AS commission
        WHERE {_FILTER}
        GROUP BY 1
        """,  # noqa: S608 - only constants of this file
        *_values(partner_id, wanted),
    )
    found = {
        row["shown_state"]: EarningSum(EarningState(row["shown_state"]), row["count"], row["amount_minor"])
        for row in rows
    }
    return [found[state.value] for state in EarningState if state.value in found]


async def recent(partner_id: int, *, limit: int = 10) -> list[Earning]:
    """The last commissions with their judgements, for the first page; NOTHING is left out."""
    rows = await db.fetch(
        _EARNING_EXPLAINED
        + f"""
        WHERE commission.partner_id = $1 AND NOT ({_NOTHING})
        ORDER BY commission.earned_at DESC, commission.id DESC
        LIMIT $2
        """,
        partner_id,
        limit,
    )
    return [_earning(row) for row in rows]


async def earnings_of_order(partner_id: int, order_id: int) -> list[Earning]:
    """What one order is for the partner, also where it earned nothing: his own sale first, then the others."""
    rows = await db.fetch(
        _EARNING
        + """
        WHERE commission.partner_id = $1 AND commission.order_id = $2
        ORDER BY commission.kind, commission.tier, commission.id
        """,
        partner_id,
        order_id,
    )
    return [_earning(row) for row in rows]


async def earning_facts(partner_id: int, commission_id: int) -> EarningFacts:
    """One commission of the partner; NotFound for everybody else's."""
    row = await db.fetchrow(
        _EARNING_EXPLAINED + " WHERE commission.partner_id = $1 AND commission.id = $2",
        partner_id,
        commission_id,
    )
    if row is None:
        raise NotFound
    entries = await db.fetch(
        """
        SELECT at, cause, cause_ref, base_minor, amount_minor, rate, from_partner_id
        FROM commission_entries
        WHERE commission_id = $1
        ORDER BY id
        LIMIT 1000
        """,
        commission_id,
    )
    order = await db.fetchrow(
        """
        SELECT placed_at, fulfilled_at, cancelled_at, attribution.terms_number
        FROM orders LEFT JOIN attributions AS attribution ON attribution.order_id = orders.id
        WHERE orders.id = $1
        """,
        row["order_id"],
    )
    lines = await db.fetch(
        """
        SELECT external_id, name, quantity_micro, total_minor, tax_minor
        FROM order_lines
        WHERE order_id = $1
        ORDER BY position
        LIMIT 1000
        """,
        row["order_id"],
    )
    return EarningFacts(
        _earning(row),
        [EntryRow(**dict(entry)) for entry in entries],
        [LineRow(**dict(line)) for line in lines],
        **(dict(order) if order is not None else {}),
    )


def masked(number: str) -> str:
    """An order's number as a partner sees it: enough to talk about it, too little to look the buyer up."""
    return f"…{number[-4:]}" if len(number) > 4 else number


_NOTHING = "commission.accrued_minor = 0 AND commission.amount_minor = 0"

_STATE = f"""
CASE
    WHEN {_NOTHING} THEN 'nothing'
    WHEN commission.amount_minor = 0 THEN 'clawed_back'
    WHEN commission.state = 'pending' AND EXISTS (
        SELECT FROM order_flags AS flag WHERE flag.order_id = commission.order_id AND flag.state = 'open'
    ) THEN 'held'
    ELSE commission.state
END
"""

_FILTER = f"""
commission.partner_id = $1
    AND ($2::text IS NULL OR {_STATE} = $2)
    AND ($3::text IS NULL OR commission.kind = $3)
    AND ($4::timestamptz IS NULL OR commission.earned_at >= $4)
    AND ($5::timestamptz IS NULL OR commission.earned_at < $5)
    AND ($6 OR $2::text IS NOT NULL OR NOT ({_NOTHING}))
"""

_COLUMNS = f"""
commission.id, commission.order_id, coalesce(nullif(orders.number, ''), orders.external_id, '') AS order_number,
commission.kind, commission.tier, {_STATE} AS state, coalesce(attribution.source, '') AS source,
coalesce(orders.promo_code, '') AS promo_code, commission.base_minor, commission.rate, commission.amount_minor,
commission.accrued_minor, commission.level, commission.earned_at, commission.release_at, commission.released_at,
commission.settle
"""

_FROM = """
FROM commissions AS commission
LEFT JOIN orders ON orders.id = commission.order_id
LEFT JOIN attributions AS attribution ON attribution.order_id = commission.order_id
"""

_EARNING = f"SELECT {_COLUMNS} {_FROM}"

_EARNING_EXPLAINED = f"SELECT {_COLUMNS}, attribution.recorded {_FROM}"


def _values(partner_id: int, wanted: EarningsFilter) -> tuple[object, ...]:
    return (
        partner_id,
        wanted.state.value if wanted.state is not None else None,
        wanted.kind.value if wanted.kind is not None else None,
        wanted.start,
        wanted.end,
        wanted.with_nothing,
    )


def _earning(row: asyncpg.Record) -> Earning:
    values = dict(row)
    recorded = values.pop("recorded", None)
    values.update(
        order_number=masked(values["order_number"]),
        kind=EarningKind(values["kind"]),
        state=EarningState(values["state"]),
        judgement=Judgement.from_json(msgspec.json.decode(recorded)) if recorded is not None else None,
    )
    return Earning(**values)
