"""History folded again in memory, by the same `judge` that live work uses: what replay and simulation share.

Facts are folded in the order in which they were judged, each with the inputs that were stored with its order: the
clicks considered, and the terms known then. A trial puts other terms in the place of those in force for the orders
paid in its span; its orders' inputs are read again where the other terms ask for other ones. Facts come in batches,
and every batch takes the same few queries. Nothing is written.
"""

import gc
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

import asyncpg
import msgspec

from app import db
from app.commissions.attempts import Attempts, attempts
from app.commissions.facts import load_chains
from app.commissions.partner_state import load_partners
from app.commissions.run_queries import Calculated, calculations
from app.orders.messages import CardMessage, OrderMessage, RefundMessage
from app.orders.plan import CAUSES, DECODERS, KnownOrder, card_of, refund_of, state_of
from app.programs.versions import versions
from app.rules.attribution import inputs_key
from app.rules.effects import CommissionChange
from app.rules.facts import Cause, Fact, Order
from app.rules.fold import apply, calculate, judge, unjudged
from app.rules.judgement import Judgement, Source, Verdict
from app.rules.state import Activity, Click, CurrencyRate, Customer, PromoCode, Seller, State, TermsVersion
from app.rules.terms import Terms
from app.tracking.codes import code_key

Booked = dict[tuple[int, str, int, int | None], tuple[int, int]]
"""(partner, kind, tier, from partner) → (base, amount) of one order."""

BATCH = 500
"""So many facts are read, and have their inputs loaded, at a time."""
TRIAL = 2**31 - 1
"""The number of the terms that are tried; no version ever gets as far."""
SAME_PERSON = frozenset({"the same person"})
"""The key that buyer and partner are given where the order was once judged as a self-referral."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Other terms for the orders paid in a span."""

    terms: Terms
    from_at: datetime
    to_at: datetime
    """Exclusive."""

    @property
    def version(self) -> TermsVersion:
        """The terms as a version that holds for the span's orders."""
        return TermsVersion(TRIAL, self.from_at, self.terms)


class Step(NamedTuple):
    """One fact, with all that was known of its order by then."""

    known: KnownOrder
    order: Order
    fact: Fact
    reached: dict[int, int] | None = None
    """A periodic run calculated it here, with what these partners had reached; None: it was judged."""


@dataclass(slots=True)
class Folding:
    """A program's history while it is folded again."""

    program_id: int
    state: State
    versions: Sequence[TermsVersion]
    codes: dict[str, PromoCode]
    tries: Attempts
    trial: Trial | None = None
    orders: dict[int, KnownOrder] = field(default_factory=dict)
    booked: dict[int, Booked] = field(default_factory=lambda: defaultdict(dict))
    calculated: dict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))
    """(position of a run's order, partner whose sales it has calculated) → what came out, parents' tiers included."""
    facts: int = 0
    chains: State = field(default_factory=State)
    """Clicks and customers of the batch at hand, of the orders whose stored inputs do not do."""
    own_keys: dict[int, frozenset[str]] = field(default_factory=dict)
    """Of the partners whose keys the fact at hand has replaced."""

    def is_tried(self, order: Order) -> bool:
        """Whether the order is judged by the terms that are tried: by its first known payment."""
        if self.trial is None:
            return False
        record = self.state.orders.get(order.order_id)
        if record is not None:
            return record.judgement.terms_number == TRIAL
        paid_at = order.state.paid_at
        return paid_at is not None and self.trial.from_at <= paid_at < self.trial.to_at

    def has_stored_inputs(self, order: Order, given: Judgement) -> bool:
        """Whether what was stored with the order is all that its attribution asks for."""
        if given.inputs != inputs_key(order):
            return (
                False  # The credits were decided again later, and only the last decision's inputs are stored.
            )
        if not self.is_tried(order):
            return True
        assert self.trial is not None, "a tried order belongs to a trial"
        before = next(one.terms for one in self.versions if one.number == given.terms_number)
        return before.attribution == self.trial.terms.attribution


