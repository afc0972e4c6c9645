"""Who is credited for an order (rules.md §4, §16 "Clicks", "Partners' states").

Sources are tried in the order of the terms' `precedence`; the first that yields a partner wins. The click source
takes the counted clicks of the buyer's chain inside the window and divides the credit by the model.

Everything looked at is kept with its verdict, so that a partner can be told why a click of his did not count.
The models are in `models.py`. A new source is one function and one line in `SOURCES`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.rules.facts import Order
from app.rules.judgement import Considered, Source, Verdict
from app.rules.models import MODELS, Credits
from app.rules.state import Click, CustomerOrder, State
from app.rules.terms import AttributionTerms

OLDER_SHOWN = 5
"""So many of the latest clicks before the window are kept with their verdict; the rest would say the same."""

BY_STAFF = "staff"
"""The `ref` of a partner whom staff named, or of their word that nobody is to be credited."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who is credited by which source, and everything that was looked at."""

    source: Source
    credits: Credits
    considered: tuple[Considered, ...]
    held: tuple[int, ...] = ()
    """Credited partners who are the buyer himself, where `self_referral = "hold"`: staff decide (rules.md §16)."""


@dataclass(slots=True)
class _Question:
    """One order's attribution while it is being worked out."""

    state: State
    order: Order
    terms: AttributionTerms
    spared: frozenset[int] = frozenset()
    """Partners whom this very order has made inactive: for itself they still are active."""
    considered: list[Considered] = field(default_factory=list)

    def refusal(self, partner_id: int, *, even_self: bool = False) -> Verdict | None:
        """Why a partner cannot be credited at all, whatever the source; None: he can."""
        partner = self.state.partners.get(partner_id)
        if partner is None:
            return Verdict.UNKNOWN_PARTNER
        if not partner.is_active(self.order.state.placed_at) and partner_id not in self.spared:
            return Verdict.PARTNER_INACTIVE_AT_ORDER
        if not even_self and self.terms.self_referral == "refuse" and self.is_buyer(partner_id):
            return Verdict.SELF_REFERRAL
        return None

    def is_buyer(self, partner_id: int) -> bool:
        """Self-referral: e-mail, phone, payment account or user of the two are the same (rules.md §4.5)."""
        keys = self.state.partners[partner_id].keys
        if not keys:
            return False
        if not keys.isdisjoint(self.order.state.customer_keys):
            return True
        customer = self.state.customers.get(self.order.state.customer_id or "")
        return customer is not None and not keys.isdisjoint(customer.keys)

    def one(self, source: Source, partner_id: int, ref: str, *, even_self: bool = False) -> Credits:
        """The whole credit for one named partner, if nothing speaks against him."""
        verdict = self.refusal(partner_id, even_self=even_self)
        self.considered.append(Considered(source, verdict or Verdict.COUNTED, partner_id, ref))
        return [] if verdict else [(partner_id, 1)]

    def answer(self, source: Source, credits: Credits) -> Attribution:
        """The source's credits, with those that wait for staff to look at them."""
        held: tuple[int, ...] = ()
        if self.terms.self_referral == "hold":
            held = tuple(partner_id for partner_id, _ in credits if self.is_buyer(partner_id))
        return Attribution(source, credits, tuple(self.considered), held)


def attribute(
    state: State, order: Order, terms: AttributionTerms, spared: frozenset[int] = frozenset()
) -> Attribution:
    """The credits for an order and everything that was considered.

    `spared`: partners whom this order, judged before, has made inactive because no plan fitted it (rules.md §6).
    """
    question = _Question(state, order, terms, spared)
    card = order.card
    if card is not None and card.by_staff:
        # Staff's choice beats everything, wherever `manual` stands in the precedence, and is held by nobody.
        if card.nobody:
            question.considered.append(Considered(Source.MANUAL, Verdict.NOBODY, None, BY_STAFF))
            return Attribution(Source.NONE, [], tuple(question.considered))
        if card.partner_id is not None:
            credits = question.one(Source.MANUAL, card.partner_id, BY_STAFF, even_self=True)
            if credits:
                return Attribution(Source.MANUAL, credits, tuple(question.considered))
    for name in terms.precedence:
        credits = SOURCES[name](question)
        if credits:
            return question.answer(Source(name), credits)
    return Attribution(Source.NONE, [], tuple(question.considered))


def inputs_key(order: Order) -> str:
    """The order's fields that attribution reads, as one string; the same string means the same credits."""
    state, card = order.state, order.card
    named = f"{card.partner_id}/{card.promo_code}/{card.by_staff}" if card is not None else ""
    if card is not None and card.nobody:
        named += "/nobody"
    return (
        f"{state.partner_id}|{state.promo_code or ''}|{state.visitor_id or ''}|{state.click_id or ''}|"
        f"{state.customer_id or ''}|{','.join(state.customer_keys)}|{state.placed_at.isoformat()}|{named}"
    )


def _manual(question: _Question) -> Credits:
    """The partner whom the operator named: on the card, else in the shop's message."""
    card = question.order.card
    if card is not None and card.partner_id is not None:
        if card.by_staff:
            return []  # It was tried before all sources, and something spoke against it.
        return question.one(Source.MANUAL, card.partner_id, "")
    if question.order.state.partner_id is None:
        return []
    return question.one(Source.MANUAL, question.order.state.partner_id, "")


