"""Why a commission is what it is: as data (`explain`), and as sentences in the reader's language (`render`).

Nothing here decides anything. The sentences are made from what is stored: the judgement of the order, the order's
message, the terms by their number, and the changes of the commission. Their order is that of the calculation:
source and credits, clicks that did not count and why, base line by line, rate rule and those passed over, tiers,
rounding, hold, later clawbacks (rules.md §15).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from app.rules.attribution import BY_STAFF
from app.rules.base import goods_lines
from app.rules.effects import CommissionKind
from app.rules.explain_texts import TEXTS, plural_form
from app.rules.facts import Cause, OrderState
from app.rules.judgement import Considered, Judgement, Share, Source, Verdict
from app.rules.money import PPM, format_rate, round_minor
from app.rules.postings import release_moment
from app.rules.terms import Terms


class Change(NamedTuple):
    """One stored change of the commission that is explained, oldest first."""

    at: datetime
    cause: Cause
    cause_ref: str
    base_before_minor: int
    base_after_minor: int
    amount_before_minor: int
    amount_after_minor: int
    from_partner: int | None = None


READABLE_TOTAL = 10_000
"""Weights that sum to more are told as percentages."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One step of the explanation: a key of `explain_texts.TEXTS` and the values that it needs."""

    code: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Formats:
    """How values are shown to this reader. Who may not know a partner gets a word for him instead of his name."""

    language: str
    money: Callable[[int], str]
    moment: Callable[[datetime], str]
    partner: Callable[[int], str]
    level: Callable[[str], str]


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
            sentences.extend(_base(judgement, state, share, changes))
            sentences.extend(_rate(share))
            sentences.extend(_rounding(share.rate_ppm, changes, terms.round_per))
    else:
        sentences.extend(_tier(judgement, partner_id, tier, changes))
    sentences.append(_hold(state, terms))
    sentences.extend(_later(changes))
    return sentences


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


def _base(
    judgement: Judgement, state: OrderState, share: Share, changes: Sequence[Change]
) -> Iterable[Sentence]:
    lines = goods_lines(state)
    for index, base in enumerate(judgement.line_bases):
        if index < len(lines):
            name = lines[index].product or lines[index].external_id or str(index + 1)
            yield Sentence(
                "base.line", {"line": name, "total_minor": lines[index].total_minor, "base_minor": base}
            )
        else:
            yield Sentence("base.shipping", {"base_minor": base})
    yield Sentence("base.total", {"base_minor": sum(judgement.line_bases)})
    if len(judgement.shares) > 1 and changes:
        yield Sentence("base.share", {"base_minor": changes[0].base_after_minor})


def _rate(share: Share) -> Iterable[Sentence]:
    for passed in share.passed:
        yield Sentence("rate.passed", {"rule": passed.rule.value, "reason": passed.reason})
    yield Sentence(f"rate.{share.rule.value}", {"rate": share.rate_ppm, "level": share.level})


def _rounding(rate_ppm: int, changes: Sequence[Change], round_per: str) -> Iterable[Sentence]:
    if not changes:
        return
    base, amount = changes[0].base_after_minor, changes[0].amount_after_minor
    params = {"base_minor": base, "rate": rate_ppm, "amount_minor": amount}
    yield Sentence(f"rounding.{round_per}", params)


def _tier(judgement: Judgement, partner_id: int, tier: int, changes: Sequence[Change]) -> Iterable[Sentence]:
    for share in judgement.shares:
        for parent in share.tiers:
            if (parent.partner_id, parent.tier) != (partner_id, tier):
                continue
            first = next((change for change in changes if change.from_partner == share.partner_id), None)
            if first is not None:
                yield Sentence(
                    "tier",
                    {
                        "tier": tier,
                        "rate": parent.rate_ppm,
                        "partner": share.partner_id,
                        "base_minor": first.base_after_minor,
                        "amount_minor": first.amount_after_minor,
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
    return texts[sentence.code].format(**values)


def _value(name: str, value: Any, texts: dict[str, str], formats: Formats) -> str:
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
        case "rate":
            rate = format_rate(value)
            return rate.replace(".", ",").replace("%", "\u00a0%") if formats.language == "ru" else rate
        case "verdict" | "rule" | "reason":
            return texts[f"{name}.{value}"]
        case _:
            return str(value)
