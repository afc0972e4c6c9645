"""What the partner's first page says, in a fixed number of queries: none of them reads clicks or counts rows.

Figures come from `daily_counts`, the level's progress from the running turnovers, money from the balances; so the
page costs the same for a partner with ten thousand clicks and with ten million.
"""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app import clock, db
from app.partners.queries import LevelChange, level_changes
from app.payouts.queries import Money
from app.programs.queries import terms_in_force
from app.rules.periods import month_index, month_start, period_first_month
from app.rules.terms import Level, Terms
from app.stats.queries import Day, Totals, figures
from app.ui.charts import Chart, Delta, Unit, by_day, delta
from app.ui.filters import money, number, percent, period
from app.ui.i18n import gettext as _
from app.ui.i18n import in_locale, ngettext, zone_named
from app.users.identity import Membership

DAYS = {"7": 7, "28": 28, "90": 90}
"""Periods that end today; the others are calendar periods so far."""
DEFAULT_PERIOD = "28"
LEVELS_SHOWN = 20
"""So many changes of the level are shown, the latest ones."""


@dataclass(frozen=True, slots=True)
class Span:
    """A period so far, and the one before cut to the same number of days."""

    key: str
    first: date
    last: date
    """Today."""
    before_first: date
    before_last: date

    @property
    def label(self) -> str:
        """`1–22 Nov 2026`."""
        return period(self.first, self.last)


@dataclass(frozen=True, slots=True)
class Figure:
    """One number beside that of the period before."""

    label: str
    value: str
    delta: Delta | None
    """None: cannot be compared."""
    values: Sequence[int]
    """By day, for a small line."""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Figures and chart of a period."""

    figures: Sequence[Figure]
    chart: Chart | None
    """None: nothing has happened yet, ever."""


@dataclass(frozen=True, slots=True)
class LevelProgress:
    """The level and the way to the next one."""

    name: str
    rate: int
    turnover_text: str
    next_name: str | None
    """None: this is the highest."""
    next_rate: int
    next_opens: Sequence[str]
    """What the next level brings beside its rate."""
    missing_text: str
    value: int
    maximum: int
    days_left: int | None
    """None: the period is the whole lifetime."""
    period_end: date | None
    """The period's last day."""
    goal_text: str
    """The next level's threshold; empty: there is none."""
    count: str
    """base | orders | customers."""


@dataclass(frozen=True, slots=True)
class Balance:
    """The money equation of the first page."""

    pending_minor: int
    available_minor: int
    reserved_minor: int
    debt_minor: int
    next_release_at: datetime | None
    next_release_minor: int
    min_payout_minor: int
    may_request: bool


@dataclass(frozen=True, slots=True)
class TodoItem:
    """One of the first steps; `done` is read from what is there, not from what was clicked away."""

    text: str
    url: str
    done: bool


def span(key: str, today: date) -> Span:
    """The period of a key of `periods()`; an unknown key is the default one."""
    if key in ("month", "quarter", "year"):
        months = {"month": 1, "quarter": 3, "year": 12}[key]
        first_month = (today.month - 1) // months * months + 1
        first = today.replace(month=first_month, day=1)
        before_first = _months_before(first, months)
        passed = (today - first).days
        before_last = min(before_first + timedelta(days=passed), first - timedelta(days=1))
        return Span(key, first, today, before_first, before_last)
    key = key if key in DAYS else DEFAULT_PERIOD
    length = timedelta(days=DAYS[key])
    day = timedelta(days=1)
    return Span(key, today - length + day, today, today - 2 * length + day, today - length)


def periods() -> list[tuple[str, str]]:
    """Keys and names of the periods to choose from."""
    return [
        *((key, ngettext("%(num)s day", "%(num)s days", days)) for key, days in DAYS.items()),
        ("month", _("This month")),
        ("quarter", _("This quarter")),
        ("year", _("This year")),
    ]


