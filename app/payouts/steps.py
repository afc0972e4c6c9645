"""What every step of a payout has in common: locking, refusing, booking, telling.

Locks are taken in one order everywhere: partners by id, payouts by id, ledger balances by account id; the program's
counters of payouts and batches are the last. Everything takes lists, so that a batch of five hundred payouts needs as
many round trips as one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from app import clock, db
from app.errors import DomainError, NotFound, message_id
from app.events import service as events
from app.ledger import service as ledger
from app.ledger.queries import PartnerBalances
from app.payouts import papers, queries
from app.payouts.decisions import (
    PayoutState,
    paid_postings,
    payable_minor,
    released_postings,
    second_person_missing,
)
from app.payouts.methods import METHODS
from app.rules.effects import Posting


@dataclass(frozen=True, slots=True)
class Locked:
    """A payout with its partner and itself locked."""

    id: int
    number: int
    partner_id: int
    partner_user_id: int | None
    partner_kind: str
    state: PayoutState
    method: str
    requested_minor: int
    amount_minor: int
    """What of it is still open, or how it ended."""
    debt_repaid_minor: int
    approved_by_id: int | None
    second_approved_by_id: int | None
    batch_id: int | None


@dataclass(frozen=True, slots=True)
class Payment:
    """What is paid of a payout, and what repays debt instead."""

    payout: Locked
    amount_minor: int
    cut_minor: int


async def lock_partner_in_transaction(program_id: int, partner_id: int) -> str:
    """Lock the partner and give his state. Writers of rows that point at him need not wait (NO KEY)."""
    state = await db.fetchval(
        "SELECT state FROM partners WHERE id = $1 AND program_id = $2 FOR NO KEY UPDATE",
        partner_id,
        program_id,
    )
    if state is None:
        raise NotFound
    return str(state)


async def lock_in_transaction(program_id: int, payout_ids: Iterable[int]) -> list[Locked]:
    """Lock the payouts' partners and then the payouts, by id. NotFound where one is not of the program."""
    ids = sorted(set(payout_ids))
    await db.execute(
        """
        SELECT FROM partners
        WHERE id IN (SELECT partner_id FROM payouts WHERE id = ANY($1::bigint[]) AND program_id = $2)
        ORDER BY id
        FOR NO KEY UPDATE
        """,
        ids,
        program_id,
    )
    rows = await db.fetch(
        """
        SELECT payout.id, payout.number, payout.partner_id, partner.user_id AS partner_user_id,
            partner.kind AS partner_kind, payout.state, payout.method, payout.requested_minor,
            payout.amount_minor, payout.debt_repaid_minor, payout.approved_by_id, payout.second_approved_by_id,
            payout.batch_id
        FROM payouts AS payout
        JOIN partners AS partner ON partner.id = payout.partner_id
        WHERE payout.id = ANY($1::bigint[]) AND payout.program_id = $2
        ORDER BY payout.id
        FOR UPDATE OF payout
        """,
        ids,
        program_id,
    )
    if len(rows) != len(ids):
        raise NotFound
    return [Locked(**{**dict(row), "state": PayoutState(row["state"])}) for row in rows]


async def lock_one_in_transaction(program_id: int, payout_id: int) -> Locked:
    """The same for one."""
    return (await lock_in_transaction(program_id, [payout_id]))[0]


async def payments_in_transaction(payouts: Sequence[Locked]) -> list[Payment]:
    """How much of each may be paid now; their partners' balances are locked. Several of one partner: one by one."""
    balances = await ledger.lock_balances_in_transaction(sorted({one.partner_id for one in payouts}))
    sent = await queries.sent_minor(list(balances))
    found = []
    for payout in payouts:
        held = balances[payout.partner_id]
        if payout.state is PayoutState.SENT:
            found.append(Payment(payout, payout.amount_minor, 0))
            continue
        amount = payable_minor(payout.amount_minor, held, sent[payout.partner_id])
        cut = payout.amount_minor - amount
        found.append(Payment(payout, amount, cut))
        balances[payout.partner_id] = PartnerBalances(
            available_minor=held.available_minor,
            reserved_minor=held.reserved_minor - payout.amount_minor,
            debt_minor=held.debt_minor - cut,
        )
    return found


