"""To a wallet: a table for the payment service's register."""

from app.payouts.methods.method import Method

METHOD = Method("e_wallet", files=("csv",))
