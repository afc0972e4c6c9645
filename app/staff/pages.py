"""All routes of the staff slice."""

from app.staff import applications, desk, orders, payouts, terms

ROUTES = [*desk.ROUTES, *applications.ROUTES, *orders.ROUTES, *payouts.ROUTES, *terms.ROUTES]
