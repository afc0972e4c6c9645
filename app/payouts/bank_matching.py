"""Which document of a statement is about which payout. Pure."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.payouts.bank_statement import BankDocument
from app.payouts.decisions import PayoutState


class Outcome(StrEnum):
    """What a document means for our payouts."""

    PAYS = "pays"
    """The payout is paid with it."""
    RETURNS = "returns"
    """The payout's money comes back with it."""
    AMOUNT_DIFFERS = "amount_differs"
    """Number and account are those of a payout, the amount is not: nothing is booked."""
    ACCOUNT_DIFFERS = "account_differs"
    """Number and amount are those of a payout with the bank, the account is not: nothing is booked."""
    NOT_CARRIED_OUT = "not_carried_out"
    """It is a payout's, but the bank does not say that it was debited."""
    PAID_ALREADY = "paid_already"
    """The payout is paid already."""
    RETURNED_ALREADY = "returned_already"
    """The return is booked already."""
    REPEATED = "repeated"
    """Another document of the same file says the same of the payout."""
    RETURN_UNKNOWN = "return_unknown"
    """Money that comes back, of a payment that is not found among ours."""
    REFUSED = "refused"
    """A rule forbids it, such as the second person's agreement; it is said beside it."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A payout that a document may be about."""

    payout_id: int
    payout_number: int
    document_number: int
    state: PayoutState
    amount_minor: int
    account: str
    returned: bool
    """The bank has sent it back already."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A document with what it means."""

    document: BankDocument
    outcome: Outcome
    payout_id: int | None = None
    payout_number: int | None = None
    note: str = ""
    """Of a return the bank's words."""


_RETURN = re.compile(r"возвра[тщ]|\breturn", re.IGNORECASE)
_NUMBERS = re.compile(
    r"(?:№|\bN|\bNo\.?|п\s*/\s*п|плат[а-яё]*\.?\s*пор[а-яё]*\.?|п\.\s*п\.)\s*[№N]?\s*([0-9]{1,6})(?![0-9.])",
    re.IGNORECASE,
)


def judge(
    documents: Sequence[BankDocument], own_accounts: Collection[str], candidates: Sequence[Candidate]
) -> list[Finding]:
    """What the documents mean, in their order. Those that are none of our business are left out."""
    found: list[Finding] = []
    used: set[tuple[Outcome, int]] = set()
    for document in documents:
        if document.payer_account in own_accounts and document.recipient_account not in own_accounts:
            finding = _debit(document, candidates)
        elif document.recipient_account in own_accounts and _RETURN.search(document.purpose):
            finding = _return(document, candidates)
        else:
            continue
        if finding is None:
            continue
        if finding.payout_id is not None and finding.outcome in (Outcome.PAYS, Outcome.RETURNS):
            key = (finding.outcome, finding.payout_id)
            if key in used:
                finding = _finding(document, Outcome.REPEATED, finding)
            used.add(key)
        found.append(finding)
    return _paid_before_returned(found)


def _debit(document: BankDocument, candidates: Sequence[Candidate]) -> Finding | None:
    """A payment of ours; None: it pays no payout."""
    if not document.number.isdecimal():
        return None
    numbered = [one for one in candidates if one.document_number == int(document.number)]
    same_account = [one for one in numbered if one.account == document.recipient_account]
    exact = [one for one in same_account if one.amount_minor == document.amount_minor]
    if exact:
        one = min(exact, key=_open_first)
        return Finding(document, _of_debit(document, one), one.payout_id, one.payout_number)
    waiting = [one for one in same_account if _is_open(one)]
    if waiting:
        return Finding(document, Outcome.AMOUNT_DIFFERS, waiting[0].payout_id, waiting[0].payout_number)
    other = [
        one for one in numbered if one.state is PayoutState.SENT and one.amount_minor == document.amount_minor
    ]
    if other:
        return Finding(document, Outcome.ACCOUNT_DIFFERS, other[0].payout_id, other[0].payout_number)
    return None


def _of_debit(document: BankDocument, one: Candidate) -> Outcome:
    if one.state is PayoutState.PAID:
        return Outcome.PAID_ALREADY
    if one.state is PayoutState.RETURNED:
        return Outcome.RETURNED_ALREADY
    return Outcome.PAYS if document.debited_on is not None else Outcome.NOT_CARRIED_OUT


def _return(document: BankDocument, candidates: Sequence[Candidate]) -> Finding | None:
    """Money that comes back; None: the bank does not say that it has come."""
    if document.credited_on is None:
        return None
    had = [
        one
        for one in candidates
        if one.amount_minor == document.amount_minor and one.state is not PayoutState.APPROVED
    ]
    numbers = {int(text) for text in _NUMBERS.findall(document.purpose)}
    fitting = [one for one in had if one.document_number in numbers]
    if not numbers:
        fitting = [one for one in had if one.account and one.account == document.payer_account]
    fresh = [one for one in fitting if not one.returned]
    if len(fresh) == 1:
        one = fresh[0]
        return Finding(document, Outcome.RETURNS, one.payout_id, one.payout_number, document.purpose)
    if fitting and not fresh:
        one = fitting[-1]
        return Finding(document, Outcome.RETURNED_ALREADY, one.payout_id, one.payout_number, document.purpose)
    return Finding(document, Outcome.RETURN_UNKNOWN, note=document.purpose)


def _paid_before_returned(found: list[Finding]) -> list[Finding]:
    """A payment and its return may stand in one statement, in either order: it is paid first, then it comes back."""
    return sorted(found, key=lambda one: (one.outcome is Outcome.RETURNS, one.document.line))


def _finding(document: BankDocument, outcome: Outcome, like: Finding) -> Finding:
    return Finding(document, outcome, like.payout_id, like.payout_number, like.note)


def _is_open(one: Candidate) -> bool:
    return one.state in (PayoutState.APPROVED, PayoutState.SENT)


def _open_first(one: Candidate) -> tuple[int, int]:
    return (
        0 if one.state is PayoutState.SENT else 1 if one.state is PayoutState.APPROVED else 2,
        one.payout_id,
    )