async def report(member: Membership, chosen: Span, *, ever: bool) -> Report:
    """Figures and chart of the period; `ever`: whether anything has happened at all."""
    currency = member.program.currency
    present = await figures(member.partner_id, chosen.first, chosen.last)
    before = await figures(member.partner_id, chosen.before_first, chosen.before_last)
    chart = by_day(
        "earnings",
        metric=_("Earnings"),
        days=[day.day for day in present.days],
        values=[day.earned_minor for day in present.days],
        previous_days=[day.day for day in before.days],
        previous=[day.earned_minor for day in before.days],
        unit=Unit.MONEY,
        currency=currency,
        today=chosen.last,
    )
    return Report(_figures(present.totals, before.totals, present.days, currency), chart if ever else None)


def _figures(now: Totals, before: Totals, days: Sequence[Day], currency: str) -> list[Figure]:
    def counted(label: str, value: int, previous: int, values: list[int], href: str) -> Figure:
        return Figure(label, number(value), delta(value, previous, number(previous)), values, href)

    def earned(value: int) -> str:
        return money(value, currency, short=True)

    share, share_before = _share(now), _share(before)
    return [
        Figure(
            _("Earnings"),
            earned(now.earned_minor),
            delta(now.earned_minor, before.earned_minor, earned(before.earned_minor)),
            [day.earned_minor for day in days],
            "/earnings",
        ),
        counted(_("Clicks"), now.clicks, before.clicks, [day.clicks for day in days], "/links"),
        counted(_("Orders"), now.orders, before.orders, [day.orders for day in days], "/earnings"),
        Figure(
            _("Orders per click"),
            percent(share) if share is not None else "—",
            delta(share, share_before, percent(share_before))
            if share is not None and share_before is not None
            else None,
            (),
        ),
    ]


def _share(totals: Totals) -> int | None:
    """Orders per click in 1e-6, to a tenth of a percent; None without clicks."""
    if not totals.clicks:
        return None
    return (totals.orders * 2000 + totals.clicks) // (2 * totals.clicks) * 1000


async def level_progress(member: Membership) -> LevelProgress:
    """The level as it stands, and how far the next one is in this period."""
    now = clock.now()
    terms = (await terms_in_force(member.program.id, now)).terms
    zone = terms.zone
    month = month_index(now, zone)
    first = period_first_month(month, terms.levels_policy.period)
    rows = await db.fetch(
        """
        SELECT coalesce(sum(total.base_minor), 0)::bigint AS base, coalesce(sum(total.sold_orders), 0)::bigint AS orders,
            partner.own_rate, partner.level
        FROM partners AS partner
        LEFT JOIN partner_turnovers AS total
            ON total.partner_id = partner.id AND total.grain = 'month' AND total.starts_on >= $2 AND total.starts_on <= $3
        WHERE partner.id = $1
        GROUP BY partner.id
        """,
        member.partner_id,
        _first_day(first) if first is not None else date(1970, 1, 1),
        _first_day(month),
    )
    count = terms.levels_policy.count
    if count == "customers":
        start = month_start(first, zone) if first is not None else None
        turnover = await _customers(member.partner_id, start)
    else:
        turnover = max(0, rows[0][count])
    level = terms.level(rows[0]["level"])
    following = _following(terms, level, turnover)
    end = _last_day(first, terms.levels_policy.period) if first is not None else None
    own_rate = rows[0]["own_rate"]
    return LevelProgress(
        name=_name(level),
        rate=own_rate if own_rate is not None else level.rate_ppm,
        turnover_text=_counted(turnover, terms),
        next_name=_name(following) if following is not None else None,
        next_rate=following.rate_ppm if following is not None else 0,
        next_opens=_opens(level, following) if following is not None else (),
        missing_text=_counted(following.from_minor - turnover, terms) if following is not None else "",
        value=turnover,
        maximum=following.from_minor if following is not None else max(turnover, 1),
        days_left=(end - now.astimezone(zone).date()).days if end is not None else None,
        period_end=end,
        goal_text=_counted(following.from_minor, terms) if following is not None else "",
        count=count,
    )


async def _customers(partner_id: int, start: datetime | None) -> int:
    """How many customers count in the period that began then; None: over all time."""
    found: int = await db.fetchval(
        """
        SELECT count(DISTINCT orders.customer_id) FROM commissions AS sold JOIN orders ON orders.id = sold.order_id
        WHERE sold.partner_id = $1 AND sold.kind = 'direct' AND sold.orders > 0
            AND ($2::timestamptz IS NULL OR sold.earned_at >= $2)
        """,
        partner_id,
        start,
    )
    return found


