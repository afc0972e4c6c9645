"""What an order gives its buyer back, and how much of it he may pay with cashback (rules.md §14, §16 "Cashback").

    2 × 1,200.00, order discount 240.00: the goods come to 2,160.00, of which half, 1,080.00, may be paid with cashback
    paid with 1,080.00 of it: the money paid is 1,080.00, at 10 % that gives 108.00 back
    one of the two pieces is refunded: 540.00 of the money is left, which gives 54.00, so 54.00 is taken back;
    and 540.00 of the cashback that was spent goes back to the customer

Everything here is a function of the order as its facts stand (`facts.merge`) and of the terms in force when it was
placed, so facts may come twice, late or in the wrong order. What customers hold, and in which lots, is `wallet.py`'s.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from app.rules.base import goods_lines, line_money, line_totals
from app.rules.clawback import left_after
from app.rules.facts import Line, Order, OrderState, OrderStatus
from app.rules.money import PPM, at_rate, split_by_weights
from app.rules.terms import Terms
from app.rules.terms_cashback import CashbackRule, CashbackTerms


def goods_total(state: OrderState) -> int:
    """What minimum, `order_total` and `max_share` look at: the goods after discounts, without shipping (§16)."""
    return sum(line_money(state))


def line_rules(state: OrderState, terms: Terms) -> list[CashbackRule | None]:
    """The rule of each line: the first active one that fits it, by the day the order was placed (§14)."""
    cashback = _cashback(terms)
    total = goods_total(state)
    day = state.placed_at.astimezone(terms.zone).date()
    in_force = [rule for rule in cashback.rules if _in_force(rule, day, total)]
    return [next((rule for rule in in_force if _fits(rule, line)), None) for line in goods_lines(state)]


def _in_force(rule: CashbackRule, day: date, total_minor: int) -> bool:
    """What does not depend on the line: active, dates (both inclusive), minimum, `order_total`."""
    if not rule.active or total_minor < rule.min_order_minor:
        return False
    if rule.valid_from is not None and day < rule.valid_from:
        return False
    if rule.valid_to is not None and day > rule.valid_to:
        return False
    return rule.condition != "order_total" or total_minor >= rule.from_minor


def _fits(rule: CashbackRule, line: Line) -> bool:
    """A category's rule holds for everything below it: a line names its categories from the root to the leaf."""
    match rule.condition:
        case "category":
            return any(category in rule.values for category in line.categories)
        case "brand":
            return line.brand in rule.values
        case "product":
            return line.product in rule.values
        case _:
            return True


def money_paid(state: OrderState) -> list[int]:
    """What was paid for each line with money: after discounts, less cashback spent, tax inside (§16)."""
    parts = spent_by_line(state, state.cashback_spent_minor)
    return [max(0, money - part) for money, part in zip(line_money(state), parts, strict=True)]


def spent_by_line(state: OrderState, spent_minor: int) -> list[int]:
    """Cashback spent on an order, spread over its lines by their totals (§16 "Base")."""
    return split_by_weights(spent_minor, line_totals(goods_lines(state)))


def earned_by_line(order: Order, terms: Terms) -> list[int]:
    """What each line gives back on what remains of it, rounded line by line; nothing of a cancelled order (§14)."""
    state = order.state
    rules = line_rules(state, terms)
    if state.status is OrderStatus.CANCELLED or is_foreign(state, terms):
        return [0] * len(rules)
    left = left_after(state, money_paid(state), order.refunds).bases
    return [
        0 if rule is None else at_rate(minor, rule.rate_ppm) for minor, rule in zip(left, rules, strict=True)
    ]


def earned(order: Order, terms: Terms | None) -> int:
    """What the order gives back as its facts stand. `terms`: those in force when it was placed; None: none were."""
    if terms is None or terms.cashback is None:
        return 0
    return sum(earned_by_line(order, terms))


def still_spent(order: Order, spent_minor: int) -> int:
    """What of the cashback spent stays spent: a refund returns the refunded part of the goods' share (§16)."""
    if order.state.status is OrderStatus.CANCELLED:
        return 0
    return sum(left_after(order.state, spent_by_line(order.state, spent_minor), order.refunds).bases)


def most_to_spend(total_minor: int, cashback: CashbackTerms) -> int:
    """How much of goods of this total may be paid with cashback: at most `max_share`, so rounded down (§14)."""
    return total_minor * cashback.max_share_ppm // PPM


def available_from(order: Order, terms: Terms) -> datetime | None:
    """When what is pending may be spent: when fulfilled, plus hold days of 24 hours (§14, §16); None: not known yet."""
    state = order.state
    if state.fulfilled_at is None or state.status is OrderStatus.CANCELLED:
        return None
    return state.fulfilled_at + timedelta(days=_cashback(terms).hold_days)


def expires_at(available_at: datetime, lifetime_days: int, zone: ZoneInfo) -> datetime | None:
    """00:00 of the day (the day it became available + lifetime days) in the program's zone (§16); None: never."""
    if lifetime_days < 0:
        return None
    day = available_at.astimezone(zone).date() + timedelta(days=lifetime_days)
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def is_foreign(state: OrderState, terms: Terms) -> bool:
    """Cashback is money of the program's currency; an order in another one gives none."""
    return bool(state.currency) and state.currency != terms.currency


def _cashback(terms: Terms) -> CashbackTerms:
    assert terms.cashback is not None, "asked only where the terms give cashback"
    return terms.cashback
