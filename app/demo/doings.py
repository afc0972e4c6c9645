"""What else has happened at the demo shop lately: a batch, an adjustment, rates, orders to look at, terms to come."""

from dataclasses import replace
from datetime import datetime, timedelta

from app import clock, db
from app.cashback import service as cashback
from app.commissions.adjustments import NewAdjustment, adjust_partner
from app.commissions.intake import take
from app.demo.past import BROWSERS
from app.demo.shop import BY_SKU
from app.fraud.service import raise_flag
from app.orders.messages import CustomerMessage, LineMessage, OrderMessage
from app.programs import drafts
from app.programs.currency_rates import NewRate, write_rates_in_transaction
from app.programs.service import publish_changes
from app.rules.facts import MICRO, OrderStatus
from app.tracking.messages import ClickMessage
from app.tracking.service import record_clicks

DOLLAR = ("92.15", "92.40", "91.98", "92.06", "92.31", "92.77", "92.59")
"""Roubles for a dollar, of the last days up to yesterday."""


async def play(program_id: int, partners: dict[str, int], staff: dict[str, int], today: datetime) -> None:
    """All of it, each at a moment of the last days."""
    with clock.at(today - timedelta(days=1, hours=5)):
        await _enter_rates(program_id, today)
    with clock.at(today - timedelta(days=1, hours=4)):
        await adjust_partner(
            program_id,
            NewAdjustment(partners["vera"], 150_000, "За обзор в журнале, как договаривались"),
            action_id="demo-adjustment",
            author_id=staff["olga"],
        )
    await _sell_abroad_and_to_himself(program_id, partners, today)
    await _spend_cashback(program_id, today)
    with clock.at(today - timedelta(hours=6)):
        await _flag_an_order(program_id, staff["fedor"])
    with clock.at(today - timedelta(hours=4)):
        await _announce_terms(program_id, staff["olga"], today)


async def _enter_rates(program_id: int, today: datetime) -> None:
    days = [today.date() - timedelta(days=number) for number in range(len(DOLLAR), 0, -1)]
    async with db.transaction():
        await write_rates_in_transaction(
            program_id,
            [
                NewRate("USD", day.isoformat(), rate, "Банк России")
                for day, rate in zip(days, DOLLAR, strict=True)
            ],
        )


async def _sell_abroad_and_to_himself(program_id: int, partners: dict[str, int], today: datetime) -> None:
    """An order in dollars, one in euros whose rate nobody has entered, and one whose buyer is its partner."""
    at = today - timedelta(hours=30)
    clicks = [
        ClickMessage(partner=code, visitor_id=f"late-{code}", at=at, user_agent=BROWSERS[0], ip="192.0.2.7")
        for code in ("gadgetblog", "elena")
    ]
    paid_at = at + timedelta(hours=2)
    bought = BY_SKU["buds"]
    line = LineMessage("1", MICRO, 8_900, product=bought.sku, name=bought.name["en"], categories=("sound",))
    dollars = OrderMessage(
        external_id="P-abroad-1",
        number="P-700001",
        status=OrderStatus.PAID,
        updated_at=paid_at,
        placed_at=paid_at,
        paid_at=paid_at,
        currency="USD",
        customer=CustomerMessage("jane@example.com", "jane@example.com"),
        visitor_id="late-gadgetblog",
        lines=(line,),
    )
    euros = replace(dollars, external_id="P-abroad-2", number="P-700002", currency="EUR")
    himself = replace(
        dollars,
        external_id="P-himself-1",
        number="P-700003",
        currency="",
        customer=CustomerMessage("elena@demo.example", "elena@demo.example"),
        visitor_id="late-elena",
        lines=(replace(line, total_minor=bought.price_minor),),
    )
    with clock.at(paid_at + timedelta(minutes=1)):
        await record_clicks(program_id, clicks)
        await take(program_id, [dollars, euros, himself])


async def _spend_cashback(program_id: int, today: datetime) -> None:
    """Maria has bought, has got cashback, and has bought again with a part of it."""
    at = today - timedelta(days=4)
    bought = BY_SKU["lamp"]
    first = OrderMessage(
        external_id="P-maria-1",
        number="P-700004",
        status=OrderStatus.FULFILLED,
        updated_at=at,
        placed_at=at,
        paid_at=at,
        fulfilled_at=at,
        customer=CustomerMessage("maria@example.com", "maria@example.com"),
        lines=(
            LineMessage("1", 2 * MICRO, 2 * bought.price_minor, product=bought.sku, name=bought.name["en"]),
        ),
    )
    with clock.at(at + timedelta(hours=1)):
        await take(program_id, [first])
        await cashback.release_due()
    later = today - timedelta(days=1)
    second = replace(
        first,
        external_id="P-maria-2",
        number="P-700005",
        status=OrderStatus.PAID,
        updated_at=later,
        placed_at=later,
        paid_at=later,
        fulfilled_at=None,
        cashback_spent_minor=5_000,
    )
    with clock.at(later):
        await take(program_id, [second])


async def _flag_an_order(program_id: int, staff_id: int) -> None:
    order_id: int = await db.fetchval(
        """
        SELECT order_id FROM commissions WHERE program_id = $1 AND order_id IS NOT NULL AND pending_minor > 0
        ORDER BY pending_minor DESC, order_id LIMIT 1
        """,
        program_id,
    )
    await raise_flag(
        program_id, order_id, reason="Адрес доставки совпадает с адресом магазина", user_id=staff_id
    )


async def _announce_terms(program_id: int, author_id: int, today: datetime) -> None:
    """A version that comes into force soon, and a draft begun after it."""
    await publish_changes(
        program_id,
        {"hold": {"days": 10}},
        from_moment=today + timedelta(days=14),
        author_id=author_id,
        note="Ждать будем десять дней вместо четырнадцати",
    )
    draft = await drafts.draft_of(program_id)
    sections = {"promo_codes": draft.document["promo_codes"] | {"discount": "7%"}}
    await drafts.save_sections(program_id, sections, revision=draft.revision, author_id=author_id)
