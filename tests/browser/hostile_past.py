"""Fills a portal's database with hostile texts, in each stored field that somebody from outside can reach.

python -m tests.browser.hostile_past        with the environment of the portal
"""

import asyncio
import dataclasses
from datetime import timedelta
from itertools import count

from app import clock, db
from app.commissions.intake import take
from app.config import settings
from app.orders.messages import CustomerMessage, LineMessage, OrderMessage, RefundMessage
from app.programs.service import publish_terms
from app.rules.facts import MICRO, OrderStatus
from app.tracking.links import NewLink, create_link
from app.tracking.messages import ClickMessage
from app.tracking.service import record_clicks
from app.users import audit, service
from app.users.identity import StaffRole
from tests.browser.payloads import BREAKOUT, PAYLOADS
from tests.factories import TERMS, make_partner, make_staff, make_user

SOLD = timedelta(days=2)


async def main() -> None:
    config = settings()
    assert config.database_url is not None
    await db.connect(config.database_url)
    try:
        await fill()
    finally:
        await db.close()


async def fill() -> None:
    """Everything, through the services where there is one."""
    row = await db.fetchrow("SELECT id, home_url FROM programs")
    assert row is not None
    program_id, home = row["id"], row["home_url"]
    boris = await db.fetchval("SELECT id FROM partners WHERE code = 'boris'")
    owner = await make_staff(StaffRole.OWNER, "owner@example.com", name=BREAKOUT)
    await _sales(program_id)
    await _clicks(program_id, home)
    for payload in PAYLOADS[::3]:
        marks = {"utm_source": payload, "utm_term": payload}
        await create_link(
            program_id, boris, NewLink(home, name=payload[:100], utm=marks, sub={"sub1": payload})
        )
    await _applicants(program_id)
    await _papers(program_id, boris, owner)
    levels = [level | {"name": {"ru": BREAKOUT, "en": BREAKOUT}} for level in TERMS["levels"]]
    await publish_terms(program_id, TERMS | {"levels": levels}, author_id=owner, note=BREAKOUT)
    async with db.transaction():
        for action in ("partner.approved", BREAKOUT[:60]):
            await audit.write_in_transaction(
                action, BREAKOUT, program_id=program_id, user_id=owner, reason=BREAKOUT
            )
    await db.execute(
        "UPDATE programs SET name = $1, about_ru = $2, about_en = $2", BREAKOUT, "\n\n".join(PAYLOADS)
    )
    await db.execute("UPDATE partners SET name = $1 WHERE code = 'boris'", BREAKOUT)
    await db.execute("UPDATE users SET first_name = $1 WHERE email = 'boris@example.com'", BREAKOUT)
    await service.grant_role(
        await make_user("nobody@example.com", name=BREAKOUT), StaffRole.MARKETER, program_id=program_id
    )


async def _sales(program_id: int) -> None:
    at = clock.now() - SOLD
    messages: list[OrderMessage | RefundMessage] = []
    for payload in PAYLOADS:
        line = LineMessage(payload, MICRO, 100_000, 0, 0, payload, payload, (payload,), payload)
        message = OrderMessage(
            payload,
            OrderStatus.PAID,
            at,
            at,
            number=payload,
            paid_at=at,
            partner="boris",
            customer=CustomerMessage(payload),
            visitor_id=payload[:64],
            site=payload,
            lines=(line,),
        )
        refund = RefundMessage(payload, payload, at + timedelta(hours=1), 1_000)
        waiting = RefundMessage(f"{payload}?", payload, at, 1_000)
        messages += [message, dataclasses.replace(message, external_id=f"{payload}!", currency="JPY")]
        messages += [refund, waiting]
    outcomes = await take(program_id, messages)
    assert sum(outcome.refused is None for outcome in outcomes) >= 3 * len(PAYLOADS), outcomes


async def _clicks(program_id: int, home: str) -> None:
    clicks = [
        ClickMessage(
            partner="boris",
            user_agent=payload,
            referrer=payload,
            landing_url=f"{home}?{payload}",
            utm={"source": payload},
            sub={"sub1": payload},
        )
        for payload in PAYLOADS
    ]
    assert all(outcome.refused is None for outcome in await record_clicks(program_id, clicks))


async def _applicants(program_id: int) -> None:
    numbers = count(1)
    for payload in PAYLOADS:
        user_id = await make_user(f"applicant{next(numbers)}@example.com", name=payload)
        partner_id = await make_partner(program_id, user_id=user_id, name=payload)
        await db.execute("UPDATE partners SET state = 'applied', joined_at = NULL WHERE id = $1", partner_id)
        await db.execute(
            """
            INSERT INTO partner_applications (program_id, partner_id, state, consents, submitted_at, channel_urls,
                comment, sector, channels, reason)
            VALUES ($1, $2, 'submitted', '{}', now(), $3, $3, left($3, 32), ARRAY[left($3, 32)], $3)
            """,
            program_id,
            partner_id,
            payload,
        )


async def _papers(program_id: int, partner_id: int, owner: int) -> None:
    """Materials, and payouts with the reason of their rejection."""
    for number, payload in enumerate(PAYLOADS, 1):
        await db.execute(
            """
            INSERT INTO materials (program_id, kind, title_ru, title_en, text, image, level, landing_url, width, height,
                active, created_at)
            VALUES ($1, 'text', $2::text, $2::text, $2::text || ' {link}', '', '', '', 0, 0, TRUE, now())
            """,
            program_id,
            payload,
        )
        await db.execute(
            """
            INSERT INTO payouts (program_id, partner_id, number, state, requested_minor, amount_minor, method,
                details_masked, details_encrypted, action_id, requested_at, rejected_at, reason)
            VALUES ($1, $2, $3::bigint, 'rejected', 100, 100, 'card', left($4::text, 50), '', $3::bigint::text, now(), now(), $4::text)
            """,
            program_id,
            partner_id,
            number,
            payload,
        )


if __name__ == "__main__":
    asyncio.run(main())
