"""Pages of batches and of the bank's answers with sample values."""

from dataclasses import replace
from datetime import date

from app.payouts.bank_answer import Answer
from app.payouts.bank_matching import Finding, Outcome
from app.payouts.bank_statement import BankDocument
from app.payouts.batch_queries import AnswerRow, Batch, BatchFileRow, BatchPaymentRow, BatchRow
from app.payouts.decisions import PayoutState
from app.payouts.payer import PURPOSE, KnownBank, Payer
from app.ui.forms import Form
from tests.browser.samples import EVIL, RUB, S, Sample, ago, desk, partner, said

ROW = BatchRow(3, 3, "bank_account", 3, 4_567_890, ago(days=1), "fedor@example.com", None, 1, 1, 1)
PAYMENT = BatchPaymentRow(
    12, 12, 12, "Алиса Петрова", "•••• 6789, 044525225", 1_500_000, 0, PayoutState.PAID, None, ""
)
PAYER = Payer(
    "ООО «Северный ветер»",
    "7707083893",
    "770701001",
    "40702810200000000001",
    "044525225",
    "30101810400000000225",
    "ПАО СБЕРБАНК",
    "г. Москва",
    PURPOSE,
)
DOCUMENT = BankDocument(
    9,
    "Платежное поручение",
    "12",
    1_500_000,
    "40702810200000000001",
    "40817810700000000001",
    "",
    "Петрова Алиса Игоревна",
    date(2026, 11, 22),
    None,
    "",
)


def batch_pages() -> dict[str, Sample]:
    """Name → template and values, in the reader's language of this moment."""
    shell = {"shell": desk(), "currency": RUB, "may_act": True}
    label = said("Банковский счёт", "Bank account")
    payments = [
        PAYMENT,
        replace(PAYMENT, payout_number=13, document_number=13, partner_name=EVIL, cut_minor=50_000, state=PayoutState.SENT),
        replace(PAYMENT, payout_number=14, document_number=14, returned_at=ago(hours=1), reason=EVIL),
    ]  # fmt: skip
    digest = "9f" * 32
    batch = Batch(ROW, payments, [BatchFileRow("1c", "payouts-north-3.txt", digest), BatchFileRow("csv", "payouts-north-3.csv", digest)], [])  # fmt: skip
    story = [
        S(text=said("Пакет составлен", "Batch made"), at=ago(days=1), detail="fedor@example.com", bad=False, future=False),
        S(text=said("Расформирован", "Dissolved"), at=ago(hours=2), detail="nina@example.com", bad=True, future=False),
    ]  # fmt: skip
    wrong = Form({"bik": "144525225", "name": EVIL})
    wrong.fail("bik", said("БИК начинается с 04.", "A BIK begins with 04."))
    gone = replace(ROW, id=2, number=2, dissolved_at=ago(hours=5))
    done = replace(ROW, id=1, number=1, waiting=0)
    statements = [
        AnswerRow(1, EVIL, ago(hours=3), None, 0, 0),
        AnswerRow(2, "kl_to_1c.txt", ago(days=3), ago(days=3), 12, 1),
    ]
    listed = {"batches": [ROW, gone, done], "method_labels": {"bank_account": label}, "answers": statements, "form": Form.blank(), "next_url": "/desk/batches?before=1"}  # fmt: skip
    chosen = [_to_pay(1), _to_pay(2, needs_second_person=True), _to_pay(3, payable_minor=0, cut_minor=1_500_000), _to_pay(4, cut_minor=50_000, payable_minor=1_450_000), _to_pay(5, own=True)]  # fmt: skip
    new = {"methods": [("bank_account", label), ("card", said("Карта", "Card"))], "method": "bank_account", "payouts": chosen, "total_minor": 5_950_000, "more": True, "form": Form.blank(batch_token="t" * 20), "payer": None}  # fmt: skip
    findings = [Finding(replace(DOCUMENT, line=9 + 20 * place), outcome, 12, 12, EVIL if outcome is Outcome.REFUSED else "") for place, outcome in enumerate(Outcome)]  # fmt: skip
    preview = Answer(1, EVIL, digest, ago(hours=3), None, "", 130, findings)
    empty = {"batches": [], "method_labels": {}, "answers": [], "form": wrong, "next_url": None}
    own = {"shell": desk(), "known": True, "bank_form": wrong, "unknown": ["044525974"]}
    waiting = [S(id=1, partner_name=EVIL, partner_code="alice", method_label=label, account_text="40817810700000000001, 044525225", holder="Петрова", created_at=ago(hours=5), own=False), S(id=2, partner_name="Фёдор", partner_code="fedor", method_label=label, account_text="5", holder="", created_at=ago(hours=5), own=True)]  # fmt: skip
    mine = {
        "shell": partner(),
        "method_label": label,
        "methods": [("bank_account", label)],
        "has_password": True,
    }
    refused = Form({})
    refused.fail("password", said("Это не ваш пароль.", "This is not your password."))
    given = S(masked="•••• 6789, 044525225", created_at=ago(days=3), verified_at=None)
    return {
        "payout-details": ("partners/payout_details.html", {**mine, "details": given, "form": refused}),
        "payout-details-none": ("partners/payout_details.html", {**mine, "details": None, "form": Form.blank()}),
        "desk-payout-details": ("staff/payout_details.html", {"shell": desk(), "details": waiting}),
        "desk-payout-details-empty": ("staff/payout_details.html", {"shell": desk(), "details": []}),
        "desk-batches": ("staff/batches.html", {**shell, **listed}),
        "desk-batches-empty": ("staff/batches.html", {**shell, **empty}),
        "desk-batch": ("staff/batch.html", {**shell, "batch": batch, "method_label": label, "story": story, "may_dissolve": True, "error": EVIL}),
        "desk-batch-new": ("staff/batch_new.html", {**shell, **new}),
        "desk-batch-new-empty": ("staff/batch_new.html", {**shell, **new, "payouts": [], "more": False, "payer": PAYER}),
        "desk-bank-answer": ("staff/bank_answer.html", {**shell, "answer": preview, "error": EVIL}),
        "desk-bank-answer-booked": ("staff/bank_answer.html", {**shell, "answer": replace(preview, confirmed_at=ago(hours=1), confirmed_by="fedor@example.com"), "error": ""}),
        "desk-bank-answer-empty": ("staff/bank_answer.html", {**shell, "answer": replace(preview, findings=[]), "error": ""}),
        "desk-bank-details": ("staff/bank_details.html", {**own, "form": wrong, "banks": [KnownBank("044525225", "ПАО СБЕРБАНК", "г. Москва", "30101810400000000225")]}),
        "desk-bank-details-new": ("staff/bank_details.html", {**own, "known": False, "form": Form.blank(purpose=PURPOSE), "bank_form": Form.blank(), "unknown": [], "banks": []}),
    }  # fmt: skip


def _to_pay(number: int, **changes: object) -> S:
    payout = S(id=number, number=number, partner_name=EVIL if number == 1 else "Алиса Петрова", details_masked="•••• 6789, 044525225", requested_minor=1_500_000)  # fmt: skip
    values = {"payout": payout, "payable_minor": 1_500_000, "cut_minor": 0, "own": False, "needs_second_person": False}  # fmt: skip
    return S(**values | changes)
