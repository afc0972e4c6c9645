"""To the partner's account in the shop: nothing is sent, the ledger itself keeps what he may spend there."""

from app.payouts.methods.method import Method
from app.rules.effects import AccountKind

METHOD = Method("internal_account", account=AccountKind.INTERNAL, at_once=True)
