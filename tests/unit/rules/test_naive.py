"""The fold against the naive model: histories of a few partners, in any order of arrival, must come out the same."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.rules.facts import MICRO, Line, OrderStatus, Refund, RefundLine
from app.rules.periods import month_index
from app.rules.state import Click
from tests.unit.rules.build import Shop, order_state, partner, state
from tests.unit.rules.naive import DAY, Back, Bought, Program, Sold

BEGINNING = datetime(2026, 7, 1, tzinfo=UTC)
"""July and August have 31 days each."""
NAMES = {"ann": 1, "ben": 2, "cid": 3}
PARENTS = {"ann": None, "ben": "ann", "cid": "ben"}
RATES = [(0, "5%"), (9_000, "7.5%"), (30_000, "12.3333%")]
TIERS = ["10%", "3.5%"]

minutes = st.integers(40 * 60, 61 * DAY)
lines = st.lists(
    st.builds(Sold, st.integers(1, 5), st.integers(0, 900) | st.integers(8_000, 30_000), st.integers(0, 900)),
    min_size=1,
    max_size=3,
)


@st.composite
def bought(draw: st.DrawFn) -> tuple[Bought, list[Back]]:
    """An order and what happens to it, nothing given back twice."""
    paid_at, sold = draw(minutes), tuple(draw(lines))
    ages = st.integers(0, 12 * DAY)
    clicks = tuple(
        {
            (paid_at - age, name)
            for age, name in draw(
                st.lists(st.tuples(ages, st.sampled_from(sorted(NAMES))), min_size=1, max_size=4)
            )
        }
    )
    clicks = tuple({at: (at, name) for at, name in sorted(clicks)}.values())
    discount = draw(st.integers(0, sum(line.total for line in sold) // 2))
    facts: list[Back] = []
    pieces, at = [line.pieces for line in sold], paid_at
    for kind in draw(st.lists(st.sampled_from(["pieces", "line", "order", "cancelled"]), max_size=3)):
        at += draw(st.integers(1, 20 * DAY))
        line = draw(st.integers(0, len(sold) - 1))
        if kind == "pieces" and pieces[line]:
            much = draw(st.integers(1, pieces[line]))
            pieces[line] -= much
            facts.append(Back(at, "pieces", line, much))
        elif kind == "line":
            facts.append(Back(at, "line", line, draw(st.integers(0, sold[line].total // 8))))
        elif kind == "order":
            facts.append(Back(at, "order", 0, draw(st.integers(0, 2_000))))
        elif kind == "cancelled" and not any(fact.kind == "cancelled" for fact in facts):
            facts.append(Back(at, "cancelled"))
            if draw(st.booleans()):
                facts.append(Back(at + 7, "restored"))
                at += 7
    return Bought(paid_at, sold, discount, clicks), facts


def moment(minute: int) -> datetime:
    return BEGINNING + timedelta(minutes=minute)


def told(one: Bought, number: int, fact: Back | None) -> Any:
    """The message that says it."""
    goods = [Line(str(n), line.pieces * MICRO, line.total, line.tax) for n, line in enumerate(one.lines)]
    if fact is None or fact.kind in ("cancelled", "restored"):
        at = moment(one.paid_at if fact is None else fact.at)
        gone = fact is not None and fact.kind == "cancelled"
        return order_state(
            at,
            *goods,
            status=OrderStatus.CANCELLED if gone else OrderStatus.PAID,
            placed_at=moment(one.paid_at),
            paid_at=moment(one.paid_at),
            cancelled_at=at if gone else None,
            discount_minor=one.discount,
            visitor_id=f"v{number}",
        )
    name, at = f"{fact.at}-{fact.kind}", moment(fact.at)
    if fact.kind == "order":
        return Refund(name, at, fact.much)
    by = {"quantity_micro": fact.much * MICRO} if fact.kind == "pieces" else {"amount_minor": fact.much}
    return Refund(name, at, lines=(RefundLine(str(fact.line), **by),))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_the_fold_equals_the_naive_model(data: st.DataObject) -> None:
    model = data.draw(st.sampled_from(["last_click", "first_click", "linear"]))
    keep = data.draw(st.sampled_from(["none", "next_period"]))
    orders = data.draw(st.lists(bought(), min_size=3, max_size=6))
    arrivals = data.draw(
        st.permutations([(n, fact) for n, (_, facts) in enumerate(orders) for fact in [None, *facts]])
    )
    naive = Program(
        model, PARENTS, [(start, percent(rate)) for start, rate in RATES], list(map(percent, TIERS)), 10, keep
    )
    shop = shop_of(model, keep, orders)
    assert month_index(moment(0), shop.program.terms[0].terms.zone) % 12 == 6
    known: dict[int, list[Back | None]] = {}
    for number, fact in arrivals:
        one = orders[number][0]
        shop.tell(number, told(one, number, fact))
        facts = known.setdefault(number, [])
        facts.append(fact)
        backs = [back for back in facts if back is not None]
        # A cancelled or restored state tells the payment, too.
        paid = [back for back in facts if back is None or back.kind in ("cancelled", "restored")]
        if number in naive.decided:
            naive.learn(number, one, backs, fact if fact is not None else Back(one.paid_at, "restored"))
        elif paid:
            naive.learn(number, one, backs, None)
        assert owed(shop, number) == naive.owed.get(number, {}), (number, fact)


def owed(shop: Shop, number: int) -> dict[tuple[str, int], int]:
    names = {partner_id: name for name, partner_id in NAMES.items()}
    return {(names[who], tier): amount for (who, _, tier), amount in shop.commissions(number).items()}


def percent(text: str) -> Fraction:
    return Fraction(text.removesuffix("%")) / 100


def shop_of(model: str, keep: str, orders: list[tuple[Bought, list[Back]]]) -> Shop:
    terms = {
        "time_zone": "UTC",
        "attribution": {"model": model, "window_days": 10},
        "levels_policy": {"period": "month", "keep": keep},
        "levels": [{"code": f"l{start}", "from": start, "rate": rate} for start, rate in RATES],
        "tiers": {"rates": TIERS},
    }
    people = [partner(NAMES[name], parent=NAMES[up] if (up := PARENTS[name]) else None) for name in NAMES]
    program = state(terms, *people)
    count = 0
    for number, (one, _) in enumerate(orders):
        chain = []
        for at, name in one.clicks:
            count += 1
            chain.append(Click(f"{count}", count, moment(at), NAMES[name]))
        program.clicks[f"v{number}"] = sorted(chain, key=lambda click: click.at)
    return Shop(program)
