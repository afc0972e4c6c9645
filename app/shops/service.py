"""What shops do beside orders: registrations, clicks from their server, quotes of promo codes."""

import hashlib
import re
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from app import clock, db
from app.errors import DomainError, FieldError, invalid
from app.orders.service import register_customer
from app.programs.queries import terms_in_force
from app.rules.contacts import email_key, phone_key
from app.rules.money import at_rate
from app.shops.bodies import MONEY_MAX, Amount, Body, Check, Id, LineBody, Moment, line_message
from app.shops.reading import read
from app.tracking.codes import code_key
from app.tracking.messages import ClickMessage, ClickOutcome
from app.tracking.service import record_clicks

_SUB = re.compile(r"sub[1-5]")
_UTM = re.compile(r"(utm_)?[a-z_]{1,30}")

Visitor = Annotated[str, msgspec.Meta(max_length=64)]
Url = Annotated[str, msgspec.Meta(max_length=2000)]


class ClickBody(Body):
    """A click as the shop's server saw it. Exactly one of partner, link and promo_code says whose it is."""

    partner: Annotated[str, msgspec.Meta(max_length=32)] | None = None
    link: Annotated[str, msgspec.Meta(max_length=32)] | None = None
    promo_code: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    landing_url: Url | None = None
    referrer: Url | None = None
    visitor_id: Visitor | None = None
    ip: Annotated[str, msgspec.Meta(max_length=45)] | None = None
    user_agent: Annotated[str, msgspec.Meta(max_length=2000)] | None = None
    at: Moment | None = None
    utm: dict[str, Annotated[str, msgspec.Meta(max_length=255)]] = msgspec.field(default_factory=dict)
    sub: dict[str, Annotated[str, msgspec.Meta(max_length=255)]] = msgspec.field(default_factory=dict)


class RegistrationBody(Body):
    """A buyer registered in the shop."""

    registered_at: Moment
    visitor_id: Visitor | None = None
    click_id: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    promo_code: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    email: Annotated[str, msgspec.Meta(max_length=254)] | None = None
    phone: Annotated[str, msgspec.Meta(max_length=32)] | None = None


class QuoteCustomerBody(Body):
    """Who wants to use a code."""

    external_id: Id
    email: Annotated[str, msgspec.Meta(max_length=254)] | None = None
    phone: Annotated[str, msgspec.Meta(max_length=32)] | None = None


