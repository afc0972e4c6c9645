"""What papers say of both sides. Superseded, never edited: a paper keeps what it was made with."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from app import clock, db
from app.users import audit

VAT_RATES = ("none", "5", "7", "10", "20", "22")
"""Of the performer, inside his amounts; `none`: he pays none."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of an act. Empty texts become lines that are filled in by hand."""

    full_name: str = ""
    tax_number: str = ""
    kpp: str = ""
    ogrn: str = ""
    address: str = ""
    signer: str = ""
    signer_role: str = ""
    signer_basis: str = ""
    contract: str = ""
    """Of the partner: number and date of the contract; empty: the public offer."""
    vat: str = "none"
    vat_reason: str = ""

    def missing(self, *, company: bool) -> list[str]:
        """Names of the fields without which a paper has a gap."""
        wanted = ["full_name", "tax_number", "ogrn", "address", "signer", *(["kpp"] if company else [])]
        return [name for name in wanted if not getattr(self, name)]


async def of_program(program_id: int) -> Side:
    """The program's own side; what nobody has given yet is empty but the name."""
    row = await db.fetchrow(
        f"""
        SELECT {_COLUMNS}, program.name AS known_name, '' AS known_tax_number FROM programs AS program
        LEFT JOIN requisites AS given ON given.program_id = program.id
            AND given.partner_id IS NULL AND given.superseded_at IS NULL
        WHERE program.id = $1
        """,  # noqa: S608 - column names of ours
        program_id,
    )
    assert row is not None, "a program that does not exist has no papers"
    return _side(dict(row))


async def of_partner(partner_id: int) -> Side:
    """The partner's side; what he has not given is taken from his application: name and tax number."""
    row = await db.fetchrow(
        f"""
        SELECT {_COLUMNS}, partner.name AS known_name, coalesce((
            SELECT tax_number FROM partner_applications
            WHERE partner_id = partner.id
            ORDER BY id DESC LIMIT 1
        ), '') AS known_tax_number
        FROM partners AS partner
        LEFT JOIN requisites AS given ON given.partner_id = partner.id AND given.superseded_at IS NULL
        WHERE partner.id = $1
        """,  # noqa: S608 - column names of ours
        partner_id,
    )
    assert row is not None, "a partner who does not exist has no papers"
    return _side(dict(row))


async def give(program_id: int, partner_id: int | None, side: Side, *, user_id: int | None) -> None:
    """Make this the side's text from now on (`partner_id` None: the program's own). Papers made before stay."""
    now = clock.now()
    async with db.transaction():
        # Two at once: the later one supersedes the earlier one.
        table, owner = ("partners", partner_id) if partner_id is not None else ("programs", program_id)
        await db.execute(f"SELECT FROM {table} WHERE id = $1 FOR NO KEY UPDATE", owner)
        await db.execute(
            """
            UPDATE requisites SET superseded_at = $3
            WHERE program_id = $1 AND partner_id IS NOT DISTINCT FROM $2::bigint AND superseded_at IS NULL
            """,
            program_id,
            partner_id,
            now,
        )
        values = asdict(side)
        places = ", ".join(f"${number}" for number in range(5, 5 + len(values)))
        await db.execute(
            f"INSERT INTO requisites (program_id, partner_id, given_at, given_by_id, {', '.join(values)}) "  # noqa: S608
            f"VALUES ($1, $2, $3, $4, {places})",
            program_id,
            partner_id,
            now,
            user_id,
            *values.values(),
        )
        subject = f"partner:{partner_id}" if partner_id is not None else f"program:{program_id}"
        await audit.write_in_transaction("requisites.given", subject, program_id=program_id, user_id=user_id)


_NAMES = tuple(asdict(Side()))
_COLUMNS = ", ".join(f"given.{name}" for name in _NAMES)


def _side(row: Mapping[str, str | None]) -> Side:
    known = {name: row[name] or "" for name in _NAMES}
    known["full_name"] = known["full_name"] or row["known_name"] or ""
    known["tax_number"] = known["tax_number"] or row["known_tax_number"] or ""
    known["vat"] = known["vat"] or "none"
    return Side(**known)