async def begin(program_id: int, trial: Trial | None = None) -> Folding:
    """All partners with their histories and no turnover, which is made again; no order is folded yet."""
    known = await versions(program_id)
    tries = await attempts(program_id)
    return Folding(
        program_id, await _whole_state(program_id, known), known, await _promo_codes(program_id), tries, trial
    )


async def fold(folding: Folding, tell: Callable[[int], object] = lambda facts: None) -> None:
    """Fold all of the history; `tell` is told after every batch how many facts are done.

    What was folded stays until the end, so the collector of cycles is kept from looking through it again and again.
    """
    try:
        await _fold_all(folding, tell)
    finally:
        gc.unfreeze()


async def _fold_all(folding: Folding, tell: Callable[[int], object]) -> None:
    partner_ids = {partner.code.lower(): partner.partner_id for partner in folding.state.partners.values()}
    currency = folding.versions[-1].terms.currency if folding.versions else ""
    tried = [(position, order_id, None) for position, order_id in folding.tries.again]
    again: list[Calculated] = sorted(
        [*tried, *await calculations(folding.program_id)], key=lambda one: one[0]
    )
    told: dict[int, datetime] = {}
    steps: list[Step] = []
    async for row in _events(folding.program_id):
        while again and again[0][0] < row["id"]:
            _add_again(steps, folding, told, again.pop(0))
        known = folding.orders.get(row["order_id"])
        if known is None:
            known = KnownOrder(row["order_id"], row["external_id"], is_new=False)
            folding.orders[row["order_id"]] = known
        ref = _take(known, row, partner_ids, currency)
        told[known.order_id] = row["occurred_at"]
        folding.facts += 1
        if row["id"] not in folding.tries.failed:
            _add(steps, known, CAUSES[row["kind"]], row["occurred_at"], row["id"], ref)
        if len(steps) >= BATCH:
            await _fold_batch(folding, steps)
            steps.clear()
            gc.freeze()
            tell(folding.facts)
    for one in again:
        _add_again(steps, folding, told, one)
    await _fold_batch(folding, steps)
    tell(folding.facts)


def _add(steps: list[Step], known: KnownOrder, cause: Cause, at: datetime, position: int, ref: str) -> None:
    order = known.merged()
    if order is not None:
        steps.append(Step(known, order, Fact(order, cause, ref, at, position)))


def _add_again(steps: list[Step], folding: Folding, told: dict[int, datetime], one: Calculated) -> None:
    """An order that was judged again, or calculated by a run, between two events."""
    position, order_id, reached = one
    before = len(steps)
    _add(steps, folding.orders[order_id], Cause.PAID, told[order_id], position, "")
    if len(steps) > before:
        steps[-1] = steps[-1]._replace(reached=reached)


async def _fold_batch(folding: Folding, steps: Sequence[Step]) -> None:
    given = await _judgements([step.known.order_id for step in steps])
    asked = [
        step.fact
        for step in steps
        if step.known.order_id in given
        and not folding.has_stored_inputs(step.order, given[step.known.order_id])
    ]
    trial = [folding.trial.version] if folding.trial is not None else []
    folding.chains = State(terms=[*folding.versions, *trial])
    if asked:
        await load_chains(folding.chains, folding.program_id, asked)
    for step in steps:
        judgement = given.get(step.known.order_id)
        waited_until = folding.tries.waited.get(step.known.order_id, 0)
        if judgement is not None and step.fact.sequence >= waited_until:
            _judge(folding, step, judgement)
        else:  # What never was judged stays so; its customer has bought it all the same.
            apply(folding.state, unjudged(step.order))


