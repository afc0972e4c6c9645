"""All routes of the staff slice."""

from app.staff import applications, desk, payouts, terms

ROUTES = [*desk.ROUTES, *applications.ROUTES, *payouts.ROUTES, *terms.ROUTES]
