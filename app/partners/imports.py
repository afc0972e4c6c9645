"""Partners that come from elsewhere: a history that is imported, a scenario, the demo. Set by set, safe to repeat."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from app import clock, db
from app.errors import DomainError
from app.ledger.service import open_partner_accounts_in_transaction
from app.programs.queries import latest_terms
from app.rules.contacts import email_key, phone_key

BEFORE_EVERYTHING = datetime(1970, 1, 1, tzinfo=UTC)
"""When somebody joined of whom nothing is known but that he is a partner."""


@dataclass(frozen=True, slots=True)
class ImportedPartner:
    """One partner, active from `joined_at` on."""

    code: str
    name: str = ""
    """Empty: the code."""
    kind: str = "person"
    parent: str = ""
    """Code of the parent, among these or known before; empty: none."""
    level: str = ""
    """Empty: the first one."""
    pinned: bool = False
    own_rate: int | None = None
    """External orders, in 1e-6; None: none."""
    own_rate_direct: int | None = None
    plan: str = ""
    """Code of the fixed plan; empty: none."""
    joined_at: datetime = BEFORE_EVERYTHING
    email: str = ""
    phone: str = ""
    user_id: int | None = None
    """None: cannot sign in."""


async def import_partners_in_transaction(
    program_id: int, partners: Sequence[ImportedPartner]
) -> dict[str, int]:
    """Make the partners that the program does not have yet; ids of all of them, by the codes as given.

    With each go his parent, level, rates, state and ledger accounts. A partner who is there already is left alone.
    """
    levels = await _levels(program_id, partners)
    ids = await _insert_partners(program_id, partners, levels)
    made = [one for one in partners if one.code.lower() in ids]
    known = {
        row["code"]: row["id"]
        for row in await db.fetch(
            "SELECT id, lower(code) AS code FROM partners WHERE program_id = $1 AND lower(code) = ANY($2::text[])",
            program_id,
            sorted({one.code.lower() for one in partners} | {one.parent.lower() for one in partners}),
        )
    }
    unknown = sorted({one.parent for one in made if one.parent and one.parent.lower() not in known})
    if unknown:
        raise DomainError("There is no partner %(partner)s to be a parent.", partner=unknown[0])
    await _insert_states(made, known)
    await _insert_levels(program_id, made, known, levels)
    await _insert_parents(made, known)
    await _insert_rates(made, known)
    await open_partner_accounts_in_transaction(program_id, [known[one.code.lower()] for one in made])
    return {one.code: known[one.code.lower()] for one in partners}


async def _levels(program_id: int, partners: Sequence[ImportedPartner]) -> dict[str, str]:
    """The level that each partner begins with, by his code."""
    terms = await latest_terms(program_id)
    codes = [level.code for level in terms.terms.levels] if terms else []
    for one in partners:
        if one.level and one.level not in codes:
            raise DomainError("The terms have no level %(level)s.", code="unknown_level", level=one.level)
    return {one.code: one.level or (codes[0] if codes else "") for one in partners}


async def _insert_partners(
    program_id: int, partners: Sequence[ImportedPartner], levels: dict[str, str]
) -> frozenset[str]:
    """Lower-case codes of the partners who were made."""
    rows = await db.fetch(
        """
        INSERT INTO partners (program_id, user_id, code, name, kind, state, level, own_rate, own_rate_direct,
            plan, email_key, phone_key, joined_at, created_at)
        SELECT $1, user_id, code, name, kind, 'active', level, own_rate, own_rate_direct, plan, email, phone,
            joined_at, $13
        FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[], $8::int[],
                $9::text[], $10::text[], $11::text[], $12::timestamptz[])
            WITH ORDINALITY AS new (user_id, code, name, kind, level, own_rate, own_rate_direct, plan, email,
                phone, joined_at, place)
        ORDER BY place
        ON CONFLICT (program_id, lower(code)) DO NOTHING
        RETURNING lower(code) AS code
        """,
        program_id,
        [one.user_id for one in partners],
        [one.code for one in partners],
        [one.name or one.code for one in partners],
        [one.kind for one in partners],
        [levels[one.code] for one in partners],
        [one.own_rate for one in partners],
        [one.own_rate_direct for one in partners],
        [one.plan for one in partners],
        [email_key(one.email) for one in partners],
        [phone_key(one.phone) for one in partners],
        [one.joined_at for one in partners],
        clock.now(),
    )
    return frozenset(row["code"] for row in rows)


async def _insert_states(made: Sequence[ImportedPartner], ids: dict[str, int]) -> None:
    await db.execute(
        """
        INSERT INTO partner_state_changes (partner_id, at, before, after, reason)
        SELECT partner_id, at, '', 'active', '' FROM unnest($1::bigint[], $2::timestamptz[])
            AS new (partner_id, at)
        ORDER BY partner_id
        """,
        [ids[one.code.lower()] for one in made],
        [one.joined_at for one in made],
    )


async def _insert_levels(
    program_id: int, made: Sequence[ImportedPartner], ids: dict[str, int], levels: dict[str, str]
) -> None:
    """A level that was named was set by hand; else it is the one given on approval."""
    await db.execute(
        """
        INSERT INTO partner_level_changes
            (program_id, partner_id, at, before, after, reason, pinned, note, recorded_at)
        SELECT $1, partner_id, at, '', after, reason, pinned, '', $7
        FROM unnest($2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::boolean[])
            AS new (partner_id, at, after, reason, pinned)
        WHERE after <> ''
        ORDER BY partner_id
        """,
        program_id,
        [ids[one.code.lower()] for one in made],
        [one.joined_at for one in made],
        [levels[one.code] for one in made],
        ["by_hand" if one.level else "approved" for one in made],
        [one.pinned for one in made],
        clock.now(),
    )


async def _insert_parents(made: Sequence[ImportedPartner], ids: dict[str, int]) -> None:
    """Parents of partners who are new cannot make a loop with old ones, but could among themselves."""
    with_parent = [one for one in made if one.parent]
    _refuse_loops(with_parent)
    values = (
        [ids[one.code.lower()] for one in with_parent],
        [ids[one.parent.lower()] for one in with_parent],
    )
    await db.execute(
        """
        UPDATE partners SET parent_id = new.parent_id
        FROM unnest($1::bigint[], $2::bigint[]) AS new (partner_id, parent_id)
        WHERE partners.id = new.partner_id
        """,
        *values,
    )
    await db.execute(
        """
        INSERT INTO partner_parent_changes (partner_id, at, parent_id)
        SELECT partner_id, at, parent_id
        FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) AS new (partner_id, parent_id, at)
        ORDER BY partner_id
        """,
        *values,
        [one.joined_at for one in with_parent],
    )


def _refuse_loops(with_parent: Sequence[ImportedPartner]) -> None:
    parents = {one.code.lower(): one.parent.lower() for one in with_parent}
    safe: set[str] = set()
    for code in parents:
        path = []
        at = code
        while at in parents and at not in safe:
            if at in path:
                raise DomainError(
                    "%(partner)s would be above himself in the tree of parents.",
                    code="parent_loop",
                    partner=code,
                )
            path.append(at)
            at = parents[at]
        safe.update(path)


async def _insert_rates(made: Sequence[ImportedPartner], ids: dict[str, int]) -> None:
    with_rate = [
        one for one in made if one.own_rate is not None or one.own_rate_direct is not None or one.plan
    ]
    await db.execute(
        """
        INSERT INTO partner_own_rate_changes (partner_id, at, own_rate, own_rate_direct, plan, note)
        SELECT partner_id, at, own_rate, own_rate_direct, plan, ''
        FROM unnest($1::bigint[], $2::timestamptz[], $3::int[], $4::int[], $5::text[])
            AS new (partner_id, at, own_rate, own_rate_direct, plan)
        ORDER BY partner_id
        """,
        [ids[one.code.lower()] for one in with_rate],
        [one.joined_at for one in with_rate],
        [one.own_rate for one in with_rate],
        [one.own_rate_direct for one in with_rate],
        [one.plan for one in with_rate],
    )
