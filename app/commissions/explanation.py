"""One commission told to its partner: the formula, why, the order line by line, what happened and what comes.

The sentences are those of `rules/explain.py`; here they are put together for a page. Other partners are never named:
a partner sees his own code, the codes of those he brought, and numbers for everybody else.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from app import clock, db
from app.commissions.kinds import kind_words
from app.commissions.queries import Earning, EarningFacts, EarningKind, EarningState, earning_facts
from app.commissions.reward_words import adjustment_reasons, reward_reasons
from app.orders.queries import stored_order
from app.programs.queries import terms_version
from app.rules.base import convert, converted, goods_lines
from app.rules.explain import Change, Formats, Sentence, explain, render
from app.rules.facts import MICRO, Cause, OrderState
from app.rules.judgement import Judgement, Source, Verdict
from app.rules.terms import Terms
from app.tracking.queries import clicked_links
from app.ui.filters import moment, money, number, percent
from app.ui.i18n import gettext as _
from app.ui.i18n import in_locale, locale
from app.users.identity import Membership


@dataclass(frozen=True, slots=True)
class Reason:
    """One step of the calculation."""

    text: str
    details: tuple[str, ...] = ()
    off: bool = False
    """A rule that was passed over."""


@dataclass(frozen=True, slots=True)
class BaseLine:
    """One line of the order and what of it went into the base."""

    name: str
    quantity_text: str
    amount_minor: int
    left_out_minor: int
    base_minor: int
    rate: int | None


@dataclass(frozen=True, slots=True)
class TimelineItem:
    """One thing that happened, or will."""

    text: str
    at: datetime | None
    """None: not known yet."""
    future: bool = False
    bad: bool = False
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CommissionDetail:
    """What the page of one commission shows."""

    id: int
    order_number: str
    kind_label: str
    state: str
    base_minor: int
    rate: int | None
    amount_minor: int
    accrued_minor: int
    clawed_back_minor: int
    via_text: str
    reasons: Sequence[Reason] = ()
    lines: Sequence[BaseLine] = ()
    timeline: Sequence[TimelineItem] = field(default=())


async def commission_detail(member: Membership, commission_id: int) -> CommissionDetail:
    """The partner's commission with its whole story; NotFound for everybody else's."""
    facts = await earning_facts(member.partner_id, commission_id)
    earning, judgement = facts.earning, facts.earning.judgement
    reasons: list[Reason] = []
    lines: list[BaseLine] = []
    if judgement is not None and earning.order_id is not None:
        order = await stored_order(earning.order_id, member.program.currency)
        terms = (await terms_version(member.program.id, judgement.terms_number)).terms
        assert order is not None, "a judged order has a state"
        sentences = explain(
            judgement,
            order.state,
            terms,
            (member.partner_id, earning.kind.value, earning.tier),
            changes_of(facts),
        )
        formats = Formats(
            language=locale(),
            money=lambda amount: money(amount, member.program.currency),
            moment=moment,
            partner=await _names(member, judgement),
            level=lambda code: _level_name(terms, code),
            foreign=money,
        )
        reasons = _reasons(sentences, formats)
        if earning.kind is EarningKind.DIRECT:
            lines = _lines(judgement, order.state, facts, member)
    elif earning.kind is EarningKind.ADJUSTMENT:
        told = await adjustment_reasons(earning.id, earning.accrued_minor, member.program.currency)
        reasons = [Reason(text) for text in told]
    if waits_for_deposit(earning):
        reasons.append(
            Reason(_("It waits for the merchant's deposit: older commissions are paid first, then this one."))
        )
    return CommissionDetail(
        id=earning.id,
        order_number=earning.order_number,
        kind_label=kind_label(earning),
        state=earning.state.value,
        base_minor=earning.base_minor,
        rate=earning.rate,
        amount_minor=earning.amount_minor,
        accrued_minor=earning.accrued_minor,
        clawed_back_minor=earning.clawed_back_minor,
        via_text=await _via_text(member, earning),
        reasons=reasons
        or [Reason(text) for text in await reward_reasons(earning.id, member.program.currency)],
        lines=lines,
        timeline=_timeline(facts, member.program.currency),
    )


def waits_for_deposit(earning: Earning) -> bool:
    """Its moment has come, and the merchant's deposit does not cover it yet (rules.md §13)."""
    due = earning.release_at is not None and earning.release_at <= clock.now()
    return due and earning.state is EarningState.PENDING and earning.settle == "deposit"


def kind_label(earning: Earning) -> str:
    """What the commission is for, in a word or two."""
    return kind_words(earning.kind, earning.tier)


