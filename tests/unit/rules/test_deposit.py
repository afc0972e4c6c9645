"""The merchant's deposit pays oldest first and never below zero (rules.md §13)."""

from hypothesis import given
from hypothesis import strategies as st

from app.rules.deposit import Due, settle
from app.rules.effects import AccountKind
from app.rules.postings import Purse, adjust
from app.rules.state import Balances

FIFTEEN = 150_000


def purses(debts: dict[int, int]) -> dict[int, Purse]:
    return {partner: Purse(partner, Balances(debt_minor=debt)) for partner, debt in debts.items()}


def test_commission_and_fee_to_the_kopeck() -> None:
    waiting = [(Due(1, 7, 10_000), FIFTEEN)]
    assert settle(waiting, 11_499, purses({7: 0})) == []
    (paid,) = settle(waiting, 11_500, purses({7: 0}))
    assert (paid.paid_minor, paid.fee_minor, paid.repaid_minor) == (10_000, 1_500, 0)


def test_small_one_does_not_overtake() -> None:
    waiting = [(Due(1, 7, 10_000), FIFTEEN), (Due(2, 8, 1), FIFTEEN)]
    assert settle(waiting, 11_499, purses({7: 0, 8: 0})) == []


def test_debt_is_repaid_first_and_the_fee_is_of_the_rest() -> None:
    (paid,) = settle([(Due(1, 7, 8_000), FIFTEEN)], 3_450, purses({7: 5_000}))
    assert (paid.repaid_minor, paid.paid_minor, paid.fee_minor) == (5_000, 3_000, 450)


def test_what_only_repays_debt_asks_nothing_of_an_empty_deposit() -> None:
    (paid,) = settle([(Due(1, 7, 5_000), FIFTEEN)], 0, purses({7: 5_000}))
    assert (paid.repaid_minor, paid.paid_minor, paid.fee_minor) == (5_000, 0, 0)


def test_fee_is_rounded_half_away_from_zero() -> None:
    (paid,) = settle([(Due(1, 7, 30), 50_000)], 100, purses({7: 0}))
    assert paid.fee_minor == 2  # 0.30 at 5 % is 0.015


dues = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 10**6)), max_size=30)


@given(
    dues,
    st.integers(0, 10**7),
    st.integers(0, 1_000_000),
    st.dictionaries(st.integers(1, 5), st.integers(0, 10**6)),
)
def test_oldest_first_and_never_below_zero(
    given_dues: list[tuple[int, int]], deposit: int, fee_ppm: int, debts: dict[int, int]
) -> None:
    owed = {partner: debts.get(partner, 0) for partner in range(1, 6)}
    waiting = [(Due(n, partner, amount), fee_ppm) for n, (partner, amount) in enumerate(given_dues)]
    settled = settle(waiting, deposit, purses(owed))
    assert [one.due for one in settled] == [due for due, _ in waiting[: len(settled)]]
    spent = sum(one.paid_minor + one.fee_minor for one in settled)
    assert spent <= deposit
    for partner, debt in owed.items():
        assert sum(one.repaid_minor for one in settled if one.due.partner_id == partner) <= debt
    if len(settled) < len(waiting):
        assert deposit - spent < waiting[len(settled)][0].amount_minor * 2 + 1


@given(dues, st.lists(st.integers(1, 10**6), max_size=6), st.integers(0, 1_000_000))
def test_any_cut_into_top_ups_pays_the_same(
    given_dues: list[tuple[int, int]], top_ups: list[int], fee_ppm: int
) -> None:
    waiting = [(Due(n, partner, amount), fee_ppm) for n, (partner, amount) in enumerate(given_dues)]
    at_once = settle(waiting, sum(top_ups), purses(dict.fromkeys(range(1, 6), 0)))
    left, balance, paid = list(waiting), 0, []
    for amount in top_ups:
        balance += amount
        done = settle(left, balance, purses(dict.fromkeys(range(1, 6), 0)))
        balance -= sum(one.paid_minor + one.fee_minor for one in done)
        paid += done
        left = left[len(done) :]
    assert [one.due for one in paid] == [one.due for one in at_once]


def test_adjustments_go_to_debt_and_available() -> None:
    purse = Purse(7, Balances(available_minor=300, debt_minor=0))
    assert [(one.debit.kind, one.amount_minor) for one in adjust(purse, -500)] == [
        (AccountKind.AVAILABLE, 300),
        (AccountKind.DEBT, 200),
    ]
    assert [(one.credit.kind, one.amount_minor) for one in adjust(purse, 350)] == [
        (AccountKind.DEBT, 200),
        (AccountKind.AVAILABLE, 150),
    ]
