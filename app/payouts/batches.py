"""Batches: approved payouts that go to the bank together, with their files.

Making a batch fixes its amounts: what refunds have taken meanwhile is cut then (`decisions.py`), and from then on the
money counts as being with the bank. The files are made in the same transaction, sealed, and never made again: a
download gives the same bytes. If the file was not given to the bank after all, the batch is dissolved and its payouts
are approved again; otherwise they are marked paid together, or one by one from the bank's statement (`bank_answer.py`).
"""

from collections.abc import Sequence
from hashlib import sha256

from cryptography.fernet import InvalidToken

from app import clock, db
from app.errors import Conflict, DomainError, NotFound
from app.partners.payout_details import unseal_file
from app.payouts import batch_files, steps
from app.payouts.decisions import PayoutState, cut_postings
from app.payouts.methods import METHODS
from app.payouts.payment_orders import document_number
from app.payouts.steps import Locked, Payment
from app.users import audit

MOST = 500
"""Payouts of one batch."""
BATCHES_LOCK = 0x62617463
"""First key of the advisory lock on a program's batch numbers; the second is the program."""


async def make_batch(program_id: int, payout_ids: Sequence[int], *, user_id: int, action_id: str) -> int:
    """Give these approved payouts to the bank; the batch's id. The same `action_id` again gives the same batch.

    Refused where one is not approved, lacks its second person or its act, has nothing left to pay, or cannot be said
    in the bank's format; and where they are of several methods, or of one that needs no bank.
    """
    if not 1 <= len(set(payout_ids)) <= MOST:
        raise DomainError("Choose 1 to %(most)s approved payouts for a batch.", code="batch_size", most=MOST)
    async with db.transaction():
        payouts = await steps.lock_in_transaction(program_id, payout_ids)
        await db.execute("SELECT pg_advisory_xact_lock($1, $2)", BATCHES_LOCK, program_id % 2**31)
        known = await db.fetchval(
            "SELECT id FROM payout_batches WHERE program_id = $1 AND action_id = $2", program_id, action_id
        )
        if known is not None:
            return int(known)
        method = _one_method(payouts)
        for payout in payouts:
            steps.refuse_state(payout, PayoutState.APPROVED)
        seconded = await steps.seconded_in_transaction(program_id, payouts, user_id)
        payments = await steps.payments_in_transaction(payouts)
        _refuse_empty(payments)
        batch_id = await _insert(program_id, method, payments, user_id, action_id)
        await _send(program_id, batch_id, payments, user_id, seconded)
        await batch_files.write_files_in_transaction(program_id, batch_id, method, payments)
        await audit.write_in_transaction(
            "batch.made", f"batch:{batch_id}", program_id=program_id, user_id=user_id
        )
    return batch_id


async def dissolve(program_id: int, batch_id: int, *, user_id: int) -> None:
    """Say that a batch was not given to the bank: its payouts are approved again. What was cut stays cut."""
    async with db.transaction():
        payouts = await _locked_batch(program_id, batch_id)
        for payout in payouts:
            if payout.state is not PayoutState.SENT:
                raise Conflict(
                    "The bank has carried out payments of this batch: it cannot be dissolved any more.",
                    code="batch_answered",
                )
        now = clock.now()
        await db.execute(
            "UPDATE payouts SET state = 'approved', batch_id = NULL, sent_at = NULL WHERE batch_id = $1",
            batch_id,
        )
        await db.execute(
            "UPDATE payout_batches SET dissolved_at = $2, dissolved_by_id = $3 WHERE id = $1",
            batch_id,
            now,
            user_id,
        )
        await audit.write_in_transaction(
            "batch.dissolved", f"batch:{batch_id}", program_id=program_id, user_id=user_id
        )


async def mark_batch_paid(program_id: int, batch_id: int, *, user_id: int) -> int:
    """Mark all of the batch that is still with the bank as paid; how many there were. There is no way back."""
    async with db.transaction():
        open_ = [one for one in await _locked_batch(program_id, batch_id) if one.state is PayoutState.SENT]
        if not open_:
            raise Conflict("Nothing of this batch is with the bank any more.", code="batch_answered")
        await steps.seconded_in_transaction(program_id, open_, user_id)
        payments = await steps.payments_in_transaction(open_)
        await steps.pay_in_transaction(program_id, payments, user_id)
        await audit.write_in_transaction(
            "batch.paid", f"batch:{batch_id}", program_id=program_id, user_id=user_id
        )
    return len(open_)


