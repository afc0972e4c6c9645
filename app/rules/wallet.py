"""Customers' cashback as a fold: orders and redemptions over lots, earnings and spendings (rules.md §14, §16).

The problem. Cashback is earned by one order and spent on another, each of which may be refunded, cancelled,
un-cancelled, in any order and late, while lots expire on days of their own.

The choice. Of every order two things are asked again with each fact: what should it have earned, and how much
cashback should be spent on it? The difference to what is recorded becomes moves; a move is one step of money with its
lot. Nothing is computed from the difference of two messages, so repetitions and disorder end in the same place.

    lots 100.00 (until 1 May) and 50.00 (until 1 June); 120.00 is spent in April: 100.00 of the first, 20.00 of the second
    half of that order is refunded: 60.00 comes back, the last taken first: 20.00 to the second lot, 40.00 to the first
    the order that earned the first lot is refunded: 40.00 is there, 50.00 is in the second lot, 10.00 is written off

What the customer cannot give back any more is written off: it stays the program's cost, for staff to see. It is asked
for again where it is nobody's loss: when the order comes to earn again, and when spent money returns to its lot.

Orders are by our ids, customers by the shop's: a buyer may be new. A new lot's id is below zero until it is stored.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from app.rules.cashback import (
    available_from,
    earned,
    expires_at,
    goods_total,
    is_foreign,
    most_to_spend,
    still_spent,
)
from app.rules.cashback_moves import Lot, Move, MoveKind
from app.rules.facts import Order, OrderStatus
from app.rules.state import State, TermsVersion
from app.rules.terms import Terms


@dataclass(slots=True)
class Earning:
    """What one order has earned one customer so far."""

    customer: str
    terms_number: int
    """The version in force when the order was placed; it stays the order's."""
    amount_minor: int = 0
    pending_minor: int = 0
    written_off_minor: int = 0
    due_at: datetime | None = None
    """When what is pending becomes available; None: not known yet."""
    released: bool = False
    """Nothing waits for the job."""
    again_at: datetime | None = None
    """Since when it is earned anew, after a release; None: it never was."""


@dataclass(slots=True)
class Taken:
    """What is out of one lot for one order, less what has come back."""

    lot: Lot
    minor: int


@dataclass(slots=True)
class Spending:
    """Cashback on one order: set aside while it is not paid, spent from then on."""

    customer: str
    wished_minor: int = 0
    """The reservations asked for by themselves; the order's own `cashback_spent` comes before them once it is paid."""
    granted_minor: int = 0
    """The largest `cashback_spent` of the order that was let through; only more than that is measured again."""
    spent: bool = False
    """The order is paid."""
    taken: list[Taken] = field(default_factory=list)
    """In the order of taking."""

    @property
    def total_minor(self) -> int:
        """What is out for the order."""
        return sum(taken.minor for taken in self.taken)


class TooMuchError(Exception):
    """More cashback is asked for than may be; nothing was moved. `most_minor` would have been possible."""

    def __init__(self, reason: str, most_minor: int) -> None:
        super().__init__(reason)
        self.reason = reason
        """above_share | above_available | other_customer | other_currency."""
        self.most_minor = most_minor


