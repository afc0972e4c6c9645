"""All keys of the terms, in the order in which they are written (rules.md §3)."""

from app.rules.terms_schema import (
    CODE,
    MINOR_MAX,
    Choice,
    Currency,
    Day,
    Days,
    Flag,
    Integer,
    Languages,
    Listing,
    Rate,
    Table,
    Text,
    Zone,
)

SOURCES = ("manual", "promo_code", "click", "customer")
MODELS = ("last_click", "first_click", "linear", "position", "time_decay", "none")
BASE_PARTS = ("shipping", "tax", "discount", "cashback_spent")
PAYOUT_METHODS = ("bank_account", "card", "e_wallet", "internal_account")
FIRST_LEVEL = {
    "code": "starter",
    "name": {"ru": "Старт", "en": "Starter"},
    "from": 0,
    "rate": "5%",
    "promo_codes_max": 1,
    "perks": {"ru": "Базовые материалы", "en": "Basic promo materials"},
}

_code = Text(most=60, pattern=CODE)
_texts = Listing(Text())

ATTRIBUTION = Table(
    {
        "model": Choice(MODELS, "last_click"),
        "window_days": Integer(30, 1, 365),
        "repeat_minutes": Integer(30, 0, 525_600),
        "precedence": Listing(Choice(SOURCES), SOURCES, least=1),
        "bind_customer_days": Days(0),
        "linear_per": Choice(("partner", "click"), "partner"),
        "position": Table({"first": Rate("40%"), "last": Rate("40%")}),
        "half_life_days": Integer(7, 1, 3_650),
        "self_referral": Choice(("refuse", "hold", "allow"), "refuse"),
    }
)

BASE = Table(
    {
        "of": Choice(("order", "platform_commission"), "order"),
        "exclude": Listing(Choice(BASE_PARTS), BASE_PARTS),
    }
)

LEVELS_POLICY = Table(
    {
        "period": Choice(("month", "quarter", "year", "lifetime"), "quarter"),
        "recalculate": Choice(("on_paid", "daily"), "on_paid"),
        "keep": Choice(("none", "next_period"), "next_period"),
        "count": Choice(("base", "orders", "customers"), "base"),
    }
)

LEVEL = Table(
    {
        "code": _code,
        "name": Languages(),
        "from": Integer(0),
        "rate": Rate(),
        "promo_codes_max": Integer(1, 0, 10_000),
        "perks": Languages(),
    }
)

PLAN_CHOICE = Table(
    {
        "measure": Choice(("amount", "quantity"), "amount"),
        "period": Choice(("order", "month", "quarter", "lifetime"), "month"),
        "prefer": Choice(("highest_threshold", "least_reward"), "highest_threshold"),
        "none_fits": Choice(("level", "deactivate"), "level"),
    }
)

PLAN = Table(
    {
        "code": _code,
        "active": Flag(True),
        "from": Integer(0),
        "rate": Rate(None),
        "fixed_minor": Integer(None),
        "per": Choice(("order", "item", "line"), None),
        "products": _texts,
        "categories": _texts,
        "customer": Choice(("any", "first", "repeat"), "any"),
        "channel": Choice(("any", "external", "direct"), "any"),
        "levels": _texts,
        "partners": _texts,
        "sites": _texts,
        "valid_from": Day(),
        "valid_to": Day(),
    }
)

TIERS = Table(
    {
        "of": Choice(("earnings", "base", "platform_commission"), "earnings"),
        "rates": Listing(Rate(), (), most=10, unique=False),
        "inactive_parent": Choice(("stop", "skip"), "stop"),
        "limit_days": Days(-1),
    }
)

SELLERS = Table(
    {
        "placement_rate": Rate("20%"),
        "sale_rate": Rate("10%"),
        "parent_rate": Rate("5%"),
        "unlimited_before": Day("2025-04-07"),
        "limit_years": Integer(1, 0, 100),
    },
    optional=True,
)

BONUS = Table(
    {
        "code": _code,
        "count": Choice(("customers", "orders", "base"), "customers"),
        "reach": Integer(1, 1),
        "reward_minor": Integer(least=1),
        "every_period": Flag(False),
    }
)

VOLUME_BONUS = Table({"level": Text(None, most=60, pattern=CODE), "from": Integer(0), "rate": Rate()})

CASHBACK_RULE = Table(
    {
        "code": _code,
        "condition": Choice(("all", "category", "brand", "product", "order_total"), "all"),
        "values": _texts,
        "from_minor": Integer(0),
        "rate": Rate(),
        "min_order_minor": Integer(0),
        "sort": Integer(100, -1_000_000, 1_000_000),
        "active": Flag(True),
        "valid_from": Day(),
        "valid_to": Day(),
    }
)

CASHBACK = Table(
    {
        "max_share": Rate("50%"),
        "hold_days": Integer(0, 0, 3_650),
        "lifetime_days": Days(-1, least=1),
        "rules": Listing(CASHBACK_RULE, (), unique=False),
    },
    optional=True,
)

SHAPE = Table(
    {
        "currency": Currency("RUB"),
        "time_zone": Zone("Europe/Moscow"),
        "attribution": ATTRIBUTION,
        "base": BASE,
        "levels_policy": LEVELS_POLICY,
        "levels": Listing(LEVEL, (FIRST_LEVEL,), least=1, most=100, unique=False),
        "plan_choice": PLAN_CHOICE,
        "plans": Listing(PLAN, (), unique=False),
        "tiers": TIERS,
        "sellers": SELLERS,
        "bonuses": Listing(BONUS, (), unique=False),
        "volume_bonuses": Listing(VOLUME_BONUS, (), unique=False),
        "calculation": Table(
            {
                "mode": Choice(("per_order", "periodic"), "per_order"),
                "round": Choice(("order", "line"), "order"),
                "order_cap_minor": Integer(0),
                "partner_period_cap_minor": Integer(0),
            }
        ),
        "hold": Table(
            {"release_on": Choice(("paid", "fulfilled"), "fulfilled"), "days": Integer(14, 0, 3_650)}
        ),
        "payout": Table(
            {
                "min_minor": Integer(100_000),
                "methods": Listing(Choice(PAYOUT_METHODS), PAYOUT_METHODS, least=1),
                "settle": Choice(("merchant", "deposit"), "merchant"),
                "deposit_fee": Rate("15%"),
                "approval_second_person_from_minor": Integer(0, 0, MINOR_MAX),
            }
        ),
        "promo_codes": Table({"discount": Rate("5%"), "length_min": Integer(4, 1, 60)}),
        "cashback": CASHBACK,
    }
)