def via_text(earning: Earning) -> str:
    """Through what the partner was credited; empty: by hand."""
    if earning.kind is EarningKind.TIER:
        return _("Sale of a partner you brought")
    if earning.kind in (EarningKind.SELLER, EarningKind.SELLER_PARENT):
        return _("Sale of a seller")
    match earning.source:
        case Source.CLICK:
            return _("Link")
        case Source.PROMO_CODE:
            return _("Promo code %(code)s", code=earning.promo_code)
        case Source.MANUAL:
            return _("Named by the shop")
        case Source.CUSTOMER:
            return _("Regular customer")
        case _other:
            return ""


async def _via_text(member: Membership, earning: Earning) -> str:
    """`via_text`, and of clicks the links that they came through."""
    text, judgement = via_text(earning), earning.judgement
    if judgement is None or earning.source != Source.CLICK or earning.kind is not EarningKind.DIRECT:
        return text
    counted = [
        one.ref
        for one in judgement.considered
        if one.partner_id == member.partner_id and one.verdict is Verdict.COUNTED
    ]
    return ": ".join((text, ", ".join(await clicked_links(member.partner_id, counted)))).removesuffix(": ")


def short_reasons(earning: Earning, currency: str) -> list[str]:
    """The formula in a line, for lists: through what, base × rate."""
    found = [f"{via}."] if (via := via_text(earning)) else []
    if earning.rate is not None:
        found.append(
            _(
                "%(base)s × %(rate)s.",
                base=money(earning.base_minor, currency),
                rate=percent(earning.rate),
            )
        )
    return found


def changes_of(facts: EarningFacts) -> list[Change]:
    """The stored changes with what was before and after each; a parent's are counted child by child."""
    bases: dict[int | None, int] = defaultdict(int)
    amounts: dict[int | None, int] = defaultdict(int)
    changes = []
    for entry in facts.entries:
        child = entry.from_partner_id
        base, amount = bases[child], amounts[child]
        bases[child] += entry.base_minor
        amounts[child] += entry.amount_minor
        changes.append(
            Change(
                entry.at,
                Cause(entry.cause),
                entry.cause_ref,
                base,
                bases[child],
                amount,
                amounts[child],
                child,
            )
        )
    return changes


async def _names(member: Membership, judgement: Judgement) -> Callable[[int], str]:
    """What each partner of the judgement is called for this reader."""
    shares = (*judgement.shares, *judgement.former)
    seen = [share.partner_id for share in shares]
    seen += [one.partner_id for one in judgement.considered if one.partner_id is not None]
    brought = [
        share.partner_id
        for share in shares
        if any(parent.partner_id == member.partner_id for parent in share.tiers)
    ]
    seller = judgement.seller
    if seller is not None and seller.partner_id is not None:
        seen.append(seller.partner_id)
        if any(share.partner_id == member.partner_id for share in seller.shares):
            brought.append(seller.partner_id)
    rows = await db.fetch("SELECT id, code FROM partners WHERE id = ANY($1::bigint[])", brought)
    codes = {row["id"]: row["code"] for row in rows} | {member.partner_id: member.code}
    others = [partner_id for partner_id in dict.fromkeys(seen) if partner_id not in codes]
    numbers = {partner_id: place for place, partner_id in enumerate(others, 2)}

    def name(partner_id: int) -> str:
        return codes.get(partner_id) or _("No. %(number)s", number=numbers.get(partner_id, 1))

    return name


def _level_name(terms: Terms, code: str) -> str:
    return in_locale(terms.level(code).name) or code


def _reasons(sentences: Sequence[Sentence], formats: Formats) -> list[Reason]:
    """Steps with their details below: what was considered under the source, the lines under the base."""
    reasons: list[Reason] = []
    waiting: list[str] = []
    for sentence in sentences:
        text = render([sentence], formats)[0]
        code = sentence.code
        if code.startswith("considered.") or code == "credit":
            reasons[-1] = Reason(reasons[-1].text, (*reasons[-1].details, text), reasons[-1].off)
        elif code in ("base.line", "base.shipping"):
            waiting.append(text)
        else:
            reasons.append(Reason(text, tuple(waiting), off=code.startswith(PASSED_OVER)))
            waiting = []
    return reasons


PASSED_OVER = ("rate.passed", "rate.threshold")
"""Codes of rules that were not taken."""


