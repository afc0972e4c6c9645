"""Runs a scenario: every event on the real application and through the rules alone, expectations where they hold.

Afterwards the ledger is checked, the history is folded again, and the whole log of requests is sent a second time:
nothing may change.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from app import clock, db
from app.commissions.replay import replay
from app.commissions.simulation import retried
from app.errors import DomainError
from app.orders.messages import Message
from app.programs.scope import only_program
from app.reports.checks import run_checks
from app.scenario.actions import Actions, Done
from app.scenario.expectations import Actual, Row, compare, compare_rules
from app.scenario.files import Event, Expectation, Scenario
from app.scenario.mirror import Mirror
from app.scenario.people import PersonError
from app.scenario.stage import BEGINNING, Stage, build, leave
from app.shops.bodies import parse_card, parse_order, parse_refund
from tasks.events import work_off_events


@dataclass(slots=True)
class Report:
    """What a scenario came to."""

    scenario: Scenario
    rows: list[Row] = field(default_factory=list)
    """Expected beside actual, in the order in which they were looked at."""
    failures: list[str] = field(default_factory=list)
    """What else went wrong: an event refused or not refused, the check, the second time."""

    @property
    def holds(self) -> bool:
        """Everything came out as expected."""
        return not self.failures and all(row.holds for row in self.rows)


async def run(app: Any, scenario: Scenario) -> Report:
    """Run a scenario on `app`."""
    stage = await build(app, scenario)
    token = only_program.set(stage.program_id)
    try:
        return await _Run(stage, scenario).all()
    finally:
        only_program.reset(token)
        await leave(stage)


class _Run:
    """One run of one scenario."""

    def __init__(self, stage: Stage, scenario: Scenario) -> None:
        self.stage = stage
        self.scenario = scenario
        self.mirror = Mirror(scenario, BEGINNING)
        self.actions = Actions(stage, self.mirror.currency)
        self.report = Report(scenario)

    async def all(self) -> Report:
        """Every step, then the proofs."""
        last = clock.now()
        for step in self.scenario.steps:
            last = step.at or last
            with clock.at(last):
                if isinstance(step, Event):
                    await self._event(step)
                else:
                    await self._expectation(step)
        with clock.at(last + timedelta(seconds=1)):
            await self._prove()
            await self._second_time()
        return self.report

    async def _event(self, event: Event) -> None:
        before = await snapshot(self.stage.program_id) if event.refused is not None else None
        try:
            done = await self.actions.play(event)
        except PersonError as error:
            self._fail(event, str(error))
            return
        while await work_off_events({}):
            """A worker that is woken does this at once."""
        if before is None:
            if done.refused:
                self._fail(event, f"refused with {done.status} {done.code} {done.detail}".rstrip())
        elif event.refused not in (done.status, done.code):
            self._fail(
                event, f"must be refused with {event.refused}, but it answered {done.status} {done.code}"
            )
        elif await snapshot(self.stage.program_id) != before:
            self._fail(event, "it was refused and still changed something")
        self._reflect(event, done)

    def _reflect(self, event: Event, done: Done) -> None:
        """The same event through the rules alone; what one of the two refuses the other must refuse as well."""
        values = event.values
        match event.kind:
            case "order" | "refund" | "card":
                self._reflect_message(event, done)
            case "click" if not done.refused:
                links = self.actions.link_numbers
                link = links[self.actions.link_code(values)]
                reason = done.answer["reason"] or ""
                self.mirror.click(
                    event.at, values["partner"], done.answer["visitor_id"], link=link, reason=reason
                )
            case "register" if not done.refused:
                self.mirror.register(event.at, values)
            case "seller" if not done.refused:
                self.mirror.seller(event.at, values)
            case "publish_terms" if not done.refused:
                self.mirror.publish(event.at, values)
            case "set_partner" if not done.refused:
                self.mirror.set_partner(event.at, values)
            case "calculate" if not done.refused:
                self.mirror.calculate(event.at, values)
            case "adjust" if not done.refused:
                self.mirror.adjust(values)
            case "redeem":
                if self.mirror.redeem(event.at, values) == done.refused:
                    self._fail(
                        event, f"the rules say otherwise than the application: {done.status} {done.code}"
                    )
            case "currency_rate" if not done.refused:
                self.mirror.currency_rate(values)
            case "run_jobs":
                self.mirror.run_jobs(event.at)

    def _reflect_message(self, event: Event, done: Done) -> None:
        try:
            refused = self.mirror.take(_message(event, done))
        except DomainError as error:
            refused = error
        if (refused is not None) != done.refused:
            self._fail(event, f"the rules say {refused or 'yes'}, the application {done.status} {done.code}")

    async def _expectation(self, expectation: Expectation) -> None:
        actual = await Actual.read(self.stage, expectation.values.get("cashback", {}))
        self.report.rows += compare(expectation, actual)
        self.report.rows += compare_rules(expectation, self.mirror)

    async def _prove(self) -> None:
        """`tandem check` and `tandem replay` of the program."""
        for result in await run_checks(self.stage.program_id):
            self.report.failures += [f"check: {result.says}: {row}" for row in result.rows]
        replayed = await replay(self.stage.program_id)
        self.report.failures += [
            f"replay: order {one.order} {one.kind}: {one.recorded_minor} is recorded, {one.replayed_minor} comes out"
            for one in replayed.differences
        ]
        if changed := await retried(self.stage.program_id):
            self.report.failures.append(
                f"simulate: {changed} orders come out otherwise under their own terms"
            )

    async def _second_time(self) -> None:
        before = await snapshot(self.stage.program_id)
        for _place, again in self.actions.log:
            await again()
        while await work_off_events({}):
            """What the requests led to."""
        after = await snapshot(self.stage.program_id)
        self.report.failures += [
            f"the second time changed {name}" for name in before if before[name] != after[name]
        ]

    def _fail(self, event: Event, what: str) -> None:
        self.report.failures.append(f"{event.place} ({event.kind} at {event.at.isoformat()}): {what}")


def _message(event: Event, done: Done) -> Message:
    """What was sent, as the rules' side reads it. DomainError: its form is wrong."""
    order = str(event.values.get("external_id" if event.kind == "order" else "order", ""))
    match event.kind:
        case "order":
            return parse_order(done.body, order, event.at).message
        case "refund":
            return parse_refund(done.body, order, event.at)
        case _:
            return parse_card(done.body, order, event.at)


