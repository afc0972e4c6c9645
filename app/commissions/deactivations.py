"""Partners whom no plan fitted: from the order's payment on they are inactive (rules.md §6 `none_fits`)."""

from collections.abc import Sequence

from app import db
from app.rules.effects import Deactivation

REASON = "No plan fitted an order."


async def write_deactivations(deactivated: Sequence[Deactivation]) -> None:
    """Add the changes to the partners' histories; who was made active after that moment stays so. Locked by judging."""
    if not deactivated:
        return
    columns = (
        [one.partner_id for one in deactivated],
        [one.at for one in deactivated],
        [one.order_id for one in deactivated],
    )
    await db.execute(
        """
        UPDATE partners SET state = 'inactive'
        FROM unnest($1::bigint[], $2::timestamptz[]) AS new (partner_id, at)
        WHERE partners.id = new.partner_id AND partners.state = 'active' AND NOT EXISTS (
            SELECT FROM partner_state_changes AS change
            WHERE change.partner_id = partners.id AND change.at > new.at
        )
        """,
        *columns[:2],
    )
    await db.execute(
        """
        INSERT INTO partner_state_changes (partner_id, at, before, after, reason, order_id)
        SELECT partner_id, at, 'active', 'inactive', $4, order_id
        FROM unnest($1::bigint[], $2::timestamptz[], $3::bigint[]) WITH ORDINALITY
            AS new (partner_id, at, order_id, place)
        ORDER BY place
        """,
        *columns,
        REASON,
    )