def _promo_code(question: _Question) -> Credits:
    """The owner of the code, if it was valid at `placed_at`; a code of nobody changes nothing."""
    card = question.order.card
    text = card.promo_code if card is not None and card.promo_code else question.order.state.promo_code
    if not text:
        return []
    code = question.state.promo_codes.get(text.casefold())
    if code is None:
        question.considered.append(Considered(Source.PROMO_CODE, Verdict.UNKNOWN_CODE, None, text))
        return []
    placed_at = question.order.state.placed_at
    begun = code.valid_from is None or code.valid_from <= placed_at
    if not begun or (code.valid_to is not None and placed_at >= code.valid_to):
        considered = Considered(Source.PROMO_CODE, Verdict.CODE_NOT_VALID, code.partner_id, text)
        question.considered.append(considered)
        return []
    return question.one(Source.PROMO_CODE, code.partner_id, text)


def _click(question: _Question) -> Credits:
    """The counted clicks of the chain inside the window, divided by the model."""
    chain = _chain(question.state, question.order)
    if not chain:
        return []
    placed_at = question.order.state.placed_at
    opened_at = placed_at - timedelta(days=question.terms.window_days)
    first = bisect_left(chain, opened_at, key=_click_at)
    end = bisect_right(chain, placed_at, key=_click_at)
    for click in chain[max(0, first - OLDER_SHOWN) : first]:
        question.considered.append(_considered(click, Verdict.OUTSIDE_WINDOW))
    counted = []
    refusals: dict[int, Verdict | None] = {}
    for click in chain[first:end]:
        verdict = _click_verdict(question, click, refusals)
        question.considered.append(_considered(click, verdict))
        if verdict is Verdict.COUNTED:
            counted.append(click)
    if not counted:
        return []
    return MODELS[question.terms.model](counted, question.terms, placed_at)


def _customer(question: _Question) -> Credits:
    """Binding: later orders of a customer go to whom his first attributed order went to, in the same parts.

    The first is the earliest by `placed_at` that had a partner, by any source, cancelled or not; it binds for
    n × 24 hours, inclusive (rules.md §16 "Partners' states"). Who is not active any more leaves his part to the others.
    """
    days = question.terms.bind_customer_days
    first = first_order(question.state, question.order) if days else None
    if first is None:
        return []
    credits: Credits = []
    is_over = days > 0 and question.order.state.placed_at > first.placed_at + timedelta(days=days)
    for partner_id, weight in first.credits:
        verdict = Verdict.BINDING_OVER if is_over else question.refusal(partner_id)
        item = Considered(
            Source.CUSTOMER, verdict or Verdict.COUNTED, partner_id, str(first.order_id), first.placed_at
        )
        question.considered.append(item)
        if verdict is None:
            credits.append((partner_id, weight))
    return credits


def first_order(state: State, order: Order) -> CustomerOrder | None:
    """The earliest other order of the buyer that had a partner and was placed no later than this one."""
    known = state.customer_orders.get(order.state.customer_id or "", {}).values()
    earlier = [
        one for one in known if one.order_id != order.order_id and one.placed_at <= order.state.placed_at
    ]
    return min(earlier, key=lambda one: (one.placed_at, one.order_id), default=None)


SOURCES: dict[str, Callable[[_Question], Credits]] = {
    "manual": _manual,
    "promo_code": _promo_code,
    "click": _click,
    "customer": _customer,
}
"""By the names of `attribution.precedence`."""


def _chain(state: State, order: Order) -> Sequence[Click]:
    """The clicks of the order's visitor, of its click's visitor, and of its customer's, oldest first."""
    visitors: list[str] = []
    if order.state.visitor_id:
        visitors.append(order.state.visitor_id)
    if order.state.click_id and order.state.click_id in state.click_visitors:
        visitors.append(state.click_visitors[order.state.click_id])
    registered = state.customers.get(order.state.customer_id or "")
    if registered is not None:
        visitors.extend(registered.visitors)
        if registered.clicks:
            return _united(state, visitors, registered.clicks)
    if not visitors:
        return ()
    if all(visitor == visitors[0] for visitor in visitors):
        return state.clicks.get(visitors[0], ())
    return _united(state, visitors, ())


def _united(state: State, visitors: list[str], more: tuple[Click, ...]) -> list[Click]:
    known = {click.click_id: click for click in more}
    for visitor in visitors:
        for click in state.clicks.get(visitor, ()):
            known[click.click_id] = click
    return sorted(known.values(), key=lambda click: (click.at, click.number))


def _click_at(click: Click) -> datetime:
    return click.at


def _considered(click: Click, verdict: Verdict) -> Considered:
    return Considered(Source.CLICK, verdict, click.partner_id, click.click_id, click.at)


def _click_verdict(question: _Question, click: Click, refusals: dict[int, Verdict | None]) -> Verdict:
    """Whether a click inside the window counts; `refusals` remembers what is the same for all of a partner's."""
    if not click.counted:
        return click.reason if click.reason is not Verdict.COUNTED else Verdict.NOT_COUNTED
    partner_id = click.partner_id
    if partner_id not in refusals:
        refusals[partner_id] = question.refusal(partner_id)
    refusal = refusals[partner_id]
    if refusal is not None:
        return refusal
    if not question.state.partners[partner_id].is_active(click.at):
        return Verdict.PARTNER_INACTIVE_AT_CLICK
    return Verdict.COUNTED
