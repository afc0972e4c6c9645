"""The part of the terms that gives customers cashback (rules.md §14), typed. Absent from the document: off."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.rules.money import parse_rate


@dataclass(frozen=True, slots=True)
class CashbackRule:
    """What one kind of line gives back."""

    code: str
    condition: str
    """all | category | brand | product | order_total."""
    values: tuple[str, ...]
    """Category, brand or product codes."""
    from_minor: int
    """`order_total`: from this total on."""
    rate_ppm: int
    min_order_minor: int
    """Whatever the condition: not for orders of a smaller total."""
    sort: int
    """Lower is asked first; equal ones in the document's order."""
    active: bool
    valid_from: date | None
    """The first day, in the program's zone."""
    valid_to: date | None
    """The last day, inclusive."""


@dataclass(frozen=True, slots=True)
class CashbackTerms:
    """How cashback is earned, spent and lost."""

    max_share_ppm: int
    """Of an order's goods that may be paid with cashback."""
    hold_days: int
    """After fulfilment, before it can be spent."""
    lifetime_days: int
    """-1: it never expires."""
    rules: tuple[CashbackRule, ...]
    """In the order in which they are asked."""


def typed_cashback(document: Mapping[str, Any] | None) -> CashbackTerms | None:
    """The typed form of a complete, checked `[cashback]`; None: off."""
    if document is None:
        return None
    rules = [
        CashbackRule(
            code=rule["code"],
            condition=rule["condition"],
            values=tuple(rule["values"]),
            from_minor=rule["from_minor"],
            rate_ppm=parse_rate(rule["rate"]),
            min_order_minor=rule["min_order_minor"],
            sort=rule["sort"],
            active=rule["active"],
            valid_from=_day(rule.get("valid_from")),
            valid_to=_day(rule.get("valid_to")),
        )
        for rule in document["rules"]
    ]
    return CashbackTerms(
        max_share_ppm=parse_rate(document["max_share"]),
        hold_days=document["hold_days"],
        lifetime_days=document["lifetime_days"],
        rules=tuple(sorted(rules, key=lambda rule: rule.sort)),
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