class Wallets:
    """The lots, earnings and spendings at hand; verbs add to `moves`."""

    def __init__(self) -> None:
        self.lots: dict[str, list[Lot]] = {}
        """By customer, in the order of their ids."""
        self.earnings: dict[tuple[int, str], Earning] = {}
        """By (order, customer)."""
        self.spendings: dict[str, Spending] = {}
        """By the shop's id of the order: a reservation may come before its order."""
        self.moves: list[Move] = []
        self.next_lot_id = -1

    def spendable(self, customer: str, at: datetime) -> int:
        """What the customer can spend at a moment: lots whose day has not come."""
        return sum(lot.left_minor for lot in self._lots(customer, at))

    def told(self, order: Order, key: str, versions: State, at: datetime) -> None:
        """An order as it stands after a fact; it goes by the terms in force when it was placed, and stays with them.

        Spending comes before earning: an order is never paid with what it earns itself. Raises TooMuchError where
        more cashback is to be spent than may be.
        """
        version = self._version(order, versions)
        self._settle_spending(order, key, version.terms if version is not None else None, at)
        self._settle_earning(order, key, version, at)

    def check(self, order: Order, key: str, versions: State, at: datetime) -> None:
        """Whether an order's state that is not the latest could have been true; nothing is moved by it.

        So a message that was refused is refused again when it comes late. Raises TooMuchError.
        """
        version, used = self._version(order, versions), order.state.cashback_spent_minor
        if version is None or not used or order.state.status is OrderStatus.CANCELLED:
            return
        spending = self.spendings.get(key) or Spending(order.state.customer_id or "")
        self._measure(order, Spending(spending.customer), used, version.terms)
        can = self.spendable(spending.customer, at)
        if still_spent(order, used) - spending.total_minor > can:
            raise TooMuchError("above_available", can)

    def _version(self, order: Order, versions: State) -> TermsVersion | None:
        """The terms that the order goes by; None: they give no cashback, or there were none."""
        number = next(
            (one.terms_number for (order_id, _), one in self.earnings.items() if order_id == order.order_id),
            None,
        )
        version = versions.version_at(order.state.placed_at) if number is None else versions.version(number)
        return None if version is None or version.terms.cashback is None else version

    def reserve(
        self, key: str, customer: str, amount_minor: int, at: datetime, order: Order | None, terms: Terms
    ) -> None:
        """Set cashback aside for an order that is not paid, known already or not. Raises TooMuchError (§14)."""
        spending = self.spendings.get(key)
        if spending is None or not (spending.wished_minor or spending.taken):
            spending = Spending(customer)
        elif spending.customer != customer:
            raise TooMuchError("other_customer", 0)
        wished = spending.wished_minor + amount_minor
        if order is not None:
            self._measure(order, spending, wished, terms)
        self._settle(spending, key, _set_aside(wished, order), at)
        spending.wished_minor = wished
        self.spendings[key] = spending

    def give_up(self, key: str, amount_minor: int, at: datetime, order: Order | None) -> None:
        """Take a reservation back; the money goes to its lots, the last taken first."""
        spending = self.spendings[key]
        assert not spending.spent, "what is spent comes back with the order"
        assert amount_minor <= spending.wished_minor, "no more is given up than was reserved"
        spending.wished_minor -= amount_minor
        self._settle(spending, key, _set_aside(spending.wished_minor, order), at)

    def release(self, order_id: int, customer: str, key: str, terms: Terms, now: datetime) -> None:
        """What is pending becomes a lot, when its moment has come; also of 0, so that the order's end is told."""
        earning = self.earnings[order_id, customer]
        if earning.released or earning.due_at is None or earning.due_at > now:
            return
        assert terms.cashback is not None, "what was earned was earned by a version with cashback"
        minor = earning.pending_minor
        over_at = expires_at(earning.due_at, terms.cashback.lifetime_days, terms.zone)
        lot = None
        if minor:
            lot = Lot(self.next_lot_id, customer, order_id, minor, minor, earning.due_at, over_at)
            self.next_lot_id -= 1
            self.lots.setdefault(customer, []).append(lot)
        earning.pending_minor = 0
        earning.released = True
        self._move(MoveKind.RELEASED, customer, key, lot, earning.due_at, minor)

    def expire(self, lot: Lot, key: str, now: datetime) -> None:
        """What is left of a lot lapses when its day has come; what is spent or set aside of it does not (§14)."""
        if lot.is_over(now) and lot.left_minor:
            assert lot.expires_at is not None, "a lot that is over has a day"
            minor, lot.left_minor = lot.left_minor, 0
            self._move(MoveKind.EXPIRED, lot.customer, key, lot, now, minor)

    # Spending

    def _settle_spending(self, order: Order, key: str, terms: Terms | None, at: datetime) -> None:
        """Bring what is out for the order to what its facts say (§14 "Redemption")."""
        state = order.state
        spending = self.spendings.get(key)
        cancelled = state.status is OrderStatus.CANCELLED
        used = state.cashback_spent_minor if terms is not None or spending is not None else 0
        if spending is None:
            if not used or cancelled:
                return
            spending = Spending(state.customer_id or "")
        if terms is not None and not cancelled and used:
            self._measure(order, spending, used, terms)
            spending.granted_minor = max(used, spending.granted_minor)
        if cancelled:
            spending.wished_minor = 0
        paid = state.paid_at is not None and not cancelled
        wished = (used or spending.wished_minor) if paid else max(used, spending.wished_minor)
        self._settle(spending, key, still_spent(order, wished), at)
        self.spendings[key] = spending
        total = spending.total_minor
        if paid != spending.spent and total:
            kind = MoveKind.SPENT if paid else MoveKind.UNSPENT
            self._move(kind, spending.customer, key, None, at, total)
        spending.spent = paid

    def _measure(self, order: Order, spending: Spending, used: int, terms: Terms) -> None:
        """Whether so much of an order may be paid with cashback; what was let through once stays so."""
        assert terms.cashback is not None, "asked only where the terms give cashback"
        if is_foreign(order.state, terms):
            raise TooMuchError("other_currency", 0)
        if order.state.customer_id is None or order.state.customer_id != spending.customer:
            raise TooMuchError("other_customer", 0)
        if used <= spending.granted_minor:
            return
        most = most_to_spend(goods_total(order.state), terms.cashback)
        if used > most:
            raise TooMuchError("above_share", most)

    def _settle(self, spending: Spending, key: str, target_minor: int, at: datetime) -> None:
        """Take from the lots, or give back to them, what is missing to the target."""
        delta = target_minor - spending.total_minor
        if delta > 0:
            self._take(spending, key, delta, at)
        elif delta < 0:
            self._give_back(spending, key, -delta, at)

    def _take(self, spending: Spending, key: str, minor: int, at: datetime) -> None:
        """From the lot that expires first; lots without an end last, of equal ones the older (§14)."""
        can = self.spendable(spending.customer, at)
        if minor > can:
            raise TooMuchError("above_available", can)
        for lot, part in _over(self._lots(spending.customer, at), minor):
            lot.left_minor -= part
            spending.taken.append(Taken(lot, part))
            self._move(MoveKind.RESERVED, spending.customer, key, lot, at, part)
            if spending.spent:
                self._move(MoveKind.SPENT, spending.customer, key, None, at, part)

    def _give_back(self, spending: Spending, key: str, minor: int, at: datetime) -> None:
        """To the same lots, the last taken first, also where a lot's day is over (§14, §16)."""
        for taken in reversed(spending.taken):
            part = min(minor, taken.minor)
            if not part:
                continue
            minor -= part
            taken.minor -= part
            part -= self._recover(taken.lot, key, part, at, spent=spending.spent)
            if part:
                taken.lot.left_minor += part
                kind = MoveKind.RETURNED if spending.spent else MoveKind.FREED
                self._move(kind, spending.customer, key, taken.lot, at, part)
        assert not minor, "no more comes back than was taken"
        spending.taken = [taken for taken in spending.taken if taken.minor]

    def _recover(self, lot: Lot, key: str, minor: int, at: datetime, *, spent: bool) -> int:
        """Make good what was written off of the lot's own order, before the lot gets anything."""
        earning = self.earnings.get((lot.order_id, lot.customer))
        if earning is None or not earning.written_off_minor:
            return 0
        part = min(minor, earning.written_off_minor)
        earning.written_off_minor -= part
        kind = MoveKind.RECOVERED if spent else MoveKind.WITHHELD
        self._move(kind, lot.customer, key, lot, at, part)
        return part

    # Earning

    def _settle_earning(self, order: Order, key: str, version: TermsVersion | None, at: datetime) -> None:
        """Bring what the order has earned to what its facts say (§14, §10)."""
        customer = order.state.customer_id
        for (order_id, owner), earning in list(self.earnings.items()):
            if order_id == order.order_id and owner != customer:
                self._earn(order.order_id, key, earning, -earning.amount_minor, at)
        if customer is None or version is None:
            return
        want = earned(order, version.terms)
        found = self.earnings.get((order.order_id, customer))
        if found is None:
            if not want:
                return
            found = self.earnings[order.order_id, customer] = Earning(customer, version.number)
        self._earn(order.order_id, key, found, want - found.amount_minor, at)
        if not found.released:
            due_at = available_from(order, version.terms)
            found.due_at = max(due_at, found.again_at) if due_at and found.again_at else due_at

    def _earn(self, order_id: int, key: str, earning: Earning, delta: int, at: datetime) -> None:
        earning.amount_minor += delta
        assert earning.amount_minor >= 0, "an order never earns less than nothing"
        if delta > 0:
            back = min(delta, earning.written_off_minor)
            if back:
                earning.written_off_minor -= back
                self._move(MoveKind.REINSTATED, earning.customer, key, None, at, back)
            if delta > back:
                if earning.released:
                    earning.released, earning.again_at = False, at
                earning.pending_minor += delta - back
                self._move(MoveKind.EARNED, earning.customer, key, None, at, delta - back)
        elif delta < 0:
            self._take_back(order_id, key, earning, -delta, at)

    def _take_back(self, order_id: int, key: str, earning: Earning, minor: int, at: datetime) -> None:
        """From what is pending of this order, its own lots, the customer's other lots; the rest is written off (§16)."""
        pending = min(minor, earning.pending_minor)
        if pending:
            earning.pending_minor -= pending
            self._move(MoveKind.REDUCED, earning.customer, key, None, at, pending)
        minor -= pending
        everything = self.lots.get(earning.customer, [])
        own = [lot for lot in everything if lot.order_id == order_id and lot.left_minor]
        others = [lot for lot in self._lots(earning.customer, at) if lot.order_id != order_id]
        for lot, part in _over([*own, *others], minor):
            lot.left_minor -= part
            minor -= part
            self._move(MoveKind.TAKEN_BACK, earning.customer, key, lot, at, part)
        if minor:
            earning.written_off_minor += minor
            self._move(MoveKind.WRITTEN_OFF, earning.customer, key, None, at, minor)

    def _lots(self, customer: str, at: datetime) -> list[Lot]:
        """Lots with something left whose day has not come, the one that expires first at the front."""
        alive = [lot for lot in self.lots.get(customer, ()) if lot.left_minor and not lot.is_over(at)]
        return sorted(alive, key=_by_expiry)

    def _move(
        self, kind: MoveKind, customer: str, key: str, lot: Lot | None, at: datetime, minor: int
    ) -> None:
        self.moves.append(Move(kind, customer, key, lot, at, minor))


def _set_aside(wished_minor: int, order: Order | None) -> int:
    """What is out for an order that is not paid: what was asked for, or what the order itself says, if that is more."""
    if order is None:
        return wished_minor
    return still_spent(order, max(wished_minor, order.state.cashback_spent_minor))


def _by_expiry(lot: Lot) -> tuple[bool, datetime, datetime, int]:
    ends = lot.expires_at
    return ends is None, ends or lot.available_at, lot.available_at, abs(lot.lot_id)


def _over(lots: list[Lot], minor: int) -> Iterator[tuple[Lot, int]]:
    """The lots in their order, each with its part of the amount, until it is used up."""
    for lot in lots:
        part = min(minor, lot.left_minor)
        if part:
            minor -= part
            yield lot, part
