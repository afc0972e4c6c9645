"""Earnings: the partner's commissions, and the story of each."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from litestar import Request, Response, get
from litestar.params import FromPath

from app.commissions import queries
from app.commissions.explanation import commission_detail, earning_row
from app.commissions.queries import EarningKind, EarningsFilter, EarningState
from app.commissions.whereabouts import waiting_for_run, whereabouts
from app.commissions.whereabouts_words import order_answer
from app.partners.shell import partner_shell
from app.rules.money import format_rate
from app.ui.forms import Form
from app.ui.i18n import gettext as _
from app.ui.i18n import zone_named
from app.ui.paging import Cursor
from app.ui.render import render
from app.ui.spreadsheet import Number, amount, csv_response
from app.ui.states import STATES
from app.users.identity import partner_of
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]

FIELDS = ("state", "kind", "from", "to", "zero")
CSV_ROWS = 10_000


@get("/earnings", opt=policy("partner"))
async def earnings(request: AnyRequest) -> Response[str]:
    """The list; htmx gets the next rows alone."""
    member = partner_of(request)
    form = Form(request.query_params)
    wanted = read_filter(form, zone_named(member.program.zone))
    found = await queries.earnings(
        member.partner_id, wanted, after=Cursor.decode(request.query_params.get("after"))
    )
    asked = _asked(form)
    return render(
        request,
        "commissions/earnings.html",
        block="rows",
        status=422 if form.errors else 200,
        shell=await partner_shell(request),
        currency=member.program.currency,
        rows=[earning_row(earning, member.program.currency) for earning in found.rows],
        next_url=_url("/earnings", asked | {"after": found.next_cursor}) if found.next_cursor else None,
        sums=await queries.sums(member.partner_id, wanted),
        waiting=None if asked else await waiting_for_run(member.partner_id),
        find=Form.blank(number=""),
        form=form,
        states=[(state.value, str(STATES["commission"][state.value].label)) for state in EarningState],
        kinds=_kinds(),
        filtered=bool(asked),
        csv_url=_url("/earnings.csv", asked),
    )


@get("/earnings.csv", opt=policy("partner"))
async def earnings_csv(request: AnyRequest) -> Response[bytes]:
    """The same list for a spreadsheet, at most 10,000 rows."""
    member = partner_of(request)
    currency = member.program.currency
    wanted = read_filter(Form(request.query_params), zone_named(member.program.zone))
    found = await queries.earnings(member.partner_id, wanted, size=CSV_ROWS)
    headings = [_("Date"), _("Order"), _("Kind"), _("Through"), _("Base"), _("Rate, %"), _("Commission"), _("Taken back"), _("State"), _("Currency")]  # fmt: skip
    rows = [
        (
            row.at, row.order_number, row.kind_label, row.via_text, amount(row.base_minor, currency),
            _percent(row.rate), amount(row.amount_minor, currency),
            amount(row.clawed_back_minor, currency), str(STATES["commission"][row.state].label), currency,
        )
        for row in (earning_row(earning, currency) for earning in found.rows)
    ]  # fmt: skip
    return csv_response("earnings.csv", headings, rows)


@get("/earnings/order", opt=policy("partner"))
async def find_order(request: AnyRequest) -> Response[str]:
    """Where is my order? Others' orders and those that do not exist get one and the same answer."""
    member = partner_of(request)
    form = Form(request.query_params)
    number = form.text("number", max_length=200, required=False).lstrip("#№").strip()
    found = (
        [] if form.errors or not number else await whereabouts(member.program.id, member.partner_id, number)
    )
    return render(
        request,
        "commissions/order_found.html",
        status=422 if form.errors else 200,
        shell=await partner_shell(request),
        currency=member.program.currency,
        form=form,
        orders=[order_answer(member, one) for one in found],
    )


@get("/earnings/{commission_id:int}", opt=policy("partner"))
async def earning(request: AnyRequest, commission_id: FromPath[int]) -> Response[str]:
    """One commission: the formula, why, line by line, what happened."""
    member = partner_of(request)
    commission = await commission_detail(member, commission_id)
    return render(
        request,
        "commissions/_explanation.html",
        block="explanation",
        shell=await partner_shell(request),
        currency=member.program.currency,
        commission=commission,
    )


def read_filter(form: Form, zone: ZoneInfo) -> EarningsFilter:
    """What the query asks for; a wrong value is marked in the form and left out. Days are the program's."""
    state = form.one_of("state", [state.value for state in EarningState], required=False)
    kind = form.one_of("kind", [kind.value for kind in EarningKind], required=False)
    first, last = _day(form, "from"), _day(form, "to")
    if first is not None and last is not None and last < first:
        form.fail("to", _("The last day is before the first one."))
        first = last = None
    return EarningsFilter(
        state=EarningState(state) if state else None,
        kind=EarningKind(kind) if kind else None,
        start=_midnight(first, zone) if first is not None else None,
        end=_midnight(last + timedelta(days=1), zone) if last is not None else None,
        with_nothing=form.checked("zero"),
    )


def _percent(rate: int | None) -> Number | None:
    return Number(format_rate(rate).removesuffix("%")) if rate is not None else None


def _day(form: Form, name: str) -> date | None:
    """A day of the years that partners can have; moments near the calendar's ends do not fit into a time zone."""
    day = form.day(name, required=False)
    if day is not None and not 2000 <= day.year <= 2200:
        form.fail(name, _("Enter a date such as 2026-11-22."))
        return None
    return day


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _kinds() -> list[tuple[str, str]]:
    return [
        (EarningKind.DIRECT.value, _("Own sales")),
        (EarningKind.TIER.value, _("Network")),
        (EarningKind.SELLER.value, _("Sellers")),
        (EarningKind.SELLER_PARENT.value, _("Sellers of the network")),
        (EarningKind.BONUS.value, _("Bonuses")),
        (EarningKind.VOLUME_BONUS.value, _("Volume bonuses")),
        (EarningKind.ADJUSTMENT.value, _("Adjustments")),
    ]


def _asked(form: Form) -> dict[str, str]:
    return {name: form.value(name) for name in FIELDS if form.value(name)}


def _url(path: str, values: Mapping[str, str | None]) -> str:
    return f"{path}?{urlencode({name: value for name, value in values.items() if value})}" if values else path


ROUTES = [earnings, earnings_csv, find_order, earning]