async def download(program_id: int, batch_id: int, file_format: str, *, user_id: int) -> tuple[str, bytes]:
    """Name and bytes of one of the batch's files, as they were made; who took them is written down."""
    async with db.transaction():
        row = await db.fetchrow(
            """
            SELECT file.name, file.content, file.digest
            FROM payout_batch_files AS file
            JOIN payout_batches AS batch ON batch.id = file.batch_id
            WHERE batch.id = $1 AND batch.program_id = $2 AND file.format = $3
            """,
            batch_id,
            program_id,
            file_format,
        )
        if row is None:
            raise NotFound
        try:
            content = unseal_file(row["content"])
        except InvalidToken as error:
            raise DomainError(
                "The file cannot be read with the portal's present key.", code="unreadable"
            ) from error
        assert sha256(content).hexdigest() == row["digest"], "a batch's file is not what it was"
        await audit.write_in_transaction(
            "batch.downloaded", f"batch:{batch_id}", program_id=program_id, user_id=user_id
        )
    return row["name"], content


def _one_method(payouts: Sequence[Locked]) -> str:
    methods = {one.method for one in payouts}
    if len(methods) > 1:
        raise DomainError("Choose payouts of one way of paying for a batch.", code="batch_methods")
    method = methods.pop()
    if not METHODS[method].files:
        raise DomainError("Payouts to the account in the shop need no bank.", code="batch_methods")
    return method


def _refuse_empty(payments: Sequence[Payment]) -> None:
    for one in payments:
        if not one.amount_minor:
            raise DomainError(
                "Refunds have taken all of payout no. %(number)s: mark it as paid by itself, its money repays the debt.",
                code="nothing_to_pay",
                number=one.payout.number,
            )


async def _insert(
    program_id: int, method: str, payments: Sequence[Payment], user_id: int, action_id: str
) -> int:
    batch_id: int = await db.fetchval(
        """
        INSERT INTO payout_batches (program_id, number, method, payouts, total_minor, action_id, made_at, made_by_id)
        SELECT $1, coalesce((SELECT max(number) FROM payout_batches WHERE program_id = $1), 0) + 1,
            $2, $3, $4, $5, $6, $7
        RETURNING id
        """,
        program_id,
        method,
        len(payments),
        sum(one.amount_minor for one in payments),
        action_id,
        clock.now(),
        user_id,
    )
    await db.execute(
        """
        INSERT INTO payout_batch_payments (batch_id, payout_id, document_number, amount_minor, cut_minor)
        SELECT $1, * FROM unnest($2::bigint[], $3::int[], $4::bigint[], $5::bigint[])
        """,
        batch_id,
        [one.payout.id for one in payments],
        [document_number(one.payout.number) for one in payments],
        [one.amount_minor for one in payments],
        [one.cut_minor for one in payments],
    )
    return batch_id


async def _send(
    program_id: int, batch_id: int, payments: Sequence[Payment], user_id: int, seconded: frozenset[int]
) -> None:
    now = clock.now()
    tag = await db.execute(
        """
        UPDATE payouts SET state = 'sent', sent_at = $1, batch_id = $2, amount_minor = sent.amount_minor,
            debt_repaid_minor = debt_repaid_minor + sent.cut_minor,
            second_approved_at = CASE WHEN payouts.id = ANY($6::bigint[]) THEN $1 ELSE second_approved_at END,
            second_approved_by_id = CASE WHEN payouts.id = ANY($6::bigint[]) THEN $7 ELSE second_approved_by_id END
        FROM unnest($3::bigint[], $4::bigint[], $5::bigint[]) AS sent (id, amount_minor, cut_minor)
        WHERE payouts.id = sent.id AND payouts.state = 'approved'
        """,
        now,
        batch_id,
        [one.payout.id for one in payments],
        [one.amount_minor for one in payments],
        [one.cut_minor for one in payments],
        list(seconded),
        user_id,
    )
    assert tag == f"UPDATE {len(payments)}", "a locked payout changed its state"
    await steps.book_in_transaction(
        program_id,
        [
            steps.sent_entry(one, batch_id, cut_postings(one.payout.partner_id, one.cut_minor))
            for one in payments
        ],
    )
    await steps.tell_in_transaction(
        program_id,
        [
            steps.told(
                one.payout, PayoutState.SENT, one.amount_minor, one.payout.debt_repaid_minor + one.cut_minor
            )
            for one in payments
        ],
    )


async def _locked_batch(program_id: int, batch_id: int) -> list[Locked]:
    """The batch's payouts, locked. Conflict where it is dissolved."""
    row = await db.fetchrow(
        "SELECT dissolved_at FROM payout_batches WHERE id = $1 AND program_id = $2", batch_id, program_id
    )
    if row is None:
        raise NotFound
    ids = await db.fetch("SELECT id FROM payouts WHERE batch_id = $1 ORDER BY id", batch_id)
    payouts = await steps.lock_in_transaction(program_id, [one["id"] for one in ids])
    # Dissolved between the two reads: the locked payouts have left the batch.
    if row["dissolved_at"] is not None or not payouts or any(one.batch_id != batch_id for one in payouts):
        raise Conflict("The batch is dissolved.", code="batch_dissolved")
    return payouts
