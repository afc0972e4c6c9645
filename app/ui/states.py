"""What states are called, how they look and what they mean: one dictionary for pages, mails and help.

A chip is an icon, a word and a tone, never colour alone; `meaning` says what happens next. Keys are the values
stored in the database.
"""

from dataclasses import dataclass
from enum import StrEnum

from app.ui.i18n import LazyText, lazy


class Tone(StrEnum):
    """The look of a chip, a note or a toast."""

    SUCCESS = "success"
    """Done, in force, paid."""
    HOLD = "hold"
    """Waits for time or for somebody else."""
    INFO = "info"
    """Under way."""
    REVIEW = "review"
    """A person looks at it."""
    DANGER = "danger"
    """Refused, taken back, wrong."""
    NEUTRAL = "neutral"
    """Over, drafted or switched off."""


@dataclass(frozen=True, slots=True)
class State:
    """One state of one kind of thing."""

    label: LazyText
    tone: Tone
    icon: str
    """A symbol of static/img/icons.svg."""
    meaning: LazyText


STATES: dict[str, dict[str, State]] = {
    "commission": {
        "pending": State(
            lazy("Pending"), Tone.HOLD, "hourglass",
            lazy("The order is paid. The commission becomes available when the hold is over."),
        ),
        "held": State(
            lazy("On hold for a check"), Tone.REVIEW, "eye",
            lazy("Staff check this order. The commission waits for their decision."),
        ),
        "available": State(
            lazy("Available"), Tone.SUCCESS, "circle-check",
            lazy("You can ask for a payout of this money."),
        ),
        "paid": State(
            lazy("Paid"), Tone.SUCCESS, "check",
            lazy("The money has been paid to you without a request."),
        ),
        "clawed_back": State(
            lazy("Taken back"), Tone.DANGER, "arrow-back-up",
            lazy("The order was cancelled or refunded, so nothing of the commission remains."),
        ),
        "nothing": State(
            lazy("No commission"), Tone.NEUTRAL, "minus",
            lazy("This order earned nothing; the explanation says why."),
        ),
    },
    "whereabouts": {
        "earned": State(lazy("Credited to you"), Tone.SUCCESS, "check", lazy("You have a commission of this order.")),
        "waits": State(lazy("Waits"), Tone.HOLD, "hourglass", lazy("It is not decided yet what the order earns.")),
        "calculation": State(
            lazy("Waits for the calculation"), Tone.HOLD, "hourglass",
            lazy("The program calculates commissions by periods; the next calculation decides what the order earns."),
        ),
        "other": State(
            lazy("Not credited to you"), Tone.NEUTRAL, "minus", lazy("Below you read why the order earns you nothing.")
        ),
    },
    "payout": {
        "requested": State(
            lazy("Requested"), Tone.REVIEW, "eye",
            lazy("The accountant checks the request. The amount is reserved."),
        ),
        "approved": State(
            lazy("Approved"), Tone.INFO, "circle-check",
            lazy("The payment is being made. The amount is reserved."),
        ),
        "sent": State(
            lazy("With the bank"), Tone.INFO, "send",
            lazy("The bank has the payment order. The amount is reserved."),
        ),
        "paid": State(lazy("Paid"), Tone.SUCCESS, "check", lazy("The money has been sent to your details.")),
        "cancelled": State(
            lazy("Cancelled"), Tone.NEUTRAL, "minus", lazy("You took the request back; the amount is available again.")
        ),
        "rejected": State(
            lazy("Rejected"), Tone.DANGER, "circle-x",
            lazy("The amount is available again; the reason is given beside it."),
        ),
        "returned": State(
            lazy("Returned by the bank"), Tone.DANGER, "arrow-back-up",
            lazy("The bank sent the money back; the amount is available again. Check your payment details."),
        ),
    },
    "batch": {
        "sent": State(
            lazy("With the bank"), Tone.INFO, "send", lazy("The bank has not answered for all of its payments yet.")
        ),
        "answered": State(
            lazy("Answered"), Tone.SUCCESS, "check", lazy("All of its payments are paid or returned.")
        ),
        "dissolved": State(
            lazy("Dissolved"), Tone.NEUTRAL, "minus",
            lazy("It was not given to the bank; its payouts were approved again."),
        ),
    },
    "bank_answer": {
        "pays": State(lazy("Paid"), Tone.SUCCESS, "check", lazy("The payout is paid with it.")),
        "returns": State(
            lazy("Returned"), Tone.HOLD, "arrow-back-up", lazy("The money is available to the partner again.")
        ),
        "amount_differs": State(
            lazy("Amount differs"), Tone.DANGER, "alert-triangle",
            lazy("Number and account are those of the payout, the amount is not. Nothing is booked."),
        ),
        "account_differs": State(
            lazy("Account differs"), Tone.DANGER, "alert-triangle",
            lazy("Number and amount are those of the payout, the account is not. Nothing is booked."),
        ),
        "not_carried_out": State(
            lazy("Not carried out"), Tone.HOLD, "clock",
            lazy("The file does not say that it was debited. Nothing is booked."),
        ),
        "paid_already": State(
            lazy("Paid already"), Tone.NEUTRAL, "minus", lazy("The payout is paid already. Nothing is booked.")
        ),
        "returned_already": State(
            lazy("Returned already"), Tone.NEUTRAL, "minus", lazy("The return is booked already. Nothing is booked.")
        ),
        "repeated": State(
            lazy("Repeated"), Tone.NEUTRAL, "minus", lazy("The file says it twice. It is booked once.")
        ),
        "return_unknown": State(
            lazy("Unknown return"), Tone.REVIEW, "eye",
            lazy("Money came back for a payment that is not found here. Nothing is booked."),
        ),
        "refused": State(
            lazy("Not allowed"), Tone.DANGER, "circle-x", lazy("A rule forbids it; it is said beside it.")
        ),
    },
    "application": {
        "unconfirmed": State(
            lazy("E-mail not confirmed"), Tone.HOLD, "mail",
            lazy("Open the link in the letter to send the application to review."),
        ),
        "submitted": State(
            lazy("On review"), Tone.REVIEW, "eye",
            lazy("A manager reads the application, usually within one working day."),
        ),
        "approved": State(lazy("Approved"), Tone.SUCCESS, "circle-check", lazy("The partner can work.")),
        "rejected": State(
            lazy("Rejected"), Tone.DANGER, "circle-x", lazy("The application was refused; the reason is given.")
        ),
    },
    "partner": {
        "applied": State(
            lazy("On review"), Tone.REVIEW, "eye",
            lazy("A manager reads the application, usually within one working day."),
        ),
        "active": State(lazy("Active"), Tone.SUCCESS, "circle-check", lazy("Clicks and orders are credited.")),
        "inactive": State(
            lazy("Inactive"), Tone.NEUTRAL, "ban", lazy("New clicks and orders are not credited.")
        ),
        "closed": State(
            lazy("Closed"), Tone.DANGER, "ban", lazy("New clicks and orders are not credited, payouts are closed.")
        ),
        "rejected": State(
            lazy("Rejected"), Tone.DANGER, "circle-x", lazy("The application was refused; the reason is given.")
        ),
    },
    "flag": {
        "open": State(lazy("On review"), Tone.REVIEW, "eye", lazy("The commissions wait for a decision.")),
        "cleared": State(lazy("Cleared"), Tone.SUCCESS, "circle-check", lazy("The order was found in order.")),
        "confirmed": State(
            lazy("Confirmed"), Tone.DANGER, "circle-x", lazy("The commissions of the order were taken back.")
        ),
    },
    "order": {
        "placed": State(lazy("Placed"), Tone.HOLD, "clock", lazy("The order is not paid yet.")),
        "paid": State(lazy("The buyer paid"), Tone.INFO, "check", lazy("The order is paid.")),
        "fulfilled": State(lazy("Fulfilled"), Tone.SUCCESS, "circle-check", lazy("The buyer has got the goods.")),
        "cancelled": State(lazy("Cancelled"), Tone.DANGER, "circle-x", lazy("The order was cancelled.")),
    },
    "link": {
        "active": State(lazy("Works"), Tone.SUCCESS, "circle-check", lazy("The link counts clicks.")),
        "archived": State(
            lazy("Archived"), Tone.NEUTRAL, "minus",
            lazy("The link is hidden from the list, but goes on working and counting."),
        ),
        "disabled": State(lazy("Disabled"), Tone.DANGER, "ban", lazy("The link leads to the shop and counts nothing.")),
    },
    "promo_code": {
        "active": State(lazy("Works"), Tone.SUCCESS, "circle-check", lazy("Buyers can use the code.")),
        "disabled": State(lazy("Disabled"), Tone.NEUTRAL, "ban", lazy("Orders with this code are not credited.")),
        "expired": State(lazy("Expired"), Tone.NEUTRAL, "clock", lazy("The code's last day is over.")),
    },
    "act": {
        "made": State(
            lazy("Waits for the signature"), Tone.HOLD, "pencil",
            lazy("The partner accepts it online or hands in a scan; then the payout can be paid."),
        ),
        "scanned": State(lazy("Scan handed in"), Tone.REVIEW, "eye", lazy("The shop checks the scan.")),
        "signed": State(lazy("Signed"), Tone.SUCCESS, "circle-check", lazy("The payout can be paid.")),
        "cancelled": State(lazy("Cancelled"), Tone.NEUTRAL, "ban", lazy("It holds no more; its number stays used.")),
    },
    "receipt": {
        "missing": State(lazy("Missing"), Tone.HOLD, "clock", lazy("The partner gives it after the payment.")),
        "overdue": State(
            lazy("Overdue"), Tone.DANGER, "alert-triangle", lazy("New payouts wait until it is given."),
        ),
        "given": State(lazy("Given"), Tone.SUCCESS, "circle-check", lazy("The link or the file is there.")),
        "waived": State(lazy("Not needed"), Tone.NEUTRAL, "minus", lazy("The shop does without it.")),
        "undone": State(
            lazy("Payment returned"), Tone.NEUTRAL, "arrow-back-up", lazy("The bank returned the money."),
        ),
    },
    "simulation": {
        "waiting": State(lazy("Waiting"), Tone.NEUTRAL, "hourglass", lazy("The worker begins it soon.")),
        "running": State(lazy("Running"), Tone.INFO, "refresh", lazy("History is being judged.")),
        "done": State(lazy("Done"), Tone.SUCCESS, "circle-check", lazy("The result is kept.")),
        "failed": State(lazy("Failed"), Tone.DANGER, "circle-x", lazy("It ended without a result.")),
    },
    "check": {
        "holds": State(lazy("Holds"), Tone.SUCCESS, "circle-check", lazy("No row breaks it.")),
        "broken": State(lazy("Does not hold"), Tone.DANGER, "alert-triangle", lazy("Rows break it.")),
    },
    "run": {
        "running": State(lazy("Under way"), Tone.INFO, "refresh", lazy("Partners are worked off step by step.")),
        "paused": State(lazy("Paused"), Tone.HOLD, "hourglass", lazy("It goes on when somebody presses Go on.")),
        "done": State(lazy("Done"), Tone.SUCCESS, "circle-check", lazy("Every partner of the run is done.")),
    },
    "run_item": {
        "waiting": State(lazy("Waits"), Tone.HOLD, "hourglass", lazy("A later step works it off.")),
        "done": State(lazy("Done"), Tone.SUCCESS, "circle-check", lazy("His orders of the period are calculated.")),
        "no_plan": State(
            lazy("No plan fits"), Tone.DANGER, "ban", lazy("He is inactive now; his orders keep waiting.")
        ),
    },
    "terms": {
        "future": State(lazy("Comes into force later"), Tone.INFO, "clock", lazy("Published; begins at its date.")),
        "current": State(lazy("In force"), Tone.SUCCESS, "circle-check", lazy("Orders paid now are judged by it.")),
        "past": State(lazy("Superseded"), Tone.NEUTRAL, "minus", lazy("Earlier orders were judged by it.")),
    },
}  # fmt: skip


