"""What a program offers, as its public page tells it: taken from the terms in force, so it cannot say anything else."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from app.programs.queries import Program, PublishedTerms
from app.rules.terms import Terms
from app.ui.i18n import in_locale


@dataclass(frozen=True, slots=True)
class OfferLevel:
    """One step of the ladder."""

    name: str
    from_value: int
    """Threshold: minor units of turnover for `count` = base."""
    count: str
    """base, orders or customers."""
    rate: int
    """In 1e-6."""
    perks: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A program in the language of the reader at hand."""

    name: str
    about: str
    currency: str
    shop_host: str
    shop_url: str
    """Its home page."""
    window_days: int
    hold_days: int
    release_on: str
    """paid or fulfilled."""
    min_payout_minor: int
    promo_discount_rate: int | None
    """None: promo codes give buyers nothing."""
    levels: tuple[OfferLevel, ...]
    levels_period: str
    """month, quarter, year or lifetime."""
    terms_version: int
    code: str
    open: bool
    """False: no applications are taken."""
    support_email: str = ""


def offer_of(program: Program, published: PublishedTerms) -> Offer:
    """The offer by these terms."""
    terms = published.terms
    return Offer(
        name=program.name,
        about=in_locale(program.about),
        currency=terms.currency,
        shop_host=urlsplit(program.home_url).hostname or "",
        shop_url=program.home_url,
        window_days=terms.attribution.window_days,
        hold_days=terms.hold.days,
        release_on=terms.hold.release_on,
        min_payout_minor=terms.payout.min_minor,
        promo_discount_rate=terms.promo_codes.discount_ppm or None,
        levels=_levels(terms),
        levels_period=terms.levels_policy.period,
        terms_version=published.number,
        code=program.code,
        open=program.active,
    )


def _levels(terms: Terms) -> tuple[OfferLevel, ...]:
    count = terms.document["levels_policy"]["count"]
    return tuple(
        OfferLevel(
            name=in_locale(level.name) or level.code,
            from_value=level.from_minor,
            count=count,
            rate=level.rate_ppm,
            perks=in_locale(level.perks),
        )
        for level in terms.levels
    )
