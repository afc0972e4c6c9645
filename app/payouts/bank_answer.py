"""The bank's answer: a statement that marks payouts as paid, or as returned.

    upload → preview (nothing is booked) → confirm (once)

A document of the statement is about a payout when number, amount and account agree, it was paid from the program's own
account and the bank says that it left it (`ДатаСписано`); a file of ours, handed in by mistake, says no such thing.
Money that comes in is a return of ours when its text calls it one and names the number of a payment of the same amount
(or, without a number, when it comes from that recipient's account and no other payment of ours fits).

The file's digest is remembered: the same file again is the same answer and books nothing. A confirmation looks at
everything anew with the payouts locked, so that what happened since the preview is seen.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from cryptography.fernet import InvalidToken

from app import clock, db
from app.errors import Conflict, DomainError, NotFound
from app.partners.payout_details import seal_file, unseal, unseal_file
from app.payouts import service, steps
from app.payouts.bank_matching import Candidate, Finding, Outcome, judge
from app.payouts.bank_statement import BankDocument, read_statement
from app.payouts.decisions import PayoutState
from app.payouts.payer import payer_of
from app.payouts.payment_orders import document_number
from app.users import audit


@dataclass(frozen=True, slots=True)
class Answer:
    """A statement with what it means, or what it led to."""

    id: int
    name: str
    digest: str
    uploaded_at: datetime
    confirmed_at: datetime | None
    """None: nothing is booked yet."""
    confirmed_by: str
    documents: int
    """All of the file, also those that are none of our business."""
    findings: Sequence[Finding]
    """Those that are our business, in the file's order."""

    def count(self, outcome: Outcome) -> int:
        """How many there are of a kind."""
        return sum(one.outcome == outcome for one in self.findings)


async def upload(program_id: int, name: str, raw: bytes, *, user_id: int) -> int:
    """Take a statement to look at; its id. The same file again gives the same id. WrongBankFile names the line."""
    read_statement(raw)
    if await payer_of(program_id) is None:
        raise DomainError(
            "Say first which account the program pays from: “Own bank details” on the page of batches.",
            code="payer_missing",
        )
    digest = sha256(raw).hexdigest()
    async with db.transaction():
        made = await db.fetchval(
            """
            INSERT INTO bank_answers (program_id, name, digest, content, uploaded_at, uploaded_by_id)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (program_id, digest) DO NOTHING
            RETURNING id
            """,
            program_id,
            shown_name(name),
            digest,
            seal_file(raw),
            clock.now(),
            user_id,
        )
        if made is None:
            made = await db.fetchval(
                "SELECT id FROM bank_answers WHERE program_id = $1 AND digest = $2", program_id, digest
            )
    return int(made)


def shown_name(name: str) -> str:
    """A file's name as it may be stored and shown: one line, without letters that turn or hide others."""
    return "".join(letter if letter.isprintable() else "�" for letter in name)[:200]


async def answer(program_id: int, answer_id: int) -> Answer:
    """The statement: before its confirmation what it would do now, afterwards what it did."""
    row = await db.fetchrow(
        """
        SELECT answer.id, answer.name, answer.digest, answer.content, answer.uploaded_at, answer.confirmed_at,
            coalesce(author.email, '') AS confirmed_by
        FROM bank_answers AS answer
        LEFT JOIN users AS author ON author.id = answer.confirmed_by_id
        WHERE answer.id = $1 AND answer.program_id = $2
        """,
        answer_id,
        program_id,
    )
    if row is None:
        raise NotFound
    documents = read_statement(_content(row["content"]))
    if row["confirmed_at"] is None:
        findings = sorted(await _judge(program_id, documents), key=lambda one: one.document.line)
    else:
        findings = await _booked(answer_id, documents)
    return Answer(
        row["id"],
        row["name"],
        row["digest"],
        row["uploaded_at"],
        row["confirmed_at"],
        row["confirmed_by"],
        len(documents),
        findings,
    )


async def confirm(program_id: int, answer_id: int, *, user_id: int) -> Answer:
    """Book what the statement says, once; a second confirmation (or the same file again) changes nothing."""
    async with db.transaction():
        row = await db.fetchrow(
            "SELECT content, confirmed_at FROM bank_answers WHERE id = $1 AND program_id = $2 FOR UPDATE",
            answer_id,
            program_id,
        )
        if row is None:
            raise NotFound
        if row["confirmed_at"] is not None:
            return await answer(program_id, answer_id)
        documents = read_statement(_content(row["content"]))
        seen = await _judge(program_id, documents)
        await steps.lock_in_transaction(program_id, {one.payout_id for one in seen if one.payout_id})
        findings = await _judge(program_id, documents)
        if {one.payout_id for one in findings} - {one.payout_id for one in seen}:
            raise Conflict(
                "Payouts have changed meanwhile. Look at the statement again.", code="answer_changed"
            )
        booked = [await _book(program_id, one, user_id) for one in findings]
        await _write_lines(answer_id, booked)
        await db.execute(
            "UPDATE bank_answers SET confirmed_at = $2, confirmed_by_id = $3 WHERE id = $1",
            answer_id,
            clock.now(),
            user_id,
        )
        await audit.write_in_transaction(
            "bank_answer.confirmed", f"bank_answer:{answer_id}", program_id=program_id, user_id=user_id
        )
    return await answer(program_id, answer_id)


