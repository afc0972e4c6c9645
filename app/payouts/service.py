"""Asking for money, agreeing to it, sending it, refusing it (rules.md §10, §12).

    requested → approved → paid          each step one conditional update: of two people (or two clicks) at the
        └──────────┴─────→ rejected      same time one wins, the other is told what happened meanwhile

A request reserves its amount at once. How a refund that overtakes it cuts it is told, with an example, in
`decisions.py`. Locks are taken in one order everywhere: the partner, then his ledger balances by account id; the
program's counter of payout numbers is the last.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app import clock, db
from app.errors import DomainError, FieldError, NotFound
from app.events import service as events
from app.ledger import service as ledger
from app.ledger.queries import PartnerBalances
from app.payouts import queries
from app.payouts.decisions import (
    Obstacle,
    PayoutState,
    Readiness,
    paid_postings,
    payable_minor,
    readiness,
    rejected_postings,
    request_postings,
)
from app.rules.effects import Posting
from app.users import audit

NUMBERS_LOCK = 0x7A6F7574
"""First key of the advisory lock on a program's payout numbers; the second is the program."""


@dataclass(frozen=True, slots=True)
class _Open:
    """An open payout with its partner and payout locked."""

    id: int
    number: int
    partner_id: int
    partner_user_id: int | None
    state: PayoutState
    requested_minor: int
    approved_by_id: int | None


async def request_payout(program_id: int, partner_id: int, *, amount_minor: int, action_id: str) -> int:
    """Ask for `amount_minor` and reserve it; the payout's id. The same `action_id` again gives the same payout.

    Refused (422) while something of `decisions.Obstacle` stands in the way, and when the amount is below the terms'
    minimum or above what is available; the refusal names the field `amount` or `details`.
    """
    now = clock.now()
    async with db.transaction():
        state = await _lock_partner(program_id, partner_id)
        known = await db.fetchval(
            "SELECT id FROM payouts WHERE partner_id = $1 AND action_id = $2", partner_id, action_id
        )
        if known is not None:
            return int(known)
        balances = (await ledger.lock_balances_in_transaction([partner_id]))[partner_id]
        terms = await queries.payout_terms(program_id, now)
        ready = readiness(state, balances, await queries.details(partner_id), terms, now)
        _refuse_unless_ready(ready, amount_minor)
        payout_id, number = await _insert(program_id, partner_id, ready, amount_minor, action_id)
        postings = request_postings(partner_id, amount_minor)
        await _book(program_id, payout_id, number, PayoutState.REQUESTED, postings)
        await _tell(program_id, payout_id, number, partner_id, PayoutState.REQUESTED, amount_minor, 0)
    return payout_id


async def approve(program_id: int, payout_id: int, *, user_id: int) -> None:
    """Agree to a requested payout. Nobody approves his own, nor marks it paid."""
    now = clock.now()
    async with db.transaction():
        payout = await _lock(program_id, payout_id)
        _refuse_own(payout, user_id)
        await _step(
            payout,
            PayoutState.REQUESTED,
            "UPDATE payouts SET state = 'approved', approved_at = $2, approved_by_id = $3 "
            "WHERE id = $1 AND state = 'requested'",
            now,
            user_id,
        )
        await audit.write_in_transaction(
            "payout.approved", f"payout:{payout_id}", program_id=program_id, user_id=user_id
        )
        await _tell(
            program_id,
            payout_id,
            payout.number,
            payout.partner_id,
            PayoutState.APPROVED,
            payout.requested_minor,
            0,
        )


async def mark_paid(
    program_id: int, payout_id: int, *, user_id: int, expected_minor: int | None = None
) -> int:
    """Say that an approved payout was sent; the amount that counts as paid, in minor units. There is no way back.

    It is never more than available + reserved − debt (see `decisions.py`); the rest repays debt. `expected_minor` is
    the amount that the accountant saw: if a refund has changed it since, nothing is done and he is told the new one.
    """
    now = clock.now()
    async with db.transaction():
        payout = await _lock(program_id, payout_id)
        _refuse_own(payout, user_id)
        await _refuse_single_person(program_id, payout, user_id)
        balances = await _balances(payout)
        _refuse_state(payout, PayoutState.APPROVED)
        amount = payable_minor(payout.requested_minor, balances)
        cut = payout.requested_minor - amount
        if expected_minor is not None and expected_minor != amount:
            raise DomainError(
                "A refund has changed the amount to pay meanwhile. Look at it again and pay what it says now.",
                code="payout_amount_changed",
            )
        await _step(
            payout,
            PayoutState.APPROVED,
            "UPDATE payouts SET state = 'paid', paid_at = $2, paid_by_id = $3, amount_minor = $4, "
            "debt_repaid_minor = $5 WHERE id = $1 AND state = 'approved'",
            now,
            user_id,
            amount,
            cut,
        )
        postings = paid_postings(payout.partner_id, amount, cut)
        await _book(program_id, payout_id, payout.number, PayoutState.PAID, postings)
        await audit.write_in_transaction(
            "payout.paid", f"payout:{payout_id}", program_id=program_id, user_id=user_id
        )
        await _tell(program_id, payout_id, payout.number, payout.partner_id, PayoutState.PAID, amount, cut)
    return amount