def _lines(
    judgement: Judgement, state: OrderState, facts: EarningFacts, member: Membership
) -> list[BaseLine]:
    """The lines with what each earns; amounts of another currency are brought into the program's."""
    names = {line.external_id: line.name for line in facts.lines}
    share = next((one for one in judgement.shares if one.partner_id == member.partner_id), None)
    goods, conversion, currency = goods_lines(state), judgement.conversion, member.program.currency
    bases = converted(judgement.line_bases, conversion, currency)

    def rate(index: int) -> int | None:
        """None: a fixed sum, or nobody's."""
        if share is None or not share.lines:
            return None if share is None else share.rate_ppm
        return (
            share.lines[index].rate_ppm if index < len(share.lines) and not share.lines[index].per else None
        )

    def amount(minor: int) -> int:
        return minor if conversion is None else convert(minor, conversion, currency)

    found = [
        BaseLine(
            name=names.get(line.external_id) or line.product or line.external_id or _("The whole order"),
            quantity_text=_quantity(line.quantity_micro),
            amount_minor=amount(line.total_minor),
            left_out_minor=amount(line.total_minor) - base,
            base_minor=base,
            rate=rate(index),
        )
        for index, (line, base) in enumerate(zip(goods, bases, strict=False))
    ]
    if state.shipping_minor:
        base, shipping = bases[len(goods)] if len(bases) > len(goods) else 0, amount(state.shipping_minor)
        left_out, at = shipping - base, rate(len(goods)) if base else None
        found.append(BaseLine(_("Shipping"), "", shipping, left_out, base, at))
    return found


def _quantity(quantity_micro: int) -> str:
    whole, rest = divmod(quantity_micro, MICRO)
    return "× " + (number(whole) if not rest else number(Decimal(quantity_micro) / MICRO))


def _timeline(facts: EarningFacts, currency: str) -> list[TimelineItem]:
    """What happened to the order and to the commission, in order of time; what is still to come is last."""
    earning = facts.earning
    happened: list[TimelineItem] = []
    if facts.placed_at is not None:
        happened.append(TimelineItem(_("The order was placed"), facts.placed_at))
    if facts.fulfilled_at is not None:
        happened.append(TimelineItem(_("The order was fulfilled"), facts.fulfilled_at))
    for entry in facts.entries:
        amount = money(entry.amount_minor, currency, sign=True)
        happened.append(
            TimelineItem(
                _CAUSES[entry.cause](entry.cause_ref), entry.at, bad=entry.amount_minor < 0, detail=amount
            )
        )
    if earning.released_at is not None and earning.state is EarningState.PAID:
        happened.append(TimelineItem(_("The commission was paid"), earning.released_at))
    elif earning.released_at is not None:
        happened.append(TimelineItem(_("The commission became available"), earning.released_at))
    happened.sort(key=lambda item: item.at or earning.earned_at)
    if waits_for_deposit(earning):
        happened.append(
            TimelineItem(_("It waits for the merchant's deposit"), earning.release_at, future=True)
        )
    elif earning.state is EarningState.PENDING and earning.settle == "deposit":
        happened.append(
            TimelineItem(_("The commission is paid from the deposit"), earning.release_at, future=True)
        )
    elif earning.state is EarningState.PENDING:
        happened.append(TimelineItem(_("The commission becomes available"), earning.release_at, future=True))
    return happened


_CAUSES: dict[str, Callable[[str], str]] = {
    Cause.PAID: lambda _ref: _("The order was paid; the commission is pending"),
    Cause.REFUND: lambda ref: _("Refund %(number)s", number=ref),
    Cause.CANCELLED: lambda _ref: _("The order was cancelled"),
    Cause.CHANGED: lambda _ref: _("The shop changed the order"),
    Cause.CARD: lambda _ref: _("Another partner was named for the order"),
    "adjust": lambda _ref: _("Booked by hand"),
    "bonus": lambda _ref: _("The bonus was given"),
    Cause.SHARED: lambda _ref: _("Another partner of the order was calculated"),
    Cause.REVIEW: lambda _ref: _("Staff decided after a review of the order"),
}


@dataclass(frozen=True, slots=True)
class EarningRow:
    """One commission in a list, in words."""

    id: int
    at: datetime
    order_number: str
    kind_label: str
    via_text: str
    base_minor: int
    rate: int | None
    amount_minor: int
    clawed_back_minor: int
    state: str
    available_at: datetime | None
    """When pending money becomes available; None: known later, or it is."""
    waits_for_deposit: bool
    """Its moment has come; the merchant's deposit does not cover it yet."""
    why: Sequence[str]


def earning_row(earning: Earning, currency: str) -> EarningRow:
    """The commission as lists show it."""
    pending = earning.state is EarningState.PENDING
    return EarningRow(
        id=earning.id,
        at=earning.earned_at,
        order_number=earning.order_number,
        kind_label=kind_label(earning),
        via_text=via_text(earning),
        base_minor=earning.base_minor,
        rate=earning.rate,
        amount_minor=earning.amount_minor,
        clawed_back_minor=max(0, earning.clawed_back_minor),
        state=earning.state.value,
        available_at=earning.release_at if pending else None,
        waits_for_deposit=waits_for_deposit(earning),
        why=short_reasons(earning, currency),
    )
