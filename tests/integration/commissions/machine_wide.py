"""The shop of `machine.py` under any terms, with clicks, codes, customers' cashback, deposit, runs and staff's hands."""

from collections.abc import Coroutine
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from app import clock, db
from app.cashback import service as cashback
from app.cashback.queries import spendable
from app.commissions.adjustments import NewAdjustment, adjust_partner
from app.commissions.currency import enter_rates
from app.commissions.deposit import NewTopUp, top_up
from app.commissions.reviews import decide_flag
from app.commissions.runs import ACTIONS, NewRun, start_run, work_off_runs
from app.fraud.service import raise_flag
from app.orders.messages import CardMessage, CustomerMessage, LineMessage, OrderMessage
from app.orders.service import register_customer
from app.partners.payout_details import NewPayoutDetails, give_details_in_transaction
from app.partners.service import set_level, set_own_rates, set_parent, set_state
from app.payouts import batches, payer
from app.payouts import service as payouts
from app.programs.currency_rates import NewRate
from app.programs.service import publish_changes
from app.rules.facts import MICRO, Channel, OrderStatus
from app.shops.sellers import SellerRegistrationBody, take_seller
from app.tracking.messages import ClickMessage
from app.tracking.promo_codes import create_promo_code
from app.tracking.service import record_clicks
from tests.factories import make_partner, make_program
from tests.integration.commissions.machine import (
    LONG_AGO,
    PARTNERS,
    START,
    Shop,
    programs,
    some_order,
    some_partner,
)
from tests.integration.payouts.bank import BANK, BIK, HERS, PAYER
from tests.integration.payouts.people import make_user
from tests.unit.rules.wide import CATEGORIES, PRODUCTS, wide_terms

CUSTOMERS, VISITORS = ("", "c1", "c2"), ("", "v1", "v2")
SELLERS = ("", "s1", "s2")


@st.composite
def machine_terms(draw: st.DrawFn) -> dict[str, Any]:
    """Any terms: one by one or by runs, paid by the merchant or from the deposit, with cashback or without."""
    terms = draw(wide_terms())
    terms["attribution"]["self_referral"] = draw(st.sampled_from(["refuse", "hold", "allow"]))
    terms["levels_policy"] = {
        "period": draw(st.sampled_from(["month", "quarter", "lifetime"])),
        "recalculate": draw(st.sampled_from(["daily", "on_paid"])),
        "keep": draw(st.sampled_from(["none", "next_period"])),
    }
    terms["calculation"]["mode"] = draw(st.sampled_from(["per_order", "per_order", "periodic"]))
    terms["hold"]["release_on"] = draw(st.sampled_from(["paid", "paid", "fulfilled"]))
    terms["payout"] = {
        "min_minor": 100,
        "settle": draw(st.sampled_from(["merchant", "merchant", "merchant", "deposit"])),
        "approval_second_person_from_minor": draw(st.sampled_from([0, 500])),
    }
    if draw(st.integers(0, 3)):
        rules = [
            {
                "code": "goods",
                "condition": "category",
                "values": ["home"],
                "rate": "10%",
                "min_order_minor": 900,
            },
            {"code": "all", "rate": "3.3333%", "sort": 200},
        ]
        terms["cashback"] = {
            "rules": rules,
            "hold_days": draw(st.integers(0, 2)),
            "lifetime_days": draw(st.sampled_from([-1, 5])),
        }
    return terms


