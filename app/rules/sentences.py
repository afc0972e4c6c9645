"""What explanations are made of: steps with their values, before they are put into words (rules.md §15)."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from app.rules.facts import Cause


class Change(NamedTuple):
    """One stored change of the commission that is explained, oldest first."""

    at: datetime
    cause: Cause
    cause_ref: str
    base_before_minor: int
    base_after_minor: int
    amount_before_minor: int
    amount_after_minor: int
    from_partner: int | None = None


class Foreign(NamedTuple):
    """An amount in a currency of its own; all other amounts are in the program's."""

    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """One step of the explanation: a key of `explain_texts.TEXTS` and the values that it needs."""

    code: str
    params: dict[str, Any] = field(default_factory=dict)
