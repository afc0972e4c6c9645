"""Steps of a customer's cashback, and the lots that they move (rules.md §14)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from app.rules.effects import Account, AccountKind, Posting


class MoveKind(StrEnum):
    """One step of a customer's cashback."""

    EARNED = "earned"
    """Pending by an order."""
    REDUCED = "reduced"
    """Less is pending after a refund, a cancellation or a correction."""
    RELEASED = "released"
    """Pending became available, as a lot of its own; also of 0."""
    TAKEN_BACK = "taken_back"
    """Available cashback was taken back after a refund or cancellation."""
    WRITTEN_OFF = "written_off"
    """It was to be taken back, but is spent; the program bears it."""
    REINSTATED = "reinstated"
    """What was written off is earned again."""
    RESERVED = "reserved"
    """Set aside for an order."""
    SPENT = "spent"
    """The order was paid with it."""
    UNSPENT = "unspent"
    """The order's payment was taken back; it is set aside again."""
    FREED = "freed"
    """A reservation went back to its lot."""
    RETURNED = "returned"
    """Spent cashback went back to its lot after a refund or cancellation."""
    RECOVERED = "recovered"
    """Spent cashback that would have gone back to a lot made good what was written off of that lot's order."""
    WITHHELD = "withheld"
    """The same with cashback that was only set aside."""
    EXPIRED = "expired"
    """What was left of a lot lapsed."""


_PENDING, _AVAILABLE = AccountKind.CASHBACK_PENDING, AccountKind.CASHBACK_AVAILABLE
_RESERVED, _SPENT = AccountKind.CASHBACK_RESERVED, AccountKind.CASHBACK_SPENT
_EXPENSE, _EXPIRED = AccountKind.CASHBACK_EXPENSE, AccountKind.CASHBACK_EXPIRED

ACCOUNTS: dict[MoveKind, tuple[AccountKind, AccountKind] | None] = {
    MoveKind.EARNED: (_EXPENSE, _PENDING),
    MoveKind.REDUCED: (_PENDING, _EXPENSE),
    MoveKind.RELEASED: (_PENDING, _AVAILABLE),
    MoveKind.TAKEN_BACK: (_AVAILABLE, _EXPENSE),
    MoveKind.WRITTEN_OFF: None,
    MoveKind.REINSTATED: None,
    MoveKind.RESERVED: (_AVAILABLE, _RESERVED),
    MoveKind.SPENT: (_RESERVED, _SPENT),
    MoveKind.UNSPENT: (_SPENT, _RESERVED),
    MoveKind.FREED: (_RESERVED, _AVAILABLE),
    MoveKind.RETURNED: (_SPENT, _AVAILABLE),
    MoveKind.RECOVERED: (_SPENT, _EXPENSE),
    MoveKind.WITHHELD: (_RESERVED, _EXPENSE),
    MoveKind.EXPIRED: (_AVAILABLE, _EXPIRED),
}
"""From which account to which a move goes; None: no money moves."""


@dataclass(slots=True)
class Lot:
    """One earning that became available. `left_minor` is what is neither spent, set aside, taken back nor lapsed."""

    lot_id: int
    customer: str
    order_id: int
    amount_minor: int
    left_minor: int
    available_at: datetime
    expires_at: datetime | None
    """None: never."""

    def is_over(self, at: datetime) -> bool:
        """Its day has come; the next job burns what is left."""
        return self.expires_at is not None and self.expires_at <= at


class Move(NamedTuple):
    """One step of money; the amount is above zero, but for RELEASED, which is told also of 0."""

    kind: MoveKind
    customer: str
    order_key: str
    """The shop's id of the order that it is about: that of the lot's earning, or the one paid."""
    lot: Lot | None
    at: datetime
    amount_minor: int

    def postings(self, owner_id: int) -> tuple[Posting, ...]:
        """How the ledger books it; `owner_id` is our id of the customer."""
        accounts = ACCOUNTS[self.kind]
        if accounts is None or not self.amount_minor:
            return ()
        debit, credit = (Account(kind, None if kind is _EXPENSE else owner_id) for kind in accounts)
        return (Posting(debit, credit, self.amount_minor),)
