"""A shop whose every step hypothesis may take, on a real database: the books are checked after each.

It works in a program of its own, through the services that the API and the desk call, with a clock that only it moves.
`machine_wide.py` adds what comes with other terms.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from app import clock, db
from app.commissions.intake import take
from app.commissions.replay import replay
from app.commissions.service import only_program, recalculate_program_levels, release_due
from app.commissions.simulation import retried
from app.errors import DomainError
from app.ledger.chain import seal
from app.ledger.service import balances
from app.orders.messages import (
    CardMessage,
    LineMessage,
    Message,
    OrderMessage,
    RefundLineMessage,
    RefundMessage,
)
from app.payouts import service as payouts
from app.programs.versions import versions
from app.reports.checks import CHECKS, run_checks
from app.rules.facts import MICRO, OrderStatus
from app.rules.periods import next_midnight
from tests.factories import make_partner, make_program
from tests.integration.payouts.people import give_details, make_user

START = datetime(2026, 1, 10, 9, 30, tzinfo=UTC)
LONG_AGO = START - timedelta(days=60)
PARTNERS = ("ann", "ben", "cid")
programs = count(1)

some_order = st.integers(0, 50)
some_partner = st.sampled_from(PARTNERS)
minutes = st.integers(1, 600)


class Shop(RuleBasedStateMachine):
    """A shop with three partners, one above the other; `loop` is that of the database's connections."""

    loop: asyncio.AbstractEventLoop

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do `work` at the machine's moment, in its program."""

        async def at_its_moment() -> Any:
            only_program.set(getattr(self, "program_id", None))
            with clock.at(self.now):
                return await work

        return self.loop.run_until_complete(at_its_moment())

    @initialize(recalculate=st.sampled_from(["daily", "on_paid"]), hold=st.integers(0, 3))
    def open(self, recalculate: str, hold: int) -> None:
        self.now = START
        self.orders: dict[str, OrderMessage] = {}
        self.sent: list[Message] = []
        self.asked: list[int] = []
        self.run(self._open(recalculate, hold))
        for number in range(6):
            self.order(PARTNERS[number % 3], 20_000 + number, 3, True)
        self.days_go_by(hold + 1)

    async def _open(self, recalculate: str, hold: int) -> None:
        levels = [
            {"code": f"l{at}", "name": {"en": f"L{at}", "ru": f"L{at}"}, "from": start, "rate": rate}
            for at, (start, rate) in enumerate([(0, "5%"), (50_000, "7.5%"), (90_000, "11%")])
        ]
        self.program_id = await make_program(
            f"machine-{next(programs)}",
            levels=levels,
            levels_policy={"period": "month", "recalculate": recalculate, "keep": "next_period"},
            tiers={"rates": ["10%", "3%"]},
            hold={"release_on": "paid", "days": hold},
            payout={"min_minor": 100},
        )
        self.partner_ids: dict[str, int] = {}
        for code, parent in zip(PARTNERS, ("", *PARTNERS), strict=False):
            self.partner_ids[code] = await make_partner(
                self.program_id, code, **({"parent": parent} if parent else {})
            )
            await give_details(self.partner_ids[code], created_at=LONG_AGO, verified_at=LONG_AGO)
        self.approver, self.payer = await make_user("fedor"), await make_user("nina")

    def send(self, message: Message) -> None:
        """Have the shop say it; what cannot be true is refused and must change nothing."""
        outcomes = self.run(take(self.program_id, [message]))
        assert outcomes[0].judged, "judging failed"
        if outcomes[0].refused is None:
            self.sent.append(message)
            if isinstance(message, OrderMessage):
                self.orders[message.external_id] = message

    def state(self, number: int, status: OrderStatus, **changes: Any) -> None:
        """A later state of one of the orders, where there is one."""
        if self.orders:
            order = list(self.orders.values())[number % len(self.orders)]
            self.now += timedelta(minutes=1)
            self.send(replace(order, status=status, updated_at=self.now, **changes))

    @rule(partner=some_partner, total=st.integers(1, 60_000), pieces=st.integers(1, 3), paid=st.booleans())
    def order(self, partner: str, total: int, pieces: int, paid: bool) -> None:
        self.now += timedelta(minutes=1)
        self.send(self._order(partner, total, pieces, self.now, paid=paid))

    @rule(partner=some_partner, total=st.integers(1, 60_000), hours=st.integers(1, 900))
    def late_order(self, partner: str, total: int, hours: int) -> None:
        self.now += timedelta(minutes=1)
        self.send(self._order(partner, total, 1, self.now - timedelta(hours=hours), paid=True))

    def _order(self, partner: str, total: int, pieces: int, at: datetime, *, paid: bool) -> OrderMessage:
        return OrderMessage(
            external_id=str(len(self.sent) + 1),
            status=OrderStatus.PAID if paid else OrderStatus.PLACED,
            updated_at=at,
            placed_at=at,
            paid_at=at if paid else None,
            partner=partner,
            lines=(LineMessage("1", pieces * MICRO, total), LineMessage("2", MICRO, 777)),
        )

    @rule(number=some_order)
    def pay(self, number: int) -> None:
        if self.orders:
            order = list(self.orders.values())[number % len(self.orders)]
            self.state(number, OrderStatus.PAID, paid_at=order.paid_at or self.now)

    @rule(number=some_order)
    def cancel(self, number: int) -> None:
        self.state(number, OrderStatus.CANCELLED, cancelled_at=self.now)

    @rule(number=some_order)
    def uncancel(self, number: int) -> None:
        self.pay(number)

    @rule(number=some_order, total=st.integers(0, 60_000))
    def correct(self, number: int, total: int) -> None:
        if self.orders:
            order = list(self.orders.values())[number % len(self.orders)]
            lines = (replace(order.lines[0], total_minor=total), *order.lines[1:])
            self.state(number, order.status, lines=lines)

    @rule(number=some_order, amount=st.integers(1, 20_000), earlier=st.integers(0, 3000))
    def refund_money(self, number: int, amount: int, earlier: int) -> None:
        self._refund(number, earlier, amount_minor=amount)

    @rule(number=some_order, pieces=st.integers(1, 2))
    def refund_pieces(self, number: int, pieces: int) -> None:
        self._refund(number, 0, lines=(RefundLineMessage("1", pieces * MICRO),))

    def _refund(self, number: int, earlier: int, **what: Any) -> None:
        if self.orders:
            order = list(self.orders)[number % len(self.orders)]
            self.now += timedelta(minutes=1)
            at = self.now - timedelta(minutes=earlier)
            self.send(RefundMessage(order, f"R{len(self.sent)}", at, **what))

    @rule(number=some_order, partner=some_partner)
    def move_card(self, number: int, partner: str) -> None:
        if self.orders:
            order = list(self.orders)[number % len(self.orders)]
            self.now += timedelta(minutes=1)
            self.send(CardMessage(order, self.now, partner=partner))

    @rule(number=some_order)
    def say_again(self, number: int) -> None:
        if self.sent:
            before = self.run(_totals(self.program_id))
            self.run(take(self.program_id, [self.sent[number % len(self.sent)]]))
            assert self.run(_totals(self.program_id)) == before, "a repetition has changed something"

    @rule(later=minutes)
    def release(self, later: int) -> None:
        self.now += timedelta(minutes=later)
        self.run(release_due(self.now))

    @rule(days=st.integers(1, 20))
    def days_go_by(self, days: int) -> None:
        self.run(self._turn(self.now + timedelta(days=days)))
        self.now += timedelta(days=days)

    async def _turn(self, until: datetime) -> None:
        zone = (await versions(self.program_id))[-1].terms.zone
        midnight = next_midnight(self.now, zone)
        while midnight <= until:
            with clock.at(midnight):
                await recalculate_program_levels(self.program_id, midnight)
                await release_due(midnight)
            midnight = next_midnight(midnight, zone)

    @rule(partner=some_partner, part=st.integers(1, 110))
    def ask_payout(self, partner: str, part: int) -> None:
        """For so many hundredths of what is available; more than that is refused."""
        partner_id = self.partner_ids[partner]
        available = self.run(balances([partner_id]))[partner_id].available_minor
        asked = payouts.request_payout(
            self.program_id,
            partner_id,
            amount_minor=max(100, available * part // 100),
            action_id=f"{self.program_id}-{len(self.sent)}-{len(self.asked)}-{part}",
        )
        payout_id = self._may_be_refused(asked)
        if payout_id is not None:
            self.asked.append(payout_id)

    @rule(number=some_order, step=st.sampled_from(["approve", "pay", "reject"]))
    def decide_payout(self, number: int, step: str) -> None:
        if not self.asked:
            return
        payout_id = self.asked[number % len(self.asked)]
        if step == "approve":
            self._may_be_refused(payouts.approve(self.program_id, payout_id, user_id=self.approver))
        elif step == "pay":
            self._may_be_refused(payouts.approve(self.program_id, payout_id, user_id=self.approver))
            self._may_be_refused(payouts.mark_paid(self.program_id, payout_id, user_id=self.payer))
        else:
            self._may_be_refused(
                payouts.reject(self.program_id, payout_id, user_id=self.payer, reason="test")
            )

    def _may_be_refused(self, work: Coroutine[Any, Any, Any]) -> Any:
        try:
            return self.run(work)
        except DomainError:
            return None

    def check_invariants(self, *args: Any, **kwargs: Any) -> None:
        """Hypothesis calls this after every step."""
        super().check_invariants(*args, **kwargs)
        if hasattr(self, "payer"):
            self.run(_books_hold())

    def teardown(self) -> None:
        if hasattr(self, "payer"):
            self.run(self._end())

    async def _end(self) -> None:
        await seal(self.program_id)
        assert [result for result in await run_checks() if result.count] == []
        replayed = await replay(self.program_id)
        assert replayed.differences == []
        assert await retried(self.program_id) == 0


async def _books_hold() -> None:
    for check in CHECKS:
        assert await db.fetch(check.sql, None) == [], check.name


async def _totals(program_id: int) -> list[Any]:
    row = await db.fetchrow(
        """
        SELECT (SELECT count(*) FROM order_events WHERE program_id = $1),
            (SELECT count(*) FROM commission_entries WHERE program_id = $1),
            (SELECT count(*) FROM journal_entries WHERE program_id = $1),
            (SELECT sum(amount_minor) FROM commissions WHERE program_id = $1)
        """,
        program_id,
    )
    assert row is not None
    return list(row.values())
