"""The scenario once more, through `app/rules/` alone: no database, no HTTP, no jobs, only the fold.

Commissions and levels must come out as they do on the real application. What tracking decides when a click is
written down (bots, repeats) is an input of the rules, so the verdicts of the real clicks are taken over.
"""

from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime

from app.errors import DomainError
from app.orders.messages import Message
from app.orders.plan import KnownOrder, Plan, Reader, finish, order_key
from app.partners.imports import BEFORE_EVERYTHING
from app.rules.contacts import email_key, phone_key
from app.rules.facts import Cause, Fact
from app.rules.fold import apply, calculate, judge
from app.rules.judgement import Verdict
from app.rules.levels import recalculate_levels
from app.rules.periodic import Period, credits_of, none_fits, reached_in
from app.rules.periods import local_midnight, next_midnight
from app.rules.state import (
    Activity,
    Click,
    CurrencyRate,
    Customer,
    LevelSetting,
    OwnRates,
    ParentSince,
    PartnerState,
    PromoCode,
    Seller,
    State,
    TermsVersion,
)
from app.rules.terms_document import merge_document, parse_terms
from app.scenario.files import Document, Scenario, rate
from app.scenario.mirror_cashback import MirrorCashback
from app.scenario.rewards import RewardsMirror

CommissionKey = tuple[str, str, str, int]
"""(order, partner, kind, tier)."""

VERDICTS = {"bot": Verdict.BOT, "prefetch": Verdict.PREFETCH, "repeat": Verdict.REPEAT}


