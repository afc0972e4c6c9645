"""`tandem replay`: all of a program's history folded again in memory, by the same `judge` that live work uses.

Facts are folded in the order in which they were judged, each with the inputs that were stored with it: the clicks
considered, and the terms known then. Whatever differs from what is recorded is reported; nothing is written.
"""

from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import asyncpg
import msgspec

from app import db
from app.commissions.attempts import attempts
from app.commissions.facts import load_chains
from app.commissions.partner_state import load_partners
from app.orders.messages import CardMessage, OrderMessage, RefundMessage
from app.orders.plan import CAUSES, DECODERS, KnownOrder, card_of, refund_of, state_of
from app.programs.versions import versions
from app.rules.attribution import inputs_key
from app.rules.effects import CommissionChange
from app.rules.facts import Cause, Fact, Order
from app.rules.fold import apply, judge
from app.rules.judgement import Judgement, Source, Verdict
from app.rules.state import Click, Customer, PromoCode, State
from app.tracking.codes import code_key

Booked = dict[tuple[int, str, int, int | None], tuple[int, int]]
"""(partner, kind, tier, from partner) → (base, amount) of one order."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One commission that comes out otherwise than it is recorded."""

    order: str
    partner_id: int
    kind: str
    tier: int
    recorded_minor: int
    replayed_minor: int


@dataclass(slots=True)
class Replayed:
    """What a replay has found."""

    facts: int = 0
    orders: int = 0
    differences: list[Difference] = field(default_factory=list)


async def replay(program_id: int) -> Replayed:
    """Fold the whole history of a program again and compare it with what is recorded, as both are at this moment."""
    async with db.snapshot():
        return await _replay(program_id)


async def _replay(program_id: int) -> Replayed:
    past = _Past(
        program_id,
        await _whole_state(program_id),
        await _judgements(program_id),
        await _promo_codes(program_id),
    )
    partner_ids = {partner.code.lower(): partner.partner_id for partner in past.state.partners.values()}
    currency = past.all_terms[-1].terms.currency if past.all_terms else ""
    tries = await attempts(program_id)
    again = list(tries.again)
    orders: dict[int, KnownOrder] = {}
    told: dict[int, datetime] = {}
    found = Replayed()
    async for row in _events(program_id):
        while again and again[0][0] < row["id"]:
            position, order_id = again.pop(0)
            await past.judge(orders[order_id], Cause.PAID, told[order_id], position)
        known = orders.setdefault(
            row["order_id"], KnownOrder(row["order_id"], row["external_id"], is_new=False)
        )
        ref = _take(known, row, partner_ids, currency)
        told[known.order_id] = row["occurred_at"]
        found.facts += 1
        if row["id"] not in tries.failed:
            await past.judge(known, CAUSES[row["kind"]], row["occurred_at"], row["id"], ref)
    for position, order_id in again:
        await past.judge(orders[order_id], Cause.PAID, told[order_id], position)
    found.orders = len(orders)
    found.differences = await _differences(program_id, orders, past.booked)
    return found


SAME_PERSON = frozenset({"the same person"})
"""The key that buyer and partner are given where the order was once judged as a self-referral."""


