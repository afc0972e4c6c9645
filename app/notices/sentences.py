"""What notices say, in the reader's language. Kinds are those of the events that they tell of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.ui.filters import moment, money
from app.ui.i18n import gettext as _
from app.ui.i18n import in_locale, ngettext
from app.ui.states import Tone

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A notice as it is read."""

    title: str
    text: str = ""
    tone: Tone = Tone.INFO


def sentence(kind: str, values: Values) -> Sentence:
    """The sentence of a stored notice. A kind that is no longer told of is shown by its name, not as an error."""
    say = SENTENCES.get(kind)
    return say(in_words(values)) if say else Sentence(kind)


def in_words(values: Values) -> dict[str, Any]:
    """Names given as `{ru, en}` in the reader's language, all else as it is."""
    return {key: in_locale(value) if isinstance(value, dict) else value for key, value in values.items()}


def _amount(values: Values) -> str:
    return money(values["amount_minor"], values["currency"])


def _applied(values: Values) -> Sentence:
    return Sentence(
        _("New application: %(name)s", name=values["applicant"]),
        _("It waits for your decision."),
        Tone.REVIEW,
    )


def _approved(values: Values) -> Sentence:
    return Sentence(
        _("Your application is approved"),
        _("You begin with the level %(level)s. Your first link is ready.", level=values["level_name"]),
        Tone.SUCCESS,
    )


def _rejected(values: Values) -> Sentence:
    return Sentence(_("Your application was refused"), values["reason"], Tone.DANGER)


def _terms_published(values: Values) -> Sentence:
    return Sentence(
        _("New terms: version %(number)s", number=values["number"]),
        _(
            "They hold for orders paid from %(moment)s on. Earlier orders stay as they were.",
            moment=moment(datetime.fromisoformat(values["from"])),
        ),
    )


def _check_failed(values: Values) -> Sentence:
    return Sentence(
        _("The nightly check of the books found something wrong"),
        ngettext(
            "%(num)s check does not hold. Look at it before anything is paid.",
            "%(num)s checks do not hold. Look at them before anything is paid.",
            values["count"],
        ),
        Tone.DANGER,
    )


def _level_changed(values: Values) -> Sentence:
    return Sentence(
        _("Your level is now %(level)s", level=values["level_name"]),
        _("The new rate holds for the orders that are paid from now on."),
        Tone.SUCCESS if values["risen"] else Tone.HOLD,
    )


def _deactivated(values: Values) -> Sentence:
    return Sentence(
        _("You are no longer an active partner"),
        _("No plan of the terms fits your order %(order)s. Please ask the program.", order=values["order"]),
        Tone.DANGER,
    )


def _deactivated_for_staff(values: Values) -> Sentence:
    return Sentence(
        _("%(partner)s is inactive now", partner=values["name"]),
        _("No plan of the terms fits the order %(order)s.", order=values["order"]),
        Tone.REVIEW,
    )


def _available(values: Values) -> Sentence:
    return Sentence(
        _("%(amount)s became available", amount=_amount(values)),
        _("The hold of the commission for order %(order)s is over.", order=values["order"]),
        Tone.SUCCESS,
    )


def _clawed_back(values: Values) -> Sentence:
    return Sentence(
        _("%(amount)s was taken back", amount=money(abs(values["amount_minor"]), values["currency"])),
        _(
            "Order %(order)s was cancelled or refunded, whole or in part: what the buyer kept still earns.",
            order=values["order"],
        ),
        Tone.DANGER,
    )


def _commission_paid(values: Values) -> Sentence:
    return Sentence(
        _("%(amount)s was paid to you", amount=_amount(values)),
        _("The commission for order %(order)s needs no payout request.", order=values["order"]),
        Tone.SUCCESS,
    )


def _adjusted(values: Values) -> Sentence:
    given = values["amount_minor"] > 0
    amount = money(abs(values["amount_minor"]), values["currency"])
    title = (
        _("You were given %(amount)s", amount=amount) if given else _("%(amount)s was taken", amount=amount)
    )
    return Sentence(title, values["reason"], Tone.SUCCESS if given else Tone.HOLD)


def _deposit_low(values: Values) -> Sentence:
    return Sentence(
        _("The deposit is low: %(amount)s", amount=money(values["balance_minor"], values["currency"])),
        _(
            "Commissions of %(amount)s wait or fall due within a week.",
            amount=money(values["needed_minor"], values["currency"]),
        ),
        Tone.HOLD,
    )


def _payout_requested(values: Values) -> Sentence:
    return Sentence(
        _("Payout no. %(number)s of %(partner)s waits", number=values["number"], partner=values["partner"]),
        _amount(values),
        Tone.REVIEW,
    )


def _payout_approved(values: Values) -> Sentence:
    return Sentence(
        _("Payout no. %(number)s is approved", number=values["number"]),
        _("%(amount)s will be paid soon.", amount=_amount(values)),
        Tone.INFO,
    )


def _payout_paid(values: Values) -> Sentence:
    return Sentence(
        _("Payout no. %(number)s is paid", number=values["number"]),
        _("%(amount)s has been sent to your details.", amount=_amount(values)),
        Tone.SUCCESS,
    )


def _details_changed(values: Values) -> Sentence:
    return Sentence(
        _("Your payment details were changed"),
        _("If it was not you, write to the manager at once. New details can be used after 72 hours."),
        Tone.HOLD,
    )


def _details_to_check(values: Values) -> Sentence:
    return Sentence(
        _("%(partner)s gave new payment details", partner=values["partner"]),
        _("Check them: payouts wait for it."),
        Tone.REVIEW,
    )