def state_of(kind: str, value: str) -> State:
    """How `value` of `kind` is shown; KeyError for a state that has no words yet, which is our own bug."""
    return STATES[kind][str(value)]


FLASHES: dict[str, tuple[Tone, LazyText]] = {
    "saved": (Tone.SUCCESS, lazy("Saved.")),
    "signed_out": (Tone.INFO, lazy("You are signed out.")),
    "password_changed": (Tone.SUCCESS, lazy("The password is changed. All other sessions are closed.")),
    "email_confirmed": (Tone.SUCCESS, lazy("Your e-mail is confirmed. The application is on review.")),
    "letter_sent": (Tone.SUCCESS, lazy("The letter is on its way.")),
    "link_created": (Tone.SUCCESS, lazy("The link is made.")),
    "link_archived": (Tone.SUCCESS, lazy("The link is archived. It goes on working.")),
    "link_restored": (Tone.SUCCESS, lazy("The link is in the list again.")),
    "promo_code_created": (Tone.SUCCESS, lazy("The promo code is made.")),
    "promo_code_disabled": (Tone.SUCCESS, lazy("The promo code is disabled.")),
    "payout_requested": (Tone.SUCCESS, lazy("The payout is requested. The amount is reserved.")),
    "payout_approved": (Tone.SUCCESS, lazy("The payout is approved.")),
    "payout_paid": (Tone.SUCCESS, lazy("The payout is marked as paid.")),
    "details_given": (
        Tone.SUCCESS,
        lazy("The details are saved. They are checked, and can be used after 72 hours."),
    ),
    "details_verified": (Tone.SUCCESS, lazy("The details are marked as checked.")),
    "payout_second_approved": (Tone.SUCCESS, lazy("You agreed to the payout as the second person.")),
    "payout_returned": (
        Tone.SUCCESS,
        lazy("The return is booked; the amount is available to the partner again."),
    ),
    "batch_made": (Tone.SUCCESS, lazy("The batch is made. Download the file and give it to the bank.")),
    "batch_paid": (Tone.SUCCESS, lazy("The payouts of the batch are marked as paid.")),
    "batch_dissolved": (Tone.INFO, lazy("The batch is dissolved; its payouts are approved again.")),
    "bank_answer_confirmed": (Tone.SUCCESS, lazy("What the bank says is booked.")),
    "payout_cancelled": (Tone.INFO, lazy("The request is cancelled; the amount is available again.")),
    "payout_rejected": (
        Tone.SUCCESS,
        lazy("The payout is rejected; the amount is available to the partner again."),
    ),
    "act_signed": (Tone.SUCCESS, lazy("The act is signed.")),
    "act_scanned": (Tone.SUCCESS, lazy("The scan is handed in. It will be checked.")),
    "act_refused": (Tone.SUCCESS, lazy("The scan is refused; the partner gets a letter.")),
    "act_renewed": (Tone.SUCCESS, lazy("The act is made anew under the next number.")),
    "receipt_given": (Tone.SUCCESS, lazy("The receipt is given. Thank you.")),
    "receipt_refused": (Tone.SUCCESS, lazy("The receipt is refused; the partner gets a letter.")),
    "receipt_waived": (Tone.SUCCESS, lazy("The receipt is not asked for any more.")),
    "application_approved": (Tone.SUCCESS, lazy("The application is approved; the partner gets a letter.")),
    "application_rejected": (Tone.SUCCESS, lazy("The application is rejected; the applicant gets a letter.")),
    "terms_draft_saved": (Tone.SUCCESS, lazy("The draft is saved. Nothing is in force yet.")),
    "terms_draft_discarded": (Tone.SUCCESS, lazy("The draft was thrown away.")),
    "terms_withdrawn": (Tone.SUCCESS, lazy("The version will not come into force.")),
    "deposit_topped_up": (
        Tone.SUCCESS,
        lazy("The deposit is topped up; what waited is paid as far as it goes."),
    ),
    "currency_rates_entered": (Tone.SUCCESS, lazy("The rates are entered; orders that waited are judged.")),
    "own_rates_set": (Tone.SUCCESS, lazy("The partner's rates are set.")),
    "partner_adjusted": (Tone.SUCCESS, lazy("The adjustment is booked.")),
    "run_started": (Tone.SUCCESS, lazy("The run is started.")),
    "run_paused": (Tone.SUCCESS, lazy("The run is paused.")),
    "run_resumed": (Tone.SUCCESS, lazy("The run goes on.")),
    "partners_done": (Tone.SUCCESS, lazy("Done for all chosen partners.")),
    "cashback_links_revoked": (Tone.SUCCESS, lazy("The links given out so far open nothing any more.")),
    "terms_published": (Tone.SUCCESS, lazy("The new terms are published.")),
    "notices_read": (Tone.SUCCESS, lazy("All notices are marked as read.")),
    "order_credited": (Tone.SUCCESS, lazy("The order is judged with your choice.")),
    "order_flagged": (Tone.SUCCESS, lazy("The order is on review; its commissions wait.")),
    "flag_cleared": (Tone.SUCCESS, lazy("Cleared. The commissions go on.")),
    "flag_confirmed": (Tone.SUCCESS, lazy("Confirmed. The commissions are taken back.")),
    "partner_changed": (Tone.SUCCESS, lazy("The partner is changed.")),
    "orders_retried": (Tone.SUCCESS, lazy("The order is being judged again.")),
}
"""What a page says after a redirect. The cookie carries only the key, so nobody can put words into our mouth."""
