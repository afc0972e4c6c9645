"""Reads a scenario's file. Every key is known or an error; moments never fall; what is not built yet is named.

A file is one program with its terms and partners, events in the order of the file, and expectations. An expectation
with a moment holds after all events of the same or an earlier one; without a moment, at the end.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

from app.rules.money import parse_rate
from app.rules.terms_document import merge_document, parse_terms
from app.rules.terms_messages import TermsError

Document: TypeAlias = dict[str, Any]


class ScenarioError(Exception):
    """The file cannot be read; the message names the place."""


@dataclass(frozen=True, slots=True)
class ScenarioPartner:
    """One of `[[partners]]`."""

    code: str
    parent: str = ""
    level: str = ""
    pinned: bool = False
    own_rate: int | None = None
    own_rate_direct: int | None = None
    plan: str = ""
    joined_at: datetime | None = None
    email: str = ""
    phone: str = ""
    kind: str = "person"
    promo_codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """One of `[[events]]`."""

    at: datetime
    kind: str
    values: Any
    """The table (or `true` of run_jobs), keys checked."""
    refused: int | str | None
    """A status or an error code: it must be refused so."""
    place: str
    """Where it stands, for messages: `events[3]`."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """One of `[[expect]]`."""

    at: datetime | None
    values: Document
    place: str


Step: TypeAlias = Event | Expectation


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole file."""

    name: str
    title: str
    source: str
    terms: Document
    partners: tuple[ScenarioPartner, ...]
    steps: tuple[Step, ...]
    """Events, and expectations where they hold."""


def load(path: Path) -> Scenario:
    """Read a file. ScenarioError names what is wrong in it."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ScenarioError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: {error}") from error
    return read(document, path.stem)


def read(document: Document, name: str) -> Scenario:
    """A scenario from its document."""
    _known(document, "", {"title", "source", "terms", "partners", "events", "expect"})
    terms = _table(document.get("terms", {}), "terms")
    _check_terms(terms, "terms")
    partners = tuple(_partner(_table(one, place), place) for place, one in _items(document, "partners"))
    events = [_event(_table(one, place), place) for place, one in _items(document, "events")]
    for before, after in pairwise(events):
        if after.at < before.at:
            raise ScenarioError(f"{after.place}: `at` must not fall")
    _check_published(terms, events)
    _check_names(partners, events)
    expectations = [_expectation(_table(one, place), place) for place, one in _items(document, "expect")]
    return Scenario(
        name=name,
        title=_text(document, "title", ""),
        source=_text(document, "source", ""),
        terms=terms,
        partners=partners,
        steps=_in_order(events, expectations),
    )


def _in_order(events: Sequence[Event], expectations: Sequence[Expectation]) -> tuple[Step, ...]:
    """Events in their order, each expectation behind the last event that it waits for."""
    steps: list[Step] = []
    waiting = sorted(
        ((one.at, index, one) for index, one in enumerate(expectations) if one.at is not None),
    )
    for event in events:
        while waiting and waiting[0][0] < event.at:
            steps.append(waiting.pop(0)[2])
        steps.append(event)
    at_the_end = (one for one in expectations if one.at is None)
    return (*steps, *(one for _at, _index, one in waiting), *at_the_end)


PARTNER_KEYS = {
    "code",
    "parent",
    "level",
    "pinned",
    "plan",
    "own_rate",
    "own_rate_direct",
    "joined_at",
    "email",
    "phone",
    "kind",
    "promo_codes",
}


def _partner(values: Document, place: str) -> ScenarioPartner:
    _known(values, place, PARTNER_KEYS)
    if "code" not in values:
        raise ScenarioError(f"{place}.code is missing")
    joined_at = values.get("joined_at")
    return ScenarioPartner(
        code=_text(values, "code", place),
        parent=_text(values, "parent", place),
        level=_text(values, "level", place),
        pinned=values.get("pinned", False) is True,
        own_rate=rate(values.get("own_rate"), f"{place}.own_rate"),
        own_rate_direct=rate(values.get("own_rate_direct"), f"{place}.own_rate_direct"),
        plan=_text(values, "plan", place),
        joined_at=moment(joined_at, f"{place}.joined_at") if joined_at is not None else None,
        email=_text(values, "email", place),
        phone=_text(values, "phone", place),
        kind=_text(values, "kind", place) or "person",
        promo_codes=tuple(values.get("promo_codes", [])),
    )


EVENT_KEYS: dict[str, set[str]] = {
    "click": {"partner", "visitor", "user_agent", "ip", "link", "landing"},
    "refund": {"order", "external_id", "at", "amount_minor", "lines"},
    "register": {"customer", "visitor_id", "click_id", "promo_code"},
    "card": {"order", "promo_code", "partner"},
    "seller": {"external_id", "registered_at", "partner"},
    "payout": {"partner", "amount_minor"},
    "approve_payout": {"partner"},
    "pay_payout": {"partner"},
    "reject_payout": {"partner"},
    "sign_act": {"partner"},
    "top_up": {"amount_minor"},
    "adjust": {"partner", "amount_minor", "reason"},
    "redeem": {"customer", "order", "amount_minor"},
    "currency_rate": {"currency", "day", "rate"},
    "calculate": {"partners", "from", "to", "plan_from", "plan_to", "action", "step"},
    "set_partner": {"code", "level", "pinned", "plan", "own_rate", "own_rate_direct", "state", "parent"},
}
"""Keys of each kind of event; `order` and `publish_terms` are checked by the API and by the terms."""

WITHOUT_PERSON = (
    "order",
    "card",
    "refund",
    "register",
    "seller",
    "redeem",
    "publish_terms",
    "run_jobs",
    "top_up",
    "currency_rate",
    "calculate",
)
"""Kinds of events that name no partner who must be one of the file's."""