def _payout_sent(values: Values) -> Sentence:
    return Sentence(
        _("Payout no. %(number)s is with the bank", number=values["number"]),
        _("%(amount)s is on its way to you.", amount=_amount(values)),
        Tone.INFO,
    )


def _payout_returned(values: Values) -> Sentence:
    return Sentence(
        _("The bank returned payout no. %(number)s", number=values["number"]),
        _(
            "%(amount)s is available to you again. %(reason)s Check your payment details before you ask anew.",
            amount=_amount(values),
            reason=values["reason"],
        ),
        Tone.DANGER,
    )


def _payout_rejected(values: Values) -> Sentence:
    return Sentence(
        _("Payout no. %(number)s was rejected", number=values["number"]),
        _(
            "%(amount)s is available to you again. %(reason)s",
            amount=_amount(values),
            reason=values["reason"],
        ),
        Tone.DANGER,
    )


def _act_made(values: Values) -> Sentence:
    return Sentence(
        _(
            "Act no. %(number)s of %(year)s waits for your signature",
            number=values["number"],
            year=values["year"],
        ),
        _("For %(amount)s. The payout is paid after it is signed.", amount=_amount(values)),
        Tone.HOLD,
    )


def _act_scanned(values: Values) -> Sentence:
    return Sentence(
        _("%(partner)s handed in a scan", partner=values["partner"]),
        _("Act no. %(number)s of %(year)s: look at it.", number=values["number"], year=values["year"]),
        Tone.REVIEW,
    )


def _act_scan_refused(values: Values) -> Sentence:
    return Sentence(
        _(
            "The scan of act no. %(number)s of %(year)s was refused",
            number=values["number"],
            year=values["year"],
        ),
        values["reason"],
        Tone.DANGER,
    )


def _act_signed(values: Values) -> Sentence:
    return Sentence(
        _("Act no. %(number)s of %(year)s is signed", number=values["number"], year=values["year"]),
        _("The payout of %(partner)s can be paid.", partner=values["partner"]),
        Tone.SUCCESS,
    )


def _act_cancelled(values: Values) -> Sentence:
    return Sentence(
        _("Act no. %(number)s of %(year)s is cancelled", number=values["number"], year=values["year"]),
        values["reason"],
        Tone.HOLD,
    )


def _receipt_wanted(values: Values) -> Sentence:
    return Sentence(
        _("A receipt is needed for payout no. %(number)s", number=values["number"]),
        _(
            "Register %(amount)s in My Tax and give the receipt by %(day)s.",
            amount=_amount(values),
            day=values["due_on"],
        ),
        Tone.HOLD,
    )


def _receipt_reminder(values: Values) -> Sentence:
    return Sentence(
        _("The receipt for payout no. %(number)s is still missing", number=values["number"]),
        _(
            "It is due by %(day)s; after that new payouts wait for it.",
            day=values["due_on"],
        ),
        Tone.HOLD,
    )


def _receipt_refused(values: Values) -> Sentence:
    return Sentence(
        _("The receipt for payout no. %(number)s was refused", number=values["number"]),
        values["reason"],
        Tone.DANGER,
    )


def _receipt_waived(values: Values) -> Sentence:
    return Sentence(
        _("No receipt is needed for payout no. %(number)s", number=values["number"]),
        values["reason"],
        Tone.INFO,
    )


def _receipt_given(values: Values) -> Sentence:
    return Sentence(
        _("%(partner)s gave the receipt", partner=values["partner"]),
        _("For payout no. %(number)s, %(amount)s.", number=values["number"], amount=_amount(values)),
        Tone.INFO,
    )


def _limit_near(values: Values) -> Sentence:
    return Sentence(
        _("%(partner)s: %(percent)s%% of the limit", partner=values["partner"], percent=values["percent"]),
        _(
            "The self-employed may get %(left)s more in %(year)s; above that payouts are not approved.",
            left=money(values["left_minor"], values["currency"]),
            year=values["year"],
        ),
        Tone.HOLD,
    )


SENTENCES: dict[str, Callable[[Values], Sentence]] = {
    "terms.published": _terms_published,
    "check.failed": _check_failed,
    "partner.applied": _applied,
    "partner.approved": _approved,
    "partner.rejected": _rejected,
    "partner.level_changed": _level_changed,
    "partner.deactivated": _deactivated,
    "partner.deactivated_for_staff": _deactivated_for_staff,
    "commission.available": _available,
    "commission.paid": _commission_paid,
    "commission.adjusted": _adjusted,
    "commission.clawed_back": _clawed_back,
    "deposit.low": _deposit_low,
    "payout.requested": _payout_requested,
    "payout.approved": _payout_approved,
    "payout.paid": _payout_paid,
    "payout.rejected": _payout_rejected,
    "payout.sent": _payout_sent,
    "payout_details.changed": _details_changed,
    "payout_details.to_check": _details_to_check,
    "payout.returned": _payout_returned,
    "act.made": _act_made,
    "act.scanned": _act_scanned,
    "act.scan_refused": _act_scan_refused,
    "act.signed": _act_signed,
    "act.cancelled": _act_cancelled,
    "receipt.wanted": _receipt_wanted,
    "receipt.reminder": _receipt_reminder,
    "receipt.refused": _receipt_refused,
    "receipt.waived": _receipt_waived,
    "receipt.given": _receipt_given,
    "limit.near": _limit_near,
}
"""Of `commission.created` nobody is told: a partner with a hundred orders a day would read nothing else any more."""
