"""Customers' cashback in a scenario's second run, through the rules alone."""

from copy import deepcopy
from datetime import datetime

from app.cashback.intake import tell
from app.cashback.refusals import refusal
from app.errors import DomainError
from app.orders.plan import NewFact
from app.rules.cashback_moves import ACCOUNTS
from app.rules.effects import AccountKind
from app.rules.facts import Order, OrderStatus
from app.rules.state import State
from app.rules.wallet import TooMuchError, Wallets

KINDS = {
    "pending": AccountKind.CASHBACK_PENDING,
    "available": AccountKind.CASHBACK_AVAILABLE,
    "reserved": AccountKind.CASHBACK_RESERVED,
    "spent": AccountKind.CASHBACK_SPENT,
    "expired": AccountKind.CASHBACK_EXPIRED,
}
"""What an expectation may name, and the account that it is."""


class MirrorCashback:
    """The wallets of all customers, folded in memory."""

    def __init__(self) -> None:
        self._wallets = Wallets()
        self._keys: dict[int, str] = {}

    def told(self, state: State, new: NewFact) -> DomainError | None:
        """An order's fact; what refuses it, else None. A refused one leaves nothing behind."""
        before = deepcopy(self._wallets)
        self._keys[new.known.order_id] = new.known.external_id
        try:
            tell(self._wallets, new, state)
        except TooMuchError as error:
            self._wallets = before
            return refusal(error, "/cashback_spent_minor")
        return None

    def redeem(
        self, state: State, key: str, order: Order | None, customer: str, amount_minor: int, now: datetime
    ) -> bool:
        """A reservation; whether it may be."""
        version = state.version_at(order.state.placed_at if order is not None else now)
        if version is None or version.terms.cashback is None:
            return False
        if order is not None and (
            order.state.paid_at is not None or order.state.status is OrderStatus.CANCELLED
        ):
            return False
        before = deepcopy(self._wallets)
        try:
            self._wallets.reserve(key, customer, amount_minor, now, order, version.terms)
        except TooMuchError:
            self._wallets = before
            return False
        return True

    def run_jobs(self, state: State, now: datetime) -> None:
        """Release, then burn."""
        due = [
            (one.due_at, order_id, customer)
            for (order_id, customer), one in self._wallets.earnings.items()
            if one.due_at is not None and one.due_at <= now and not one.released
        ]
        for _, order_id, customer in sorted(due):
            number = self._wallets.earnings[order_id, customer].terms_number
            self._wallets.release(order_id, customer, self._keys[order_id], state.version(number).terms, now)
        for lots in list(self._wallets.lots.values()):
            for lot in lots:
                self._wallets.expire(lot, self._keys[lot.order_id], now)

    def sums(self, customer: str) -> dict[str, int]:
        """The customer's balances, by the names of an expectation."""
        found = dict.fromkeys(KINDS.values(), 0)
        for move in self._wallets.moves:
            accounts = ACCOUNTS[move.kind]
            if move.customer == customer and accounts is not None:
                for kind, sign in zip(accounts, (-1, 1), strict=True):
                    if kind in found:
                        found[kind] += sign * move.amount_minor
        sums = {f"{name}_minor": found[kind] for name, kind in KINDS.items()}
        written_off = sum(
            one.written_off_minor for one in self._wallets.earnings.values() if one.customer == customer
        )
        return sums | {"written_off_minor": written_off}
