"""A whole year of a real shop's orders through the rules alone, in memory.

`python -m tests.unit.rules.history last.daily_qtd` prints the speed and, with a second argument, writes the ledger
there. The folder of orders lies beside the project, in `../shared/data`; its rules are `RULES.md`.
"""

import csv
import gc
import gzip
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from app.rules.effects import CommissionChange, CommissionKind, Effects, LevelChange
from app.rules.facts import MICRO, Cause, Fact, Line, Order, OrderState, OrderStatus, Refund, RefundLine
from app.rules.fold import apply, judge
from app.rules.levels import recalculate_levels
from app.rules.money import format_minor
from app.rules.periods import next_midnight
from app.rules.state import Click, ParentSince, PartnerState, State, TermsVersion
from app.rules.terms import Terms
from app.rules.terms_document import parse_terms, read_toml

DATA = Path(__file__).parents[4] / "shared" / "data"
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class History:
    """The facts of the folder, in order, and the state before the first of them."""

    state: State
    facts: list[Fact]
    codes: dict[int, str]
    shop_orders: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class Outcome:
    """What came out: changes in order, level changes, seconds of processor time for judging."""

    changes: list[CommissionChange]
    levels: list[LevelChange]
    seconds: float
    orders: int
    state: State


def load(terms_name: str, until: datetime | None = None) -> History:
    """Read the folder up to a moment (exclusive)."""
    terms = parse_terms(read_toml((DATA / "terms" / f"{terms_name}.toml").read_text()))
    codes = [row["partner"] for row in _rows("partners.csv")]
    ids = {code: number for number, code in enumerate(codes, start=1)}
    state = State(terms=[TermsVersion(1, BEGINNING, terms)])
    for row in _rows("partners.csv"):
        parents = (ParentSince(None, ids[row["parent"]]),) if row["parent"] else ()
        number = ids[row["partner"]]
        state.partners[number] = PartnerState(
            number, row["partner"], joined_at=_moment(row["registered_at"]), parents=parents
        )
    clicks: defaultdict[str, list[Click]] = defaultdict(list)
    for row in _rows("clicks.csv.gz"):
        number = int(row["click_id"])
        at = _moment(row["clicked_at"])
        clicks[row["customer_id"]].append(Click(row["click_id"], number, at, ids[row["partner"]]))
    state.clicks = dict(clicks)
    return History(state, list(_facts(until)), {number: code for code, number in ids.items()})


def run(history: History, *, until: datetime | None = None) -> Outcome:
    """Fold all facts, with the levels looked at at each local midnight on the way, up to `until` (inclusive)."""
    state = history.state
    terms = state.terms[0].terms
    daily = terms.levels_policy.recalculate == "daily"
    changes: list[CommissionChange] = []
    levels: list[LevelChange] = []
    orders = 0
    started = time.process_time()
    midnight = next_midnight(history.facts[0].at, terms.zone)

    def take(effects: Effects) -> None:
        apply(state, effects)
        changes.extend(effects.changes)
        levels.extend(effects.levels)

    for number, fact in enumerate(history.facts):
        while daily and midnight <= fact.at:
            take(recalculate_levels(state, midnight))
            midnight = next_midnight(midnight, terms.zone)
        orders += fact.cause is Cause.PAID
        take(judge(state, fact))
        assert number == fact.sequence
    while daily and until is not None and midnight <= until:
        take(recalculate_levels(state, midnight))
        midnight = next_midnight(midnight, terms.zone)
    return Outcome(changes, levels, time.process_time() - started, orders, state)


def _facts(until: datetime | None) -> Iterator[Fact]:
    """Orders and returns in the order of RULES.md §2; all rows of one return and order are one refund."""
    lines: defaultdict[str, list[Line]] = defaultdict(list)
    shipping: defaultdict[str, int] = defaultdict(int)
    for row in _rows("order_lines.csv.gz"):
        total = _minor(row["line_total"])
        if row["kind"] == "goods":
            line = Line(row["line_no"], int(row["qty"]) * MICRO, total, product=row["sku"])
            lines[row["order_id"]].append(line)
        elif row["kind"] == "shipping":
            shipping[row["order_id"]] += total
    events: list[tuple[tuple[datetime, int, int, str, str], OrderState | Refund]] = []
    for row in _rows("orders.csv.gz"):
        at = _moment(row["paid_at"])
        number = row["order_id"]
        state = OrderState(
            status=OrderStatus.PAID,
            updated_at=at,
            digest=number,
            placed_at=at,
            paid_at=at,
            visitor_id=row["customer_id"],
            shipping_minor=shipping[number],
            lines=tuple(lines[number]),
        )
        events.append(((at, 0, int(number), "", number), state))
    returned: defaultdict[tuple[str, str, str], list[RefundLine]] = defaultdict(list)
    for row in _rows("returns.csv.gz"):
        part = RefundLine(row["line_no"], int(row["qty"]) * MICRO, _minor(row["amount"]))
        returned[(row["returned_at"], row["return_id"], row["order_id"])].append(part)
    for (at_text, return_id, number), parts in returned.items():
        refund = Refund(return_id, _moment(at_text), lines=tuple(parts))
        events.append(((refund.at, 1, 0, return_id, number), refund))
    events.sort(key=lambda event: event[0])
    yield from _merged(events, until)


