""" "Where is my order?" in words, without a name of anybody else."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.commissions.explanation import EarningRow, earning_row
from app.commissions.whereabouts import Whereabouts
from app.rules.explain import Formats, considered_of, render
from app.rules.judgement import Considered, Judgement, Source, Verdict
from app.ui.filters import moment, money
from app.ui.i18n import gettext as _
from app.ui.i18n import locale
from app.users.identity import Membership


@dataclass(frozen=True, slots=True)
class OrderAnswer:
    """One order that a partner has asked about."""

    order_number: str
    standing: str
    """earned, calculation, waits or other (`ui/states.py`)."""
    status: str
    placed_at: datetime
    paid_at: datetime | None
    rows: Sequence[EarningRow]
    """His commissions of it, also those of nothing."""
    reasons: Sequence[str]


def order_answer(member: Membership, found: Whereabouts) -> OrderAnswer:
    """What the page says of an order."""
    return OrderAnswer(
        order_number=found.order_number,
        standing=_standing(found),
        status=found.status,
        placed_at=found.placed_at,
        paid_at=found.paid_at,
        rows=[earning_row(one, member.program.currency) for one in found.earnings],
        reasons=list(_reasons(member, found)),
    )


def _standing(found: Whereabouts) -> str:
    if found.waits:
        return "calculation"
    if found.earnings:
        return "earned"
    undecided = found.judgement is None and found.status != "cancelled"
    return "waits" if undecided else "other"


def _reasons(member: Membership, found: Whereabouts) -> Iterator[str]:
    judgement = found.judgement
    if judgement is None:
        yield from _came_with(found)
        yield _not_judged(found)
        return
    yield from _considered(member, judgement)
    if found.waits:
        yield _("The order waits for the next periodic calculation: it decides what the order earns you.")
    elif not found.is_credited:
        yield _passed_over(member.partner_id, judgement)
    elif found.earnings and not any(one.accrued_minor for one in found.earnings):
        yield _("The order earned you nothing: open it to see the calculation.")


def _came_with(found: Whereabouts) -> Iterator[str]:
    """What of the partner's an order has that nobody has judged yet."""
    words = {
        "named": _("The shop names you for it."),
        "code": _("Your promo code was used."),
        "clicked": _("The buyer came by your link before."),
    }
    yield from (words[name] for name in found.sources)


def _not_judged(found: Whereabouts) -> str:
    if found.judging_failed:
        return _("Its commission could not be computed yet; it is tried again by itself.")
    if found.paid_at is None and found.status == "cancelled":
        return _("The order was cancelled before it was paid, so it earns nothing.")
    if found.paid_at is None:
        return _("The order is not paid yet; who is credited is decided when it is.")
    if found.foreign:
        return _(
            "The order is in %(currency)s and waits for that currency's rate of the day of its payment.",
            currency=found.foreign,
        )
    return _("It was paid before the program began to reward orders.")


def _considered(member: Membership, judgement: Judgement) -> list[str]:
    """The partner's own clicks, codes and mentions with their verdicts; nobody else's."""
    formats = Formats(
        language=locale(),
        money=lambda amount: money(amount, member.program.currency),
        moment=moment,
        partner=lambda _partner_id: member.code,
        level=str,
    )
    return render(considered_of(judgement, member.partner_id), formats)


def _passed_over(partner_id: int, judgement: Judgement) -> str:
    """Why a partner got nothing of the credit."""
    mine = [one for one in judgement.considered if one.partner_id == partner_id]
    if any(one.verdict is Verdict.NOBODY for one in judgement.considered):
        return _("Staff decided that nobody is credited for this order.")
    if any(one.partner_id == partner_id for one in judgement.former):
        return _("You were credited for it at first; afterwards that was changed, and you are no longer.")
    if judgement.source is Source.NONE:
        return _("Nobody is credited for this order.")
    if any(_counted_click(one) for one in mine):
        if judgement.model == "last_click":
            return _("The buyer came by another partner's link later, and the last click decides.")
        if judgement.model == "first_click":
            return _("The buyer had come by another partner's link before, and the first click decides.")
    return _("Another partner is credited for this order: what came with it counts before yours.")


def _counted_click(one: Considered) -> bool:
    return one.source is Source.CLICK and one.verdict is Verdict.COUNTED