def _counted(value: int, terms: Terms) -> str:
    """What a level's threshold is in: money, orders or customers."""
    match terms.levels_policy.count:
        case "orders":
            return ngettext("%(num)s order", "%(num)s orders", value)
        case "customers":
            return ngettext("%(num)s customer", "%(num)s customers", value)
    return money(value, terms.currency)


@dataclass(frozen=True, slots=True)
class LevelStep:
    """One change of the partner's level, as he is told of it."""

    at: datetime
    before_name: str
    """Empty: he was given his first level."""
    after_name: str
    why: str


async def level_history(member: Membership) -> list[LevelStep]:
    """How the partner's level came to be what it is, newest first (rules.md §7)."""
    steps = []
    for change in await level_changes(member.partner_id, limit=LEVELS_SHOWN):
        terms = (await terms_in_force(member.program.id, change.at)).terms
        names = {level.code: _name(level) for level in terms.levels}
        steps.append(
            LevelStep(
                change.at,
                names.get(change.before, change.before),
                names.get(change.after, change.after),
                _why(change, terms),
            )
        )
    return steps


def _why(change: LevelChange, terms: Terms) -> str:
    if change.reason == "approved":
        return _("Given when you were approved")
    if change.reason != "turnover":
        return _("Set by the program's staff")
    if change.turnover_minor is None:
        return ""
    value = _counted(change.turnover_minor, terms)
    if terms.levels_policy.count != "base":
        return _("%(count)s in the period", count=value)
    return _("Turnover of the period: %(turnover)s", turnover=value)


def _following(terms: Terms, level: Level, turnover: int) -> Level | None:
    """The next level above the present one that the turnover has not reached; None: there is none."""
    codes = [one.code for one in terms.levels]
    above = terms.levels[codes.index(level.code) + 1 :]
    return next((one for one in above if one.from_minor > turnover), None)


def _opens(level: Level, following: Level) -> list[str]:
    found = []
    if following.promo_codes_max > level.promo_codes_max:
        limit = following.promo_codes_max
        found.append(ngettext("%(num)s promo code", "%(num)s promo codes", limit))
    if perks := in_locale(following.perks):
        found.append(perks)
    return found


def _name(level: Level) -> str:
    return in_locale(level.name) or level.code


def _first_day(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)


def _last_day(first_month: int, period_name: str) -> date:
    last = first_month + {"month": 1, "quarter": 3, "year": 12}[period_name] - 1
    start = _first_day(last)
    return start.replace(day=monthrange(start.year, start.month)[1])


def _months_before(first: date, months: int) -> date:
    index = first.year * 12 + first.month - 1 - months
    return _first_day(index)


def balance(purse: Money) -> Balance:
    """The partner's money for the first page."""
    found = purse.balances
    return Balance(
        pending_minor=found.pending_minor,
        available_minor=found.available_minor,
        reserved_minor=found.reserved_minor,
        debt_minor=found.debt_minor,
        next_release_at=purse.next_release_at,
        next_release_minor=purse.next_release_minor,
        min_payout_minor=purse.ready.min_minor,
        may_request=not purse.ready.obstacles,
    )


async def first_steps(partner_id: int) -> list[TodoItem]:
    """What a new partner has still to do, and what is done; read from the facts."""
    row = await db.fetchrow(
        """
        SELECT EXISTS (
            SELECT FROM partner_payout_details WHERE partner_id = $1 AND superseded_at IS NULL
        ) AS details, EXISTS (
            SELECT FROM daily_counts WHERE partner_id = $1 AND clicks > 0
        ) AS click, EXISTS (
            SELECT FROM commissions WHERE partner_id = $1
        ) AS commission
        """,
        partner_id,
    )
    assert row is not None
    return [
        TodoItem(_("Say where your money is sent"), "/payouts", row["details"]),
        TodoItem(_("Share your link and get the first click"), "/links", row["click"]),
        TodoItem(_("Earn the first commission"), "/materials", row["commission"]),
    ]


def today(member: Membership) -> date:
    """The program's present day."""
    return clock.now().astimezone(zone_named(member.program.zone)).date()