async def seconded_in_transaction(program_id: int, payouts: Sequence[Locked], user_id: int) -> frozenset[int]:
    """Those of the payouts, which this person is about to send or pay, that he agrees to as the second person.

    Raises where one may not be paid by him: his own, one person alone, papers that are missing.
    """
    seconded = set()
    limit = (await queries.payout_terms(program_id, clock.now())).second_person_from_minor
    unsigned = await papers.unsigned([one.id for one in payouts if one.state is PayoutState.APPROVED])
    for one in payouts:
        refuse_own(one, user_id)
        missing = second_person_missing(one.requested_minor, limit, one.second_approved_by_id)
        if missing and one.approved_by_id == user_id and one.state is PayoutState.APPROVED:
            raise DomainError(
                "From this amount on a second person must agree to payout no. %(number)s or mark it as paid.",
                code="second_person_needed",
                number=one.number,
            )
        if one.id in unsigned:
            raise DomainError(
                "The partner has not signed the act of payout no. %(number)s yet.",
                code="act_not_signed",
                number=one.number,
            )
        if missing and one.state is PayoutState.APPROVED:
            seconded.add(one.id)
    return frozenset(seconded)


async def pay_in_transaction(
    program_id: int, payments: Sequence[Payment], user_id: int, seconded: frozenset[int] = frozenset()
) -> None:
    """Write that the payments were made; to those in `seconded` he who pays agrees as the second person."""
    now = clock.now()
    tag = await db.execute(
        """
        UPDATE payouts SET state = 'paid', paid_at = $1, paid_by_id = $2, amount_minor = paid.amount_minor,
            debt_repaid_minor = debt_repaid_minor + paid.cut_minor,
            second_approved_at = CASE WHEN payouts.id = ANY($6::bigint[]) THEN $1 ELSE second_approved_at END,
            second_approved_by_id = CASE WHEN payouts.id = ANY($6::bigint[]) THEN $2 ELSE second_approved_by_id END
        FROM unnest($3::bigint[], $4::bigint[], $5::bigint[]) AS paid (id, amount_minor, cut_minor)
        WHERE payouts.id = paid.id AND payouts.state IN ('approved', 'sent')
        """,
        now,
        user_id,
        [one.payout.id for one in payments],
        [one.amount_minor for one in payments],
        [one.cut_minor for one in payments],
        list(seconded),
    )
    assert tag == f"UPDATE {len(payments)}", "a locked payout changed its state"
    await book_in_transaction(
        program_id,
        [
            _entry(
                one.payout,
                PayoutState.PAID,
                now,
                paid_postings(
                    one.payout.partner_id,
                    one.amount_minor,
                    one.cut_minor,
                    METHODS[one.payout.method].account,
                ),
            )
            for one in payments
        ],
    )
    await tell_in_transaction(
        program_id,
        [
            told(one.payout, PayoutState.PAID, one.amount_minor, one.payout.debt_repaid_minor + one.cut_minor)
            for one in payments
        ],
    )
    await papers.paid_in_transaction(program_id, [one.payout.id for one in payments])


@dataclass(frozen=True, slots=True)
class Released:
    """An open payout whose money came back."""

    payout: Locked
    available_minor: int
    repaid_minor: int


