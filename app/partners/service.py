"""Writes to a membership: its level, parent, state and rates, each with the row of history that judging asks about.

Every change locks the partner, as judging does, so an order is judged before or after it and never in between.
"""

from datetime import datetime

from app import clock, db
from app.errors import DomainError, NotFound
from app.events.service import NewEvent, emit_in_transaction
from app.partners.queries import Partner, partner
from app.programs.queries import latest_terms
from app.users import audit


async def set_level(
    partner_id: int,
    level: str | None,
    *,
    pinned: bool = True,
    pinned_until: datetime | None = None,
    author_id: int | None = None,
    note: str = "",
    at: datetime | None = None,
) -> None:
    """Give the partner a level by hand; `level` None takes a pin off, and the turnover decides again.

    A level given without a pin holds until the partner's next recalculation (rules.md §16).
    """
    async with db.transaction():
        found = await lock_in_transaction(partner_id)
        if level is not None:
            await _check_level(found.program_id, level)
        now = clock.now()
        moment = at or now
        after = found.level if level is None else level
        await db.execute(
            """
            INSERT INTO partner_level_changes (program_id, partner_id, at, before, after, turnover_minor,
                reason, pinned, pinned_until, author_id, note, recorded_at)
            VALUES ($1, $2, $3, $4, $5, NULL, $6, $7, $8, $9, $10, $11)
            """,
            found.program_id,
            partner_id,
            moment,
            found.level,
            after,
            "unpinned" if level is None else "by_hand",
            pinned and level is not None,
            pinned_until,
            author_id,
            note,
            now,
        )
        if after != found.level:
            await db.execute("UPDATE partners SET level = $2 WHERE id = $1", partner_id, after)
            await emit_in_transaction([_level_changed(found, after, moment)])


async def set_parent(
    partner_id: int,
    parent_id: int | None,
    *,
    author_id: int | None = None,
    note: str = "",
    at: datetime | None = None,
) -> None:
    """Set who brought the partner (None: nobody) from a moment on. A loop in the tree is refused (rules.md §8).

    Orders placed before keep the parents that they were judged with.
    """
    async with db.transaction():
        found = await partner(partner_id)
        # Two changes at a time could each be fine and make a loop together, so the program's tree is changed in turn.
        await db.execute("SELECT id FROM programs WHERE id = $1 FOR NO KEY UPDATE", found.program_id)
        await lock_in_transaction(partner_id)
        if parent_id is not None:
            await _check_parent(found, parent_id)
        await db.execute("UPDATE partners SET parent_id = $2 WHERE id = $1", partner_id, parent_id)
        await db.execute(
            """
            INSERT INTO partner_parent_changes (partner_id, at, parent_id, author_id, note)
            VALUES ($1, $2, $3, $4, $5)
            """,
            partner_id,
            at or clock.now(),
            parent_id,
            author_id,
            note[:300],
        )
        await audit.write_in_transaction(
            "partner.moved",
            f"partner:{partner_id}",
            program_id=found.program_id,
            user_id=author_id,
            reason=note[:300],
        )


async def set_state(
    partner_id: int,
    state: str,
    *,
    reason: str = "",
    author_id: int | None = None,
    at: datetime | None = None,
) -> None:
    """Make a partner active, inactive or closed from a moment on."""
    if state not in ("active", "inactive", "closed"):
        raise DomainError("A partner is active, inactive or closed.", code="unknown_state")
    async with db.transaction():
        found = await lock_in_transaction(partner_id)
        if found.joined_at is None:
            raise DomainError("Decide on the application first.", code="not_a_partner_yet")
        if found.state == state:
            return
        await change_state_in_transaction(
            found, state, at=at or clock.now(), reason=reason, author_id=author_id
        )


async def set_own_rates(
    partner_id: int,
    *,
    external: int | None,
    direct: int | None,
    plan: str = "",
    author_id: int | None = None,
    note: str = "",
    at: datetime | None = None,
) -> None:
    """Set the partner's own rates (1e-6; None: none) and fixed plan for orders paid from a moment on.

    The plan must be one of the latest terms; what it is worth is decided by the terms of each order.
    """
    async with db.transaction():
        found = await lock_in_transaction(partner_id)
        if plan and plan != found.plan:
            await _check_plan(found.program_id, plan)
        await db.execute(
            "UPDATE partners SET own_rate = $2, own_rate_direct = $3, plan = $4 WHERE id = $1",
            partner_id,
            external,
            direct,
            plan,
        )
        await db.execute(
            """
            INSERT INTO partner_own_rate_changes (partner_id, at, own_rate, own_rate_direct, plan, author_id, note)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            """,
            partner_id,
            at or clock.now(),
            external,
            direct,
            plan,
            author_id,
            note,
        )


async def change_state_in_transaction(
    found: Partner, state: str, *, at: datetime, reason: str, author_id: int | None
) -> None:
    """Write the state and its row of history; the caller has locked the partner."""
    await db.execute("UPDATE partners SET state = $2 WHERE id = $1", found.id, state)
    await db.execute(
        """
        INSERT INTO partner_state_changes (partner_id, at, before, after, author_id, reason)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        found.id,
        at,
        found.state,
        state,
        author_id,
        reason[:300],
    )


async def lock_in_transaction(partner_id: int) -> Partner:
    """The partner, locked until the transaction ends; NotFound where there is none."""
    if await db.fetchval("SELECT id FROM partners WHERE id = $1 FOR NO KEY UPDATE", partner_id) is None:
        raise NotFound("There is no such partner.")
    return await partner(partner_id)


def _level_changed(found: Partner, after: str, moment: datetime) -> NewEvent:
    return NewEvent(
        "partner.level_changed",
        found.program_id,
        f"partner:{found.id}",
        {"partner_id": found.id, "before": found.level, "level": after},
        moment,
    )


async def _check_level(program_id: int, level: str) -> None:
    terms = await latest_terms(program_id)
    if terms is None or level not in {one.code for one in terms.terms.levels}:
        raise DomainError("The terms have no level %(level)s.", code="unknown_level", level=level)


async def _check_plan(program_id: int, plan: str) -> None:
    terms = await latest_terms(program_id)
    if terms is None or terms.terms.plan(plan) is None:
        raise DomainError("The terms have no plan %(plan)s.", code="unknown_plan", plan=plan)


async def _check_parent(found: Partner, parent_id: int) -> None:
    same_program = await db.fetchval(
        "SELECT 1 FROM partners WHERE id = $1 AND program_id = $2", parent_id, found.program_id
    )
    if same_program is None:
        raise NotFound("There is no such partner.")
    loop = await db.fetchval(
        """
        WITH RECURSIVE above (id) AS (
            SELECT $1::bigint
            UNION
            SELECT partners.parent_id
            FROM above JOIN partners ON partners.id = above.id
            WHERE partners.parent_id IS NOT NULL
        )
        SELECT 1 FROM above WHERE id = $2
        """,
        parent_id,
        found.id,
    )
    if loop is not None:
        raise DomainError(
            "This partner stands below %(partner)s, so he cannot be the parent.",
            code="parent_loop",
            partner=found.code,
        )
