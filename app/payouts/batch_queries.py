"""Reads of batches and of statements of the bank."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from app import db
from app.errors import NotFound
from app.payouts.decisions import PayoutState


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A batch in the list."""

    id: int
    number: int
    method: str
    payouts: int
    total_minor: int
    made_at: datetime
    made_by: str
    dissolved_at: datetime | None
    waiting: int
    """How many of its payouts are with the bank still."""
    paid: int
    returned: int
    """Also those that came back after they had been paid."""

    @property
    def state(self) -> str:
        """dissolved, sent (some are with the bank still) or answered."""
        if self.dissolved_at is not None:
            return "dissolved"
        return "sent" if self.waiting else "answered"


@dataclass(frozen=True, slots=True)
class BatchPaymentRow:
    """One payment of a batch."""

    payout_id: int
    payout_number: int
    document_number: int
    partner_name: str
    account_text: str
    amount_minor: int
    cut_minor: int
    state: PayoutState
    """The payout's now; of a dissolved batch it has gone its own way since."""
    returned_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class BatchFileRow:
    """A file to download."""

    format: str
    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Happening:
    """What somebody did with a batch."""

    at: datetime
    action: str
    who: str


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch with all that belongs to it."""

    row: BatchRow
    payments: Sequence[BatchPaymentRow]
    files: Sequence[BatchFileRow]
    story: Sequence[Happening]


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """A statement in the list."""

    id: int
    name: str
    uploaded_at: datetime
    confirmed_at: datetime | None
    paid: int
    returned: int


async def batches(program_id: int, *, before: int | None = None, most: int = 25) -> list[BatchRow]:
    """The program's batches, the newest first, below the number `before`; one more than `most` if there are more."""
    rows = await db.fetch(
        _BATCH
        + " WHERE batch.program_id = $1 AND ($2::bigint IS NULL OR batch.number < $2) "
        + f"ORDER BY batch.number DESC LIMIT {most + 1}",
        program_id,
        before,
    )
    return [_row(row) for row in rows]


async def batch(program_id: int, batch_id: int) -> Batch:
    """One batch; NotFound where the program has none of this id."""
    row = await db.fetchrow(_BATCH + " WHERE batch.program_id = $1 AND batch.id = $2", program_id, batch_id)
    if row is None:
        raise NotFound
    payments = await db.fetch(
        """
        SELECT payout.id AS payout_id, payout.number AS payout_number, payment.document_number,
            partner.name AS partner_name, payout.details_masked AS account_text, payment.amount_minor,
            payment.cut_minor, payout.state, coalesce(back.returned_at, payout.returned_at) AS returned_at,
            coalesce(back.reason, payout.reason) AS reason
        FROM payout_batch_payments AS payment
        JOIN payouts AS payout ON payout.id = payment.payout_id
        JOIN partners AS partner ON partner.id = payout.partner_id
        LEFT JOIN payout_returns AS back ON back.payout_id = payout.id
        WHERE payment.batch_id = $1
        ORDER BY payment.document_number
        LIMIT 500
        """,
        batch_id,
    )
    files = await db.fetch(
        "SELECT format, name, digest FROM payout_batch_files WHERE batch_id = $1 ORDER BY format LIMIT 10",
        batch_id,
    )
    story = await db.fetch(
        """
        SELECT record.at, record.action, coalesce(author.email, '') AS who
        FROM audit_records AS record LEFT JOIN users AS author ON author.id = record.user_id
        WHERE record.program_id = $1 AND record.subject = $2
        ORDER BY record.id
        LIMIT 100
        """,
        program_id,
        f"batch:{batch_id}",
    )
    return Batch(
        _row(row),
        [BatchPaymentRow(**{**dict(one), "state": PayoutState(one["state"])}) for one in payments],
        [BatchFileRow(**dict(one)) for one in files],
        [Happening(**dict(one)) for one in story],
    )


async def answers(program_id: int, *, most: int = 10) -> list[AnswerRow]:
    """The last statements of the bank that were handed in, the newest first."""
    rows = await db.fetch(
        """
        SELECT answer.id, answer.name, answer.uploaded_at, answer.confirmed_at,
            count(*) FILTER (WHERE line.outcome = 'pays') AS paid,
            count(*) FILTER (WHERE line.outcome = 'returns') AS returned
        FROM bank_answers AS answer
        LEFT JOIN bank_answer_lines AS line ON line.answer_id = answer.id
        WHERE answer.program_id = $1
        GROUP BY answer.id
        ORDER BY answer.uploaded_at DESC, answer.id DESC
        LIMIT $2
        """,
        program_id,
        most,
    )
    return [AnswerRow(**dict(row)) for row in rows]


_BATCH = """
SELECT batch.id, batch.number, batch.method, batch.payouts, batch.total_minor, batch.made_at,
    coalesce(author.email, '') AS made_by, batch.dissolved_at, now_.waiting, now_.paid, now_.returned
FROM payout_batches AS batch
LEFT JOIN users AS author ON author.id = batch.made_by_id
LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE payout.state = 'sent') AS waiting,
        count(*) FILTER (WHERE payout.state = 'paid' AND back.id IS NULL) AS paid,
        count(*) FILTER (WHERE payout.state = 'returned' OR back.id IS NOT NULL) AS returned
    FROM payouts AS payout LEFT JOIN payout_returns AS back ON back.payout_id = payout.id
    WHERE payout.batch_id = batch.id
) AS now_ ON true
"""


def _row(row: asyncpg.Record) -> BatchRow:
    return BatchRow(**dict(row))
