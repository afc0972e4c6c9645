"""Why a bonus was given, for its partner."""

from app import db
from app.ui.filters import money, number
from app.ui.i18n import gettext as _


async def reward_reasons(commission_id: int, currency: str) -> list[str]:
    """What was reached and over which period; empty: the commission is no bonus."""
    row = await db.fetchrow(
        "SELECT kind, code, period, reached FROM rewards WHERE commission_id = $1", commission_id
    )
    if row is None:
        return []
    if row["kind"] == "volume_bonus":
        return [
            _(
                "On the whole base of the period from %(day)s: %(base)s.",
                day=row["period"],
                base=money(row["reached"], currency),
            )
        ]
    reached = _(
        "The bonus %(code)s: %(reached)s was reached.", code=row["code"], reached=number(row["reached"])
    )
    if row["period"] == "ever":
        return [reached, _("It is given once.")]
    return [reached, _("It is given once in the period from %(day)s.", day=row["period"])]