class WideShop(Shop):
    """Everything that can happen under any terms."""

    @initialize(terms=machine_terms())
    def open_with(self, terms: dict[str, Any]) -> None:
        self.now, self.done = START, 0
        self.orders, self.sent, self.asked = {}, [], []
        self.redeemed: list[tuple[str, int]] = []
        self.flags: list[int] = []
        self.batches: list[int] = []
        self.run(self._open_with(terms))
        for number in range(6):
            self.order(PARTNERS[number % 3], 50_000 + number, 3, True)
        for customer in CUSTOMERS[1:]:
            self.rich_order("", "", customer, "", "", False, False, 6_000, 0, OrderStatus.FULFILLED, 1)
        self.days_go_by(max(3, terms["hold"]["days"] + 1))

    def open(self) -> None:  # type: ignore[override]
        """The usual terms are not asked for."""

    async def _open_with(self, terms: dict[str, Any]) -> None:
        self.program_id = await make_program(f"wide-{next(programs)}", time_zone="Europe/Moscow", **terms)
        self.partner_ids = {}
        for code, parent in zip(PARTNERS, ("", *PARTNERS), strict=False):
            above = {"parent": parent} if parent else {}
            self.partner_ids[code] = await make_partner(self.program_id, code, **above)
        self.approver, self.payer = await make_user("fedor"), await make_user("nina")
        for code, partner_id in self.partner_ids.items():
            await create_promo_code(self.program_id, partner_id, f"CODE-{code}")
        await payer.set_payer(self.program_id, PAYER, user_id=self.approver)
        await payer.set_bank(self.program_id, BANK, user_id=self.approver)
        details = NewPayoutDetails("bank_account", "Иванова Алиса", HERS, BIK)
        with clock.at(LONG_AGO):
            for partner_id in self.partner_ids.values():
                async with db.transaction():
                    await give_details_in_transaction(partner_id, details, verified=True)
        for number, customer in enumerate(CUSTOMERS[1:], start=1):
            await register_customer(
                self.program_id,
                customer,
                registered_at=START,
                visitors=[f"v{number}"],
                email=f"{customer}@x.example",
            )
        for seller, partner in zip(SELLERS[1:], ("cid", None), strict=True):
            await take_seller(
                self.program_id, seller, SellerRegistrationBody(registered_at=START, partner=partner)
            )
        await enter_rates(self.program_id, [NewRate("USD", f"{START:%Y-%m-%d}", "90.1234")])

    async def _turn(self, until: datetime) -> None:
        await super()._turn(until)
        await cashback.release_due(until)
        await cashback.expire_due(until)

    def may(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do what may be refused; a refusal changes nothing."""
        self.done += 1
        return self._may_be_refused(work)

    @rule(
        partner=st.sampled_from(("", *PARTNERS)),
        code=st.sampled_from(("", "code-ben", "nobodys")),
        customer=st.sampled_from(CUSTOMERS),
        visitor=st.sampled_from(VISITORS),
        seller=st.sampled_from(SELLERS),
        usd=st.booleans(),
        direct=st.booleans(),
        total=st.integers(0, 6_000),
        extra=st.integers(0, 400),
        status=st.sampled_from([OrderStatus.PLACED, OrderStatus.PAID, OrderStatus.FULFILLED]),
        kind=st.integers(0, 2),
    )
    def rich_order(
        self,
        partner: str,
        code: str,
        customer: str,
        visitor: str,
        seller: str,
        usd: bool,
        direct: bool,
        total: int,
        extra: int,
        status: OrderStatus,
        kind: int,
    ) -> None:
        self.now += timedelta(minutes=1)
        lines = (
            LineMessage(
                "1",
                (kind + 1) * MICRO,
                total,
                extra // 9,
                product=PRODUCTS[kind],
                categories=CATEGORIES[kind],
            ),
            LineMessage("2", MICRO, 777, 0, extra, product=PRODUCTS[kind - 1]),
        )
        self.send(
            OrderMessage(
                external_id=f"rich-{len(self.sent)}",
                status=status,
                updated_at=self.now,
                placed_at=self.now,
                currency="USD" if usd else "",
                paid_at=None if status is OrderStatus.PLACED else self.now,
                fulfilled_at=self.now if status is OrderStatus.FULFILLED else None,
                customer=CustomerMessage(customer, f"{customer}@x.example") if customer else None,
                visitor_id=visitor,
                partner=partner,
                promo_code=code,
                channel=Channel.DIRECT if direct else Channel.EXTERNAL,
                sale_kind="placement" if kind == 1 else "sale",
                platform_commission_minor=total // 3,
                shipping_minor=extra,
                discount_minor=extra // 2,
                lines=lines,
                **({"seller": seller} if seller else {}),  # type: ignore[arg-type]
            )
        )

    @rule(partner=some_partner, visitor=st.sampled_from(VISITORS[1:]), minutes=st.integers(1, 3000))
    def click(self, partner: str, visitor: str, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self.run(record_clicks(self.program_id, [ClickMessage(partner, visitor_id=visitor, ip="192.0.2.1")]))

    @rule(number=some_order)
    def fulfil(self, number: int) -> None:
        if self.orders:
            order = list(self.orders.values())[number % len(self.orders)]
            paid_at = order.paid_at or self.now
            self.state(number, OrderStatus.FULFILLED, paid_at=paid_at, fulfilled_at=self.now)

    @rule(number=some_order, code=st.sampled_from(["CODE-ann", "CODE-cid", "nobodys"]))
    def put_code_on_card(self, number: int, code: str) -> None:
        self._card(number, promo_code=code)

    @rule(number=some_order, partner=st.sampled_from(("", *PARTNERS)), nobody=st.booleans())
    def staff_credit(self, number: int, partner: str, nobody: bool) -> None:
        self._card(number, partner=None if nobody else partner or None, by_staff=True, nobody=nobody)

    def _card(self, number: int, **values: Any) -> None:
        if self.orders:
            order = list(self.orders)[number % len(self.orders)]
            self.now += timedelta(minutes=1)
            self.send(CardMessage(order, self.now, **values))

    @rule(number=some_order, confirm=st.booleans(), again=st.booleans())
    def flag(self, number: int, confirm: bool, again: bool) -> None:
        if again and self.flags:
            flag_id = self.flags[number % len(self.flags)]
            self.may(
                decide_flag(self.program_id, flag_id, confirm=confirm, reason="test", user_id=self.payer)
            )
        elif self.orders:
            flag_id = self.may(self._raise(list(self.orders)[number % len(self.orders)]))
            self.flags += [flag_id] if flag_id is not None else []

    async def _raise(self, order: str) -> int:
        order_id = await db.fetchval(
            "SELECT id FROM orders WHERE program_id = $1 AND external_id = $2", self.program_id, order
        )
        return await raise_flag(self.program_id, order_id, reason="test", user_id=self.approver)

    @rule(terms=machine_terms(), hours=st.integers(0, 40))
    def publish(self, terms: dict[str, Any], hours: int) -> None:
        """From now on, or from a later moment; refused where the measure of plans in force would change."""
        at = self.now + timedelta(hours=hours)
        self.may(publish_changes(self.program_id, terms, from_moment=at))

    @rule(partner=some_partner, level=st.sampled_from([None, "low", "high"]), pinned=st.booleans())
    def give_level(self, partner: str, level: str | None, pinned: bool) -> None:
        partner_id = self.partner_ids[partner]
        self.may(set_level(partner_id, level, pinned=pinned and level is not None, note="test"))

    @rule(partner=some_partner, active=st.booleans())
    def change_state(self, partner: str, active: bool) -> None:
        self.now += timedelta(minutes=1)
        self.may(set_state(self.partner_ids[partner], "active" if active else "inactive", reason="test"))

    @rule(
        partner=some_partner,
        external=st.sampled_from([None, 0, 77_777]),
        direct=st.sampled_from([None, 50_000]),
        plan=st.sampled_from(["", "plan0"]),
    )
    def set_own(self, partner: str, external: int | None, direct: int | None, plan: str) -> None:
        self.now += timedelta(minutes=1)
        self.may(set_own_rates(self.partner_ids[partner], external=external, direct=direct, plan=plan))

    @rule(partner=some_partner, parent=st.sampled_from(("", *PARTNERS)))
    def move(self, partner: str, parent: str) -> None:
        self.now += timedelta(minutes=1)
        self.may(set_parent(self.partner_ids[partner], self.partner_ids.get(parent), note="test"))

    @rule(partner=some_partner, amount=st.integers(-900, 900))
    def adjust(self, partner: str, amount: int) -> None:
        new = NewAdjustment(self.partner_ids[partner], amount, "test")
        self.may(adjust_partner(self.program_id, new, action_id=self._action()))

    @rule(amount=st.integers(1, 3_000))
    def top_up(self, amount: int) -> None:
        self.may(top_up(self.program_id, NewTopUp(amount), action_id=self._action()))

    @rule(customer=st.sampled_from(CUSTOMERS[1:]), number=some_order, amount=st.integers(1, 200))
    def redeem(self, customer: str, number: int, amount: int) -> None:
        if self.orders:
            order = list(self.orders)[number % len(self.orders)]
            made = self.may(cashback.reserve(self.program_id, customer, order, amount))
            self.redeemed += [(customer, made.id)] if made is not None else []

    @rule(customer=st.sampled_from(CUSTOMERS[1:]), total=st.integers(100, 6_000), part=st.integers(1, 100))
    def buy_with_cashback(self, customer: str, total: int, part: int) -> None:
        """A known buyer spends a part of what he may, and pays the rest."""
        may_spend = min(total // 2, self.run(self._spendable(customer)))
        spent = may_spend * part // 100
        if not spent:
            return
        self.now += timedelta(minutes=1)
        order = OrderMessage(
            external_id=f"saved-{len(self.sent)}",
            status=OrderStatus.PLACED,
            updated_at=self.now,
            placed_at=self.now,
            customer=CustomerMessage(customer),
            partner="ann",
            cashback_spent_minor=spent,
            lines=(LineMessage("1", 3 * MICRO, total, categories=("home",)),),
        )
        self.send(order)
        self.now += timedelta(minutes=1)
        self.send(replace(order, status=OrderStatus.PAID, updated_at=self.now, paid_at=self.now))

    async def _spendable(self, customer: str) -> int:
        customer_id = await db.fetchval(
            "SELECT id FROM customers WHERE program_id = $1 AND external_id = $2", self.program_id, customer
        )
        return await spendable(customer_id, self.now)

    @rule(number=some_order)
    def give_up_cashback(self, number: int) -> None:
        if self.redeemed:
            customer, redemption_id = self.redeemed[number % len(self.redeemed)]
            self.may(cashback.give_up(self.program_id, customer, redemption_id))

    @rule(hours=st.integers(1, 100))
    def cashback_jobs(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        self.run(cashback.release_due(self.now))
        self.run(cashback.expire_due(self.now))

    @rule(action=st.sampled_from(ACTIONS), partner=st.sampled_from((None, *PARTNERS)), step=st.integers(1, 3))
    def calculate(self, action: str, partner: str | None, step: int) -> None:
        chosen = (self.partner_ids[partner],) if partner else ()
        new = NewRun(action, step=step, partner_ids=chosen)
        self.may(start_run(self.program_id, new, action_id=self._action()))
        self.run(work_off_runs(self.program_id))

    @rule(day=st.integers(0, 30), rate=st.sampled_from(["80", "91.5"]))
    def enter_rate(self, day: int, rate: str) -> None:
        of_day = (START + timedelta(days=day)).strftime("%Y-%m-%d")
        self.may(enter_rates(self.program_id, [NewRate("USD", of_day, rate)]))

    @rule(number=some_order, step=st.sampled_from(["make", "make", "paid", "dissolve"]))
    def batch(self, number: int, step: str) -> None:
        if step == "make" and self.asked:
            payout_ids = self.asked[number % len(self.asked) :][:2]
            for payout_id in payout_ids:
                self.may(payouts.approve(self.program_id, payout_id, user_id=self.approver))
            made = self.may(
                batches.make_batch(self.program_id, payout_ids, user_id=self.payer, action_id=self._action())
            )
            self.batches += [made] if made is not None else []
        elif self.batches:
            batch_id = self.batches[number % len(self.batches)]
            done = batches.mark_batch_paid if step == "paid" else batches.dissolve
            self.may(done(self.program_id, batch_id, user_id=self.payer))

    @rule(number=some_order)
    def bank_returns(self, number: int) -> None:
        if self.asked:
            payout_id = self.asked[number % len(self.asked)]
            self.may(payouts.take_back(self.program_id, payout_id, user_id=self.payer, reason="test"))

    def _action(self) -> str:
        return f"{self.program_id}-wide-{self.done}-{len(self.sent)}"