class _Past:
    """The state while history is folded again, each fact with the inputs that were stored with its order."""

    def __init__(
        self, program_id: int, state: State, judgements: dict[int, Judgement], codes: dict[str, PromoCode]
    ) -> None:
        self.program_id = program_id
        self.state = state
        self.all_terms = list(state.terms)
        self.judgements = judgements
        self.codes = codes
        self.booked: dict[int, Booked] = defaultdict(dict)
        self.own_keys: dict[int, frozenset[str]] = {}
        """Of the partners whose keys the fact at hand has replaced."""

    async def judge(
        self, known: KnownOrder, cause: Cause, at: datetime, position: int, ref: str = ""
    ) -> None:
        """Judge an order with all that is known of it by now; what never was judged stays so."""
        order = known.merged()
        judgement = self.judgements.get(known.order_id)
        if order is None or judgement is None:
            return
        self.state.terms = [one for one in self.all_terms if one.number <= judgement.terms_number]
        fact = Fact(order, cause, ref, at, position)
        await self._give_inputs(order, fact, judgement)
        effects = judge(self.state, fact)
        apply(self.state, effects)
        for change in effects.changes:
            _book(self.booked[known.order_id], change)

    async def _give_inputs(self, order: Order, fact: Fact, judgement: Judgement) -> None:
        """Put the clicks, the promo code and the self-referrals that the order was judged with into the state."""
        state = self.state
        state.clicks, state.click_visitors, state.customers, state.promo_codes = {}, {}, {}, {}
        for partner_id, keys in self.own_keys.items():
            state.partners[partner_id].keys = keys
        self.own_keys = {}
        for text in (order.state.promo_code, order.card.promo_code if order.card is not None else None):
            if text and code_key(text) in self.codes:
                state.promo_codes[text.casefold()] = self.codes[code_key(text)]
        if judgement.inputs != inputs_key(order):
            # The credits were decided again later, and only the last decision's inputs are stored.
            await load_chains(state, self.program_id, [fact])
            return
        self._give_people(order, judgement)
        _give_promo_code(state, order, judgement)
        _give_clicks(state, order, judgement)

    def _give_people(self, order: Order, judgement: Judgement) -> None:
        """Whoever was the buyer himself then is so now, and nobody else, whatever contacts say by now."""
        if order.state.customer_id:
            self.state.customers[order.state.customer_id] = Customer(keys=SAME_PERSON)
        for item in judgement.considered:
            partner = self.state.partners.get(item.partner_id) if item.partner_id is not None else None
            if partner is not None:
                self.own_keys.setdefault(partner.partner_id, partner.keys)
                own = item.verdict is Verdict.SELF_REFERRAL
                partner.keys = SAME_PERSON if own else frozenset()


async def _whole_state(program_id: int) -> State:
    """All partners with their histories and no turnover: that is made again."""
    state = State(terms=await versions(program_id))
    rows = await db.fetch("SELECT id FROM partners WHERE program_id = $1 ORDER BY id", program_id)
    beginning = datetime(1, 1, 2, tzinfo=UTC)
    await load_partners(state, program_id, [row["id"] for row in rows], (beginning, beginning), lock=False)
    for partner in state.partners.values():
        partner.months.clear()
        partner.level_at = None
        partner.balances = type(partner.balances)()
    return state


async def _judgements(program_id: int) -> dict[int, Judgement]:
    rows = await db.fetch(
        """
        SELECT attribution.order_id, attribution.recorded
        FROM attributions AS attribution JOIN orders ON orders.id = attribution.order_id
        WHERE orders.program_id = $1
        """,
        program_id,
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


async def _differences(
    program_id: int, orders: dict[int, KnownOrder], booked: dict[int, Booked]
) -> list[Difference]:
    """Recorded entries, summed in the database, against those that came out now."""
    rows = await db.fetch(
        """
        SELECT order_id, partner_id, kind, tier, from_partner_id,
            sum(base_minor)::bigint AS base_minor, sum(amount_minor)::bigint AS amount_minor
        FROM commission_entries WHERE program_id = $1 AND order_id IS NOT NULL
        GROUP BY order_id, partner_id, kind, tier, from_partner_id
        """,
        program_id,
    )
    recorded: dict[int, Booked] = defaultdict(dict)
    for row in rows:
        key = (row["partner_id"], row["kind"], row["tier"], row["from_partner_id"])
        recorded[row["order_id"]][key] = (row["base_minor"], row["amount_minor"])
    nothing = (0, 0)
    return [
        Difference(
            orders[order_id].external_id,
            key[0],
            key[1],
            key[2],
            recorded[order_id].get(key, nothing)[1],
            booked[order_id].get(key, nothing)[1],
        )
        for order_id in sorted(recorded.keys() | booked.keys())
        for key in sorted(recorded[order_id].keys() | booked[order_id].keys(), key=str)
        if recorded[order_id].get(key, nothing) != booked[order_id].get(key, nothing)
    ]
