"""From a complete, checked document to the typed terms."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from app.rules.money import parse_rate
from app.rules.terms import (
    AttributionTerms,
    BaseTerms,
    BonusTerms,
    CalculationTerms,
    HoldTerms,
    Level,
    LevelsPolicy,
    PayoutTerms,
    Plan,
    PlanChoice,
    PromoCodeTerms,
    SellersTerms,
    Terms,
    TiersTerms,
    VolumeBonusTerms,
)
from app.rules.terms_cashback import typed_cashback

Document = Mapping[str, Any]


def typed_terms(document: dict[str, Any]) -> Terms:
    """The typed form of what `terms_document.complete_document` gave back."""
    policy, calculation, promo_codes = (
        document["levels_policy"],
        document["calculation"],
        document["promo_codes"],
    )
    sellers = document.get("sellers")
    return Terms(
        currency=document["currency"],
        zone=ZoneInfo(document["time_zone"]),
        attribution=_attribution(document["attribution"]),
        base=_base(document["base"]),
        levels_policy=LevelsPolicy(policy["period"], policy["recalculate"], policy["keep"], policy["count"]),
        levels=tuple(_level(level) for level in document["levels"]),
        plan_choice=PlanChoice(**document["plan_choice"]),
        plans=tuple(_plan(plan) for plan in document["plans"]),
        tiers=_tiers(document["tiers"]),
        sellers=_sellers(sellers) if sellers is not None else None,
        bonuses=tuple(BonusTerms(**bonus) for bonus in document["bonuses"]),
        volume_bonuses=tuple(
            VolumeBonusTerms(parse_rate(bonus["rate"]), bonus.get("level", ""), bonus["from"])
            for bonus in document["volume_bonuses"]
        ),
        round_per=calculation["round"],
        calculation=CalculationTerms(
            calculation["mode"], calculation["order_cap_minor"], calculation["partner_period_cap_minor"]
        ),
        hold=HoldTerms(document["hold"]["release_on"], document["hold"]["days"]),
        payout=_payout(document["payout"]),
        promo_codes=PromoCodeTerms(parse_rate(promo_codes["discount"]), promo_codes["length_min"]),
        cashback=typed_cashback(document.get("cashback")),
        document=document,
    )


def _attribution(document: Document) -> AttributionTerms:
    return AttributionTerms(
        model=document["model"],
        window_days=document["window_days"],
        repeat_minutes=document["repeat_minutes"],
        precedence=tuple(document["precedence"]),
        linear_per=document["linear_per"],
        self_referral=document["self_referral"],
        bind_customer_days=document["bind_customer_days"],
        position_first_ppm=parse_rate(document["position"]["first"]),
        position_last_ppm=parse_rate(document["position"]["last"]),
        half_life_days=document["half_life_days"],
    )


def _base(document: Document) -> BaseTerms:
    excluded = document["exclude"]
    return BaseTerms(
        without_shipping="shipping" in excluded,
        without_tax="tax" in excluded,
        without_discount="discount" in excluded,
        without_cashback_spent="cashback_spent" in excluded,
        of=document["of"],
    )


def _level(level: Document) -> Level:
    return Level(
        code=level["code"],
        from_minor=level["from"],
        rate_ppm=parse_rate(level["rate"]),
        name=level["name"],
        promo_codes_max=level["promo_codes_max"],
        perks=level["perks"],
    )


def _plan(plan: Document) -> Plan:
    return Plan(
        code=plan["code"],
        active=plan["active"],
        threshold=plan["from"],
        rate_ppm=parse_rate(plan["rate"]) if "rate" in plan else None,
        fixed_minor=plan.get("fixed_minor"),
        per=plan.get("per", ""),
        products=frozenset(plan["products"]),
        categories=frozenset(plan["categories"]),
        customer=plan["customer"],
        channel=plan["channel"],
        levels=frozenset(plan["levels"]),
        partners=frozenset(code.casefold() for code in plan["partners"]),
        sites=frozenset(site.casefold() for site in plan["sites"]),
        valid_from=_day(plan.get("valid_from")),
        valid_to=_day(plan.get("valid_to")),
    )


def _tiers(document: Document) -> TiersTerms:
    return TiersTerms(
        rates_ppm=tuple(parse_rate(rate) for rate in document["rates"]),
        inactive_parent=document["inactive_parent"],
        limit_days=document["limit_days"],
        of=document["of"],
    )


def _sellers(document: Document) -> SellersTerms:
    return SellersTerms(
        placement_rate_ppm=parse_rate(document["placement_rate"]),
        sale_rate_ppm=parse_rate(document["sale_rate"]),
        parent_rate_ppm=parse_rate(document["parent_rate"]),
        unlimited_before=date.fromisoformat(document["unlimited_before"]),
        limit_years=document["limit_years"],
    )


def _payout(document: Document) -> PayoutTerms:
    return PayoutTerms(
        min_minor=document["min_minor"],
        methods=tuple(document["methods"]),
        second_person_from_minor=document["approval_second_person_from_minor"],
        settle=document["settle"],
        deposit_fee_ppm=parse_rate(document["deposit_fee"]),
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
