"""What became of a message."""

from dataclasses import dataclass

from app.errors import DomainError


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to one message, in the order of the messages."""

    order_id: int | None
    """Ours; None when it was refused before there was one."""
    created: bool = False
    """True when the order was not known before."""
    changed: bool = False
    """False for a repetition and for a state older than the one in force."""
    refused: DomainError | None = None
    """Why nothing was written."""
    judged: bool = True
    """False: the order is kept but judging failed for a reason of ours; the sweep tries again (202)."""