def _judge(folding: Folding, step: Step, given: Judgement) -> None:
    state, order = folding.state, step.order
    if folding.is_tried(order):
        assert folding.trial is not None, "a tried order belongs to a trial"
        state.terms, state.given = [folding.trial.version], None
    else:
        state.terms = [one for one in folding.versions if one.number <= given.terms_number]
        state.given = given
    _give_inputs(folding, order, given)
    reached = step.reached
    effects = judge(state, step.fact) if reached is None else calculate(state, step.fact, reached)
    apply(state, effects)
    booked = folding.booked[order.order_id]
    for change in effects.changes:
        _book(booked, change)
        if reached is not None:
            sold_by = change.from_partner or change.partner_id
            folding.calculated[step.fact.sequence, sold_by] += change.amount_delta_minor


def _give_inputs(folding: Folding, order: Order, given: Judgement) -> None:
    """Put the clicks, the promo code and the self-referrals that the order was judged with into the state."""
    state = folding.state
    for partner_id, keys in folding.own_keys.items():
        state.partners[partner_id].keys = keys
    folding.own_keys = {}
    state.promo_codes = {}
    for text in (order.state.promo_code, order.card.promo_code if order.card is not None else None):
        if text and code_key(text) in folding.codes:
            state.promo_codes[text.casefold()] = folding.codes[code_key(text)]
    if given.conversion is not None:
        conversion = given.conversion
        rate = CurrencyRate(conversion.rate, conversion.source)
        state.currency_rates = {(conversion.currency, conversion.day): rate}
    if not folding.has_stored_inputs(order, given):
        chains = folding.chains
        state.clicks, state.click_visitors = chains.clicks, chains.click_visitors
        state.customers = chains.customers
        return
    state.clicks, state.click_visitors, state.customers = {}, {}, {}
    _give_people(folding, order, given)
    _give_promo_code(state, order, given)
    _give_clicks(state, order, given)


def _give_people(folding: Folding, order: Order, judgement: Judgement) -> None:
    """Whoever was the buyer himself then is so now, and nobody else, whatever contacts say by now."""
    state = folding.state
    if order.state.customer_id:
        state.customers[order.state.customer_id] = Customer(keys=SAME_PERSON)
    for item in judgement.considered:
        partner = state.partners.get(item.partner_id) if item.partner_id is not None else None
        if partner is not None:
            folding.own_keys.setdefault(partner.partner_id, partner.keys)
            own = item.verdict is Verdict.SELF_REFERRAL or partner.partner_id in judgement.held
            partner.keys = SAME_PERSON if own else frozenset()


async def _whole_state(program_id: int, known: Sequence[TermsVersion]) -> State:
    """All partners with their histories and no turnover: that is made again."""
    state = State(terms=list(known), quiet=True)
    rows = await db.fetch("SELECT id FROM partners WHERE program_id = $1 ORDER BY id", program_id)
    beginning = datetime(1, 1, 2, tzinfo=UTC)
    await load_partners(state, program_id, [row["id"] for row in rows], (beginning, beginning), lock=False)
    for partner in state.partners.values():
        partner.months.clear()
        partner.sales.clear()
        partner.customers.clear()
        partner.level_at = None
        partner.balances = type(partner.balances)()
    await _forget_deactivations(state, program_id)
    sellers = await db.fetch(
        "SELECT external_id, partner_id, registered_at FROM sellers WHERE program_id = $1", program_id
    )
    for row in sellers:
        state.sellers[row["external_id"]] = Seller(row["partner_id"], row["registered_at"])
    return state


async def _forget_deactivations(state: State, program_id: int) -> None:
    """Partners whom no plan fitted are made inactive again by their orders, when these are judged."""
    rows = await db.fetch(
        """
        SELECT change.partner_id, change.at
        FROM partner_state_changes AS change JOIN partners ON partners.id = change.partner_id
        WHERE partners.program_id = $1 AND change.order_id IS NOT NULL
        """,
        program_id,
    )
    for row in rows:
        partner = state.partners[row["partner_id"]]
        made = Activity(row["at"], active=False)
        partner.activities = tuple(one for one in partner.activities if one != made)


