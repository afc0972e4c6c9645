"""Reads of payouts: a partner's own, the desk's queue, and whether a partner may ask."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from app import clock, db
from app.errors import NotFound
from app.ledger import service as ledger
from app.ledger.queries import PartnerBalances
from app.payouts import receipts
from app.payouts.decisions import (
    OPEN,
    Details,
    PayoutState,
    Readiness,
    payable_minor,
    readiness,
    second_person_missing,
)
from app.programs import queries as programs
from app.rules.terms import PayoutTerms
from app.ui.paging import PAGE_SIZE, Cursor, Page, page


@dataclass(frozen=True, slots=True)
class Payout:
    """One payout as pages and the API show it."""

    id: int
    number: int
    partner_id: int
    partner_code: str
    partner_name: str
    state: PayoutState
    requested_minor: int
    amount_minor: int
    """What is to be, or was, paid; when rejected, returned or cancelled, what became available again."""
    debt_repaid_minor: int
    """What repaid debt instead."""
    method: str
    details_masked: str
    requested_at: datetime
    approved_at: datetime | None
    approved_by: str
    """E-mail of who approved; empty: nobody (yet)."""
    second_approved_at: datetime | None
    second_approved_by: str
    """E-mail of the second person; empty: nobody (yet), or none is needed."""
    batch_id: int | None
    batch_number: int | None
    sent_at: datetime | None
    paid_at: datetime | None
    paid_by: str
    rejected_at: datetime | None
    rejected_by: str
    cancelled_at: datetime | None
    returned_at: datetime | None
    """Also of a paid one that the bank sent back afterwards."""
    reason: str
    """Of the rejection or return."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which payouts of a program a list shows, beside their states."""

    method: str = ""
    """Empty: any."""
    partner: str = ""
    """Part of his code or name; empty: any."""
    start: datetime | None = None
    """Requested from then on."""
    end: datetime | None = None
    """Requested before then."""


ALL = Choice()


@dataclass(frozen=True, slots=True)
class Money:
    """A partner's money equation with what he can do about it."""

    balances: PartnerBalances
    ready: Readiness
    next_release_at: datetime | None
    """When the next pending commission becomes available; None: not known or none pending."""
    next_release_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class ToPay:
    """An open payout as it would be paid at this moment."""

    payout: Payout
    balances: PartnerBalances
    payable_minor: int
    cut_minor: int
    """What would repay debt."""
    details_sealed: bytes
    details_since: datetime | None
    """When the partner's present details were given; None: he has none any more."""
    own: bool
    """The reader is the partner himself and may not decide."""
    second_person_missing: bool
    """From this amount on two people agree, and one has not yet."""
    needs_second_person: bool
    """The same, and the reader is the one who approved it: somebody else must agree or pay."""


async def payout_terms(program_id: int, at: datetime) -> PayoutTerms:
    """The limits of payouts in force at a moment."""
    return (await programs.terms_in_force(program_id, at)).terms.payout


async def details(partner_id: int) -> Details | None:
    """Where the partner's money goes now; None: he has not said."""
    row = await db.fetchrow(
        """
        SELECT id, method, masked, created_at, verified_at
        FROM partner_payout_details
        WHERE partner_id = $1 AND superseded_at IS NULL
        """,
        partner_id,
    )
    return Details(**dict(row)) if row is not None else None


async def money(program_id: int, partner_id: int) -> Money:
    """The partner's balances, and whether he may ask for a payout now."""
    now = clock.now()
    terms = (await programs.terms_in_force(program_id, now)).terms
    balances = (await ledger.balances([partner_id]))[partner_id]
    state = await db.fetchval(
        "SELECT state FROM partners WHERE id = $1 AND program_id = $2", partner_id, program_id
    )
    if state is None:
        raise NotFound
    following = await db.fetchrow(
        """
        SELECT release_at, sum(pending_minor)::bigint AS amount_minor
        FROM commissions
        WHERE partner_id = $1 AND pending_minor > 0 AND release_at IS NOT NULL
        GROUP BY release_at
        ORDER BY release_at
        LIMIT 1
        """,
        partner_id,
    )
    overdue = await receipts.overdue_since(program_id, partner_id)
    ready = readiness(state, balances, await details(partner_id), terms.payout, now)
    return Money(
        balances=balances,
        ready=ready.with_overdue_receipt(overdue),
        next_release_at=following["release_at"] if following is not None else None,
        next_release_minor=following["amount_minor"] if following is not None else 0,
        currency=terms.currency,
    )


