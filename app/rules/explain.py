"""Why a commission is what it is: as data (`explain`), and as sentences in the reader's language (`render`).

Nothing here decides anything. The sentences are made from what is stored: the judgement of the order, the order's
message, the terms by their number, and the changes of the commission. Their order is that of the calculation:
source and credits, clicks that did not count and why, base line by line, rate rule and those passed over, tiers,
rounding, hold, later clawbacks (rules.md §15).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.rules.attribution import BY_STAFF
from app.rules.effects import CommissionKind
from app.rules.explain_rates import base_sentences, rate_sentences, rounding_sentences
from app.rules.explain_texts import TEXTS, plural_form
from app.rules.facts import Cause, OrderState
from app.rules.judgement import Considered, Judgement, Share, Source, Verdict
from app.rules.money import PPM, currency_exponent, format_minor, format_rate, round_minor
from app.rules.postings import release_moment
from app.rules.sentences import Change as Change
from app.rules.sentences import Foreign
from app.rules.sentences import Sentence as Sentence
from app.rules.terms import Terms


def plain_amount(amount_minor: int, currency: str) -> str:
    """`100.50 USD`."""
    return f"{format_minor(amount_minor, currency_exponent(currency))} {currency}"


READABLE_TOTAL = 10_000
"""Weights that sum to more are told as percentages."""


@dataclass(frozen=True, slots=True)
class Formats:
    """How values are shown to this reader. Who may not know a partner gets a word for him instead of his name."""

    language: str
    money: Callable[[int], str]
    moment: Callable[[datetime], str]
    partner: Callable[[int], str]
    level: Callable[[str], str]
    foreign: Callable[[int, str], str] = plain_amount
    """An amount of another currency than the program's."""


def explain(
    judgement: Judgement,
    state: OrderState,
    terms: Terms,
    commission: tuple[int, str, int],
    changes: Sequence[Change],
) -> list[Sentence]:
    """The steps that led to one commission, by its (partner, kind, tier)."""
    partner_id, kind, tier = commission
    sentences = [*_source(judgement)]
    if kind == CommissionKind.DIRECT:
        share = next((one for one in judgement.shares if one.partner_id == partner_id), None)
        if share is not None:
            sentences.extend(base_sentences(judgement, state, terms, share, changes))
            sentences.extend(rate_sentences(judgement, state, terms, share))
            sentences.extend(rounding_sentences(judgement, state, terms, share, changes))
    elif kind == CommissionKind.TIER:
        sentences.extend(_tier(judgement, terms, partner_id, tier, changes))
    else:
        sentences.extend(_seller(judgement, partner_id, kind, changes))
    sentences.append(_hold(state, terms))
    sentences.extend(_later(changes))
    return sentences


def considered_of(judgement: Judgement, partner_id: int) -> list[Sentence]:
    """What of this one partner was considered, with the verdicts; for him, whether or not he was credited."""
    return [_considered(one) for one in judgement.considered if one.partner_id == partner_id]


def render(sentences: Iterable[Sentence], formats: Formats) -> list[str]:
    """The sentences as text in the reader's language (`ru` or `en`)."""
    texts = TEXTS.get(formats.language, TEXTS["en"])
    return [_sentence(sentence, texts, formats) for sentence in sentences]


def exact_product(base_minor: int, rate_ppm: int) -> str:
    """Base times rate in minor units, exactly: `1053.5` for 150.50 at 7 %."""
    whole, rest = divmod(base_minor * rate_ppm, PPM)
    digits = f"{rest:06d}".rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)


def _source(judgement: Judgement) -> Iterable[Sentence]:
    source = judgement.source
    if source is Source.CLICK:
        yield Sentence(
            f"source.click.{judgement.model}",
            {"days": judgement.window_days, "partners": _partners(judgement.shares)},
        )
    else:
        counted = [one for one in judgement.considered if one.verdict is Verdict.COUNTED]
        ref = counted[0].ref if counted else ""
        word = "staff" if source is Source.MANUAL and ref == BY_STAFF else source.value
        yield Sentence(f"source.{word}", {"ref": ref, "partners": _partners(judgement.shares)})
    for one in judgement.considered:
        yield _considered(one)
    total = sum(share.weight for share in judgement.shares)
    if len(judgement.shares) > 1:
        for share in judgement.shares:
            yield _credit(share, total)
    for partner_id in judgement.held:
        yield Sentence("held.self_referral", {"partner": partner_id})


def _credit(share: Share, total: int) -> Sentence:
    """A partner's part of the credit: `1 of 3`, or a percentage where the weights are long numbers."""
    if total <= READABLE_TOTAL:
        return Sentence("credit", {"partner": share.partner_id, "weight": share.weight, "total": total})
    rate = round_minor(share.weight * PPM, total)
    return Sentence("credit.rate", {"partner": share.partner_id, "rate": rate})


