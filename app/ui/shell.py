"""What the frame around a page shows besides the page: names, counters, strips. One frozen value per layout."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PartnerShell:
    """Frame of a partner's pages; value `shell` of templates that extend layouts/partner.html."""

    program_name: str
    partner_name: str
    email: str
    partner_state: str
    """A key of STATES["partner"]: while it is `applied` or `rejected` everything but the application is locked."""
    level_name: str
    unread_notices: int
    debt_minor: int
    currency: str
    terms_version: int | None
    """Version of the terms he agreed to; None before."""
    support_email: str = ""
    staff: bool = False
    """True when he may also open the desk."""

    @property
    def locked(self) -> bool:
        return self.partner_state in ("applied", "rejected", "unconfirmed")


@dataclass(frozen=True, slots=True)
class DeskShell:
    """Frame of staff pages; value `shell` of templates that extend layouts/desk.html."""

    program_name: str
    user_name: str
    email: str
    role: str
    """A translated word: Manager, Accountant, …"""
    applications_waiting: int
    payouts_waiting: int
    orders_waiting: int
    may_see: frozenset[str]
    """Of `applications`, `payouts`, `terms`, `orders`, `reviews`, `partners`, `admin`: what this role opens; the rest is not shown."""
    unread_notices: int = 0
    papers_waiting: int = 0
    """Scans of acts that nobody has looked at."""
    partner: bool = False
    """True when he is a partner as well."""
    broken_checks: int = 0
    """Checks of the books that did not hold last night."""
    reviews_waiting: int = 0
    """Orders whose commissions wait for a decision."""