def _merged(
    events: list[tuple[tuple[datetime, int, int, str, str], OrderState | Refund]], until: datetime | None
) -> Iterator[Fact]:
    orders: dict[str, Order] = {}
    for sequence, ((at, _kind, _number, _ref, shop_order), told) in enumerate(events):
        if until is not None and at >= until:
            return
        if isinstance(told, OrderState):
            orders[shop_order] = Order(int(shop_order), told)
            yield Fact(orders[shop_order], Cause.PAID, told.digest, at, sequence)
        else:
            before = orders[shop_order]
            orders[shop_order] = Order(before.order_id, before.state, (*before.refunds, told))
            yield Fact(orders[shop_order], Cause.REFUND, told.external_id, at, sequence)


def ledger_rows(history: History, outcome: Outcome) -> list[dict[str, str]]:
    """The columns of `ledger.csv`; tiers of 0 are not written."""
    rows = []
    for change in outcome.changes:
        tier = change.kind is CommissionKind.TIER
        if tier and not change.amount_delta_minor:
            continue
        refund = change.cause is Cause.REFUND
        name = f"tier{change.tier}" if tier else "direct"
        if refund:
            name = f"{name}_reversal" if tier else "reversal"
        rows.append(
            {
                "at": f"{change.at:%Y-%m-%d %H:%M:%S}",
                "type": name,
                "order_id": str(change.order_id),
                "return_id": change.cause_ref if refund else "",
                "partner": history.codes[change.partner_id],
                "from_partner": history.codes[change.from_partner] if change.from_partner else "",
                "base": format_minor(change.base_delta_minor, 2),
                "rate_bp": str(change.rate_ppm // 100),
                "amount": format_minor(change.amount_delta_minor, 2),
            }
        )
    return rows


ENTRY_TYPES = ("direct", "reversal", "tier1", "tier1_reversal", "tier2", "tier2_reversal")


def totals_rows(history: History, outcome: Outcome) -> list[dict[str, str]]:
    """The columns of `totals.csv`: partner by quarter, with the level by the quarter's final turnover."""
    sums: dict[tuple[str, str], defaultdict[str, int]] = {}
    for row in ledger_rows(history, outcome):
        quarter = f"{row['at'][:4]}Q{(int(row['at'][5:7]) + 2) // 3}"
        cell = sums.setdefault((row["partner"], quarter), defaultdict(int))
        cell[row["type"]] += _minor(row["amount"])
        if row["type"] == "direct":
            cell["orders"] += 1
            cell["gross_base"] += _minor(row["base"])
        elif row["type"] == "reversal":
            cell["returned_base"] += _minor(row["base"])
    terms = outcome.state.terms[0].terms
    rows = []
    for (partner, quarter), cell in sorted(sums.items()):
        net = cell["gross_base"] + cell["returned_base"]
        row = {"partner": partner, "quarter": quarter, "orders": str(cell["orders"])}
        for name, amount in (
            ("gross_base", cell["gross_base"]),
            ("returned_base", cell["returned_base"]),
            ("net_turnover", net),
            *((name, cell[name]) for name in ENTRY_TYPES),
            ("net_commission", sum(cell[name] for name in ENTRY_TYPES)),
        ):
            row[name] = format_minor(amount, 2)
        row["level_by_turnover_at_quarter_end"] = _level_name(terms, net)
        rows.append(row)
    return rows


def level_rows(history: History, outcome: Outcome) -> list[dict[str, str]]:
    """The columns of `level_changes.csv`."""
    terms = outcome.state.terms[0].terms
    return [
        {
            "at": f"{change.at:%Y-%m-%d %H:%M:%S}",
            "partner": history.codes[change.partner_id],
            "from_level": terms.level(change.before).name["en"],
            "to_level": terms.level(change.after).name["en"],
        }
        for change in outcome.levels
    ]


def _level_name(terms: Terms, turnover_minor: int) -> str:
    reached = [level for level in terms.levels if turnover_minor >= level.from_minor]
    return (reached[-1] if reached else terms.levels[0]).name["en"]


def _rows(name: str) -> Iterator[dict[str, str]]:
    path = DATA / "orders" / name
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    yield from csv.DictReader(content.decode().splitlines())


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _minor(text: str) -> int:
    minor = Decimal(text) * 100
    assert minor == int(minor)
    return int(minor)


def main() -> None:
    """Print the speed of the whole year and what came out."""
    history = load(sys.argv[1])
    gc.freeze()  # What was loaded stays; looking through it again and again is not the rules' work.
    outcome = run(history)
    total = sum(change.amount_delta_minor for change in outcome.changes)
    sys.stdout.write(
        f"{outcome.orders} orders, {len(history.facts)} facts, {len(outcome.changes)} changes, "
        f"{total / 100} in commissions: {outcome.seconds:.2f} s, {outcome.orders / outcome.seconds:.0f} orders/s\n"
    )
    if len(sys.argv) > 2:
        rows = ledger_rows(history, outcome)
        with Path(sys.argv[2]).open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
