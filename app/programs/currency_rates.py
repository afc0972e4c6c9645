"""What foreign currencies are worth, day by day (rules.md §5): entered by staff, by a file or by the API.

A rate is the program's currency for one whole unit of the other, exact to ten decimals. A day's rate may be entered
again: orders judged before keep theirs, which is stored with them.
"""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from app import db
from app.errors import FieldError, invalid
from app.programs.queries import latest_terms
from app.rules.money import EXPONENTS

HIGHEST = Decimal(10) ** 9
MOST_ROWS = 10_000
_RATE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,10})?", re.ASCII)
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class NewRate:
    """A rate as somebody wrote it; `place` names where, for messages."""

    currency: str
    day: str
    rate: str
    source: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class KnownRate:
    """A rate as it is stored."""

    currency: str
    day: date
    rate: Decimal
    source: str


async def write_rates_in_transaction(program_id: int, rates: Sequence[NewRate]) -> None:
    """Store rates; one of the same currency and day takes the place of the one before.

    Raises a DomainError whose `fields` name every wrong value.
    """
    terms = await latest_terms(program_id)
    own = terms.terms.currency if terms is not None else ""
    problems = [problem for one in rates for problem in rate_problems(one, own)]
    if problems:
        raise invalid(*problems, message="The rates were not taken: see the marked values.")
    latest = {(one.currency, one.day): one for one in rates}
    await db.execute(
        """
        INSERT INTO program_currency_rates (program_id, currency, day, rate, source)
        SELECT $1, currency, day, rate::numeric, source
        FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS new (currency, day, rate, source)
        ORDER BY currency, day
        ON CONFLICT (program_id, currency, day) DO UPDATE SET rate = excluded.rate, source = excluded.source
        """,
        program_id,
        [currency for currency, _ in latest],
        [day for _, day in latest],
        [one.rate for one in latest.values()],
        [one.source.strip() for one in latest.values()],
    )


async def known_rates(program_id: int, *, limit: int = 200) -> list[KnownRate]:
    """The latest rates, newest day first."""
    rows = await db.fetch(
        """
        SELECT currency, day, trim_scale(rate) AS rate, source FROM program_currency_rates
        WHERE program_id = $1 ORDER BY day DESC, currency LIMIT $2
        """,
        program_id,
        limit,
    )
    return [
        KnownRate(row["currency"], date.fromisoformat(row["day"]), row["rate"], row["source"]) for row in rows
    ]


def rate_problems(new: NewRate, own_currency: str) -> list[FieldError]:
    """What is wrong with one rate, field by field."""
    found = []
    if new.currency not in EXPONENTS:
        found.append(_problem(new, "currency", "unknown_currency", "This is not a currency of ISO 4217."))
    elif new.currency == own_currency:
        found.append(_problem(new, "currency", "own_currency", "This is the program's own currency."))
    if not _is_day(new.day):
        found.append(_problem(new, "day", "bad_date", "Write a date as year-month-day, like 2026-01-31."))
    if not _is_rate(new.rate):
        found.append(
            _problem(
                new, "rate", "bad_rate", "Write a number above 0 with at most ten decimals, like 90.1234."
            )
        )
    if len(new.source) > 100:
        found.append(_problem(new, "source", "too_long", "At most 100 characters."))
    elif _INVISIBLE.search(new.source):
        found.append(_problem(new, "source", "control_character", "Control characters are not allowed here."))
    return found


def read_csv(text: str) -> list[NewRate]:
    """Rates of a file: currency, day, rate and, if given, source; with or without a first line of names."""
    text = text.removeprefix("\ufeff")
    # With semicolons or tabs between the columns a comma is a decimal point, so those are looked for first.
    delimiter = next((mark for mark in ";\t" if mark in text), ",")
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise invalid(FieldError("file", "not_csv", "This is not a file of rates (CSV).")) from error
    rates = []
    for number, row in enumerate(rows, start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or (number == 1 and cells[0].casefold() == "currency"):
            continue
        cells += [""] * (4 - len(cells))
        # A comma is how Russian spreadsheets write a decimal point.
        rates.append(NewRate(cells[0].upper(), cells[1], cells[2].replace(",", "."), cells[3], str(number)))
    if not rates:
        raise invalid(FieldError("file", "empty_file", "There are no rates in the file."))
    if len(rates) > MOST_ROWS:
        raise invalid(FieldError("file", "too_many", "The file has too many rows."))
    return rates


def _problem(new: NewRate, name: str, code: str, message: str) -> FieldError:
    return FieldError(f"{new.place}/{name}" if new.place else name, code, message)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _is_rate(text: str) -> bool:
    return _RATE.fullmatch(text) is not None and 0 < Decimal(text) < HIGHEST
