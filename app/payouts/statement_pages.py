"""The statement of a month, as a page and as files; the desk shows the same of any partner."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from babel.dates import format_date
from litestar import Request, Response, get

from app import clock
from app.commissions.queries import masked
from app.errors import NotFound
from app.partners.shell import partner_shell
from app.payouts.statement_files import FORMATS, Row, StatementFile, answer, whole
from app.payouts.statements import Line, Sums, month_bounds, months, statement
from app.ui.filters import date as date_text
from app.ui.i18n import LazyText, lazy, locale, zone, zone_named
from app.ui.i18n import gettext as _
from app.ui.paging import PAGE_SIZE, Cursor
from app.ui.render import render
from app.users.identity import ProgramRef, partner_of
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]

KINDS: dict[str, LazyText] = {
    "accrual": lazy("Commission"),
    "clawback": lazy("Taken back"),
    "release": lazy("Became available"),
    "adjustment": lazy("Adjustment"),
    "payout_requested": lazy("Payout requested"),
    "payout_paid": lazy("Payout paid"),
    "payout_sent": lazy("Payout cut for debt on its way to the bank"),
    "payout_rejected": lazy("Payout rejected"),
    "payout_returned": lazy("Payout returned by the bank"),
    "payout_cancelled": lazy("Payout cancelled"),
}


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One booking in words."""

    at: datetime
    occurred_at: datetime | None
    """The shop's moment, where it lies on another day than the booking."""
    kind_label: str
    text: str
    url: str
    """Empty: there is no page of it."""
    change: Sums
    after: Sums


@get("/statement", opt=policy("partner"))
async def show_statement(request: AnyRequest) -> Response[str]:
    """One month: beginning, every booking, end. htmx gets the next rows alone."""
    member = partner_of(request)
    values = await statement_values(request, member.program, member.partner_id, "/statement", own=True)
    return render(
        request, "partners/statement.html", block="rows", shell=await partner_shell(request), **values
    )


@get("/statement.csv", opt=policy("partner"))
async def statement_csv(request: AnyRequest) -> Response[bytes]:
    """The month with its first and last balances, account by account."""
    return await _own_file(request, "csv")


@get("/statement.xlsx", opt=policy("partner"))
async def statement_xlsx(request: AnyRequest) -> Response[bytes]:
    """The same for a spreadsheet."""
    return await _own_file(request, "xlsx")


@get("/statement.pdf", opt=policy("partner"))
async def statement_pdf(request: AnyRequest) -> Response[bytes]:
    """The same to print."""
    return await _own_file(request, "pdf")


async def _own_file(request: AnyRequest, kind: str) -> Response[bytes]:
    member = partner_of(request)
    partner = f"{member.name} ({member.code})"
    return await statement_file(request, member.program, member.partner_id, partner, kind)


async def statement_values(
    request: AnyRequest, program: ProgramRef, partner_id: int, url: str, *, own: bool
) -> dict[str, Any]:
    """What the page of a month shows, to the partner himself (`own`) or to staff; its address is `url`."""
    zone = zone_named(program.zone)
    offered = await months(program.id, partner_id, zone)
    month = _month(request, offered[0])
    after = Cursor.decode(request.query_params.get("after"))
    found = await statement(program.id, partner_id, *month_bounds(month, zone), after=after, size=PAGE_SIZE)
    key = f"{month:%Y-%m}"
    return {
        "currency": found.currency,
        "statement": found,
        "lines": [_line(line, own=own) for line in found.lines],
        "month_name": _month_name(month),
        "months": [(f"{one:%Y-%m}", _month_name(one)) for one in offered],
        "month_key": key,
        "months_url": f"{url}?month=",
        "own": own,
        "next_url": f"{url}?month={key}&after={found.next_cursor}" if found.next_cursor else None,
        "files": [(kind.upper(), f"{url}.{kind}?month={key}") for kind in FORMATS],
    }


async def statement_file(
    request: AnyRequest, program: ProgramRef, partner_id: int, partner: str, kind: str
) -> Response[bytes]:
    """The month that is asked for as a file of `kind`; `partner` names him in it."""
    zone = zone_named(program.zone)
    month = _month(request, clock.now().astimezone(zone).date())
    found = await whole(program.id, partner_id, *month_bounds(month, zone))
    file = StatementFile(
        name=f"statement-{month:%Y-%m}",
        title=_("Statement, %(month)s", month=_month_name(month)),
        partner=partner,
        program=program.name,
        period=f"{date_text(found.start, zone.key)} – {date_text(found.end - timedelta(days=1), zone.key)}",
        zone=zone,
        found=found,
        rows=[
            Row(found.start, None, _("At the beginning"), "", found.opening, found.opening),
            *(
                Row(line.booked_at, line.occurred_at, _kind(line), _text(line), line.change, line.after)
                for line in found.lines
            ),
            Row(found.end, None, _("At the end"), "", found.closing, found.closing),
        ],
    )
    return await answer(file, kind)


def _month(request: AnyRequest, otherwise: date) -> date:
    """The month that `?month=2026-11` asks for; NotFound for what is none."""
    asked = request.query_params.get("month")
    if not asked:
        return otherwise.replace(day=1)
    try:
        month = date.fromisoformat(f"{asked}-01")
    except ValueError:
        raise NotFound("There is no such month.") from None
    if not 2000 <= month.year <= 2200:
        raise NotFound("There is no such month.")
    return month


def _month_name(month: date) -> str:
    name: str = format_date(month, "LLLL yyyy", locale=locale())
    return name[:1].upper() + name[1:]


def _line(line: Line, *, own: bool) -> StatementLine:
    late = line.occurred_at.astimezone(zone()).date() != line.booked_at.astimezone(zone()).date()
    if not own:
        url = ""
    elif line.commission_id is not None:
        url = f"/earnings/{line.commission_id}"
    else:
        url = "/payouts#history" if line.kind.startswith("payout_") else ""
    return StatementLine(
        at=line.booked_at,
        occurred_at=line.occurred_at if late else None,
        kind_label=_kind(line),
        text=_text(line),
        url=url,
        change=line.change,
        after=line.after,
    )


def _kind(line: Line) -> str:
    label = KINDS.get(line.kind)
    return str(label) if label is not None else line.kind


def _text(line: Line) -> str:
    if line.order_number:
        return _("Order %(number)s", number=masked(line.order_number))
    if line.kind.startswith("payout_"):
        return _("No. %(number)s", number=line.note)
    return line.note


ROUTES = [show_statement, statement_csv, statement_xlsx, statement_pdf]
