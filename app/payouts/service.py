"""Asking for money, agreeing to it, sending it, refusing it (rules.md §10, §12; the states are in `decisions.py`).

Each step is one conditional update with the partner and the payout locked: of two people (or two clicks) at the same
time one wins, the other is told what happened meanwhile. What all steps share is in `steps.py`; batches and the bank's
answer are in `batches.py` and `bank_answer.py`.
"""

from app import clock, db
from app.errors import DomainError, FieldError, NotFound, message_id
from app.ledger import service as ledger
from app.payouts import papers, queries, receipts, steps
from app.payouts.decisions import (
    Approval,
    Obstacle,
    PayoutState,
    Readiness,
    readiness,
    released_postings,
    request_postings,
    second_person_missing,
)
from app.payouts.methods import METHODS
from app.payouts.steps import Locked, refuse_own, refuse_state
from app.users import audit

NUMBERS_LOCK = 0x7A6F7574
"""First key of the advisory lock on a program's payout numbers; the second is the program."""


async def request_payout(program_id: int, partner_id: int, *, amount_minor: int, action_id: str) -> int:
    """Ask for `amount_minor` and reserve it; the payout's id. The same `action_id` again gives the same payout.

    Refused (422) while something of `decisions.Obstacle` stands in the way, and when the amount is below the terms'
    minimum or above what is available; the refusal names the field `amount` or `details`.
    """
    async with db.transaction():
        return await request_in_transaction(
            program_id, partner_id, amount_minor=amount_minor, action_id=action_id
        )


async def request_in_transaction(
    program_id: int, partner_id: int, *, amount_minor: int, action_id: str
) -> int:
    """The same inside the caller's transaction."""
    now = clock.now()
    state = await steps.lock_partner_in_transaction(program_id, partner_id)
    known = await db.fetchval(
        "SELECT id FROM payouts WHERE partner_id = $1 AND action_id = $2", partner_id, action_id
    )
    if known is not None:
        return int(known)
    balances = (await ledger.lock_balances_in_transaction([partner_id]))[partner_id]
    terms = await queries.payout_terms(program_id, now)
    overdue = await receipts.overdue_since(program_id, partner_id)
    ready = readiness(state, balances, await queries.details(partner_id), terms, now)
    _refuse_unless_ready(ready.with_overdue_receipt(overdue), amount_minor)
    payout_id, number = await _insert(program_id, partner_id, ready, amount_minor, action_id)
    postings = request_postings(partner_id, amount_minor)
    await steps.book_in_transaction(
        program_id, [steps.entry(payout_id, number, PayoutState.REQUESTED, now, postings)]
    )
    await steps.tell_in_transaction(
        program_id, [steps.event(payout_id, number, partner_id, PayoutState.REQUESTED, amount_minor)]
    )
    return payout_id


async def cancel(program_id: int, partner_id: int, payout_id: int) -> None:
    """The partner takes his own request back, while nobody has agreed to it. NotFound where it is not his."""
    async with db.transaction():
        payout = await steps.lock_one_in_transaction(program_id, payout_id)
        if payout.partner_id != partner_id:
            raise NotFound
        if payout.state is PayoutState.APPROVED:
            raise DomainError(
                "The payout is approved already: write to the manager of the program.", code="payout_state"
            )
        refuse_state(payout, PayoutState.REQUESTED)
        (released,) = await steps.release_in_transaction(program_id, [payout], PayoutState.CANCELLED)
        await _step(
            payout,
            "UPDATE payouts SET state = 'cancelled', cancelled_at = $2, amount_minor = $3, "
            "debt_repaid_minor = $4 WHERE id = $1 AND state = 'requested'",
            clock.now(),
            released.available_minor,
            payout.debt_repaid_minor + released.repaid_minor,
        )


async def approve(program_id: int, payout_id: int, *, user_id: int) -> Approval:
    """Agree to a requested payout, or as the second person to an approved one; what that came to.

    Nobody approves his own. What need not be sent by anybody (the internal account) is paid at once, as soon as
    nothing stands in the way any more.
    """
    now = clock.now()
    async with db.transaction():
        payout = await steps.lock_one_in_transaction(program_id, payout_id)
        refuse_own(payout, user_id)
        limit = (await queries.payout_terms(program_id, now)).second_person_from_minor
        missing = second_person_missing(payout.requested_minor, limit, payout.second_approved_by_id)
        if payout.state is PayoutState.APPROVED and missing:
            await _agree_as_second(program_id, payout, user_id)
            missing, done = False, Approval.SECOND
        else:
            refuse_state(payout, PayoutState.REQUESTED)
            await _step(
                payout,
                "UPDATE payouts SET state = 'approved', approved_at = $2, approved_by_id = $3 "
                "WHERE id = $1 AND state = 'requested'",
                now,
                user_id,
            )
            await _write_down("payout.approved", program_id, payout_id, user_id)
            told = steps.told(payout, PayoutState.APPROVED, payout.amount_minor, payout.debt_repaid_minor)
            await steps.tell_in_transaction(program_id, [told])
            await papers.approved_in_transaction(program_id, [payout_id])
            done = Approval.FIRST
        at_once = METHODS[payout.method].at_once and not missing and not await papers.unsigned([payout_id])
        if at_once:
            approved = await steps.lock_one_in_transaction(program_id, payout_id)
            await _pay(program_id, approved, user_id)
    return Approval.PAID if at_once else done