async def reject(program_id: int, payout_id: int, *, user_id: int, reason: str) -> None:
    """Refuse an open payout, or take back one that the bank returned. Its money repays debt, then is available."""
    now = clock.now()
    if not reason.strip():
        raise DomainError(
            "Say why the payout is rejected: the partner reads it.",
            code="reason_missing",
            fields=[
                FieldError("reason", "required", "Say why the payout is rejected: the partner reads it.")
            ],
        )
    async with db.transaction():
        payout = await _lock(program_id, payout_id)
        balances = await _balances(payout)
        _refuse_state(payout, PayoutState.REQUESTED, PayoutState.APPROVED)
        repaid = min(payout.requested_minor, balances.debt_minor)
        back = payout.requested_minor - repaid
        await _step(
            payout,
            payout.state,
            "UPDATE payouts SET state = 'rejected', rejected_at = $2, rejected_by_id = $3, reason = $4, "
            "amount_minor = $5, debt_repaid_minor = $6 WHERE id = $1 AND state IN ('requested', 'approved')",
            now,
            user_id,
            reason.strip()[:500],
            back,
            repaid,
        )
        postings = rejected_postings(payout.partner_id, payout.requested_minor, balances)
        await _book(program_id, payout_id, payout.number, PayoutState.REJECTED, postings)
        await audit.write_in_transaction(
            "payout.rejected",
            f"payout:{payout_id}",
            program_id=program_id,
            user_id=user_id,
            reason=reason.strip(),
        )
        await _tell(
            program_id, payout_id, payout.number, payout.partner_id, PayoutState.REJECTED, back, repaid
        )


async def _lock_partner(program_id: int, partner_id: int) -> str:
    """Lock the partner and give his state. Writers of rows that point at him need not wait (NO KEY)."""
    state = await db.fetchval(
        "SELECT state FROM partners WHERE id = $1 AND program_id = $2 FOR NO KEY UPDATE",
        partner_id,
        program_id,
    )
    if state is None:
        raise NotFound
    return str(state)


async def _lock(program_id: int, payout_id: int) -> _Open:
    """Lock a payout's partner and then the payout."""
    partner_id = await db.fetchval(
        "SELECT partner_id FROM payouts WHERE id = $1 AND program_id = $2", payout_id, program_id
    )
    if partner_id is None:
        raise NotFound
    await _lock_partner(program_id, partner_id)
    row = await db.fetchrow(
        """
        SELECT payout.id, payout.number, payout.partner_id, partner.user_id AS partner_user_id, payout.state,
            payout.requested_minor, payout.approved_by_id
        FROM payouts AS payout
        JOIN partners AS partner ON partner.id = payout.partner_id
        WHERE payout.id = $1
        FOR UPDATE OF payout
        """,
        payout_id,
    )
    assert row is not None, "payouts are never deleted"
    return _Open(
        row["id"],
        row["number"],
        row["partner_id"],
        row["partner_user_id"],
        PayoutState(row["state"]),
        row["requested_minor"],
        row["approved_by_id"],
    )


async def _balances(payout: _Open) -> PartnerBalances:
    return (await ledger.lock_balances_in_transaction([payout.partner_id]))[payout.partner_id]


async def _step(payout: _Open, state: PayoutState, update: str, *values: object) -> None:
    """Run the conditional update of one step; the lock above makes its failure our own bug."""
    _refuse_state(payout, state)
    tag = await db.execute(update, payout.id, *values)
    assert tag == "UPDATE 1", "a locked payout changed its state"


