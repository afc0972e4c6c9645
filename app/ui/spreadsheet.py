"""CSV for people who open it in a spreadsheet: RFC 4180, UTF-8 with a mark that Excel needs, and no formulas.

A spreadsheet runs a cell that begins with `=`, `+`, `-` or `@` (a tab, a line break or a full-width twin before or
instead of them works too), so a partner named `=HYPERLINK(…)` would reach into the accountant's computer. Such texts
get an apostrophe in front. Numbers are written as `Number` and stay numbers, minus sign and all.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from litestar.response import Response

from app.ui.filters import amount_input

_DANGEROUS = frozenset("=+-@\t\r\n|%＝＋－＠−")


@dataclass(frozen=True, slots=True)
class Number:
    """A cell that a spreadsheet may calculate with: digits, a point, a minus sign."""

    text: str

    def __post_init__(self) -> None:
        assert self.text.lstrip("-").replace(".", "", 1).isdecimal(), "a number is digits"


Cell = str | int | Number | datetime | None


def amount(amount_minor: int, currency: str) -> Number:
    """Money as `-12.50`."""
    return Number(amount_input(amount_minor, currency))


def csv_text(headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """The whole file."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([_text(heading) for heading in headings])
    for row in rows:
        writer.writerow([_cell(cell) for cell in row])
    return "\ufeff" + out.getvalue()


def csv_response(name: str, headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response[bytes]:
    """The file as a download named `name` (ASCII)."""
    return Response(
        csv_text(headings, rows).encode(),
        media_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _cell(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case Number():
            return cell.text
        case datetime():
            return cell.isoformat(timespec="seconds")
        case int():
            return str(cell)
        case str():
            return _text(cell)


def _text(text: str) -> str:
    """`text` as a cell that is shown and never run."""
    bare = text.lstrip(" \u00a0\u200b\ufeff")
    return f"'{text}" if bare[:1] in _DANGEROUS and bare else text