class Mirror:
    """The same events, folded in memory."""

    def __init__(self, scenario: Scenario, beginning: datetime) -> None:
        self._document = scenario.terms
        self.state = State(terms=[TermsVersion(1, beginning, parse_terms(scenario.terms))])
        self.ids = {one.code.lower(): number for number, one in enumerate(scenario.partners, start=1)}
        self.codes = {self.ids[one.code.lower()]: one.code for one in scenario.partners}
        self._orders: dict[str, KnownOrder] = {}
        self._sequence = 0
        self._levels_at: datetime | None = None
        self._last_runs: dict[int, datetime] = {}
        self._rewards = RewardsMirror()
        self.without_order: dict[str, list[tuple[str, int]]] = {}
        """(kind, amount) of what a partner gets beside orders, by his lower-cased code."""
        self.cashback = MirrorCashback()
        for one in scenario.partners:
            number = self.ids[one.code.lower()]
            keys = {email_key(one.email), phone_key(one.phone)} - {""}
            self.state.partners[number] = PartnerState(
                number,
                one.code,
                joined_at=one.joined_at or BEFORE_EVERYTHING,
                parents=(ParentSince(None, self.ids[one.parent.lower()]),) if one.parent else (),
                own_rates=(OwnRates(None, one.own_rate, one.own_rate_direct, one.plan),),
                level_settings=(LevelSetting(one.joined_at or BEFORE_EVERYTHING, one.level, one.pinned),)
                if one.level
                else (),
                keys=frozenset(keys),
                level=one.level,
            )
            for code in one.promo_codes:
                self.state.promo_codes[code.casefold()] = PromoCode(code, number)

    @property
    def currency(self) -> str:
        """The program's."""
        return self.state.terms[-1].terms.currency

    def click(self, at: datetime, partner: str, visitor: str, *, link: int, reason: str) -> None:
        """A click with the verdict that tracking gave."""
        chain = self.state.clicks.setdefault(visitor, [])
        self._sequence += 1
        verdict = Verdict.COUNTED if not reason else VERDICTS.get(reason, Verdict.NOT_COUNTED)
        number = self._sequence
        chain.append(
            Click(f"click-{number}", number, at, self.ids[partner.lower()], not reason, verdict, link)
        )

    def register(self, at: datetime, values: Document) -> None:
        """A registration; a promo code given there is a click of its owner."""
        customer = values["customer"]
        known = self.state.customers.get(customer, Customer())
        visitors = list(known.visitors)
        if values.get("visitor_id"):
            visitors.append(values["visitor_id"])
        code = self.state.promo_codes.get(values.get("promo_code", "").casefold())
        if code is not None:
            visitors.append(f"code:{customer}")
            self.click(at, self.codes[code.partner_id], f"code:{customer}", link=0, reason="")
        self.state.customers[customer] = Customer(tuple(dict.fromkeys(visitors)), known.clicks)

    def seller(self, at: datetime, values: Document) -> None:
        """A marketplace's seller and who brought him."""
        partner = values.get("partner")
        partner_id = self.ids[partner.lower()] if partner else None
        self.state.sellers[values["external_id"]] = Seller(partner_id, values.get("registered_at", at))

    def take(self, message: Message) -> DomainError | None:
        """Fold one message; what refused it, else None."""
        key = order_key(message)
        if key not in self._orders:
            self._orders[key] = KnownOrder(len(self._orders) + 1, key, is_new=True)
        before = deepcopy(self._orders[key])
        plan = Plan(0, {key: self._orders[key]})
        reader = Reader(plan, self.currency, self.ids, self._sequence)
        reader.read(message)
        finish(plan)
        self._sequence = reader.sequence
        for new in plan.facts:
            refused = self.cashback.told(self.state, new) if new.fact is not None else None
            if refused is not None:
                self._orders[key] = before
                return refused
        for new in plan.facts:
            if new.fact is not None:
                apply(self.state, judge(self.state, new.fact))
        return plan.outcomes[0].refused

    def currency_rate(self, values: Document) -> None:
        """A rate is entered: what waited for it is judged, the earlier payment first."""
        day = str(values["day"])
        self.state.currency_rates[values["currency"], day] = CurrencyRate(str(values["rate"]), "scenario")
        waiting = [
            order
            for known in self._orders.values()
            if known.order_id not in self.state.orders and (order := known.merged()) is not None
        ]
        paid = [order for order in waiting if order.state.paid_at is not None]
        for order in sorted(paid, key=lambda order: (order.state.paid_at, order.order_id)):
            self._sequence += 1
            at = order.state.paid_at or order.state.updated_at
            fact = Fact(order, Cause.PAID, order.state.digest, at, self._sequence)
            apply(self.state, judge(self.state, fact))

    def publish(self, at: datetime, changes: Document) -> None:
        """The next version of the terms."""
        self._document = merge_document(self._document, changes)
        number = self.state.terms[-1].number + 1
        self.state.terms.append(TermsVersion(number, at, parse_terms(self._document)))

    def set_partner(self, at: datetime, values: Document) -> None:
        """What staff set by hand."""
        partner = self.state.partners[self.ids[values["code"].lower()]]
        if "level" in values or "pinned" in values:
            level = values.get("level", "")
            partner.level_settings += (LevelSetting(at, level, bool(values.get("pinned")) and bool(level)),)
            partner.level = level or partner.level
            partner.level_at = at
        if not {"own_rate", "own_rate_direct", "plan"}.isdisjoint(values):
            before = partner.rates_in_force(at) or OwnRates(None, None, None)
            external = rate(values.get("own_rate"), "own_rate") or before.external_ppm
            direct = rate(values.get("own_rate_direct"), "own_rate_direct") or before.direct_ppm
            plan = values.get("plan", before.plan)
            partner.own_rates += (OwnRates(at, external, direct, plan),)
        if "parent" in values:
            above = values["parent"].lower()
            partner.parents += (ParentSince(at, self.ids[above] if above else None),)
        if "state" in values:
            partner.activities += (Activity(at, values["state"] == "active"),)

    def adjust(self, values: Document) -> None:
        """What staff give or take by hand; money alone, no order asks for it."""
        found = self.without_order.setdefault(values["partner"].lower(), [])
        found.append(("adjustment", values["amount_minor"]))

    def calculate(self, at: datetime, values: Document) -> None:
        """A periodic run: the waiting orders of the period, each partner's plan by what he reached (rules.md §11)."""
        state = self.state
        facts = {known.order_id: known.merged() for known in self._orders.values()}
        orders = {one: order for one, order in facts.items() if order is not None and one in state.orders}
        terms = {one.number: one.terms for one in state.terms}
        judgements = {number: state.orders[number].judgement for number in orders}
        credits = [
            credit
            for number, order in orders.items()
            for credit in credits_of(order, judgements[number], terms[judgements[number].terms_number])
        ]
        end: datetime = values.get("to", at)
        chosen = {self.ids[code.lower()] for code in values.get("partners", self.ids)}
        fitting: dict[int, int] = {}
        mine: dict[int, list[int]] = {}
        for partner_id in sorted(chosen & {credit.partner_id for credit in credits if credit.waiting}):
            period = Period(values.get("from", self._last_runs.get(partner_id)), end)
            waiting = [
                one
                for one in credits
                if one.partner_id == partner_id and one.waiting and period.holds(one.paid_at)
            ]
            if not waiting:
                continue
            deciding = Period(values.get("plan_from", period.start), values.get("plan_to", end))
            reached = reached_in(credits, partner_id, deciding, state.terms[-1].terms)
            mine[partner_id] = [one.order_id for one in waiting]
            if none_fits(state, [orders[one] for one in mine[partner_id]], partner_id, reached):
                state.partners[partner_id].activities += (Activity(at, active=False),)
                continue
            fitting[partner_id] = reached
            self._last_runs[partner_id] = end
        for number in sorted(orders, key=lambda one: (state.orders[one].judgement.paid_at, one)):
            wanted = {one: reached for one, reached in fitting.items() if number in mine[one]}
            if wanted:
                self._sequence += 1
                fact = Fact(orders[number], Cause.PAID, "", at, self._sequence)
                apply(state, calculate(state, fact, wanted))

    def run_jobs(self, now: datetime) -> None:
        """Cashback that is due; levels at every local midnight since the last time, the first time at the last one."""
        self.cashback.run_jobs(self.state, now)
        zone = self.state.terms[-1].terms.zone
        last = local_midnight(now, zone)
        due = next_midnight(self._levels_at, zone) if self._levels_at is not None else last
        while due <= last:
            apply(self.state, recalculate_levels(self.state, due))
            due = next_midnight(due, zone)
        self._levels_at = last
        for partner_id, kind, amount in self._rewards.run_jobs(self.state, now, self._customer_of):
            self.without_order.setdefault(self.codes[partner_id].lower(), []).append((kind, amount))

    def _customer_of(self, order_id: int) -> str | None:
        orders = (known.merged() for known in self._orders.values() if known.order_id == order_id)
        return next((order.state.customer_id for order in orders if order is not None), None)

    def redeem(self, at: datetime, values: Document) -> bool:
        """A reservation of cashback; whether it may be."""
        known = self._orders.get(values["order"])
        order = known.merged() if known is not None and known.states else None
        return self.cashback.redeem(
            self.state, values["order"], order, values["customer"], values["amount_minor"], at
        )

    def commissions(self) -> dict[CommissionKey, int]:
        """Every stored commission, net of clawbacks."""
        names = {known.order_id: name for name, known in self._orders.items()}
        return {
            (names[order_id], self.codes[partner_id], str(kind), tier): commission.amount_minor
            for order_id, record in self.state.orders.items()
            for (partner_id, kind, tier), commission in record.commissions.items()
        }

    def levels(self) -> Mapping[str, str]:
        """Each partner's recorded level."""
        first = self.state.terms[-1].terms.levels[0].code
        return {partner.code: partner.level or first for partner in self.state.partners.values()}
