"""Ways of paying partners: one file for each, and one line here."""

from app.payouts.methods import bank_account, card, e_wallet, internal_account
from app.payouts.methods.method import Method as Method  # part of what callers need

METHODS: dict[str, Method] = {
    one.METHOD.kind: one.METHOD
    for one in (
        bank_account,
        card,
        e_wallet,
        internal_account,
    )
}
"""By kind."""
