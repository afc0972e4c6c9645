"""The published examples of ../shared/data/golden, and short ways to play them."""

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from app.rules.money import parse_rate
from app.rules.state import OwnRates, ParentSince, PartnerState
from tests.unit.rules.build import Shop, chain, click, day, line, state

GOLDEN = Path(__file__).parents[4] / "shared" / "data" / "golden" / "golden_examples.json"

needs_golden = pytest.mark.skipif(not GOLDEN.is_file(), reason="../shared/data/golden is not there")


def examples() -> dict[str, dict[str, Any]]:
    """All of them, by id."""
    return {one["id"]: one for one in json.loads(GOLDEN.read_text())}


def expected(number: str) -> Any:
    """What the example says comes out."""
    return examples()[number]["expect"]


def given_in(number: str) -> Any:
    """What it starts from."""
    return examples()[number]["given"]


def minor(amount: float | str) -> int:
    """An amount of the file in minor units, exactly."""
    exact = Fraction(str(amount)) * 100
    assert exact.denominator == 1
    return int(exact)


def tree(size: int, own: str) -> list[PartnerState]:
    """Partner 1 sells at this rate of his own, partner 2 is his parent, and so on."""
    rate = (OwnRates(None, parse_rate(own), None),)
    return [
        PartnerState(
            number,
            f"p{number}",
            own_rates=rate if number == 1 else (),
            parents=(ParentSince(None, number + 1),) if number < size else (),
        )
        for number in range(1, size + 1)
    ]


def sold_in_tree(
    total: int, own: str, tiers: Mapping[str, Any], size: int, *, platform: int = 0
) -> list[int]:
    """What each of a line of partners earns of one order: the seller first, then his parents."""
    shop = Shop(state({"tiers": tiers}, *tree(size, own)))
    shop.paid(1, day(10), line(total), partner_id=1, platform_commission_minor=platform)
    earned = shop.commissions(1)
    return [
        earned.get((number, "tier" if number > 1 else "direct", number - 1), 0)
        for number in range(1, size + 1)
    ]


def credited(terms: Mapping[str, Any], touched: Sequence[int], total: int, own: str = "100%") -> list[int]:
    """What partners 1, 2 … earn of an order after these clicks, one a day; all at one rate."""
    rate = (OwnRates(None, parse_rate(own), None),)
    size = max(touched)
    partners = [PartnerState(number, f"p{number}", own_rates=rate) for number in range(1, size + 1)]
    shop = Shop(state({"attribution": terms}, *partners))
    shop.program.clicks = chain(*(click(at, day(at), who) for at, who in enumerate(touched, start=1)))
    shop.paid(1, day(20), line(total), visitor_id="v1")
    return [shop.direct(1).get(number, 0) for number in range(1, size + 1)]