async def mark_paid(
    program_id: int, payout_id: int, *, user_id: int, expected_minor: int | None = None
) -> int:
    """Say that a payout was sent; the amount that counts as paid, in minor units. There is no way back.

    Of an approved one it is never more than available + reserved − debt (see `decisions.py`); the rest repays debt.
    One that is with the bank is paid as the file says. `expected_minor` is the amount that the accountant saw: if a
    refund has changed it since, nothing is done and he is told the new one. From the terms' limit on, who approved is
    not the one who marks paid, unless a second person has agreed (`approval_second_person_from_minor`).
    """
    async with db.transaction():
        payout = await steps.lock_one_in_transaction(program_id, payout_id)
        refuse_own(payout, user_id)
        refuse_state(payout, PayoutState.APPROVED, PayoutState.SENT)
        seconded = await steps.seconded_in_transaction(program_id, [payout], user_id)
        return await _pay(program_id, payout, user_id, expected_minor, seconded)


async def reject(program_id: int, payout_id: int, *, user_id: int, reason: str) -> None:
    """Refuse an open payout that is not with the bank. Its money repays debt, then is available."""
    reason = _reason(reason, message_id("Say why the payout is rejected: the partner reads it."))
    async with db.transaction():
        payout = await steps.lock_one_in_transaction(program_id, payout_id)
        refuse_state(payout, PayoutState.REQUESTED, PayoutState.APPROVED)
        (released,) = await steps.release_in_transaction(program_id, [payout], PayoutState.REJECTED)
        await _step(
            payout,
            "UPDATE payouts SET state = 'rejected', rejected_at = $2, rejected_by_id = $3, reason = $4, "
            "amount_minor = $5, debt_repaid_minor = $6 WHERE id = $1 AND state IN ('requested', 'approved')",
            clock.now(),
            user_id,
            reason,
            released.available_minor,
            payout.debt_repaid_minor + released.repaid_minor,
        )
        await _write_down("payout.rejected", program_id, payout_id, user_id, reason)
        await papers.undone_in_transaction(program_id, [payout_id], reason)


async def take_back(program_id: int, payout_id: int, *, user_id: int, reason: str) -> None:
    """The bank returned the money of a payout that it was given, or that is paid already. It repays debt first.

    A payout that is with the bank becomes `returned`. A paid one stays paid: the return is written beside it, once.
    """
    reason = _reason(reason, message_id("Say why the bank returned the payout: the partner reads it."))
    async with db.transaction():
        payout = await steps.lock_one_in_transaction(program_id, payout_id)
        await take_back_in_transaction(program_id, payout, user_id=user_id, reason=reason)


async def take_back_in_transaction(program_id: int, payout: Locked, *, user_id: int, reason: str) -> None:
    """The same for a locked payout."""
    refuse_state(payout, PayoutState.SENT, PayoutState.PAID)
    if METHODS[payout.method].at_once:
        raise DomainError("No bank had this payout: there is nothing to return.", code="payout_state")
    if payout.state is PayoutState.PAID:
        await _write_return(program_id, payout, user_id, reason)
    else:
        (released,) = await steps.release_in_transaction(program_id, [payout], PayoutState.RETURNED)
        await _step(
            payout,
            "UPDATE payouts SET state = 'returned', returned_at = $2, returned_by_id = $3, reason = $4, "
            "amount_minor = $5, debt_repaid_minor = $6 WHERE id = $1 AND state = 'sent'",
            clock.now(),
            user_id,
            reason,
            released.available_minor,
            payout.debt_repaid_minor + released.repaid_minor,
        )
    await _write_down("payout.returned", program_id, payout.id, user_id, reason)
    await papers.undone_in_transaction(program_id, [payout.id], reason)


