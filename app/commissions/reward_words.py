"""Why a bonus or an adjustment was given, for its partner."""

from app import db
from app.commissions.adjustments_queries import adjustment_reason
from app.ui.filters import money, number, percent
from app.ui.i18n import gettext as _


async def reward_reasons(commission_id: int, currency: str) -> list[str]:
    """What was reached and over which period; empty: the commission is no bonus."""
    row = await db.fetchrow(
        """
        SELECT given.kind, given.code, given.period, given.reached, given.amount_minor, commission.rate
        FROM rewards AS given JOIN commissions AS commission ON commission.id = given.commission_id
        WHERE given.commission_id = $1
        """,
        commission_id,
    )
    if row is None:
        return []
    if row["kind"] == "volume_bonus":
        return [
            _(
                "On the whole base of the period from %(day)s: %(base)s.",
                day=row["period"],
                base=money(row["reached"], currency),
            ),
            _(
                "%(base)s × %(rate)s, rounded once: %(amount)s.",
                base=money(row["reached"], currency),
                rate=percent(row["rate"]),
                amount=money(row["amount_minor"], currency),
            ),
        ]
    reached = _(
        "The bonus %(code)s: %(reached)s was reached.", code=row["code"], reached=number(row["reached"])
    )
    given = _("For it %(amount)s is given.", amount=money(row["amount_minor"], currency))
    if row["period"] == "ever":
        return [reached, given, _("It is given once.")]
    return [reached, given, _("It is given once in the period from %(day)s.", day=row["period"])]


async def adjustment_reasons(commission_id: int, amount_minor: int, currency: str) -> list[str]:
    """What staff wrote, and what they gave or took."""
    why = await adjustment_reason(commission_id)
    amount = money(abs(amount_minor), currency)
    given = (
        _("%(amount)s were given.", amount=amount)
        if amount_minor > 0
        else _("%(amount)s were taken.", amount=amount)
    )
    return [_("Booked by hand: %(reason)s", reason=why), given]