async def of_partner(
    program_id: int, partner_id: int, *, after: Cursor | None = None, size: int = PAGE_SIZE
) -> Page[Payout]:
    """A partner's payouts, the newest first."""
    condition = "payout.partner_id = $5"
    return await _page(condition, (partner_id,), program_id, tuple(PayoutState), after, size)


async def of_program(
    program_id: int,
    states: Sequence[PayoutState],
    *,
    choice: Choice = ALL,
    after: Cursor | None = None,
    size: int = PAGE_SIZE,
) -> Page[Payout]:
    """A program's payouts in any of `states`, the newest first."""
    return await _page(_CHOSEN, _values(choice), program_id, states, after, size)


async def queue(
    program_id: int,
    states: Sequence[PayoutState],
    *,
    user_id: int,
    choice: Choice = ALL,
    after: Cursor | None = None,
    size: int = PAGE_SIZE,
) -> Page[ToPay]:
    """Open payouts in any of `states`, the oldest first, each as it would be paid now if it were the next one."""
    rows = await db.fetch(
        _TO_PAY
        + f"""
        WHERE payout.program_id = $1 AND payout.state = ANY($2::text[])
            AND ($3::timestamptz IS NULL OR (payout.requested_at, payout.id) > ($3, $4::bigint))
            AND {_CHOSEN}
        ORDER BY payout.requested_at, payout.id
        LIMIT {size + 1}
        """,
        program_id,
        [state.value for state in states],
        after.moment if after is not None else None,
        after.id if after is not None else None,
        *_values(choice),
    )
    balances = await ledger.balances([row["partner_id"] for row in rows])
    sent = await sent_minor(list(balances))
    limit = (await payout_terms(program_id, clock.now())).second_person_from_minor
    found = [
        _to_pay(row, balances[row["partner_id"]], sent[row["partner_id"]], user_id, limit) for row in rows
    ]
    return page(found, lambda one: (one.payout.requested_at, one.payout.id), size=size)


async def waiting(program_id: int) -> dict[PayoutState, int]:
    """How many payouts wait for the accountant, by state."""
    rows = await db.fetch(
        """
        SELECT state, count(*) AS number FROM payouts
        WHERE program_id = $1 AND state IN ('requested', 'approved', 'sent')
        GROUP BY state
        """,
        program_id,
    )
    counts = {row["state"]: row["number"] for row in rows}
    return {state: counts.get(state.value, 0) for state in OPEN}


async def one(program_id: int, payout_id: int) -> Payout:
    """The payout; NotFound where the program has none of this id."""
    row = await db.fetchrow(
        _PAYOUT + " WHERE payout.program_id = $1 AND payout.id = $2", program_id, payout_id
    )
    if row is None:
        raise NotFound
    return _payout(row)


async def sent_minor(partner_ids: Sequence[int]) -> dict[int, int]:
    """How much of each partner's reserved money is with the bank."""
    rows = await db.fetch(
        """
        SELECT partner_id, sum(amount_minor)::bigint AS amount_minor FROM payouts
        WHERE partner_id = ANY($1::bigint[]) AND state = 'sent'
        GROUP BY partner_id
        """,
        list(partner_ids),
    )
    found = dict.fromkeys(partner_ids, 0)
    return found | {row["partner_id"]: row["amount_minor"] for row in rows}


async def oldest(program_id: int, partner_id: int, *states: PayoutState) -> int | None:
    """The partner's oldest payout in one of `states`; None: there is none."""
    found: int | None = await db.fetchval(
        """
        SELECT id FROM payouts
        WHERE program_id = $1 AND partner_id = $2 AND state = ANY($3::text[])
        ORDER BY number
        LIMIT 1
        """,
        program_id,
        partner_id,
        [state.value for state in states],
    )
    return found


