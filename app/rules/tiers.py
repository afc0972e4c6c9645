"""Who above a credited partner earns from his sale, and at which tier (rules.md §8, §16 "Levels").

C sells and earns 1,000.00; with tiers 10 % and 5 % of earnings her parent B gets 100.00 and his parent A 50.00.
All tiers refer to the selling partner, not to the tier below. An inactive parent stops the way up, or is skipped:
then the next active one is paid at the tier he stands on. States and parents are those at `placed_at`.
"""

from datetime import datetime, timedelta

from app.rules.judgement import TierShare
from app.rules.state import PartnerState, State
from app.rules.terms import TiersTerms


def tier_shares(
    state: State, child: PartnerState, placed_at: datetime, terms: TiersTerms
) -> tuple[tuple[TierShare, ...], str]:
    """The parents who earn from this child's sale, and why nobody further up does ("": there is nobody)."""
    if not terms.rates_ppm:
        return (), ""
    if _is_over(child.joined_at, placed_at, terms.limit_days):
        return (), "limit_days"
    shares: list[TierShare] = []
    below = child
    for tier, rate_ppm in enumerate(terms.rates_ppm, start=1):
        parent_id = below.parent_id(placed_at)
        parent = state.partners.get(parent_id) if parent_id is not None else None
        if parent is None:
            return tuple(shares), ""
        below = parent
        if parent.is_active(placed_at):
            shares.append(TierShare(tier, parent.partner_id, rate_ppm))
        elif terms.inactive_parent == "stop":
            return tuple(shares), "inactive"
    return tuple(shares), ""


def _is_over(joined_at: datetime | None, placed_at: datetime, limit_days: int) -> bool:
    """n days after a moment are n × 24 hours, and that moment still counts."""
    if limit_days < 0 or joined_at is None:
        return False
    return placed_at > joined_at + timedelta(days=limit_days)