class QuoteBody(Body):
    """What a basket would cost less with a promo code."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    total_minor: Amount | None = None
    lines: Annotated[list[LineBody], msgspec.Meta(max_length=1000)] = msgspec.field(default_factory=list)
    customer: QuoteCustomerBody | None = None


_click = msgspec.json.Decoder(ClickBody)
_customer = msgspec.json.Decoder(RegistrationBody)
_quote = msgspec.json.Decoder(QuoteBody)


def parse_click(raw: bytes, now: datetime) -> ClickMessage:
    """The body of `POST /clicks`."""
    body = read(raw, _click)
    check = Check(now)
    if sum(bool(source) for source in (body.partner, body.link, body.promo_code)) != 1:
        check.wrong("", "one_source", "Name exactly one of partner, link and promo_code.")
    for pointer, allowed, given in (("/utm", _UTM, body.utm), ("/sub", _SUB, body.sub)):
        if len(given) > 10 or not all(allowed.fullmatch(name) for name in given):
            check.wrong(pointer, "unknown_field", "Only utm_source and the like, and sub1 to sub5, are kept.")
    at = check.moment("/at", body.at) if body.at is not None else None
    check.finish()
    return ClickMessage(
        partner=body.partner or "",
        link=body.link or "",
        promo_code=body.promo_code or "",
        visitor_id=body.visitor_id or "",
        at=at,
        user_agent=body.user_agent,
        ip=body.ip or "",
        landing_url=body.landing_url or "",
        referrer=body.referrer or "",
        utm=body.utm,
        sub=body.sub,
    )


async def take_click(program_id: int, click: ClickMessage) -> ClickOutcome:
    """Record a click; raises what refused it."""
    outcome = (await record_clicks(program_id, [click]))[0]
    if outcome.refused is not None:
        raise outcome.refused
    return outcome


def parse_customer(raw: bytes, external_id: str, now: datetime) -> RegistrationBody:
    """The body of `PUT /customers/{external_id}`, with its moment in UTC."""
    body = read(raw, _customer)
    check = Check(now)
    check.external_id(external_id)
    at = check.moment("/registered_at", body.registered_at)
    check.finish()
    return msgspec.structs.replace(body, registered_at=at)


async def take_customer(program_id: int, external_id: str, body: RegistrationBody) -> None:
    """A registration: the clicks of its visitor, and of its click's, join the customer's chain.

    A promo code given there counts as a click on its owner's first link at that moment (rules.md §16).
    """
    visitors = [body.visitor_id] if body.visitor_id else []
    if body.click_id:
        visitors.append(await _visitor_of_click(program_id, body.click_id))
    if body.promo_code:
        visitors += await _click_by_code(program_id, external_id, body.promo_code, body.registered_at)
    await register_customer(
        program_id,
        external_id,
        registered_at=body.registered_at,
        visitors=visitors,
        email=body.email or "",
        phone=body.phone or "",
    )


async def quote(program_id: int, raw: bytes) -> dict[str, Any]:
    """`{valid, discount_minor, reason}`; unknown and foreign codes answer alike."""
    body = read(raw, _quote)
    check = Check(clock.now())
    lines = [line_message(check, line, f"/lines/{index}") for index, line in enumerate(body.lines)]
    if not lines and body.total_minor is None:
        check.wrong("/total_minor", "missing", "Give lines or total_minor.")
    goods = sum(line.total_minor for line in lines)
    if lines and body.total_minor is not None and body.total_minor != goods:
        check.wrong("/total_minor", "does_not_agree", "total_minor is not the sum of the lines.")
    if goods > MONEY_MAX:
        check.wrong("/lines", "out_of_range", "The order's amount is too large.")
    check.finish()
    reason = await _why_not(program_id, body)
    if reason:
        return {"valid": False, "discount_minor": 0, "reason": reason}
    total = goods if lines else body.total_minor or 0
    terms = (await terms_in_force(program_id)).terms
    return {"valid": True, "discount_minor": at_rate(total, terms.promo_codes.discount_ppm), "reason": None}


async def _why_not(program_id: int, body: QuoteBody) -> str:
    """Why a code gives nothing; empty: it does."""
    now = clock.now()
    row = await db.fetchrow(
        """
        SELECT code.state, code.valid_from, code.valid_to, partner.state AS partner_state,
            partner.email_key, partner.phone_key
        FROM promo_codes AS code
        JOIN partners AS partner ON partner.id = code.partner_id
        WHERE code.program_id = $1 AND code.code_key = $2
        """,
        program_id,
        code_key(body.code),
    )
    if row is None or row["partner_state"] != "active":
        return "unknown"
    ended = row["valid_to"] is not None and now >= row["valid_to"]
    if row["state"] != "active" or ended or now < row["valid_from"]:
        return "not_valid"
    if body.customer is None:
        return ""
    keys = {email_key(body.customer.email or ""), phone_key(body.customer.phone or "")} - {""}
    terms = (await terms_in_force(program_id)).terms
    same = keys & {row["email_key"], row["phone_key"]}
    return "own_code" if same and terms.attribution.self_referral == "refuse" else ""


async def _visitor_of_click(program_id: int, click_id: str) -> str:
    try:
        public_id = UUID(click_id)
    except ValueError:
        public_id = None
    visitor: str | None = None
    if public_id is not None:
        visitor = await db.fetchval(
            "SELECT visitor_id FROM clicks WHERE public_id = $1 AND program_id = $2", public_id, program_id
        )
    if visitor is None:
        raise invalid(FieldError("/click_id", "unknown_click", "There is no such click."))
    return visitor


async def _click_by_code(program_id: int, external_id: str, code: str, at: datetime) -> list[str]:
    """The visitor who stands for a code given at registration; a code of nobody, or not valid then, changes nothing."""
    visitor = f"code-{hashlib.sha256(external_id.encode()).hexdigest()[:40]}"
    if await db.fetchval(
        """
        SELECT 1
        FROM customer_visitors AS joined
        JOIN customers AS customer ON customer.id = joined.customer_id
        WHERE customer.program_id = $1 AND customer.external_id = $2 AND joined.visitor_id = $3
        """,
        program_id,
        external_id,
        visitor,
    ):
        return [visitor]
    if not await db.fetchval(
        """
        SELECT 1 FROM promo_codes
        WHERE program_id = $1 AND code_key = $2 AND valid_from <= $3 AND (valid_to IS NULL OR valid_to > $3)
        """,
        program_id,
        code_key(code),
        at,
    ):
        return []
    try:
        await take_click(program_id, ClickMessage(promo_code=code, visitor_id=visitor, at=at))
    except DomainError as refusal:
        if any(field.pointer == "/promo_code" for field in refusal.fields):
            return []
        raise
    return [visitor]