_COLUMNS = """
payout.id, payout.number, payout.partner_id, partner.code AS partner_code, partner.name AS partner_name,
payout.state, payout.requested_minor, payout.amount_minor, payout.debt_repaid_minor, payout.method,
payout.details_masked, payout.requested_at,
payout.approved_at, coalesce(approver.email, '') AS approved_by,
payout.second_approved_at, coalesce(second.email, '') AS second_approved_by,
payout.batch_id, batch.number AS batch_number, payout.sent_at,
payout.paid_at, coalesce(payer.email, '') AS paid_by,
payout.rejected_at, coalesce(rejecter.email, '') AS rejected_by, payout.cancelled_at,
coalesce(back.returned_at, payout.returned_at) AS returned_at, coalesce(back.reason, payout.reason) AS reason
"""

_FROM = """
FROM payouts AS payout
JOIN partners AS partner ON partner.id = payout.partner_id
LEFT JOIN users AS approver ON approver.id = payout.approved_by_id
LEFT JOIN users AS second ON second.id = payout.second_approved_by_id
LEFT JOIN payout_batches AS batch ON batch.id = payout.batch_id
LEFT JOIN payout_returns AS back ON back.payout_id = payout.id
LEFT JOIN users AS payer ON payer.id = payout.paid_by_id
LEFT JOIN users AS rejecter ON rejecter.id = payout.rejected_by_id
"""

_PAYOUT = f"SELECT {_COLUMNS} {_FROM}"

_CHOSEN = """(
    ($5 = '' OR payout.method = $5)
    AND ($6 = '' OR position(lower($6) IN lower(partner.code)) > 0 OR position(lower($6) IN lower(partner.name)) > 0)
    AND ($7::timestamptz IS NULL OR payout.requested_at >= $7) AND ($8::timestamptz IS NULL OR payout.requested_at < $8)
)"""


def _values(choice: Choice) -> tuple[object, ...]:
    return choice.method, choice.partner, choice.start, choice.end


_TO_PAY = f"""
SELECT {_COLUMNS}, payout.details_encrypted, payout.approved_by_id,
    payout.second_approved_by_id, partner.user_id, details.created_at AS details_since
{_FROM}
LEFT JOIN partner_payout_details AS details
    ON details.partner_id = payout.partner_id AND details.superseded_at IS NULL
"""


async def _page(
    condition: str,
    values: tuple[object, ...],
    program_id: int,
    states: Sequence[PayoutState],
    after: Cursor | None,
    size: int,
) -> Page[Payout]:
    rows = await db.fetch(
        _PAYOUT
        + f"""
        WHERE payout.program_id = $1 AND {condition} AND payout.state = ANY($2::text[])
            AND ($3::timestamptz IS NULL OR (payout.requested_at, payout.id) < ($3, $4::bigint))
        ORDER BY payout.requested_at DESC, payout.id DESC
        LIMIT {size + 1}
        """,
        program_id,
        [state.value for state in states],
        after.moment if after is not None else None,
        after.id if after is not None else None,
        *values,
    )
    return page([_payout(row) for row in rows], lambda payout: (payout.requested_at, payout.id), size=size)


def _payout(row: asyncpg.Record) -> Payout:
    values = {name: row[name] for name in Payout.__slots__}
    values["state"] = PayoutState(values["state"])
    return Payout(**values)


def _to_pay(row: asyncpg.Record, balances: PartnerBalances, sent: int, user_id: int, limit: int) -> ToPay:
    payout = _payout(row)
    # Another member of staff may have closed a payout between the two reads; it then gives way to the next look.
    fixed = payout.state is PayoutState.SENT or payout.amount_minor > balances.reserved_minor - sent
    payable = payout.amount_minor if fixed else payable_minor(payout.amount_minor, balances, sent)
    missing = second_person_missing(payout.requested_minor, limit, row["second_approved_by_id"])
    return ToPay(
        payout=payout,
        balances=balances,
        payable_minor=payable,
        cut_minor=payout.requested_minor - payable,
        details_sealed=row["details_encrypted"],
        details_since=row["details_since"],
        own=row["user_id"] == user_id,
        second_person_missing=missing,
        needs_second_person=missing and row["approved_by_id"] == user_id,
    )
