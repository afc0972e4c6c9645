"""Short ways to make the facts and states of the rules' tests: Alice, her parent Boris, his parent Clara."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from app.rules.effects import CommissionChange
from app.rules.facts import (
    MICRO,
    CardChange,
    Cause,
    Fact,
    Line,
    OrderState,
    OrderStatus,
    Refund,
    RefundLine,
    merge,
)
from app.rules.fold import apply, judge
from app.rules.money import parse_rate
from app.rules.state import Click, OwnRates, ParentSince, PartnerState, State, TermsVersion
from app.rules.terms_document import parse_terms

BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)

ALICE, BORIS, CLARA = 1, 2, 3


def day(number: int, hour: int = 9) -> datetime:
    """A moment of March 2026."""
    return datetime(2026, 3, number, hour, tzinfo=UTC)


def partner(number: int, *, own: str | None = None, parent: int | None = None, **values: Any) -> PartnerState:
    """A partner, active from the beginning, perhaps with an own rate and a parent."""
    if own is not None:
        values["own_rates"] = (OwnRates(None, parse_rate(own), None),)
    if parent is not None:
        values["parents"] = (ParentSince(None, parent),)
    return PartnerState(number, f"p{number}", **values)


def state(terms: Mapping[str, Any] | None = None, *partners: PartnerState) -> State:
    """A program with one version of the terms."""
    version = TermsVersion(1, BEGINNING, parse_terms(terms or {}))
    return State(terms=[version], partners={one.partner_id: one for one in partners})


def click(number: int, at: datetime, partner_id: int, **values: Any) -> Click:
    """A counted click."""
    return Click(str(number), number, at, partner_id, **values)


def line(total: int, *, name: str = "1", quantity: int = 1, **values: Any) -> Line:
    """A line by its money."""
    return Line(name, quantity * MICRO, total, **values)


def order_state(at: datetime, *lines: Line, **values: Any) -> OrderState:
    """A paid order's message."""
    told: dict[str, Any] = {
        "status": OrderStatus.PAID,
        "updated_at": at,
        "digest": at.isoformat(),
        "placed_at": at,
        "paid_at": at,
        "lines": lines,
    }
    return OrderState(**(told | values))


class Shop:
    """Tells facts one by one, as the service does: each fact is judged with all that is known by then."""

    def __init__(self, program: State) -> None:
        self.program = program
        self.states: dict[int, list[OrderState]] = {}
        self.refunds: dict[int, list[Refund]] = {}
        self.cards: dict[int, list[CardChange]] = {}
        self.changes: list[CommissionChange] = []
        self.sequence = 0

    def tell(self, order_id: int, told: OrderState | Refund | CardChange) -> tuple[CommissionChange, ...]:
        """One fact; a repetition changes nothing."""
        known: list[Any]
        match told:
            case OrderState():
                known, cause, ref, at = (
                    self.states.setdefault(order_id, []),
                    Cause.PAID,
                    told.digest,
                    told.updated_at,
                )
            case Refund():
                known, cause, ref, at = (
                    self.refunds.setdefault(order_id, []),
                    Cause.REFUND,
                    told.external_id,
                    told.at,
                )
            case CardChange():
                known, cause, ref, at = (
                    self.cards.setdefault(order_id, []),
                    Cause.CARD,
                    str(told.sequence),
                    told.at,
                )
        if told in known:
            return ()
        known.append(told)
        order = merge(
            order_id,
            self.states.get(order_id, ()),
            self.refunds.get(order_id, ()),
            self.cards.get(order_id, ()),
        )
        if order is None:
            return ()
        self.sequence += 1
        effects = judge(self.program, Fact(order, cause, ref, at, self.sequence))
        apply(self.program, effects)
        self.changes.extend(effects.changes)
        return effects.changes

    def paid(self, order_id: int, at: datetime, *lines: Line, **values: Any) -> tuple[CommissionChange, ...]:
        """A paid order."""
        return self.tell(order_id, order_state(at, *lines, **values))

    def commissions(self, order_id: int) -> dict[tuple[int, str, int], int]:
        """Amounts of the order's commissions, those of 0 too."""
        record = self.program.orders.get(order_id)
        if record is None:
            return {}
        return {key: commission.amount_minor for key, commission in record.commissions.items()}

    def direct(self, order_id: int) -> dict[int, int]:
        """Partner → own commission."""
        return {
            who: amount for (who, kind, _), amount in self.commissions(order_id).items() if kind == "direct"
        }


def pieces(name: str, at: datetime, number: int, *, of: str = "1") -> Refund:
    """A refund of some pieces of a line."""
    return Refund(name, at, lines=(RefundLine(of, number * MICRO),))


def later(moment: datetime, **values: float) -> datetime:
    """A moment after another one."""
    return moment + timedelta(**values)


def chain(*clicks: Click) -> dict[str, list[Click]]:
    """The clicks of visitor v1."""
    return {"v1": _sorted(clicks)}


def _sorted(clicks: Iterable[Click]) -> list[Click]:
    return sorted(clicks, key=lambda one: (one.at, one.number))
