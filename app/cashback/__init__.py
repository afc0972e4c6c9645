"""Customers' cashback: what orders give back, lots, redemptions, the customer's page (rules.md §14)."""
