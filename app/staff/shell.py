"""The frame of the desk: what waits, and what this role may open."""

from typing import Any

from litestar import Request

from app import db
from app.notices.queries import unread_count
from app.ui.i18n import LazyText, lazy
from app.ui.shell import DeskShell
from app.users.identity import StaffRole, program_of, signed_in_user

ROLES: dict[StaffRole, LazyText] = {
    StaffRole.OWNER: lazy("Owner"),
    StaffRole.MANAGER: lazy("Manager"),
    StaffRole.ACCOUNTANT: lazy("Accountant"),
    StaffRole.MARKETER: lazy("Marketer"),
    StaffRole.DEVELOPER: lazy("Developer"),
}
"""The first one held names the user."""

MAY_SEE: dict[StaffRole, frozenset[str]] = {
    StaffRole.OWNER: frozenset(
        (
            "checks",
            "applications",
            "payouts",
            "deposit",
            "adjustments",
            "cashback",
            "rates",
            "runs",
            "terms",
            "orders",
            "reviews",
            "partners",
            "admin",
        )
    ),
    StaffRole.MANAGER: frozenset(
        (
            "checks",
            "applications",
            "payouts",
            "deposit",
            "adjustments",
            "cashback",
            "rates",
            "runs",
            "terms",
            "orders",
            "reviews",
            "partners",
            "admin",
        )
    ),
    StaffRole.ACCOUNTANT: frozenset(
        (
            "checks",
            "payouts",
            "deposit",
            "adjustments",
            "cashback",
            "rates",
            "runs",
            "orders",
            "reviews",
            "partners",
            "admin",
        )
    ),
    StaffRole.MARKETER: frozenset(("partners", "admin")),
    StaffRole.DEVELOPER: frozenset(("checks", "orders", "terms", "admin")),
}
"""Places of the desk by role; what a role may do there is the routes' business."""

EVERYBODY = tuple(role.value for role in StaffRole)
"""For the policy of pages that all staff may see."""


async def desk_shell(request: Request[Any, Any, Any]) -> DeskShell:
    """The shell of the member of staff at hand, in the program at hand."""
    user, program = signed_in_user(request), program_of(request)
    roles = [role for role in ROLES if role in user.roles_in(program.id)]
    may_see = frozenset().union(*(MAY_SEE[role] for role in roles))
    row = await db.fetchrow(
        """
        SELECT
            (SELECT count(*) FROM jsonb_array_elements((
                SELECT result::jsonb FROM job_runs
                WHERE job = 'check' AND finished_at IS NOT NULL ORDER BY started_at DESC LIMIT 1
            )) AS one WHERE (one ->> 'count')::bigint > 0) AS broken_checks,
            (SELECT count(*) FROM partner_applications WHERE program_id = $1 AND state = 'submitted') AS applications,
            (SELECT count(*) FROM payouts WHERE program_id = $1 AND state IN ('requested', 'approved')) AS payouts,
            (SELECT count(*) FROM payout_acts WHERE program_id = $1 AND state = 'scanned') AS papers,
            (SELECT count(*) FROM orders
             WHERE program_id = $1 AND (judging_error <> '' OR status = 'awaited'
                OR (paid_at IS NOT NULL AND judged_at IS NULL))) AS orders,
            (SELECT count(*) FROM order_flags WHERE program_id = $1 AND (state = 'open') = true) AS reviews
        """,
        program.id,
    )
    assert row is not None
    return DeskShell(
        program_name=program.name,
        user_name=user.name,
        email=user.email,
        role=str(ROLES[roles[0]]) if roles else "",
        applications_waiting=row["applications"],
        payouts_waiting=row["payouts"],
        orders_waiting=row["orders"],
        papers_waiting=row["papers"],
        reviews_waiting=row["reviews"],
        may_see=may_see,
        broken_checks=row["broken_checks"] if "checks" in may_see else 0,
        unread_notices=await unread_count(user.id),
        partner=request.scope["state"].get("partner") is not None,
    )