async def _judgements(order_ids: Sequence[int]) -> dict[int, Judgement]:
    """What was decided about these orders; none for those never judged."""
    rows = await db.fetch(
        "SELECT order_id, recorded FROM attributions WHERE order_id = ANY($1::bigint[])",
        list(dict.fromkeys(order_ids)),
    )
    return {row["order_id"]: Judgement.from_json(msgspec.json.decode(row["recorded"])) for row in rows}


async def _promo_codes(program_id: int) -> dict[str, PromoCode]:
    rows = await db.fetch(
        "SELECT code, code_key, partner_id, valid_from, valid_to FROM promo_codes WHERE program_id = $1",
        program_id,
    )
    return {
        row["code_key"]: PromoCode(row["code"], row["partner_id"], row["valid_from"], row["valid_to"])
        for row in rows
    }


def _events(program_id: int) -> AsyncIterator[asyncpg.Record]:
    return db.stream(
        """
        SELECT event.id, event.order_id, orders.external_id, event.kind, event.digest, event.occurred_at, event.body
        FROM order_events AS event JOIN orders ON orders.id = event.order_id
        WHERE event.program_id = $1 ORDER BY event.id
        """,
        program_id,
    )


def _take(known: KnownOrder, row: asyncpg.Record, partner_ids: dict[str, int], currency: str) -> str:
    """Add one stored fact to what is known of its order; the refund's id where it is one, else nothing."""
    message = DECODERS[row["kind"]](row["body"])
    if isinstance(message, OrderMessage):
        partner_id = partner_ids.get(message.partner.lower()) if message.partner else None
        known.states.append(state_of(message, row["digest"], partner_id, currency))
    elif isinstance(message, RefundMessage):
        known.refunds.append(refund_of(message))
        return message.external_id
    elif isinstance(message, CardMessage):
        partner_id = partner_ids.get(message.partner.lower()) if message.partner else None
        known.cards.append(card_of(message, row["id"], partner_id))
    return ""


NOT_COUNTED_AT_CLICK = (Verdict.BOT, Verdict.PREFETCH, Verdict.REPEAT, Verdict.NOT_COUNTED)
"""Verdicts that were given when the click was written down; the others are found again."""


def _give_promo_code(state: State, order: Order, judgement: Judgement) -> None:
    """The code as it was found then: codes may be made, ended and given to others afterwards."""
    for item in judgement.considered:
        if item.source is not Source.PROMO_CODE:
            continue
        state.promo_codes.pop(item.ref.casefold(), None)
        if item.partner_id is not None:
            ended = order.state.placed_at if item.verdict is Verdict.CODE_NOT_VALID else None
            code = PromoCode(item.ref, item.partner_id, valid_to=ended)
            state.promo_codes[item.ref.casefold()] = code


def _give_clicks(state: State, order: Order, judgement: Judgement) -> None:
    clicks = [
        Click(
            item.ref,
            number,
            item.at,
            item.partner_id,
            item.verdict not in NOT_COUNTED_AT_CLICK,
            item.verdict if item.verdict in NOT_COUNTED_AT_CLICK else Verdict.COUNTED,
        )
        for number, item in enumerate(judgement.considered)
        if item.source is Source.CLICK and item.at is not None and item.partner_id is not None
    ]
    if order.state.visitor_id:
        state.clicks[order.state.visitor_id] = clicks
    elif order.state.click_id:
        state.click_visitors[order.state.click_id] = "click"
        state.clicks["click"] = clicks
    elif order.state.customer_id:
        keys = state.customers[order.state.customer_id].keys
        state.customers[order.state.customer_id] = Customer(clicks=tuple(clicks), keys=keys)


def _book(booked: Booked, change: CommissionChange) -> None:
    key = (change.partner_id, change.kind.value, change.tier, change.from_partner)
    base_minor, amount_minor = booked.get(key, (0, 0))
    booked[key] = (base_minor + change.base_delta_minor, amount_minor + change.amount_delta_minor)
