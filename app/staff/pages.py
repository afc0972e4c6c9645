"""All routes of the staff slice."""

from app.staff import (
    adjustments,
    applications,
    batches,
    cashback,
    checks,
    deposit,
    desk,
    orders,
    papers,
    payouts,
    runs,
    simulations,
    statements,
    terms,
    terms_draft,
    terms_versions,
)

ROUTES = [
    *desk.ROUTES,
    *applications.ROUTES,
    *orders.ROUTES,
    *papers.ROUTES,
    *payouts.ROUTES,
    *deposit.ROUTES,
    *runs.ROUTES,
    *adjustments.ROUTES,
    *cashback.ROUTES,
    *statements.ROUTES,
    *batches.ROUTES,
    *terms.ROUTES,
    *terms_draft.ROUTES,
    *terms_versions.ROUTES,
    *simulations.ROUTES,
    *checks.ROUTES,
]
