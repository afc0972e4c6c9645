"""`tandem export history`: what a program's history came to, as CSV files that an accountant can compare.

    ledger.csv         every change of every commission, in the order of judging
    totals.csv         per partner and quarter: orders, bases, commissions by kind, the level of the final turnover
    level_changes.csv  who went from which level to which, when
    cashback.csv       every step of the customers' cashback, where the program gives any

Moments are in the program's time zone, amounts in whole units with the currency's decimals. The rows are read
through a cursor, so a history of any length is written in the same memory.
"""

import csv
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import asyncpg

from app import db
from app.commissions.history_cashback import export_cashback
from app.errors import DomainError
from app.programs.versions import versions
from app.rules.money import currency_exponent, format_minor
from app.rules.state import TermsVersion
from app.rules.terms import Level, Terms

LEDGER = ("at", "type", "order_id", "return_id", "partner", "from_partner", "base", "rate_bp", "amount")
TYPES = ("direct", "reversal", "tier1", "tier1_reversal", "tier2", "tier2_reversal")
TOTALS = (
    "partner",
    "quarter",
    "orders",
    "gross_base",
    "returned_base",
    "net_turnover",
    *TYPES,
    "net_commission",
    "level_by_turnover_at_quarter_end",
)
LEVELS = ("at", "partner", "from_level", "to_level")


@dataclass(slots=True)
class _Quarter:
    orders: int = 0
    gross_minor: int = 0
    returned_minor: int = 0
    by_type: dict[str, int] = field(default_factory=lambda: defaultdict(int))


async def export_history(program_id: int, out_dir: Path) -> dict[str, int]:
    """Write the files; returns how many rows each has."""
    terms = await versions(program_id)
    if not terms:
        raise DomainError("The program has no terms.", code="no_terms")
    out_dir.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - a command of its own, nobody waits
    exporter = _Exporter(program_id, terms[-1].terms)
    return {
        "ledger.csv": await exporter.ledger(out_dir / "ledger.csv"),
        "totals.csv": exporter.totals(out_dir / "totals.csv"),
        "level_changes.csv": await exporter.level_changes(out_dir / "level_changes.csv"),
        **await _cashback(program_id, terms, out_dir),
    }


async def _cashback(program_id: int, terms: Sequence[TermsVersion], out_dir: Path) -> dict[str, int]:
    """cashback.csv, where the program has ever given any."""
    if all(version.terms.cashback is None for version in terms):
        return {}
    exponent = currency_exponent(terms[-1].terms.currency)
    return {
        "cashback.csv": await export_cashback(
            program_id, out_dir / "cashback.csv", terms[-1].terms.zone, exponent
        )
    }


class _Exporter:
    def __init__(self, program_id: int, terms: Terms) -> None:
        self.program_id = program_id
        self.terms = terms
        self.exponent = currency_exponent(terms.currency)
        self.quarters: dict[tuple[str, str], _Quarter] = defaultdict(_Quarter)

    async def ledger(self, path: Path) -> int:
        count = 0
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(LEDGER)
            async for row in self._entries():
                kind = entry_type(row["kind"], row["tier"], row["cause"])
                self._add(row, kind)
                if row["kind"] == "tier" and not row["amount_minor"]:
                    continue  # A parent's nothing of nothing is kept, but says nothing here.
                writer.writerow(
                    (
                        self._local(row["at"]),
                        kind,
                        row["order_id"],
                        row["cause_ref"] if row["cause"] == "refund" else "",
                        row["partner"],
                        row["from_partner"] or "",
                        self._whole(row["base_minor"]),
                        basis_points(row["rate"]),
                        self._whole(row["amount_minor"]),
                    )
                )
                count += 1
        return count

    def _add(self, row: asyncpg.Record, kind: str) -> None:
        local = row["at"].astimezone(self.terms.zone)
        quarter = self.quarters[row["partner"], f"{local.year}Q{(local.month + 2) // 3}"]
        quarter.by_type[kind] += row["amount_minor"]
        if row["kind"] == "direct":
            if row["cause"] == "paid":
                quarter.orders += 1
                quarter.gross_minor += row["base_minor"]
            else:
                quarter.returned_minor += row["base_minor"]

    def totals(self, path: Path) -> int:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(TOTALS)
            for (partner, name), quarter in sorted(self.quarters.items()):
                net = quarter.gross_minor + quarter.returned_minor
                writer.writerow(
                    (
                        partner,
                        name,
                        quarter.orders,
                        self._whole(quarter.gross_minor),
                        self._whole(quarter.returned_minor),
                        self._whole(net),
                        *(self._whole(quarter.by_type[kind]) for kind in TYPES),
                        self._whole(sum(quarter.by_type.values())),
                        level_name(reached(self.terms.levels, net)),
                    )
                )
        return len(self.quarters)

    async def level_changes(self, path: Path) -> int:
        names = {level.code: level_name(level) for level in self.terms.levels}
        rows = await db.fetch(
            """
            SELECT change.at, partner.code, change.before, change.after
            FROM partner_level_changes AS change JOIN partners AS partner ON partner.id = change.partner_id
            WHERE change.program_id = $1 AND change.before <> ''
            ORDER BY change.at, partner.code, change.id
            """,
            self.program_id,
        )
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(LEVELS)
            writer.writerows(
                (
                    self._local(row["at"]),
                    row["code"],
                    names.get(row["before"], row["before"]),
                    names.get(row["after"], row["after"]),
                )
                for row in rows
            )
        return len(rows)

    def _entries(self) -> AsyncIterator[asyncpg.Record]:
        return db.stream(
            """
            SELECT entry.at, entry.kind, entry.tier, entry.cause, entry.cause_ref, entry.base_minor, entry.amount_minor,
                entry.rate, orders.external_id AS order_id, partner.code AS partner, child.code AS from_partner
            FROM commission_entries AS entry
            JOIN partners AS partner ON partner.id = entry.partner_id
            LEFT JOIN partners AS child ON child.id = entry.from_partner_id
            LEFT JOIN orders ON orders.id = entry.order_id
            WHERE entry.program_id = $1
            ORDER BY entry.id
            """,
            self.program_id,
        )

    def _local(self, moment: datetime) -> str:
        return moment.astimezone(self.terms.zone).strftime("%Y-%m-%d %H:%M:%S")

    def _whole(self, amount_minor: int) -> str:
        return format_minor(amount_minor, self.exponent)


def entry_type(kind: str, tier: int, cause: str) -> str:
    """The name of an entry's kind in the file: `direct`, `tier1`, and `…_reversal` of what came after."""
    name = f"tier{tier}" if kind == "tier" else kind
    if cause == "paid":
        return name
    return "reversal" if name == "direct" else f"{name}_reversal"


def basis_points(rate_ppm: int | None) -> str:
    """A rate in hundredths of a percent; with decimals where it has parts of one."""
    if rate_ppm is None:
        return ""
    whole, rest = divmod(rate_ppm, 100)
    return str(whole) if not rest else f"{whole}.{rest:02d}".rstrip("0")


def level_name(level: Level) -> str:
    """A level's English name, else its code."""
    return level.name.get("en", level.code)


def reached(levels: tuple[Level, ...], turnover_minor: int) -> Level:
    """The highest level whose threshold the turnover reaches; below the first one the first."""
    found = levels[0]
    for level in levels:
        if turnover_minor >= level.from_minor:
            found = level
    return found
