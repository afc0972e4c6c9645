"""What each kind of event does on the real application, and the log of it for the second time.

The shop's events are requests of the API, each with an Idempotency-Key of its own; a person's are forms of the real
pages, filled in after signing in; what staff do by command (terms, a partner's level) is the command's service call.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from app.commissions.runs import work_off_runs
from app.errors import DomainError
from app.partners.queries import partner as find_partner
from app.partners.service import set_level, set_own_rates, set_parent, set_state
from app.payouts.decisions import PayoutState
from app.payouts.paper_queries import act_to_sign
from app.payouts.queries import oldest
from app.programs.service import publish_changes
from app.rules.facts import OrderStatus
from app.rules.money import currency_exponent, format_minor
from app.scenario.files import Document, Event, rate
from app.scenario.people import Person
from app.scenario.stage import Stage
from app.tracking.links import NewLink, create_link
from tasks.sweeps import run_due_jobs

USUAL_BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36"
)
"""Of a click that names none."""


@dataclass(frozen=True, slots=True)
class Done:
    """What an event led to."""

    status: int
    code: str = ""
    """The error's code; empty: none, or a page's."""
    detail: str = ""
    answer: Document = field(default_factory=dict)
    body: bytes = b""
    """What was sent to the API."""

    @property
    def refused(self) -> bool:
        """Whether it was refused."""
        return self.status >= 400


Again = Callable[[], Awaitable[int]]
"""Sends a request once more; its status."""


class Actions:
    """Plays events on a stage and keeps the log of the requests."""

    def __init__(self, stage: Stage, currency: str) -> None:
        self.stage = stage
        self.log: list[tuple[str, Again]] = []
        self._exponent = currency_exponent(currency)
        self._orders: dict[str, Document] = {}
        self.link_numbers: dict[str, int] = {}

    async def play(self, event: Event) -> Done:
        """Do what the event says; a refusal is an answer as well."""
        done: Done = await getattr(self, f"_{event.kind}")(event)
        return done

    async def _order(self, event: Event) -> Done:
        """The order's last accepted body with the event's keys over it."""
        own = _plain(event.values)
        external_id = str(own.pop("external_id", ""))
        body = {
            **self._orders.get(external_id, {}),
            **own,
            "updated_at": own.get("updated_at", _text(event.at)),
        }
        _fill_moments(body, _text(event.at))
        done = await self._request(event, "PUT", f"/api/v1/orders/{_step(external_id)}", body)
        if not done.refused:
            self._orders[external_id] = body
        return done

    async def _refund(self, event: Event) -> Done:
        body = {"at": _text(event.at)} | _plain(event.values)
        return await self._request(event, "POST", f"/api/v1/orders/{_step(body.pop('order'))}/refunds", body)

    async def _card(self, event: Event) -> Done:
        body = _plain(event.values)
        return await self._request(event, "PATCH", f"/api/v1/orders/{_step(body.pop('order'))}/card", body)

    async def _register(self, event: Event) -> Done:
        body = {"registered_at": _text(event.at)} | _plain(event.values)
        return await self._request(event, "PUT", f"/api/v1/customers/{_step(body.pop('customer'))}", body)

    async def _redeem(self, event: Event) -> Done:
        body = _plain(event.values)
        path = f"/api/v1/customers/{_step(body.pop('customer'))}/cashback/redemptions"
        return await self._request(event, "POST", path, body)

    async def _seller(self, event: Event) -> Done:
        body = {"registered_at": _text(event.at)} | _plain(event.values)
        return await self._request(event, "PUT", f"/api/v1/sellers/{_step(body.pop('external_id'))}", body)

    async def _click(self, event: Event) -> Done:
        values = event.values
        link = await self._link(values)
        body = {
            "link": link,
            "visitor_id": values.get("visitor", ""),
            "user_agent": values.get("user_agent", USUAL_BROWSER),
            "ip": values.get("ip", "192.0.2.1"),
            "at": _text(event.at),
        }
        if "landing" in values:
            body["landing_url"] = values["landing"]
        return await self._request(event, "POST", "/api/v1/clicks", body)

    def link_code(self, values: Document) -> str:
        """Code of the link that a click goes through: the partner's first one, or one that the scenario names."""
        partner, name = values["partner"].lower(), values.get("link", "")
        if not name:
            return self.stage.links[partner]
        return f"{self.stage.program[9:]}-{partner}-{name}".lower()[:32].strip("-")

    async def _link(self, values: Document) -> str:
        """The same; a named link is made when it is first used."""
        code = self.link_code(values)
        if "link" in values and code not in self.link_numbers:
            partner_id = self.stage.partners[values["partner"].lower()]
            new = NewLink(target="", name=values["link"], code=code)
            await create_link(self.stage.program_id, partner_id, new)
        self.link_numbers.setdefault(code, len(self.link_numbers) + 1)
        return code

    async def _payout(self, event: Event) -> Done:
        person = self.stage.people[event.values["partner"].lower()]
        amount = format_minor(event.values["amount_minor"], self._exponent)
        return await self._form(event, person, "/payouts", "/payouts", {"amount": amount})

    async def _approve_payout(self, event: Event) -> Done:
        return await self._decide(event, self.stage.accountants[0], "approve", (PayoutState.REQUESTED,))

    async def _pay_payout(self, event: Event) -> Done:
        return await self._decide(event, self.stage.accountants[1], "paid", (PayoutState.APPROVED,))

    async def _sign_act(self, event: Event) -> Done:
        """The partner accepts his oldest unsigned act online; one that is signed already is accepted again."""
        code = event.values["partner"].lower()
        partner_id = self.stage.partners[code]
        act_id = await act_to_sign(partner_id)
        if act_id is None:
            return Done(422, "no_act", "there is no act to sign")
        page = f"/acts/{act_id}"
        return await self._form(event, self.stage.people[code], page, f"{page}/accept", {"agree": "yes"})

    async def _reject_payout(self, event: Event) -> Done:
        return await self._decide(
            event,
            self.stage.accountants[0],
            "reject",
            (PayoutState.REQUESTED, PayoutState.APPROVED),
            {"reason": "scenario"},
        )

    async def _decide(
        self,
        event: Event,
        person: Person,
        verb: str,
        states: tuple[PayoutState, ...],
        values: Document | None = None,
    ) -> Done:
        """The accountant's button beside the oldest request in a fitting state."""
        partner_id = self.stage.partners[event.values["partner"].lower()]
        program_id = self.stage.program_id
        payout_id = await oldest(program_id, partner_id, *states) or await oldest(
            program_id, partner_id, *PayoutState
        )
        if payout_id is None:
            return Done(422, "no_payout", "there is no payout to decide about")
        action = f"/desk/payouts/{payout_id}/{verb}"
        return await self._form(event, person, "/desk/payouts", action, values or {})

    async def _top_up(self, event: Event) -> Done:
        """The accountant writes down what the merchant has put on the deposit."""
        values = {
            "amount": format_minor(event.values["amount_minor"], self._exponent),
            "reference": event.place,
        }
        page = "/desk/deposit"
        return await self._form(event, self.stage.accountants[0], page, f"{page}/top-ups", values)

    async def _calculate(self, event: Event) -> Done:
        """Staff start a periodic run; the worker, woken at once, works it off."""
        values = event.values
        sent = {"action": values.get("action", "reserve"), "step": str(values.get("step", 50))}
        sent["partners"] = " ".join(values.get("partners", []))
        for name in ("from", "to", "plan_from", "plan_to"):
            sent[name] = values[name].isoformat() if name in values else ""
        done = await self._form(event, self.stage.accountants[0], "/desk/runs", "/desk/runs", sent)
        await work_off_runs(self.stage.program_id)
        return done

    async def _adjust(self, event: Event) -> Done:
        amount = event.values["amount_minor"]
        values = {
            "partner": event.values["partner"],
            "direction": "give" if amount > 0 else "take",
            "amount": format_minor(abs(amount), self._exponent),
            "reason": event.values.get("reason", ""),
        }
        page = "/desk/adjustments"
        return await self._form(event, self.stage.accountants[0], page, page, values)

    async def _publish_terms(self, event: Event) -> Done:
        return await self._command(publish_changes(self.stage.program_id, event.values, from_moment=event.at))

    async def _set_partner(self, event: Event) -> Done:
        return await self._command(self._set(event))

    async def _set(self, event: Event) -> None:
        values = event.values
        partner_id = self.stage.partners[values["code"].lower()]
        if "level" in values or "pinned" in values:
            await set_level(
                partner_id,
                values.get("level"),
                pinned=bool(values.get("pinned")),
                note="scenario",
                at=event.at,
            )
        if not {"own_rate", "own_rate_direct", "plan"}.isdisjoint(values):
            before = await find_partner(partner_id)
            external = rate(values.get("own_rate"), f"{event.place}.own_rate")
            direct = rate(values.get("own_rate_direct"), f"{event.place}.own_rate_direct")
            await set_own_rates(
                partner_id,
                external=before.own_rate if external is None else external,
                direct=before.own_rate_direct if direct is None else direct,
                plan=values.get("plan", before.plan),
                at=event.at,
            )
        if "parent" in values:
            above = values["parent"].lower()
            await set_parent(
                partner_id, self.stage.partners[above] if above else None, note="scenario", at=event.at
            )
        if "state" in values:
            await set_state(partner_id, values["state"], reason="scenario", at=event.at)

    async def _currency_rate(self, event: Event) -> Done:
        values = event.values
        path = f"/api/v1/currency-rates/{_step(values['currency'])}/{_step(values['day'])}"
        return await self._request(event, "PUT", path, {"rate": str(values["rate"]), "source": "scenario"})

    async def _run_jobs(self, event: Event) -> Done:
        await run_due_jobs(event.at)
        return Done(200)

    async def _command(self, work: Awaitable[object]) -> Done:
        try:
            await work
        except DomainError as error:
            return Done(error.status, error.code, str(error))
        return Done(200)

    async def _request(self, event: Event, method: str, path: str, body: Document) -> Done:
        raw = msgspec.json.encode(body)
        headers = {"Content-Type": "application/json", "Idempotency-Key": event.place}

        async def again() -> int:
            return (await self.stage.api.request(method, path, content=raw, headers=headers)).status_code

        answer = await self.stage.api.request(method, path, content=raw, headers=headers)
        self.log.append((event.place, again))
        return _done(answer, raw)

    async def _form(
        self, event: Event, person: Person, page: str, action: str, values: dict[str, str]
    ) -> Done:
        answer, sent = await person.submit(page, action, values)

        async def again() -> int:
            return int((await person.repeat(page, action, sent)).status_code)

        self.log.append((event.place, again))
        return Done(answer.status_code)