def _considered(one: Considered) -> Sentence:
    params: dict[str, Any] = {"verdict": one.verdict.value, "ref": one.ref}
    if one.partner_id is not None:
        params["partner"] = one.partner_id
    if one.source is Source.CLICK:
        params["at"] = one.at
        return Sentence("considered.click", params)
    if one.source is Source.PROMO_CODE:
        return Sentence("considered.promo_code", params)
    if one.source is Source.CUSTOMER:
        params["at"] = one.at
        return Sentence("considered.customer", params)
    if one.verdict is Verdict.NOBODY:
        return Sentence("considered.nobody")
    return Sentence("considered.staff" if one.ref == BY_STAFF else "considered.manual", params)


def _partners(shares: Sequence[Share]) -> list[int]:
    return [share.partner_id for share in shares]


def _tier(
    judgement: Judgement, terms: Terms, partner_id: int, tier: int, changes: Sequence[Change]
) -> Iterable[Sentence]:
    """From which partners' sales it comes, and of what: their earnings, the base or the platform commission."""
    of = terms.tiers.of
    told: set[int | None] = set()
    for share in judgement.shares:
        for parent in share.tiers:
            if (parent.partner_id, parent.tier) != (partner_id, tier):
                continue
            first = next(
                (change for change in changes if change.from_partner in (share.partner_id, None)), None
            )
            if first is None or first.from_partner in told:
                continue
            told.add(first.from_partner)
            params: dict[str, Any] = {
                "tier": tier,
                "rate": parent.rate_ppm,
                "base_minor": first.base_after_minor,
                "amount_minor": first.amount_after_minor,
            }
            if of == "earnings":
                params["partner"] = share.partner_id
            yield Sentence("tier" if of == "earnings" else f"tier.{of}", params)


def _seller(
    judgement: Judgement, partner_id: int, kind: str, changes: Sequence[Change]
) -> Iterable[Sentence]:
    """Who brought the order's seller, and what of the platform commission that comes to."""
    credit = judgement.seller
    if credit is None or credit.partner_id is None:
        return
    yield Sentence(
        "seller.brought", {"ref": credit.seller_id, "partner": credit.partner_id, "at": credit.registered_at}
    )
    share = next((one for one in credit.shares if (one.partner_id, one.kind) == (partner_id, kind)), None)
    if share is not None and changes:
        code = f"{kind}.{credit.sale_kind}" if kind == CommissionKind.SELLER else kind
        yield Sentence(
            code,
            {
                "rate": share.rate_ppm,
                "base_minor": changes[0].base_after_minor,
                "amount_minor": changes[0].amount_after_minor,
            },
        )


def _hold(state: OrderState, terms: Terms) -> Sentence:
    at = release_moment(state, terms.hold)
    params: dict[str, Any] = {"days": terms.hold.days}
    if at is not None:
        params["at"] = at
        return Sentence("hold.until", params)
    if not terms.hold.days:
        return Sentence(f"hold.none_{terms.hold.release_on}")
    return Sentence(f"hold.after_{terms.hold.release_on}", params)


def _later(changes: Sequence[Change]) -> Iterable[Sentence]:
    for change in changes:
        if change.cause is Cause.PAID:
            continue
        yield Sentence(
            f"change.{change.cause.value}",
            {
                "at": change.at,
                "ref": change.cause_ref,
                "before_minor": change.amount_before_minor,
                "after_minor": change.amount_after_minor,
            },
        )


def _sentence(sentence: Sentence, texts: dict[str, str], formats: Formats) -> str:
    """Fill a text: money, moments, partners and levels in the reader's way, words of the rules translated."""
    values: dict[str, str] = {}
    for name, value in sentence.params.items():
        values[name.removesuffix("_minor")] = _value(name, value, texts, formats)
    params = sentence.params
    if "days" in params:
        form = plural_form(formats.language, params["days"])
        values["days"] = texts[f"days.{form}"].format(count=params["days"])
    if sentence.code.startswith("considered.") and "partner" not in params:
        values["partner"] = texts["nobody"]
    if "rule" in values:
        values["rule"] = values["rule"].format(**values)
    return texts[sentence.code].format(**values)


def _value(name: str, value: Any, texts: dict[str, str], formats: Formats) -> str:
    if isinstance(value, Foreign):
        return formats.foreign(value.amount_minor, value.currency)
    if name.endswith("_minor"):
        return formats.money(value)
    match name:
        case "at":
            return formats.moment(value)
        case "partner":
            return formats.partner(value)
        case "partners":
            return ", ".join(formats.partner(one) for one in value) or texts["nobody"]
        case "level":
            return formats.level(value)
        case "line":
            return texts["shipping"] if value is None else str(value)
        case "rate":
            rate = format_rate(value)
            return rate.replace(".", ",").replace("%", "\u00a0%") if formats.language == "ru" else rate
        case "verdict" | "rule" | "reason":
            return texts[f"{name}.{value}"]
        case _:
            return str(value)
