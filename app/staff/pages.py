"""All routes of the staff slice."""

from app.staff import applications, desk, terms

ROUTES = [*desk.ROUTES, *applications.ROUTES, *terms.ROUTES]