def _done(answer: httpx.Response, raw: bytes) -> Done:
    document = answer.json()
    if answer.status_code < 400:
        return Done(answer.status_code, answer=document, body=raw)
    fields = "; ".join(f"{one['pointer']} {one['code']}" for one in document.get("errors", []))
    detail = f"{document['detail']} {fields}".strip()
    return Done(answer.status_code, document["code"], detail, document, raw)


def _fill_moments(body: Document, at: str) -> None:
    """Moments that the status implies and nobody has told are the event's; leaving `cancelled` drops its moment."""
    status = body.get("status")
    implied = {
        OrderStatus.PLACED: ("placed_at",),
        OrderStatus.PAID: ("placed_at", "paid_at"),
        OrderStatus.FULFILLED: ("placed_at", "paid_at", "fulfilled_at"),
        OrderStatus.CANCELLED: ("placed_at", "cancelled_at"),
    }
    if status != OrderStatus.CANCELLED:
        body.pop("cancelled_at", None)
    for name in implied[OrderStatus(status)] if status in set(OrderStatus) else ():
        body.setdefault(name, at)


def _step(name: object) -> str:
    """A name as one step of an address."""
    return quote(str(name), safe="")


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _plain(values: Document) -> Document:
    """TOML's moments as JSON's."""
    return {name: _plain_value(value) for name, value in values.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return _plain(value)
    if isinstance(value, list):
        return [_plain_value(one) for one in value]
    return value
