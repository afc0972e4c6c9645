"""What kinds of commissions are called."""

from app.commissions.queries import EarningKind
from app.ui.i18n import gettext as _


def kind_words(kind: str, tier: int) -> str:
    """The name of a kind of commission (rules.md §8)."""
    words = {
        EarningKind.DIRECT: _("Own sale"),
        EarningKind.TIER: _("Network, tier %(tier)s", tier=tier),
        EarningKind.SELLER: _("Seller whom you brought"),
        EarningKind.SELLER_PARENT: _("Seller whom your partner brought"),
        EarningKind.BONUS: _("Bonus"),
        EarningKind.VOLUME_BONUS: _("Volume bonus"),
        EarningKind.ADJUSTMENT: _("Adjustment"),
    }
    return words[EarningKind(kind)]
