"""Compares what a scenario expects with what came out, row by row, so that both can be shown side by side."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from app.ledger.queries import deposit_balance
from app.notices.queries import kinds_of
from app.scenario.files import Document, Expectation
from app.scenario.mirror import CommissionKey, Mirror
from app.scenario.stage import Stage


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the comparison."""

    place: str
    what: str
    expected: str
    actual: str
    by_rules: bool = False
    """From the run through the rules alone."""

    @property
    def holds(self) -> bool:
        """Both are the same."""
        return self.expected == self.actual


@dataclass(slots=True)
class Actual:
    """What the application answers at this moment, by its API."""

    orders: dict[str, Document] = field(default_factory=dict)
    partners: dict[str, Document] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    without_order: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    """(kind, amount) of a partner's bonuses and adjustments, by his lower-cased code."""
    deposit_minor: int = 0
    cashback: dict[str, Document] = field(default_factory=dict)
    """By the customers that are asked for."""

    @classmethod
    async def read(cls, stage: Stage, customers: Iterable[str] = ()) -> "Actual":
        """All orders, partners and notices of the program."""
        actual = cls()
        for one in await _all(stage, "/api/v1/orders"):
            actual.orders[one["external_id"]] = one
        for one in await _all(stage, "/api/v1/partners"):
            actual.partners[one["code"].lower()] = one
        for customer in customers:
            answer = await stage.api.get(f"/api/v1/customers/{quote(customer, safe='')}/cashback")
            actual.cashback[customer] = answer.json() if answer.status_code == 200 else {}
        for code, user_id in stage.users.items():
            actual.notices += [f"{code}:{kind}" for kind in await kinds_of(user_id, stage.program_id)]
        for one in await _all(stage, "/api/v1/commissions"):
            if one["order"] is None:
                found = actual.without_order.setdefault(one["partner"].lower(), [])
                found.append((one["kind"], one["amount_minor"]))
        actual.deposit_minor = await deposit_balance(stage.program_id)
        return actual

    def commissions(self) -> dict[CommissionKey, int]:
        """Every stored commission, net of clawbacks."""
        return {
            (name, one["partner"], one["kind"], one["tier"]): one["amount_minor"]
            for name, order in self.orders.items()
            for one in order["commissions"]
        }


async def _all(stage: Stage, path: str) -> list[Document]:
    """Every item of a list, page by page."""
    items: list[Document] = []
    query: dict[str, str] = {"limit": "200"}
    while True:
        answer = (await stage.api.get(path, params=query)).raise_for_status().json()
        items += answer["items"]
        if answer["next_cursor"] is None:
            return items
        query["cursor"] = answer["next_cursor"]


def compare(expectation: Expectation, actual: Actual) -> list[Row]:
    """All rows of one expectation against the application."""
    values, place = expectation.values, expectation.place
    rows = _commissions(place, values.get("commissions", []), actual.commissions())
    rows += _without_order(place, values.get("commissions", []), actual.without_order)
    for code, balances in values.get("balances", {}).items():
        partner = actual.partners.get(code.lower(), {}).get("balances", {})
        for kind, amount in balances.items():
            rows.append(
                _row(place, f"{code} {kind}", amount, partner.get(f"{kind}_minor", "no such partner"))
            )
    for key, name in (("levels", "level"), ("states", "state")):
        for code, wanted in values.get(key, {}).items():
            partner = actual.partners.get(code.lower(), {})
            rows.append(_row(place, f"{code} {name}", wanted, partner.get(name, "no such partner")))
    for order, card in values.get("card", {}).items():
        rows += _card(place, order, card, actual.orders.get(order))
    if "deposit" in values:
        rows.append(_row(place, "deposit available", values["deposit"]["available"], actual.deposit_minor))
    for customer, sums in values.get("cashback", {}).items():
        rows += _cashback(place, customer, sums, actual.cashback.get(customer, {}))
    for wanted in values.get("notices", []):
        found = wanted.lower() in [one.lower() for one in actual.notices]
        rows.append(_row(place, "notice", wanted, wanted if found else "not there"))
    return rows


def compare_rules(expectation: Expectation, mirror: Mirror) -> list[Row]:
    """Commissions and levels of one expectation against the rules alone."""
    values, place = expectation.values, expectation.place
    listed = values.get("commissions", [])
    rows = _commissions(place, listed, mirror.commissions(), by_rules=True)
    rows += _without_order(place, listed, mirror.without_order, by_rules=True)
    for customer, sums in values.get("cashback", {}).items():
        rows += _cashback(place, customer, sums, mirror.cashback.sums(customer), by_rules=True)
    levels = {code.lower(): level for code, level in mirror.levels().items()}
    for code, wanted in values.get("levels", {}).items():
        rows.append(
            _row(place, f"{code} level", wanted, levels.get(code.lower(), "no such partner"), by_rules=True)
        )
    return rows


def _commissions(
    place: str, wanted: list[Document], found: dict[CommissionKey, int], *, by_rules: bool = False
) -> list[Row]:
    """The list is complete for the orders it names: what is stored beside it must be 0."""
    rows = []
    expected = {
        (one["order"], one["partner"], one["kind"], one.get("tier", 0)): one["amount_minor"]
        for one in wanted
        if "order" in one
    }
    named = {key[0] for key in expected}
    surplus = {key: 0 for key, amount in found.items() if key[0] in named and key not in expected and amount}
    for key, amount in (expected | surplus).items():
        order, partner, kind, tier = key
        what = f"order {order}: {partner} {kind}{f' {tier}' if tier else ''}"
        rows.append(_row(place, what, amount, found.get(key, "not stored"), by_rules=by_rules))
    return rows


def _without_order(
    place: str,
    wanted: list[Document],
    found: dict[str, list[tuple[str, int]]],
    *,
    by_rules: bool = False,
) -> list[Row]:
    """The list of bonuses and adjustments is complete for the partners whom it names; a stored 0 need not be in it."""
    expected: dict[str, list[tuple[str, int]]] = {}
    for one in wanted:
        if "order" not in one:
            expected.setdefault(one["partner"], []).append((one["kind"], one["amount_minor"]))
    return [
        _row(
            place,
            f"{partner} without order",
            _listed(rows),
            _listed([one for one in found.get(partner.lower(), []) if one[1] or one in rows]),
            by_rules=by_rules,
        )
        for partner, rows in expected.items()
    ]


def _listed(rows: list[tuple[str, int]]) -> str:
    return ", ".join(f"{kind} {amount}" for kind, amount in sorted(rows)) or "nothing"


def _card(place: str, order: str, wanted: Document, found: Document | None) -> list[Row]:
    card = (found or {}).get("partner_card")
    if card is None:
        return [
            _row(place, f"order {order}: card", "a card", "no such order" if found is None else "none yet")
        ]
    shown = card | {"partner": (card["partner"] or {}).get("code")}
    return [
        _row(place, f"order {order}: card {name}", value, shown.get(name)) for name, value in wanted.items()
    ]


def _cashback(
    place: str, customer: str, wanted: Document, found: Document, *, by_rules: bool = False
) -> list[Row]:
    """A customer whom nobody knows yet has nothing of anything."""
    return [
        _row(place, f"{customer} cashback {kind}", amount, found.get(f"{kind}_minor", 0), by_rules=by_rules)
        for kind, amount in wanted.items()
    ]


def _row(place: str, what: str, expected: Any, actual: Any, *, by_rules: bool = False) -> Row:
    return Row(place, what, str(expected), str(actual), by_rules)
