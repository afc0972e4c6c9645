"""What a way of paying is."""

from dataclasses import dataclass

from app.rules.effects import AccountKind


@dataclass(frozen=True, slots=True)
class Method:
    """One way of paying partners. Its kind is a value of `payout.methods` in the terms."""

    kind: str
    account: AccountKind = AccountKind.PAID
    """Where paid money stands in the ledger."""
    at_once: bool = False
    """Nobody has to send anything: an approved payout is paid in the same moment."""
    files: tuple[str, ...] = ()
    """Formats of the files that a batch of such payouts is given to the bank as; empty: it goes in no batch."""