async def _insert(
    program_id: int, partner_id: int, ready: Readiness, amount_minor: int, action_id: str
) -> tuple[int, int]:
    """Write the request under the program's next number. Id and number."""
    assert ready.details is not None, "a partner without details is refused"
    await db.execute("SELECT pg_advisory_xact_lock($1, $2)", NUMBERS_LOCK, program_id % 2**31)
    row = await db.fetchrow(
        """
        INSERT INTO payouts (program_id, partner_id, number, state, requested_minor, amount_minor, debt_repaid_minor,
            method, details_masked, details_encrypted, action_id, requested_at, reason)
        SELECT $1, $2, coalesce((SELECT max(number) FROM payouts WHERE program_id = $1), 0) + 1, 'requested', $3, $3,
            0, details.method, details.masked, details.encrypted, $4, $5, ''
        FROM partner_payout_details AS details
        WHERE details.id = $6
        RETURNING id, number
        """,
        program_id,
        partner_id,
        amount_minor,
        action_id,
        clock.now(),
        ready.details.id,
    )
    assert row is not None, "payout details are never deleted"
    return int(row["id"]), int(row["number"])


async def _book(
    program_id: int, payout_id: int, number: int, state: PayoutState, postings: Sequence[Posting]
) -> None:
    entry = ledger.Entry(
        kind=f"payout_{state.value}",
        source_key=f"payout:{payout_id}:{state.value}",
        occurred_at=clock.now(),
        postings=tuple(postings),
        note=str(number),
    )
    booked = await ledger.book_in_transaction(program_id, [entry])
    assert booked != [None], "a step of a payout was booked before it was made"


async def _tell(
    program_id: int,
    payout_id: int,
    number: int,
    partner_id: int,
    state: PayoutState,
    amount_minor: int,
    debt_repaid_minor: int,
) -> None:
    """The event that notices, mails and webhooks follow from."""
    payload = {
        "payout_id": payout_id,
        "number": number,
        "partner_id": partner_id,
        "amount_minor": amount_minor,
        "debt_repaid_minor": debt_repaid_minor,
    }
    await events.emit_in_transaction(
        [events.NewEvent(f"payout.{state.value}", program_id, f"payout:{payout_id}", payload)]
    )


def _refuse_unless_ready(ready: Readiness, amount_minor: int) -> None:
    for obstacle in ready.obstacles:
        if obstacle in _REFUSALS:
            field, message = _REFUSALS[obstacle]
            raise DomainError(
                message, code=obstacle.value, fields=[FieldError(field, obstacle.value, message)]
            )
    if amount_minor < ready.min_minor:
        raise _wrong_amount("below_minimum", "This is below the smallest payout.")
    if amount_minor > ready.max_minor:
        raise _wrong_amount("above_available", "This is more than is available.")


def _wrong_amount(code: str, message: str) -> DomainError:
    return DomainError(message, code=code, fields=[FieldError("amount", code, message)])


_REFUSALS: dict[Obstacle, tuple[str, str]] = {
    Obstacle.PARTNER_STATE: ("", "Payouts are closed for you. Write to the manager of the program."),
    Obstacle.DEBT: ("amount", "You owe money back for refunded orders; the next commissions repay it first."),
    Obstacle.DETAILS_MISSING: ("details", "Give your payment details first."),
    Obstacle.METHOD_OFF: ("details", "The program no longer pays this way. Give other payment details."),
    Obstacle.DETAILS_UNVERIFIED: ("details", "Your payment details are still being checked."),
    Obstacle.DETAILS_COOLING: ("details", "New payment details can be used 72 hours after they were given."),
}
"""BELOW_MINIMUM is told by the amount itself."""


def _refuse_own(payout: _Open, user_id: int) -> None:
    if payout.partner_user_id == user_id:
        raise DomainError("This is your own payout: somebody else must decide on it.", code="own_payout")


async def _refuse_single_person(program_id: int, payout: _Open, user_id: int) -> None:
    """From the terms' limit on, who approved is not the one who marks paid (`approval_second_person_from_minor`)."""
    limit = (await queries.payout_terms(program_id, clock.now())).second_person_from_minor
    if limit and payout.requested_minor >= limit and payout.approved_by_id == user_id:
        raise DomainError(
            "From this amount on a second person must mark the payout as paid.", code="second_person_needed"
        )


def _refuse_state(payout: _Open, *wanted: PayoutState) -> None:
    if payout.state in wanted:
        return
    message = {
        PayoutState.REQUESTED: "The payout must be approved first.",
        PayoutState.APPROVED: "The payout is approved already.",
        PayoutState.PAID: "The payout is paid already; there is no way back.",
        PayoutState.REJECTED: "The payout is rejected already.",
    }[payout.state]
    raise DomainError(message, code="payout_state", state=payout.state.value)
