"""What staff and partners did, in words, and where it can be looked at: the desk's last doings."""

from app.ui.i18n import gettext as _
from app.ui.i18n import lazy

_TERMS = {
    "terms.draft_saved": (lazy("Saved the draft of the terms"), "/desk/terms/draft"),
    "terms.simulated": (lazy("Tried a draft of the terms on history"), "/desk/terms/simulations/{key}"),
    "terms.draft_discarded": (lazy("Threw the draft of the terms away"), "/desk/terms"),
    "currency_rate.set": (lazy("Entered the rate of a currency"), "/desk/rates"),
}

_PAYOUTS = {
    "payout.approved": (lazy("Approved a payout"), "/desk/payouts"),
    "payout.second_approved": (lazy("Agreed to a payout as the second person"), "/desk/payouts"),
    "payout.returned": (lazy("Booked a payout that the bank returned"), "/desk/payouts?show=closed"),
    "payout.paid": (lazy("Marked a payout as paid"), "/desk/payouts?show=closed"),
    "payout.rejected": (lazy("Rejected a payout"), "/desk/payouts?show=closed"),
    "payout_details.changed": (lazy("Changed the own payment details"), "/desk/payout-details"),
    "payout_details.verified": (lazy("Checked payment details"), "/desk/payout-details"),
    "batch.made": (lazy("Made a batch for the bank"), "/desk/batches/{key}"),
    "batch.downloaded": (lazy("Downloaded a batch for the bank"), "/desk/batches/{key}"),
    "batch.paid": (lazy("Marked a batch as paid"), "/desk/batches/{key}"),
    "batch.dissolved": (lazy("Dissolved a batch"), "/desk/batches/{key}"),
    "bank_answer.confirmed": (lazy("Confirmed the bank's answer"), "/desk/bank-answers/{key}"),
    "payer.changed": (lazy("Changed the program's own bank details"), "/desk/bank-details"),
    "bank.changed": (lazy("Changed the data of a bank"), "/desk/bank-details"),
    "deposit.topped_up": (lazy("Topped the deposit up"), "/desk/deposit"),
}

_PAPERS = {
    "act.accepted": (lazy("Signed an act online"), "/desk/papers?show=signed"),
    "act.scanned": (lazy("Handed in the scan of an act"), "/desk/papers"),
    "act.scan_approved": (lazy("Accepted the scan of an act"), "/desk/papers?show=signed"),
    "act.scan_refused": (lazy("Refused the scan of an act"), "/desk/papers?show=unsigned"),
    "act.renewed": (lazy("Made an act anew"), "/desk/papers?show=unsigned"),
    "receipt.given": (lazy("Handed in a receipt"), "/desk/papers?show=given"),
    "receipt.refused": (lazy("Refused a receipt"), "/desk/papers?show=receipts"),
    "receipt.waived": (lazy("Did without a receipt"), "/desk/papers?show=given"),
    "requisites.given": (lazy("Changed details in papers"), "/desk/papers"),
}

_PARTNERS = {
    "partner.approved": (lazy("Approved an application"), "/desk/applications/{key}"),
    "partner.rejected": (lazy("Rejected an application"), "/desk/applications/{key}"),
    "partner.moved": (lazy("Put a partner under another one"), "/desk/partners/{key}"),
    "partner.adjusted": (lazy("Adjusted a partner's commissions by hand"), "/desk/adjustments"),
    "partner.released_to_paid": (lazy("Wrote a partner's pending money down as paid"), "/desk/runs"),
    "partner.released_to_internal": (
        lazy("Moved a partner's pending money to his account in the shop"),
        "/desk/runs",
    ),
    "calculation.started": (lazy("Started a periodic run"), "/desk/runs/{key}"),
    "calculation.running": (lazy("Continued a periodic run"), "/desk/runs/{key}"),
    "calculation.paused": (lazy("Paused a periodic run"), "/desk/runs/{key}"),
    "calculation.scheduled": (lazy("Changed the schedule of periodic runs"), "/desk/runs"),
    "user.roles_changed": (lazy("Changed somebody's roles"), ""),
}

_ORDERS = {
    "order.partner_named": (lazy("Credited an order by hand"), "/desk/orders/{key}"),
    "order.flagged": (lazy("Put an order on review"), "/desk/orders/{key}"),
    "order.flag_cleared": (lazy("Cleared an order after a review"), "/desk/orders/{key}"),
    "order.flag_confirmed": (
        lazy("Took an order's commissions back after a review"),
        "/desk/orders/{key}",
    ),
    "order.judging_failed": (lazy("An order could not be judged at once"), "/desk/orders"),
    "order.judged_again": (lazy("Judged an order that waited"), "/desk/orders"),
    "order.rate_known": (lazy("Judged an order that waited"), "/desk/orders"),
}

_TABLES = {
    "materials.made": (lazy("Added a material"), "/admin/#/Materials"),
    "materials.edited": (lazy("Changed a material"), "/admin/#/Materials"),
    "programs.edited": (lazy("Changed the program's data"), "/admin/#/Programs"),
    "partners.edited": (lazy("Changed a partner's data"), "/admin/#/Partners"),
}

WORDS = _TERMS | _PAYOUTS | _PAPERS | _PARTNERS | _ORDERS | _TABLES
"""Action of the audit log → words, and the page; `{key}` is the subject's number."""


def done_text(action: str, subject: str) -> tuple[str, str]:
    """What was done, in words, and where it can be looked at; an empty address: nowhere."""
    key = subject.partition(":")[2]
    if action == "terms.published":
        return _("Published version %(number)s of the terms", number=key), f"/desk/terms/versions/{key}"
    if action not in WORDS:
        return f"{action} {subject}", ""
    words, url = WORDS[action]
    return str(words), url.format(key=key)
