"""Three months of clicks, orders, refunds and payouts, day by day, with the clock set to each of them."""

import random
import zlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from app import clock
from app.cashback import service as cashback
from app.commissions.intake import take
from app.commissions.rewards import give_rewards_due
from app.commissions.service import only_program, recalculate_levels_due, release_due
from app.demo import papers
from app.demo.shop import GOODS, SHIPPING_MINOR
from app.errors import DomainError
from app.orders.messages import (
    CustomerMessage,
    LineMessage,
    Message,
    OrderMessage,
    RefundLineMessage,
    RefundMessage,
)
from app.payouts import batches
from app.payouts import service as payouts
from app.payouts.queries import money
from app.rules.facts import MICRO, OrderStatus
from app.tracking.messages import ClickMessage
from app.tracking.service import record_clicks

DAYS = 92
FULFILLED_AFTER = timedelta(days=3)

BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
)
ROBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"

BUSY = {
    "alice": 7,
    "boris": 2,
    "vera": 2,
    "gadgetblog": 8,
    "denis": 2,
    "elena": 4,
    "fotofox": 3,
    "glebtech": 1,
}
"""Visitors a day, about."""


async def play(program_id: int, partners: dict[str, int], *, accountant_id: int, today: datetime) -> None:
    """All days up to `today`, and payouts in each state."""
    chance = random.Random(20)  # noqa: S311 - the same past at every start, nothing secret
    token = only_program.set(program_id)
    waiting: list[tuple[datetime, Message]] = []
    try:
        for number in range(DAYS, 0, -1):
            day = today - timedelta(days=number)
            clicks, orders = _day(chance, day, growth=1 + (DAYS - number) / DAYS)
            with clock.at(day + timedelta(hours=23)):
                await record_clicks(program_id, clicks)
                waiting = sorted([*waiting, *orders], key=lambda pair: pair[0])
                due = [pair for pair in waiting if pair[0] <= clock.now()]
                waiting = waiting[len(due) :]
                await take(program_id, [message for _at, message in due])
                await recalculate_levels_due()
                await release_due()
                await give_rewards_due()
                await cashback.release_due()
                await cashback.expire_due()
                await _pay(program_id, partners, accountant_id, day_number=number)
    finally:
        only_program.reset(token)


def _day(
    chance: random.Random, day: datetime, *, growth: float
) -> tuple[list[ClickMessage], list[tuple[datetime, Message]]]:
    """One day's clicks, and what its orders will tell, by moment."""
    clicks: list[ClickMessage] = []
    orders: list[tuple[datetime, Message]] = []
    for partner, busy in BUSY.items():
        for number in range(int(chance.uniform(0.5, 1.5) * busy * growth)):
            visitor = f"{partner}-{day:%m%d}-{number}"
            at = day + timedelta(seconds=chance.randrange(0, 60_000))
            clicks.append(
                ClickMessage(
                    partner=partner,
                    visitor_id=visitor,
                    at=at,
                    user_agent=chance.choice(BROWSERS),
                    ip="192.0.2.7",
                )
            )
            if chance.random() < 0.11:
                bought_at = at + timedelta(minutes=chance.randrange(2, 300))
                orders.extend(_order(chance, f"{day:%y%m%d}-{partner}-{number}", visitor, bought_at))
        if chance.random() < 0.4:
            at = day + timedelta(seconds=chance.randrange(0, 60_000))
            clicks.append(
                ClickMessage(partner=partner, visitor_id=f"robot-{partner}", at=at, user_agent=ROBOT)
            )
    clicks.sort(key=lambda click: click.at or day)
    return clicks, orders


