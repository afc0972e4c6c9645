"""To a card: a table for the bank's or the payment service's register."""

from app.payouts.methods.method import Method

METHOD = Method("card", files=("csv",))