async def _write_return(program_id: int, payout: Locked, user_id: int, reason: str) -> None:
    """Book the money of a paid payout back and write the return beside it."""
    now = clock.now()
    balances = (await ledger.lock_balances_in_transaction([payout.partner_id]))[payout.partner_id]
    repaid = min(payout.amount_minor, balances.debt_minor)
    written = await db.fetchval(
        """
        INSERT INTO payout_returns (payout_id, amount_minor, debt_repaid_minor, reason, returned_at, returned_by_id)
        SELECT $1, $2, $3, $4, $5, $6 WHERE $2::bigint > 0
        ON CONFLICT (payout_id) DO NOTHING
        RETURNING id
        """,
        payout.id,
        payout.amount_minor,
        repaid,
        reason,
        now,
        user_id,
    )
    if written is None:
        raise DomainError("The bank has returned this payout already.", code="payout_state")
    postings = released_postings(
        payout.partner_id, payout.amount_minor, balances, METHODS[payout.method].account
    )
    await steps.book_in_transaction(
        program_id, [steps.entry(payout.id, payout.number, PayoutState.RETURNED, now, postings)]
    )
    told = steps.told(payout, PayoutState.RETURNED, payout.amount_minor - repaid, repaid)
    await steps.tell_in_transaction(program_id, [told])


async def _agree_as_second(program_id: int, payout: Locked, user_id: int) -> None:
    """Another person agrees to what is approved already."""
    if payout.approved_by_id == user_id:
        raise DomainError(
            "You approved this payout; from this amount on a second person must agree to it.",
            code="second_person_needed",
        )
    await _step(
        payout,
        "UPDATE payouts SET second_approved_at = $2, second_approved_by_id = $3 "
        "WHERE id = $1 AND state = 'approved' AND second_approved_by_id IS NULL",
        clock.now(),
        user_id,
    )
    await _write_down("payout.second_approved", program_id, payout.id, user_id)


async def _pay(
    program_id: int,
    payout: Locked,
    user_id: int,
    expected_minor: int | None = None,
    seconded: frozenset[int] = frozenset(),
) -> int:
    """Pay one locked payout: what it was paid with."""
    payments = await steps.payments_in_transaction([payout])
    amount = payments[0].amount_minor
    if expected_minor is not None and expected_minor != amount:
        raise DomainError(
            "A refund has changed the amount to pay meanwhile. Look at it again and pay what it says now.",
            code="payout_amount_changed",
        )
    await steps.pay_in_transaction(program_id, payments, user_id, seconded)
    await _write_down("payout.paid", program_id, payout.id, user_id)
    return amount


async def _write_down(action: str, program_id: int, payout_id: int, user_id: int, reason: str = "") -> None:
    await audit.write_in_transaction(
        action, f"payout:{payout_id}", program_id=program_id, user_id=user_id, reason=reason
    )


async def _step(payout: Locked, update: str, *values: object) -> None:
    """Run the conditional update of one step; the locks make its failure our own bug."""
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


def _reason(typed: str, message: str) -> str:
    if not typed.strip():
        raise DomainError(message, code="reason_missing", fields=[FieldError("reason", "required", message)])
    return typed.strip()[:500]


def _refuse_unless_ready(ready: Readiness, amount_minor: int) -> None:
    for obstacle in ready.obstacles:
        if obstacle in _REFUSALS:
            field, message = _REFUSALS[obstacle]
            raise DomainError(
                message, code=obstacle.value, fields=[FieldError(field, obstacle.value, message)]
            )
    if amount_minor < ready.min_minor:
        raise _wrong_amount("below_minimum", message_id("This is below the smallest payout."))
    if amount_minor > ready.max_minor:
        raise _wrong_amount("above_available", message_id("This is more than is available."))


def _wrong_amount(code: str, message: str) -> DomainError:
    return DomainError(message, code=code, fields=[FieldError("amount", code, message)])


_REFUSALS: dict[Obstacle, tuple[str, str]] = {
    Obstacle.PARTNER_STATE: (
        "",
        message_id("Payouts are closed for you. Write to the manager of the program."),
    ),
    Obstacle.BY_DEPOSIT: (
        "",
        message_id("Commissions are paid from the merchant's deposit; there is nothing to ask for."),
    ),
    Obstacle.DEBT: (
        "amount",
        message_id("You owe money back for refunded orders; the next commissions repay it first."),
    ),
    Obstacle.RECEIPT_OVERDUE: (
        "amount",
        message_id("Give the receipt of your last payout first: its day is over. You find it under Papers."),
    ),
    Obstacle.DETAILS_MISSING: ("details", message_id("Give your payment details first.")),
    Obstacle.METHOD_OFF: (
        "details",
        message_id("The program no longer pays this way. Give other payment details."),
    ),
    Obstacle.DETAILS_UNVERIFIED: ("details", message_id("Your payment details are still being checked.")),
    Obstacle.DETAILS_COOLING: (
        "details",
        message_id("New payment details can be used 72 hours after they were given."),
    ),
}
"""BELOW_MINIMUM is told by the amount itself."""
