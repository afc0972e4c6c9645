"""The statement of a month as files: CSV and XLSX with numbers to calculate with, PDF to print and to sign.

All three hold the same rows: the balances at the beginning, every booking, the balances at the end, account by account.
In a spreadsheet text stays text: CSV gets an apostrophe before what would be a formula (`ui/spreadsheet.py`), XLSX
cells are written as strings, which no program runs. Amounts are numbers with the currency's digits.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter
from litestar.response import Response

from app import db
from app.errors import DomainError
from app.payouts.statements import Line, Statement, Sums, statement
from app.payouts.typesetting import typeset
from app.ui.filters import amount_input, exponent, moment, money
from app.ui.i18n import gettext as _
from app.ui.i18n import locale
from app.ui.paging import Cursor
from app.ui.spreadsheet import Cell, amount, csv_response

FORMATS = ("csv", "xlsx", "pdf")
MAX_PDF_LINES = 2_000
"""About ninety pages and three seconds; who has more takes a spreadsheet."""

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file: a booking, or the balances at the beginning or the end."""

    at: datetime
    occurred_at: datetime | None
    kind: str
    text: str
    sums: Sums
    """What the booking changed; at the beginning and the end the balances."""
    after: Sums


@dataclass(frozen=True, slots=True)
class StatementFile:
    """A month in words, in the reader's language."""

    name: str
    """Without ending, ASCII."""
    title: str
    partner: str
    program: str
    period: str
    zone: ZoneInfo
    found: Statement
    rows: Sequence[Row]


async def whole(program_id: int, partner_id: int, start: datetime, end: datetime) -> Statement:
    """The statement with all its lines, in one view of the database."""
    async with db.snapshot():
        found = await statement(program_id, partner_id, start, end)
        lines: list[Line] = list(found.lines)
        following = found.next_cursor
        while following is not None:
            part = await statement(program_id, partner_id, start, end, after=Cursor.decode(following))
            lines += part.lines
            following = part.next_cursor
    return replace(found, lines=lines, next_cursor=None)


async def answer(file: StatementFile, kind: str) -> Response[bytes]:
    """The file as a download; `kind` is one of FORMATS."""
    match kind:
        case "csv":
            return csv_response(f"{file.name}.csv", headings(), [_csv_row(file, row) for row in file.rows])
        case "xlsx":
            return _download(await asyncio.to_thread(xlsx, file, headings()), XLSX, f"{file.name}.xlsx")
        case _:
            return _download(await pdf(file), "application/pdf", f"{file.name}.pdf")


def headings() -> list[str]:
    """Of CSV and XLSX."""
    return [
        _("Booked"),
        _("Happened"),
        _("What"),
        _("Order or payout"),
        *_account_headings(),
        _("Owed after"),
        _("Currency"),
    ]


def xlsx(file: StatementFile, headings: Sequence[str]) -> bytes:
    """A workbook of one sheet. Written in a thread: it is given everything in words and asks for no language."""
    out = BytesIO()
    book = xlsxwriter.Workbook(
        out,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    book.set_properties({"title": file.title, "created": file.found.end.replace(tzinfo=None)})
    digits = exponent(file.found.currency)
    formats = {
        "head": book.add_format({"bold": True, "text_wrap": True, "valign": "top"}),
        "day": book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
        "money": book.add_format({"num_format": "#,##0" + ("." + "0" * digits if digits else "")}),
    }
    sheet = book.add_worksheet("Statement")
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, 1, 17)
    sheet.set_column(2, 3, 26)
    sheet.set_column(4, 4 + len(_amounts(Sums(), Sums())) - 1, 15)
    for column, heading in enumerate(headings):
        sheet.write_string(0, column, heading, formats["head"])
    for number, row in enumerate(file.rows, start=1):
        _write_row(sheet, number, row, file, formats)
    book.close()
    return out.getvalue()


async def pdf(file: StatementFile) -> bytes:
    """By typst. A month of too many lines is refused (422) with the way out."""
    if len(file.rows) > MAX_PDF_LINES:
        raise DomainError(
            "This month has too many movements for a PDF. Download it as XLSX or CSV.", code="too_many_lines"
        )
    currency = file.found.currency
    data = {
        "title": file.title,
        "partner": file.partner,
        "program": file.program,
        "period": file.period,
        "lang": locale(),
        "headings": [_("Booked"), _("What"), _("Order or payout"), *_account_headings(), _("Owed after")],
        "sums": _summary(file.found),
        "rows": [
            [
                moment(row.at, file.zone.key),
                row.kind,
                row.text,
                *(money(minor, currency) if minor else "—" for minor in _amounts(row.sums, row.after)),
            ]
            for row in file.rows
        ],
    }
    return await typeset("statement", data, file.found.end)


def _summary(found: Statement) -> list[list[str]]:
    """How the month adds up."""
    currency = found.currency
    return [
        [_("Owed to you at the beginning"), money(found.opening.owed_minor, currency)],
        [_("Commissions"), money(found.earned_minor, currency, sign=True)],
        [_("Taken back"), money(-found.taken_back_minor, currency)],
        [_("Paid out"), money(-found.paid_minor, currency)],
        [_("Owed to you at the end"), money(found.closing.owed_minor, currency)],
    ]


def _account_headings() -> list[str]:
    return [
        _("Pending"),
        _("Available"),
        _("In requests"),
        _("Debt"),
        _("Paid out"),
        _("Account in the shop"),
    ]


def _amounts(sums: Sums, after: Sums) -> tuple[int, ...]:
    """In the order of the headings."""
    return (
        sums.pending_minor,
        sums.available_minor,
        sums.reserved_minor,
        sums.debt_minor,
        sums.paid_minor,
        sums.internal_minor,
        after.owed_minor,
    )


def _csv_row(file: StatementFile, row: Row) -> list[Cell]:
    currency = file.found.currency
    return [
        row.at,
        row.occurred_at,
        row.kind,
        row.text,
        *(amount(minor, currency) for minor in _amounts(row.sums, row.after)),
        currency,
    ]


def _write_row(sheet: Any, number: int, row: Row, file: StatementFile, formats: Mapping[str, Any]) -> None:
    """Moments in the program's zone: a spreadsheet knows none."""
    for column, at in enumerate((row.at, row.occurred_at)):
        if at is not None:
            local = at.astimezone(file.zone).replace(tzinfo=None)
            sheet.write_datetime(number, column, local, formats["day"])
    sheet.write_string(number, 2, row.kind)
    sheet.write_string(number, 3, row.text)
    amounts = _amounts(row.sums, row.after)
    for column, minor in enumerate(amounts, start=4):
        sheet.write_number(
            number, column, Decimal(amount_input(minor, file.found.currency)), formats["money"]
        )
    sheet.write_string(number, 4 + len(amounts), file.found.currency)


def _download(content: bytes, media_type: str, name: str) -> Response[bytes]:
    return Response(
        content,
        media_type=media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )
