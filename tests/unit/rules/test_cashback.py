"""Cashback by the rules alone: worked numbers and laws (rules.md §14, §16)."""

import contextlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from app.rules.cashback import earned, earned_by_line, expires_at, most_to_spend, still_spent
from app.rules.cashback_moves import ACCOUNTS, MoveKind
from app.rules.effects import AccountKind
from app.rules.facts import MICRO, Line, Order, OrderState, OrderStatus, Refund, RefundLine
from app.rules.state import State, TermsVersion
from app.rules.terms_document import parse_terms
from app.rules.wallet import TooMuchError, Wallets

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)
TERMS = parse_terms(
    {"cashback": {"max_share": "100%", "lifetime_days": 20, "rules": [{"code": "all", "rate": "7.5%"}]}}
)
VERSIONS = State(terms=[TermsVersion(1, START - DAY, TERMS)])


def order(number: int, *lines: int, at: datetime = START, status: str = "fulfilled", spent: int = 0, refunds: tuple[Refund, ...] = ()) -> Order:  # fmt: skip
    told = OrderStatus(status)
    state = OrderState(
        status=told,
        updated_at=at,
        digest=f"{number}-{status}-{at}",
        placed_at=START,
        paid_at=None if status == "placed" else at,
        fulfilled_at=at if status == "fulfilled" else None,
        customer_id="c",
        cashback_spent_minor=spent,
        lines=tuple(
            Line(str(place), 4 * MICRO, total) for place, total in enumerate(lines or (10_000,), start=1)
        ),
    )
    return Order(number, state, refunds)


def sums(wallets: Wallets) -> dict[AccountKind, int]:
    found = dict.fromkeys(AccountKind, 0)
    for move in wallets.moves:
        accounts = ACCOUNTS[move.kind]
        if accounts is not None:
            found[accounts[0]] -= move.amount_minor
            found[accounts[1]] += move.amount_minor
    return found


def test_a_half_is_rounded_away_from_zero_line_by_line() -> None:
    # 7.5 % of 0.20 is 0.015, so 0.02 each; of 0.60 together it would be 0.05.
    assert earned_by_line(order(1, 20, 20, 20), TERMS) == [2, 2, 2]


def test_a_share_is_rounded_down() -> None:
    assert TERMS.cashback is not None
    half = replace(TERMS.cashback, max_share_ppm=500_000)
    assert (most_to_spend(15_001, half), most_to_spend(1, half)) == (7_500, 0)


def test_a_lot_is_over_at_local_midnight_also_when_clocks_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    # 28 March 23:30 in Berlin; the next night is an hour shorter.
    at = datetime(2026, 3, 28, 22, 30, tzinfo=UTC)
    assert expires_at(at, 1, berlin) == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert expires_at(at, 2, berlin) == datetime(2026, 3, 29, 22, tzinfo=UTC)
    assert expires_at(at, -1, berlin) is None


REFUNDS = st.lists(st.tuples(st.integers(1, 3), st.integers(1, 4)), max_size=6)


@given(
    lines=st.lists(st.integers(0, 99_999), min_size=1, max_size=3), parts=REFUNDS, spent=st.integers(0, 5_000)
)
def test_refunds_never_give_back_more_than_was_there_and_a_full_one_leaves_nothing(
    lines: list[int], parts: list[tuple[int, int]], spent: int
) -> None:
    spent = min(spent, sum(lines))
    whole = order(1, *lines, spent=spent)
    left = {str(place): 4 for place in range(1, len(lines) + 1)}
    refunds: list[Refund] = []
    before, kept = earned(whole, TERMS), still_spent(whole, spent)
    assert kept == spent
    for number, (line, pieces) in enumerate(parts):
        taken = min(pieces, left.get(str(line), 0))
        if not taken:
            continue
        left[str(line)] -= taken
        refunds.append(Refund(f"r{number}", START + DAY, None, (RefundLine(str(line), taken * MICRO),)))
        now = replace(whole, refunds=tuple(refunds))
        after, still = earned(now, TERMS), still_spent(now, spent)
        assert 0 <= after <= before
        assert 0 <= still <= kept
        before, kept = after, still
    rest = tuple(RefundLine(line, pieces * MICRO) for line, pieces in left.items() if pieces)
    gone = replace(
        whole, refunds=(*refunds, Refund("rest", START + DAY, None, rest)) if rest else tuple(refunds)
    )
    assert earned(gone, TERMS) == 0
    assert still_spent(gone, spent) == 0


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("order"), st.integers(1, 4), st.sampled_from(["placed", "paid", "fulfilled", "cancelled"]), st.integers(0, 900)),
        st.tuples(st.just("refund"), st.integers(1, 4), st.integers(1, 10_000), st.just(0)),
        st.tuples(st.just("reserve"), st.integers(1, 6), st.integers(1, 900), st.just(0)),
        st.tuples(st.just("jobs"), st.integers(1, 9), st.just(0), st.just(0)),
    ),
    max_size=25,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(steps=STEPS)
