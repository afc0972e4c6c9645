"""What stands in an act, in Russian: decided here as plain texts, laid out by templates/acts/act.typ.

The act is about what the partner's work of a period costs, which is what he asked to be paid. When a refund cuts the
payout afterwards, the work is still worth the act's amount: the cut part is set off against his debt, as both sides'
statements show. Staff may have the act made anew instead, under a new number (`acts.renew`).

VAT is inside the amount: 120.00 at 20 % hold 20.00. Worked: 1 234.05 at 20 % → 1 234.05 × 20 / 120 = 205.675 → 205.68.
"""

from dataclasses import dataclass
from datetime import date

from babel.dates import format_date

from app.payouts.requisites import Side
from app.payouts.words import amount_in_words
from app.rules.money import round_minor
from app.ui.filters import exponent

NBSP = "\u00a0"


@dataclass(frozen=True, slots=True)
class ActFacts:
    """Everything an act is made of."""

    number: int
    drawn_on: date
    period_from: date
    period_to: date
    amount_minor: int
    currency: str
    program_name: str
    terms_version: int
    payout_number: int
    company: bool
    """The partner is a company; False: a sole trader."""


def act_document(facts: ActFacts, customer: Side, performer: Side) -> dict[str, object]:
    """The act's texts, as they are stored with it and handed to typst."""
    amount = _money(facts.amount_minor, facts.currency)
    basis = performer.contract or (
        f"публичная оферта партнёрской программы «{facts.program_name}», условия в версии {facts.terms_version}"
    )
    return {
        "title": f"Акт № {facts.number} от {_day(facts.drawn_on)}",
        "subtitle": "об оказании услуг (выполнении работ)",
        "drawn_on": facts.drawn_on.isoformat(),
        "customer": _side(customer, "Заказчик", company=True),
        "performer": _side(performer, "Исполнитель", company=facts.company),
        "basis": basis,
        "period": f"с {_day(facts.period_from)} по {_day(facts.period_to)}",
        "service": (
            f"Услуги по привлечению покупателей в рамках партнёрской программы «{facts.program_name}» "
            f"(заявка на выплату № {facts.payout_number})"
        ),
        "amount": amount,
        "currency": facts.currency,
        "amount_in_words": amount_in_words(facts.amount_minor, facts.currency),
        "vat_label": _vat_label(performer.vat),
        "vat_amount": "—"
        if performer.vat == "none"
        else _money(_vat(facts.amount_minor, performer.vat), facts.currency),
        "vat_text": _vat_text(facts.amount_minor, facts.currency, performer),
    }


def _vat(amount_minor: int, rate: str) -> int:
    """The VAT inside an amount (rules.md §2.3: rounded half away from zero, once)."""
    return round_minor(amount_minor * int(rate), 100 + int(rate))


def _vat_label(rate: str) -> str:
    return "Без НДС" if rate == "none" else f"В том числе НДС {rate}{NBSP}%"


def _vat_text(amount_minor: int, currency: str, performer: Side) -> str:
    if performer.vat == "none":
        return f"НДС не облагается{': ' + performer.vat_reason if performer.vat_reason else ''}."
    vat = amount_in_words(_vat(amount_minor, performer.vat), currency)
    return f"В том числе НДС {performer.vat}{NBSP}%: {vat[0].lower()}{vat[1:]}."


def _side(side: Side, role: str, *, company: bool) -> dict[str, object]:
    """A side's lines. What is not known is an empty text, which the template shows as a line to fill in."""
    details = [["ИНН", side.tax_number]]
    if company:
        details.append(["КПП", side.kpp])
    details.append(["ОГРН" if company else "ОГРНИП", side.ogrn])
    details.append(["адрес:", side.address])
    return {
        "role": role,
        "name": side.full_name,
        "details": details,
        "signer": side.signer,
        "signer_role": side.signer_role,
        "represented": _represented(side, company=company),
    }


def _represented(side: Side, *, company: bool) -> str:
    """`в лице директора Иванова И. И., действующего на основании устава`; empty where nobody said who signs."""
    if not company or not side.signer:
        return ""
    who = " ".join(part for part in (side.signer_role, side.signer) if part)
    return f"в лице: {who}" + (f" (на основании: {side.signer_basis})" if side.signer_basis else "")


def _day(day: date) -> str:
    return str(format_date(day, "d MMMM yyyy", locale="ru")).replace(" ", NBSP) + f"{NBSP}г."


def _money(amount_minor: int, currency: str) -> str:
    """`1 234,05`: Russian whatever the reader's language, for the act is one document."""
    digits = exponent(currency)
    whole, rest = divmod(amount_minor, 10**digits)
    text = f"{whole:,}".replace(",", NBSP)
    return f"{text},{rest:0{digits}d}" if digits else text
