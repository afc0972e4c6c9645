"""Clicks as they are told to us, and what became of each: the shop's API, the snippet, scenarios and the import."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from app.errors import DomainError


class Reason(StrEnum):
    """Why a click is not counted."""

    COUNTED = ""
    """It is counted."""
    BOT = "bot"
    """A crawler, a library, an empty user agent, or a request that no person waits for (HEAD)."""
    PREFETCH = "prefetch"
    """Loaded ahead or inside another page (an image, a frame): nobody went there."""
    REPEAT = "repeat"
    """Less than `repeat_minutes` after the visitor's last counted click on the same link."""
    INACTIVE = "inactive"
    """The partner, the link or the program was not active."""


@dataclass(frozen=True, slots=True)
class ClickMessage:
    """One click from outside. Exactly one of `partner`, `link`, `promo_code` says whose it is."""

    partner: str = ""
    """A partner's code: his click without a link."""
    link: str = ""
    """A link's code."""
    promo_code: str = ""
    visitor_id: str = ""
    """The shop's own id of the browser; empty: we make one."""
    at: datetime | None = None
    """When it happened; None: now."""
    user_agent: str | None = None
    """None: not known, so it is not asked whether it was a bot. Empty: the client sent none, which people never do."""
    ip: str = ""
    landing_url: str = ""
    referrer: str = ""
    utm: Mapping[str, str] = field(default_factory=dict)
    """utm_source and the like, with or without the `utm_`."""
    sub: Mapping[str, str] = field(default_factory=dict)
    """sub1 … sub5."""


@dataclass(frozen=True, slots=True)
class ClickOutcome:
    """The answer to one message."""

    click_id: str
    """Ours, random; empty when refused."""
    visitor_id: str
    counted: bool
    reason: Reason
    refused: DomainError | None = None
    """Why nothing was written."""
