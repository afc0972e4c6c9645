"""To an account at a Russian bank: payment orders, in the format of 1C and as a table."""

from app.payouts.methods.method import Method

METHOD = Method("bank_account", files=("1c", "csv"))