FREE_FORM = ("order", "publish_terms", "run_jobs")


def _event(values: Document, place: str) -> Event:
    kinds = [key for key in values if key not in ("at", "refused")]
    if len(kinds) != 1:
        raise ScenarioError(f"{place}: one kind of event is expected, not {kinds or 'none'}")
    kind = kinds[0]
    if kind not in EVENT_KEYS and kind not in FREE_FORM:
        raise ScenarioError(f"{place}: unknown event `{kind}`")
    body = values[kind]
    if kind == "run_jobs":
        if body is not True:
            raise ScenarioError(f"{place}.run_jobs must be true")
    else:
        body = _table(body, f"{place}.{kind}")
        if kind in EVENT_KEYS:
            _known(body, f"{place}.{kind}", EVENT_KEYS[kind])
        if "registered_at" in body:
            moment(body["registered_at"], f"{place}.{kind}.registered_at")
    refused = values.get("refused")
    if refused is not None and not isinstance(refused, int | str):
        raise ScenarioError(f"{place}.refused must be a status or an error code")
    return Event(moment(values.get("at"), f"{place}.at"), kind, body, refused, place)


EXPECT_KEYS = {"at", "commissions", "balances", "levels", "states", "card", "cashback", "deposit", "notices"}
COMMISSION_KEYS = {"order", "partner", "kind", "tier", "amount_minor"}
BALANCE_KEYS = {"pending", "available", "reserved", "debt", "paid"}
CASHBACK_KEYS = {"pending", "available", "reserved", "spent", "expired", "written_off"}
CARD_KEYS = {"reward_minor", "status", "partner", "promo_code", "ref_code", "terms", "deal_id"}


def _expectation(values: Document, place: str) -> Expectation:
    _known(values, place, EXPECT_KEYS)
    for index, row in enumerate(values.get("commissions", [])):
        _known(_table(row, place), f"{place}.commissions[{index}]", COMMISSION_KEYS)
        for key in ("partner", "kind", "amount_minor"):
            if key not in row:
                raise ScenarioError(f"{place}.commissions[{index}].{key} is missing")
        if row["kind"] not in (
            "direct",
            "tier",
            "seller",
            "seller_parent",
            "bonus",
            "volume_bonus",
            "adjustment",
        ):
            raise ScenarioError(f"{place}.commissions[{index}].kind: unknown kind {row['kind']}")
        if "order" not in row and row["kind"] in ("direct", "tier"):
            raise ScenarioError(f"{place}.commissions[{index}].order is missing")
    _known(_table(values.get("deposit", {}), f"{place}.deposit"), f"{place}.deposit", {"available"})
    for key, allowed in (("balances", BALANCE_KEYS), ("card", CARD_KEYS), ("cashback", CASHBACK_KEYS)):
        for name, row in _table(values.get(key, {}), f"{place}.{key}").items():
            _known(_table(row, f"{place}.{key}.{name}"), f"{place}.{key}.{name}", allowed)
    at = values.get("at")
    return Expectation(moment(at, f"{place}.at") if at is not None else None, values, place)


def _check_names(partners: Sequence[ScenarioPartner], events: Sequence[Event]) -> None:
    """Whoever acts must be one of the partners; whom an order names is the application's to judge."""
    known = {one.code.lower() for one in partners}
    if len(known) != len(partners):
        raise ScenarioError("two partners have the same code")
    for one in partners:
        if one.parent and one.parent.lower() not in known:
            raise ScenarioError(f"partner {one.code}: unknown parent {one.parent}")
    for event in events:
        if event.kind in WITHOUT_PERSON:
            continue
        name = event.values.get("code" if event.kind == "set_partner" else "partner")
        if not isinstance(name, str) or name.lower() not in known:
            raise ScenarioError(f"{event.place}.{event.kind}: unknown partner {name}")


def _check_published(terms: Document, events: Sequence[Event]) -> None:
    """Every version that the events publish, each laid over the one before."""
    present = terms
    for event in events:
        if event.kind == "publish_terms":
            present = merge_document(present, event.values)
            if event.refused is None:
                _check_terms(present, f"{event.place}.publish_terms")


def _check_terms(terms: Document, place: str) -> None:
    try:
        parse_terms(terms)
    except TermsError as error:
        problem = error.problems[0]
        raise ScenarioError(f"{place}.{problem.path}: {problem.message()}") from error


def moment(value: object, place: str) -> datetime:
    """A moment with an offset, in UTC."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ScenarioError(f"{place} must be a moment with an offset")
    return value.astimezone(UTC)


def rate(value: object, place: str) -> int | None:
    """`"12%"` in millionths; None: not given."""
    if value is None:
        return None
    try:
        return parse_rate(str(value))
    except ValueError as error:
        raise ScenarioError(f"{place}: {error}") from error


def _known(values: Mapping[str, Any], place: str, allowed: set[str]) -> None:
    for key in values:
        if key not in allowed:
            raise ScenarioError(f"unknown key `{place}.{key}`" if place else f"unknown key `{key}`")


def _items(document: Document, key: str) -> list[tuple[str, Any]]:
    items = document.get(key, [])
    if not isinstance(items, list):
        raise ScenarioError(f"{key} must be a list of tables")
    return [(f"{key}[{index}]", one) for index, one in enumerate(items)]


def _table(value: object, place: str) -> Document:
    if not isinstance(value, dict):
        raise ScenarioError(f"{place} must be a table")
    return value


def _text(values: Document, key: str, place: str) -> str:
    value = values.get(key, "")
    if not isinstance(value, str):
        raise ScenarioError(f"{place}.{key} must be a text")
    return value