async def _book(program_id: int, finding: Finding, user_id: int) -> Finding:
    """Do what one document says; where a rule forbids it, say so beside it and leave the payout as it is."""
    if finding.payout_id is None or finding.outcome not in (Outcome.PAYS, Outcome.RETURNS):
        return finding
    payout = await steps.lock_one_in_transaction(program_id, finding.payout_id)
    try:
        if finding.outcome is Outcome.RETURNS:
            await service.take_back_in_transaction(program_id, payout, user_id=user_id, reason=finding.note)
        else:
            seconded = await steps.seconded_in_transaction(program_id, [payout], user_id)
            payments = await steps.payments_in_transaction([payout])
            if payments[0].amount_minor != finding.document.amount_minor:
                return replace(finding, outcome=Outcome.AMOUNT_DIFFERS)
            await steps.pay_in_transaction(program_id, payments, user_id, seconded)
    except DomainError as error:
        return replace(finding, outcome=Outcome.REFUSED, note=(error.message % error.values)[:500])
    return finding


async def _judge(program_id: int, documents: Sequence[BankDocument]) -> list[Finding]:
    payer = await payer_of(program_id)
    assert payer is not None, "a statement is only taken when the own account is known"
    accounts = await _own_accounts(program_id)
    return judge(documents, accounts, await _candidates(program_id, documents))


async def _own_accounts(program_id: int) -> frozenset[str]:
    """Accounts that the program pays or paid from: returns come to the account that was used then."""
    rows = await db.fetch(
        "SELECT DISTINCT account FROM payer_details WHERE program_id = $1 ORDER BY account", program_id
    )
    return frozenset(row["account"] for row in rows)


async def _candidates(program_id: int, documents: Sequence[BankDocument]) -> list[Candidate]:
    """Payouts to bank accounts that the documents may be about: those of their amounts, and all that are open.

    A payout that went out in a batch is known to the bank by the amount of the batch's file.
    """
    rows = await db.fetch(
        """
        SELECT payout.id, payout.number, payout.state, payout.details_encrypted, back.id IS NOT NULL AS returned,
            coalesce(payment.amount_minor, payout.amount_minor) AS amount_minor
        FROM payouts AS payout
        LEFT JOIN payout_batch_payments AS payment
            ON payment.payout_id = payout.id AND payment.batch_id = payout.batch_id
        LEFT JOIN payout_returns AS back ON back.payout_id = payout.id
        WHERE payout.program_id = $1 AND payout.method = 'bank_account' AND (
            payout.state IN ('approved', 'sent')
            OR (payout.state IN ('paid', 'returned')
                AND coalesce(payment.amount_minor, payout.amount_minor) = ANY($2::bigint[]))
        )
        ORDER BY payout.id
        """,
        program_id,
        sorted({one.amount_minor for one in documents}),
    )
    return [
        Candidate(
            payout_id=row["id"],
            payout_number=row["number"],
            document_number=document_number(row["number"]),
            state=PayoutState(row["state"]),
            amount_minor=row["amount_minor"],
            account=_account(row["details_encrypted"]),
            returned=row["returned"] or row["state"] == "returned",
        )
        for row in rows
    ]


def _account(sealed: bytes) -> str:
    """The recipient's account; empty where it cannot be read any more, which no document's account equals."""
    try:
        return unseal(sealed).account
    except InvalidToken:
        return ""


def _content(sealed: bytes) -> bytes:
    try:
        return unseal_file(sealed)
    except InvalidToken as error:
        raise DomainError(
            "The file cannot be read with the portal's present key.", code="unreadable"
        ) from error


async def _write_lines(answer_id: int, findings: Iterable[Finding]) -> None:
    rows = list(findings)
    await db.execute(
        """
        INSERT INTO bank_answer_lines (answer_id, line, document_number, amount_minor, outcome, payout_id, note)
        SELECT $1, * FROM unnest($2::int[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::text[])
        """,
        answer_id,
        [one.document.line for one in rows],
        [one.document.number for one in rows],
        [one.document.amount_minor for one in rows],
        [one.outcome.value for one in rows],
        [one.payout_id for one in rows],
        [one.note for one in rows],
    )


async def _booked(answer_id: int, documents: Sequence[BankDocument]) -> list[Finding]:
    rows = await db.fetch(
        """
        SELECT line.line, line.outcome, line.payout_id, line.note, payout.number
        FROM bank_answer_lines AS line
        LEFT JOIN payouts AS payout ON payout.id = line.payout_id
        WHERE line.answer_id = $1
        ORDER BY line.line
        """,
        answer_id,
    )
    by_line = defaultdict(list)
    for one in documents:
        by_line[one.line].append(one)
    return [
        Finding(
            by_line[row["line"]][0], Outcome(row["outcome"]), row["payout_id"], row["number"], row["note"]
        )
        for row in rows
    ]
