"""Which document of a statement is about which payout."""

from dataclasses import replace
from datetime import date

import pytest

from app.payouts.bank_matching import Candidate, Outcome, judge
from app.payouts.bank_statement import BankDocument
from app.payouts.decisions import PayoutState

OURS, HERS, OTHER = "40702810200000000001", "40817810700000000001", "40802810400000000002"
SENT = Candidate(5, 15, 15, PayoutState.SENT, 100_000, HERS, returned=False)
PAID = replace(SENT, state=PayoutState.PAID)
DEBIT = BankDocument(
    9, "Платежное поручение", "15", 100_000, OURS, HERS, "", "", date(2026, 11, 23), None, ""
)
BACK = BankDocument(
    30,
    "Платежное поручение",
    "777",
    100_000,
    "47416810000000000001",
    OURS,
    "",
    "",
    None,
    date(2026, 11, 24),
    "Возврат по п/п № 15 от 22.11.2026: счёт закрыт",
)


def outcomes(documents: list[BankDocument], *candidates: Candidate) -> list[tuple[Outcome, int | None]]:
    return [(one.outcome, one.payout_id) for one in judge(documents, {OURS}, candidates)]


def test_number_amount_and_account_make_a_payment() -> None:
    assert outcomes([DEBIT], SENT) == [(Outcome.PAYS, 5)]
    assert outcomes([replace(DEBIT, number="015")], SENT) == [(Outcome.PAYS, 5)]


@pytest.mark.parametrize(
    ("document", "candidate", "outcome"),
    [
        (replace(DEBIT, amount_minor=99_999), SENT, Outcome.AMOUNT_DIFFERS),
        (replace(DEBIT, recipient_account=OTHER), SENT, Outcome.ACCOUNT_DIFFERS),
        (replace(DEBIT, debited_on=None), SENT, Outcome.NOT_CARRIED_OUT),
        (DEBIT, PAID, Outcome.PAID_ALREADY),
        (DEBIT, replace(SENT, state=PayoutState.RETURNED, returned=True), Outcome.RETURNED_ALREADY),
        (BACK, SENT, Outcome.RETURNS),
        (BACK, PAID, Outcome.RETURNS),
        (BACK, replace(PAID, returned=True), Outcome.RETURNED_ALREADY),
        (replace(BACK, amount_minor=1), PAID, Outcome.RETURN_UNKNOWN),
        (replace(BACK, purpose="Возврат п/п N16"), PAID, Outcome.RETURN_UNKNOWN),
        (replace(BACK, purpose="Возврат ошибочного платежа", payer_account=HERS), PAID, Outcome.RETURNS),
        (replace(BACK, purpose="Возврат ошибочного платежа"), PAID, Outcome.RETURN_UNKNOWN),
        (replace(BACK, purpose="возвращено плат. поручение 15 от 22.11.26"), PAID, Outcome.RETURNS),
    ],
)
def test_what_a_document_means(document: BankDocument, candidate: Candidate, outcome: Outcome) -> None:
    (found,) = judge([document], {OURS}, [candidate])

    assert found.outcome is outcome


@pytest.mark.parametrize(
    "document",
    [
        replace(DEBIT, number="16"),
        replace(DEBIT, number="б/н"),
        replace(DEBIT, payer_account=OTHER),
        replace(DEBIT, recipient_account=OURS),
        replace(BACK, purpose="Оплата по счёту № 15"),
        replace(BACK, credited_on=None),
    ],
)
def test_what_is_not_about_payouts_is_left_out(document: BankDocument) -> None:
    assert outcomes([document], SENT) == []


def test_two_documents_pay_a_payout_once() -> None:
    assert outcomes([DEBIT, replace(DEBIT, line=50)], SENT) == [(Outcome.PAYS, 5), (Outcome.REPEATED, 5)]


def test_a_return_before_its_payment_in_the_file_still_comes_after_it() -> None:
    assert outcomes([BACK, DEBIT], SENT) == [(Outcome.PAYS, 5), (Outcome.RETURNS, 5)]


def test_of_two_payments_of_one_amount_the_number_decides() -> None:
    second = replace(PAID, payout_id=6, payout_number=16, document_number=16)

    assert outcomes([BACK], PAID, second) == [(Outcome.RETURNS, 5)]
    both = replace(BACK, purpose="Возврат", payer_account=HERS)
    assert outcomes([both], PAID, second) == [(Outcome.RETURN_UNKNOWN, None)]