async def release_in_transaction(
    program_id: int, payouts: Sequence[Locked], state: PayoutState
) -> list[Released]:
    """Give open payouts' money back: to debt first, the rest to available. The caller writes the payouts."""
    balances = await ledger.lock_balances_in_transaction(sorted({one.partner_id for one in payouts}))
    entries, found = [], []
    for one in payouts:
        held = balances[one.partner_id]
        postings = released_postings(one.partner_id, one.amount_minor, held)
        repaid = min(one.amount_minor, held.debt_minor)
        balances[one.partner_id] = PartnerBalances(debt_minor=held.debt_minor - repaid)
        entries.append(_entry(one, state, clock.now(), postings))
        found.append(Released(one, one.amount_minor - repaid, repaid))
    await book_in_transaction(program_id, entries)
    await tell_in_transaction(
        program_id,
        [
            told(one.payout, state, one.available_minor, one.payout.debt_repaid_minor + one.repaid_minor)
            for one in found
        ],
    )
    return found


def entry(
    payout_id: int, number: int, state: PayoutState, at: datetime, postings: tuple[Posting, ...]
) -> ledger.Entry:
    """The journal's entry of one step."""
    return ledger.Entry(
        kind=f"payout_{state.value}",
        source_key=f"payout:{payout_id}:{state.value}",
        occurred_at=at,
        postings=postings,
        note=str(number),
    )


def sent_entry(payment: Payment, batch_id: int, postings: tuple[Posting, ...]) -> ledger.Entry:
    """The same of a payout that goes to the bank; a batch that is dissolved makes way for another."""
    return ledger.Entry(
        kind="payout_sent",
        source_key=f"payout:{payment.payout.id}:sent:{batch_id}",
        occurred_at=clock.now(),
        postings=postings,
        note=str(payment.payout.number),
    )


def _entry(payout: Locked, state: PayoutState, at: datetime, postings: tuple[Posting, ...]) -> ledger.Entry:
    return entry(payout.id, payout.number, state, at, postings)


async def book_in_transaction(program_id: int, entries: Sequence[ledger.Entry]) -> None:
    """Book the steps; each for the first time."""
    moving = [one for one in entries if one.postings]
    booked = await ledger.book_in_transaction(program_id, moving)
    assert None not in booked, "a step of a payout was booked before it was made"


def told(payout: Locked, state: PayoutState, amount_minor: int, debt_repaid_minor: int) -> events.NewEvent:
    """The event of a step, which notices, mails and webhooks follow from."""
    return event(payout.id, payout.number, payout.partner_id, state, amount_minor, debt_repaid_minor)


def event(
    payout_id: int,
    number: int,
    partner_id: int,
    state: PayoutState,
    amount_minor: int,
    debt_repaid_minor: int = 0,
) -> events.NewEvent:
    """The same of a payout that is not locked."""
    payload = {
        "payout_id": payout_id,
        "number": number,
        "partner_id": partner_id,
        "amount_minor": amount_minor,
        "debt_repaid_minor": debt_repaid_minor,
    }
    return events.NewEvent(f"payout.{state.value}", None, f"payout:{payout_id}", payload)


async def tell_in_transaction(program_id: int, news: Sequence[events.NewEvent]) -> None:
    """Write the events to the outbox."""
    await events.emit_in_transaction(
        [events.NewEvent(one.kind, program_id, one.subject, one.payload) for one in news]
    )


def refuse_own(payout: Locked, user_id: int) -> None:
    """Nobody decides on his own payout."""
    if payout.partner_user_id == user_id:
        raise DomainError("This is your own payout: somebody else must decide on it.", code="own_payout")


def refuse_state(payout: Locked, *wanted: PayoutState) -> None:
    """Raise unless the payout is in one of the states."""
    if payout.state in wanted:
        return
    raise DomainError(_STATES[payout.state], code="payout_state", state=payout.state.value)


_STATES = {
    PayoutState.REQUESTED: message_id("The payout must be approved first."),
    PayoutState.APPROVED: message_id("The payout is approved already."),
    PayoutState.SENT: message_id("The payout is with the bank; its batch says what becomes of it."),
    PayoutState.PAID: message_id("The payout is paid already; there is no way back."),
    PayoutState.REJECTED: message_id("The payout is rejected already."),
    PayoutState.RETURNED: message_id("The bank has returned the payout; the partner asks anew."),
    PayoutState.CANCELLED: message_id("The partner has cancelled the payout."),
}