_SNAPSHOT = {
    "orders": """
        SELECT external_id, status, updated_at, paid_at, refunded_minor, card_partner_id, card_status, reward_minor
        FROM orders WHERE program_id = $1 ORDER BY id""",
    "order events": "SELECT id FROM order_events WHERE program_id = $1 ORDER BY id",
    "commissions": """
        SELECT id, state, amount_minor, accrued_minor, release_at FROM commissions
        WHERE program_id = $1 ORDER BY id""",
    "the journal": "SELECT id FROM journal_entries WHERE program_id = $1 ORDER BY id",
    "balances": """
        SELECT account.id, balance.balance_minor
        FROM ledger_accounts AS account JOIN ledger_balances AS balance ON balance.account_id = account.id
        WHERE account.program_id = $1 ORDER BY account.id""",
    "clicks": "SELECT id, counted FROM clicks WHERE program_id = $1 ORDER BY id",
    "settlements": "SELECT id FROM commission_settlements WHERE program_id = $1 ORDER BY id",
    "runs": "SELECT id, state FROM calculation_runs WHERE program_id = $1 ORDER BY id",
    "top-ups": "SELECT id, amount_minor FROM deposit_top_ups WHERE program_id = $1 ORDER BY id",
    "payouts": "SELECT id, state, amount_minor FROM payouts WHERE program_id = $1 ORDER BY id",
    "partners": "SELECT id, level, state, own_rate, own_rate_direct, plan FROM partners WHERE program_id = $1 ORDER BY id",
    "customers": "SELECT id, registered_at FROM customers WHERE program_id = $1 ORDER BY id",
    "cashback lots": """
        SELECT id, left_minor, available_at, expires_at FROM cashback_lots WHERE program_id = $1 ORDER BY id""",
    "cashback": "SELECT id FROM cashback_entries WHERE program_id = $1 ORDER BY id",
    "cashback earnings": """
        SELECT id, amount_minor, pending_minor, due_at, released FROM cashback_earnings
        WHERE program_id = $1 ORDER BY id""",
    "reservations": "SELECT id, state FROM cashback_redemptions WHERE program_id = $1 ORDER BY id",
    "currency rates": "SELECT currency, day, rate FROM program_currency_rates WHERE program_id = $1 ORDER BY id",
    "terms": "SELECT number FROM program_terms WHERE program_id = $1 ORDER BY number",
    "notices": "SELECT id FROM notices WHERE program_id = $1 ORDER BY id",
}


async def snapshot(program_id: int) -> dict[str, Sequence[tuple[Any, ...]]]:
    """Everything that a repeated or refused request must leave as it is."""
    return {name: [tuple(row) for row in await db.fetch(sql, program_id)] for name, sql in _SNAPSHOT.items()}
