"""Steps and rules of cashback as sentences."""

from app.cashback.queries import HistoryRow
from app.rules.cashback_moves import MoveKind
from app.rules.terms_cashback import CashbackRule
from app.ui.filters import date, money
from app.ui.i18n import LazyText, lazy
from app.ui.i18n import gettext as _

STEPS: dict[MoveKind, LazyText] = {
    MoveKind.EARNED: lazy("Earned, waits"),
    MoveKind.REDUCED: lazy("Less is waiting after a refund"),
    MoveKind.RELEASED: lazy("Can be spent"),
    MoveKind.TAKEN_BACK: lazy("Taken back after a refund"),
    MoveKind.WRITTEN_OFF: lazy("Was spent before the refund; the shop bears it"),
    MoveKind.REINSTATED: lazy("Earned again; it had been spent already"),
    MoveKind.RESERVED: lazy("Set aside for an order"),
    MoveKind.SPENT: lazy("The order was paid with it"),
    MoveKind.UNSPENT: lazy("The order is not paid any more; set aside again"),
    MoveKind.FREED: lazy("Not needed for the order, is back"),
    MoveKind.RETURNED: lazy("Back after a refund"),
    MoveKind.RECOVERED: lazy("Kept by the shop: its order was refunded after it was spent"),
    MoveKind.WITHHELD: lazy("Kept by the shop: its order was refunded while it was set aside"),
    MoveKind.EXPIRED: lazy("Lapsed"),
}
"""What each step is called to the customer."""


def step_of(row: HistoryRow) -> str:
    """What a step of the history is called."""
    return str(STEPS[row.kind])


def condition_of(rule: CashbackRule, currency: str) -> str:
    """What a rule holds for."""
    codes = ", ".join(rule.values)
    match rule.condition:
        case "category":
            text = _("categories: %(codes)s", codes=codes)
        case "brand":
            text = _("brands: %(codes)s", codes=codes)
        case "product":
            text = _("products: %(codes)s", codes=codes)
        case "order_total":
            text = _("orders from %(amount)s", amount=money(rule.from_minor, currency))
        case _:
            text = _("everything")
    if rule.min_order_minor:
        text += ", " + _("in orders from %(amount)s", amount=money(rule.min_order_minor, currency))
    if rule.valid_from is not None or rule.valid_to is not None:
        text += ", " + _dates(rule)
    return text


def _dates(rule: CashbackRule) -> str:
    if rule.valid_from is not None and rule.valid_to is not None:
        return _("from %(start)s to %(end)s", start=date(rule.valid_from), end=date(rule.valid_to))
    if rule.valid_from is not None:
        return _("from %(start)s on", start=date(rule.valid_from))
    return _("until %(end)s", end=date(rule.valid_to))