def test_whatever_happens_nothing_is_below_zero_and_every_lot_adds_up(steps: list[tuple[str, int, object, int]]) -> None:  # fmt: skip
    wallets, known = Wallets(), dict[int, Order]()
    now = START
    for what, number, value, spent in steps:
        now += timedelta(hours=3)
        if what == "jobs":
            now += number * DAY
            jobs(wallets, now)
            continue
        if what == "reserve":
            present = known.get(number)
            assert isinstance(value, int)
            if present is None or (
                present.state.paid_at is None and present.state.status is not OrderStatus.CANCELLED
            ):
                with contextlib.suppress(TooMuchError):
                    wallets.reserve(str(number), "c", value, now, present, TERMS)
            continue
        if what == "refund":
            if number not in known:
                continue
            before = known[number]
            assert isinstance(value, int)
            fact = replace(before, refunds=(*before.refunds, Refund(f"{now}", now, value)))
        else:
            assert isinstance(value, str)
            refunds = known[number].refunds if number in known else ()
            fact = order(number, at=now, status=value, spent=spent, refunds=refunds)
        try:
            wallets.told(fact, str(number), VERSIONS, now)
            known[number] = fact
        except TooMuchError:
            assert what == "order"  # A refund never asks for more than was granted.
        check(wallets, known)
    again = len(wallets.moves)
    for number, fact in known.items():
        wallets.told(fact, str(number), VERSIONS, now)
    assert wallets.moves[again:] == []  # Told again, an order changes nothing.


def jobs(wallets: Wallets, now: datetime) -> None:
    for order_id, customer in list(wallets.earnings):
        wallets.release(order_id, customer, str(order_id), TERMS, now)
    for lot in list(wallets.lots.get("c", ())):
        wallets.expire(lot, str(lot.order_id), now)


def check(wallets: Wallets, known: dict[int, Order]) -> None:
    found = sums(wallets)
    for kind in AccountKind:
        if kind is not AccountKind.CASHBACK_EXPENSE:
            assert found[kind] >= 0, kind
    lots = wallets.lots.get("c", [])
    assert all(0 <= lot.left_minor <= lot.amount_minor for lot in lots)
    assert sum(lot.left_minor for lot in lots) == found[AccountKind.CASHBACK_AVAILABLE]
    out = {True: 0, False: 0}
    for spending in wallets.spendings.values():
        out[spending.spent] += spending.total_minor
    assert out[True] == found[AccountKind.CASHBACK_SPENT]
    assert out[False] == found[AccountKind.CASHBACK_RESERVED]
    earnings = wallets.earnings.values()
    assert sum(one.pending_minor for one in earnings) == found[AccountKind.CASHBACK_PENDING]
    cost = sum(one.amount_minor + one.written_off_minor for one in earnings)
    assert cost == -found[AccountKind.CASHBACK_EXPENSE]
    for (order_id, _), one in wallets.earnings.items():
        assert one.amount_minor == earned(known[order_id], TERMS)
    burnt = sum(move.amount_minor for move in wallets.moves if move.kind is MoveKind.EXPIRED)
    assert burnt == found[AccountKind.CASHBACK_EXPIRED] <= sum(lot.amount_minor for lot in lots)
