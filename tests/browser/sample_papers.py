"""Pages of papers with sample values: acts in each state, receipts missing, overdue and given."""

from datetime import date
from typing import Any

from app.payouts.act_documents import ActFacts, act_document
from app.payouts.paper_forms import LABELS, blank, vat_options
from app.payouts.paper_queries import Act, Receipt
from app.payouts.receipts import LIMIT_MINOR, Income
from app.payouts.requisites import Side
from app.ui.forms import Form
from tests.browser.samples import EVIL, Sample, ago, desk, partner, said

TODAY = date(2026, 11, 22)
SHOP = Side(
    "ООО «Северный ветер»", "7707083893", "770701001", "1027700132195", "Москва, Тверская, 1", "Орлов О. О."
)
FIRM = Side(EVIL, "7707083893", vat="20")


def act(state: str = "made", **changes: Any) -> Act:
    facts = ActFacts(17, TODAY, date(2026, 10, 3), TODAY, 123_405, "RUB", "Wind", 4, 12, company=True)
    values: dict[str, Any] = {
        "id": 17, "payout_id": 12, "payout_number": 12, "payout_state": "approved", "partner_id": 1,
        "partner_code": "alice", "partner_name": EVIL, "partner_kind": "company", "year": 2026, "number": 17,
        "drawn_on": TODAY, "period_from": date(2026, 10, 3), "period_to": TODAY, "amount_minor": 123_405,
        "currency": "RUB", "document": act_document(facts, SHOP, FIRM), "state": state, "made_at": ago(days=2),
        "paper_id": 1, "sha256": "9f" * 32, "scan_id": None, "scan_sha256": "", "scan_type": "", "scan_at": None,
        "scan_refusal": "", "signed_at": None, "signed_how": "", "signed_by": "", "signed_ip": "",
        "signed_sha256": "", "cancelled_at": None, "cancel_reason": "",
    }  # fmt: skip
    return Act(**values | changes)


def receipt(state: str = "missing", **changes: Any) -> Receipt:
    values: dict[str, Any] = {
        "payout_id": 11, "payout_number": 11, "partner_id": 1, "partner_code": "alice", "partner_name": EVIL,
        "amount_minor": 1_500_000, "currency": "RUB", "paid_at": ago(days=9), "state": state,
        "due_on": date(2026, 12, 9), "url": "", "paper_id": None, "given_at": None, "refusal": "",
    }  # fmt: skip
    return Receipt(**values | changes)


SCANNED = {"scan_id": 2, "scan_sha256": "ab" * 32, "scan_type": "application/pdf", "scan_at": ago(hours=3)}
SIGNED = {
    "signed_at": ago(hours=1),
    "signed_how": "online",
    "signed_by": "alice@example.com",
    "signed_ip": "2001:db8:85a3::8a2e:370:7334",
    "signed_sha256": "9f" * 32,
}
GONE = {"cancelled_at": ago(hours=1), "cancel_reason": EVIL}
LINK = "https://lknpd.nalog.ru/api/v1/receipt/500100732259/20abc/print"


def paper_pages() -> dict[str, Sample]:
    """Name → template and values, in the reader's language of this moment."""
    shell = partner()
    refused = Form({})
    refused.fail("agree", said("Поставьте отметку.", "Tick the box."))
    wrong = Form({"tax_number": "1", "full_name": EVIL})
    wrong.fail("tax_number", said("Не то число цифр.", "A wrong number of digits."))
    mine = {
        "kind": "company",
        "signs_acts": True,
        "gaps": ["KPP"],
        "today": TODAY,
        "income": None,
        "limit_minor": LIMIT_MINOR,
    }
    acts = [act(), act("scanned", **SCANNED), act("signed", **SIGNED), act("cancelled", **GONE)]
    given = receipt("given", url=LINK, given_at=ago(days=1))
    receipts = [
        receipt(),
        receipt(due_on=date(2026, 11, 9)),
        given,
        receipt("waived", refusal=EVIL),
        receipt("undone"),
    ]
    staff = {"shell": desk(), "today": TODAY, "gaps": [], "error": None, "next_url": None}
    return {
        "papers": ("acts/papers.html", {"shell": shell, **mine, "acts": acts, "receipts": []}),
        "papers-self-employed": ("acts/papers.html", {"shell": shell, **mine, "kind": "self_employed", "signs_acts": False, "acts": [], "receipts": receipts, "income": Income(192_000_000, 12_000_000)}),
        "papers-empty": ("acts/papers.html", {"shell": shell, **mine, "kind": "person", "signs_acts": False, "acts": [], "receipts": []}),
        "act": ("acts/act.html", {"shell": shell, "act": act(scan_refusal=EVIL), "form": refused}),
        "act-scanned": ("acts/act.html", {"shell": shell, "act": act("scanned", **SCANNED), "form": Form.blank()}),
        "act-signed": ("acts/act.html", {"shell": shell, "act": act("signed", **SIGNED), "form": Form.blank()}),
        "act-cancelled": ("acts/act.html", {"shell": shell, "act": act("cancelled", **GONE), "form": Form.blank()}),
        "receipt": ("acts/receipt.html", {"shell": shell, "receipt": receipt(refusal=EVIL), "blocked_from": date(2026, 12, 10), "form": Form.blank()}),
        "receipt-given": ("acts/receipt.html", {"shell": shell, "receipt": given, "blocked_from": date(2026, 12, 10), "form": Form.blank()}),
        "requisites": ("acts/requisites.html", {"shell": shell, "form": wrong, "labels": LABELS, "vat_options": vat_options(), "company": True, "signs_acts": True}),
        "desk-papers": ("staff/papers.html", {**staff, "show": "scans", "acts": [act("scanned", **SCANNED), act("signed", **SIGNED | {"id": 18, "number": 18})], "receipts": None, "gaps": ["KPP"], "error": (17, EVIL)}),
        "desk-papers-receipts": ("staff/papers.html", {**staff, "show": "receipts", "acts": None, "receipts": receipts}),
        "desk-papers-empty": ("staff/papers.html", {**staff, "show": "scans", "acts": [], "receipts": None}),
        "desk-requisites": ("staff/requisites.html", {"shell": desk(), "form": blank(SHOP), "labels": LABELS, "company": True}),
    }  # fmt: skip
