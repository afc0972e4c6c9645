"""The part of an explanation from the base to the rounded amount of a credited partner (rules.md §5, §6, §15, §16).

Everything is read from the judgement: which rule gave each line its rate, which were passed over and why, what was
converted at which rate, and where a cap cut.
"""

from collections.abc import Iterable, Sequence

from app.rules.base import convert, converted, goods_lines
from app.rules.clawback import left_after
from app.rules.commission import direct_amounts
from app.rules.facts import MICRO, OrderState
from app.rules.judgement import Judgement, LineRate, PassedRule, RateRule, Share
from app.rules.sales import own_part
from app.rules.sentences import Change, Foreign, Sentence
from app.rules.terms import CalculationTerms, Terms


def base_sentences(
    judgement: Judgement, state: OrderState, terms: Terms, share: Share, changes: Sequence[Change]
) -> Iterable[Sentence]:
    """The base line by line, brought into the program's currency, and the partner's share of it."""
    lines, conversion = goods_lines(state), judgement.conversion

    def money(amount_minor: int) -> int | Foreign:
        return amount_minor if conversion is None else Foreign(amount_minor, conversion.currency)

    if terms.base.of == "platform_commission":
        yield Sentence("base.platform", {"base_minor": money(state.platform_commission_minor)})
    for index, base in enumerate(judgement.line_bases):
        if index < len(lines):
            total = money(lines[index].total_minor)
            values = {"line": line_name(state, index), "total_minor": total, "base_minor": money(base)}
            yield Sentence("base.line", values)
        else:
            yield Sentence("base.shipping", {"base_minor": money(base)})
    whole = sum(judgement.line_bases)
    yield Sentence("base.total", {"base_minor": money(whole)})
    if conversion is not None:
        values = {
            "base_minor": money(whole),
            "value": conversion.rate,
            "day": conversion.day,
            "source": conversion.source,
            "amount_minor": convert(whole, conversion, terms.currency),
        }
        yield Sentence("base.converted_by" if conversion.source else "base.converted", values)
    if len(judgement.shares) > 1 and changes:
        yield Sentence("base.share", {"base_minor": changes[0].base_after_minor})


def rate_sentences(judgement: Judgement, state: OrderState, terms: Terms, share: Share) -> Iterable[Sentence]:
    """Which rule gave the rate, and which were passed over; line by line where lines earn differently."""
    if judgement.buyer is not None:
        yield Sentence("buyer.first" if judgement.buyer.first else "buyer.repeat")
    measured = _measured(judgement, state, terms, share)
    if not share.lines:
        yield from (_passed(one, terms, measured) for one in share.passed)
        params = {"rate": share.rate_ppm, "level": share.level, "plan": share.plan}
        yield Sentence(f"rate.{share.rule.value}", params)
        return
    common = [one for one in share.lines[0].passed if all(one in line.passed for line in share.lines)]
    yield from (_passed(one, terms, measured) for one in common)
    for index, line in enumerate(share.lines):
        name = line_name(state, index)
        for one in line.passed:
            if one not in common:
                yield _passed(one, terms, measured, line=name)
        yield _line_rate(line, name)


def rounding_sentences(
    judgement: Judgement, state: OrderState, terms: Terms, share: Share, changes: Sequence[Change]
) -> Iterable[Sentence]:
    """How the amount came of base and rate, was rounded once or by line, and was cut."""
    if not changes:
        return
    uncut, cut = _amounts(judgement, state, terms, share)
    base, amount = changes[0].base_after_minor, changes[0].amount_after_minor
    before = uncut if cut < uncut else amount
    if share.lines:
        yield Sentence(f"rounding.lines_by_{terms.round_per}", {"amount_minor": before})
    else:
        params = {"base_minor": base, "rate": share.rate_ppm, "amount_minor": before}
        yield Sentence(f"rounding.{terms.round_per}", params)
    if cut < uncut:
        yield from _caps(share, terms.calculation, uncut, cut)


def line_name(state: OrderState, index: int) -> str | None:
    """What a line is called; None: shipping."""
    lines = goods_lines(state)
    if index >= len(lines):
        return None
    return lines[index].product or lines[index].external_id or str(index + 1)


def _passed(passed: PassedRule, terms: Terms, measured: int, line: str | None = "") -> Sentence:
    """A rule that was passed over, for the whole order or for one line."""
    params: dict[str, object] = {"rule": passed.rule.value, "reason": passed.reason, "plan": passed.plan}
    if line != "":
        return Sentence("rate.passed_line", params | {"line": line})
    plan = terms.plan(passed.plan)
    if passed.reason == "threshold" and plan is not None:
        if terms.plan_choice.measure == "quantity":
            pieces = {"from": str(plan.threshold), "reached": _pieces(measured)}
            return Sentence("rate.threshold_pieces", params | pieces)
        return Sentence("rate.threshold", params | {"from_minor": plan.threshold, "reached_minor": measured})
    return Sentence("rate.passed", params)


def _line_rate(line: LineRate, name: str | None) -> Sentence:
    params = {"line": name, "rule": line.rule.value, "plan": line.plan}
    if line.rule is RateRule.NONE:
        return Sentence("rate.line_none", params)
    if line.per:
        return Sentence(f"rate.line_{line.per}", params | {"fixed_minor": line.fixed_minor})
    return Sentence("rate.line_rate", params | {"rate": line.rate_ppm})


def _measured(judgement: Judgement, state: OrderState, terms: Terms, share: Share) -> int:
    """What thresholds counted, this order included."""
    weights = [one.weight for one in judgement.shares]
    index = judgement.shares.index(share)
    if terms.plan_choice.measure == "quantity":
        total = sum(line.quantity_micro for line in goods_lines(state))
    else:
        total = sum(converted(judgement.line_bases, judgement.conversion, terms.currency))
    return (share.reached or 0) + own_part(total, weights, index)


def _amounts(judgement: Judgement, state: OrderState, terms: Terms, share: Share) -> tuple[int, int]:
    """The partner's commission on the whole order, without and with the caps."""
    calculation = terms.calculation
    if not calculation.order_cap_minor and not calculation.partner_period_cap_minor:
        return 0, 0
    left = left_after(state, judgement.line_bases, ())
    left = left._replace(bases=converted(left.bases, judgement.conversion, terms.currency))
    index = judgement.shares.index(share)
    uncut = direct_amounts(left, judgement.shares, terms, with_caps=False)[index][1]
    return uncut, direct_amounts(left, judgement.shares, terms)[index][1]


def _caps(share: Share, calculation: CalculationTerms, uncut: int, cut: int) -> Iterable[Sentence]:
    params: dict[str, object] = {"before_minor": uncut, "after_minor": cut}
    if share.room_minor is not None and share.room_minor == cut:
        yield Sentence("cap.partner", params | {"cap_minor": calculation.partner_period_cap_minor})
    else:
        yield Sentence("cap.order", params | {"cap_minor": calculation.order_cap_minor})


def _pieces(micro: int) -> str:
    whole, rest = divmod(micro, MICRO)
    digits = f"{rest:06d}".rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)