def _order(
    chance: random.Random, number: str, visitor: str, at: datetime
) -> Sequence[tuple[datetime, Message]]:
    """An order is paid, mostly fulfilled, seldom cancelled, sometimes a piece comes back."""
    product = chance.choice(GOODS)
    pieces = chance.choice((1, 1, 1, 2, 2, 3, 5))
    buyer = f"buyer{chance.randrange(1, 400)}@example.com"
    line = LineMessage(
        "1",
        pieces * MICRO,
        pieces * product.price_minor,
        product=product.sku,
        name=product.name["en"],
        categories=(product.category,),
    )
    paid = OrderMessage(
        external_id=f"P-{number}",
        # Partners see its last four signs only, which should tell orders apart.
        number=f"P-{zlib.crc32(number.encode()) % 10**6:06}",
        status=OrderStatus.PAID,
        updated_at=at,
        placed_at=at,
        paid_at=at,
        customer=CustomerMessage(buyer, buyer),
        visitor_id=visitor,
        promo_code="ALICE10" if visitor.startswith("alice") and chance.random() < 0.3 else "",
        shipping_minor=SHIPPING_MINOR,
        lines=(line,),
    )
    told: list[tuple[datetime, Message]] = [(at, paid)]
    later = at + FULFILLED_AFTER
    luck = chance.random()
    if luck < 0.06:
        cancelled = replace(paid, status=OrderStatus.CANCELLED, updated_at=later, cancelled_at=later)
        return [*told, (later, cancelled)]
    told.append((later, replace(paid, status=OrderStatus.FULFILLED, updated_at=later, fulfilled_at=later)))
    if luck > 0.92:
        back_at = later + timedelta(days=chance.randrange(1, 25))
        refund = RefundMessage(paid.external_id, "r1", back_at, lines=(RefundLineMessage("1", MICRO),))
        told.append((back_at, refund))
    return told


PAYOUTS = {
    40: (("gadgetblog", "paid"), ("alice", "paid"), ("elena", "rejected")),
    20: (("gadgetblog", "paid"), ("alice", "paid"), ("boris", "paid")),
    9: (("boris", "taken_back"),),
    4: (("gadgetblog", "approved"), ("fotofox", "scanned"), ("elena", "paid_in_part")),
    3: (("boris", "batched"),),
    2: (("elena", "requested"), ("alice", "requested")),
}
"""Days before today: who asks for what he has then, and what becomes of it.

`scanned`: approved, and the scan of its act waits to be looked at; `taken_back`: rejected after its act was made;
`paid_in_part`: half of it is paid, and its receipt is missing; `batched`: it is with the bank.
"""


async def _pay(program_id: int, partners: dict[str, int], accountant_id: int, *, day_number: int) -> None:
    for code, end in PAYOUTS.get(day_number, ()):
        partner_id = partners[code]
        available = (await money(program_id, partner_id)).balances.available_minor
        amount = available // 100_000 * 100_000 if end in ("requested", "approved", "scanned") else available
        if end == "paid_in_part":
            amount = available // 2
        try:
            payout_id = await payouts.request_payout(
                program_id, partner_id, amount_minor=amount, action_id=f"demo-{code}-{day_number}"
            )
        except DomainError:
            continue  # He has earned less than the least amount by then.
        await _decide(program_id, payout_id, accountant_id, code, end)
        if end == "paid":
            await papers.give_receipt(program_id, partner_id, payout_id)


async def _decide(program_id: int, payout_id: int, accountant_id: int, code: str, end: str) -> None:
    if end not in ("requested", "rejected"):
        await payouts.approve(program_id, payout_id, user_id=accountant_id)
    if end == "scanned":
        await papers.hand_in_scan(program_id, payout_id)
    if end in ("rejected", "taken_back"):
        reason = "Получатель не подтверждён банком"
        await payouts.reject(program_id, payout_id, user_id=accountant_id, reason=reason)
    if end in ("paid", "paid_in_part", "batched"):
        await papers.sign(program_id, payout_id, staff_id=accountant_id, by_scan=code == "boris")
    if end == "batched":
        await batches.make_batch(
            program_id, [payout_id], user_id=accountant_id, action_id=f"demo-batch-{payout_id}"
        )
    if end in ("paid", "paid_in_part"):
        await payouts.mark_paid(program_id, payout_id, user_id=accountant_id)
