"""The payout pages of partner and desk, as browsers see them."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from app import clock, db
from app.ledger import service as ledger
from app.partners.payout_details import NewPayoutDetails, give_details_in_transaction
from app.rules.effects import Account, AccountKind, Posting
from tests.browsers import Browse, Visitor
from tests.cast import Cast

NOW = datetime.now(UTC)


async def earn(cast: Cast, amount_minor: int) -> None:
    posting = Posting(
        Account(AccountKind.EXPENSE), Account(AccountKind.AVAILABLE, cast.alice.partner_id), amount_minor
    )
    await ledger.book_in_transaction(
        cast.north_id, [ledger.Entry("adjustment", f"test:{amount_minor}", NOW, (posting,))]
    )


async def owe(cast: Cast, amount_minor: int) -> None:
    posting = Posting(
        Account(AccountKind.DEBT, cast.alice.partner_id), Account(AccountKind.EXPENSE), amount_minor
    )
    await ledger.book_in_transaction(cast.north_id, [ledger.Entry("clawback", "test:debt", NOW, (posting,))])


async def give_details(cast: Cast, *, hours: int = 100, verified: bool = True) -> None:
    details = NewPayoutDetails("bank_account", "Alice Petrova", "40702810900000006789", "044525225")
    with clock.at(NOW - timedelta(hours=hours)):
        await give_details_in_transaction(cast.alice.partner_id or 0, details, verified=verified)


def token(page: str) -> str:
    return page.split('name="request_token" value="')[1].split('"')[0]


async def request(visitor: Visitor, amount: str, *, request_token: str = "") -> httpx.Response:
    shown = (await visitor.get("/payouts")).text
    data = {"amount": amount, "request_token": request_token or token(shown)}
    return await visitor.post("/payouts", data=data)


@pytest.fixture
async def alice(cast: Cast, browse: Browse) -> Visitor:
    await db.execute("UPDATE users SET locale = 'en'")
    await give_details(cast)
    await earn(cast, 345_000)
    return await browse(cast.alice)


async def test_the_form_comes_with_the_whole_sum_and_the_request_is_in_the_history(alice: Visitor) -> None:
    shown = (await alice.get("/payouts")).text
    assert 'value="3450.00"' in shown
    assert "•••• 6789" in shown

    answer = await request(alice, "3,450.00".replace(",", " "))

    assert (answer.status_code, answer.headers["location"]) == (303, "/payouts")
    after = (await alice.get("/payouts")).text
    assert "No. 1" in after
    assert "Requested: RUB\u00a03,450.00" in after
    assert "40702810900000006789" not in after


async def test_a_double_click_is_one_request(alice: Visitor, cast: Cast) -> None:
    made = token((await alice.get("/payouts")).text)

    for _click in range(2):
        assert (await request(alice, "1000", request_token=made)).status_code == 303

    assert await db.fetchval("SELECT count(*) FROM payouts WHERE program_id = $1", cast.north_id) == 1


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("999.99", "This is below the smallest payout."),
        ("3450.01", "This is more than is available."),
        ("all", "Enter an amount such as 1234.56."),
        ("", "Fill in this field."),
        ("-5", "Enter an amount such as 1234.56."),
    ],
)
async def test_a_wrong_amount_is_said_at_its_field_and_kept(alice: Visitor, amount: str, words: str) -> None:
    answer = await request(alice, amount)

    assert answer.status_code == 422
    assert words in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert f'value="{amount}"' in answer.text


async def test_the_states_that_close_the_form_are_explained(cast: Cast, browse: Browse) -> None:
    await db.execute("UPDATE users SET locale = 'en'")
    visitor = await browse(cast.alice)
    assert "Nobody knows where to send the money yet." in (await visitor.get("/payouts")).text
    await give_details(cast, hours=1, verified=False)
    await earn(cast, 62_000)
    shown = (await visitor.get("/payouts")).text
    assert "still being checked" in shown
    assert "wait for 72 hours" in shown
    assert "RUB\u00a0380.00 more to the smallest payout" in shown
    await owe(cast, 5_000)
    shown = (await visitor.get("/payouts")).text
    assert "You owe RUB\u00a050.00" in shown
    assert 'name="amount"' not in shown


async def test_the_accountant_approves_pays_and_the_partner_sees_it(
    alice: Visitor, cast: Cast, browse: Browse
) -> None:
    await request(alice, "2000")
    fedor = await browse(cast.fedor)
    desk = (await fedor.get("/desk/payouts")).text
    assert "40702810900000006789, 044525225" in desk
    assert "Approve RUB\u00a02,000.00" in desk
    payout_id = await db.fetchval("SELECT id FROM payouts WHERE program_id = $1", cast.north_id)

    assert (await fedor.post(f"/desk/payouts/{payout_id}/paid")).status_code == 422
    assert (await fedor.post(f"/desk/payouts/{payout_id}/approve")).status_code == 303
    stale = await fedor.post(f"/desk/payouts/{payout_id}/paid", data={"expected_minor": "199999"})
    assert stale.status_code == 422
    assert "A refund has changed the amount" in stale.text
    paid = await fedor.post(f"/desk/payouts/{payout_id}/paid", data={"expected_minor": "200000"})

    assert paid.status_code == 303
    assert "Paid: RUB\u00a02,000.00" in (await alice.get("/payouts")).text
    closed = (await fedor.get("/desk/payouts?show=paid")).text
    assert "No. 1" in closed
    assert "40702810900000006789" not in closed


async def test_a_rejection_reaches_the_partner_with_its_reason(
    alice: Visitor, cast: Cast, browse: Browse
) -> None:
    await request(alice, "2000")
    fedor = await browse(cast.fedor)
    payout_id = await db.fetchval("SELECT id FROM payouts WHERE program_id = $1", cast.north_id)
    assert (await fedor.post(f"/desk/payouts/{payout_id}/reject", data={"reason": " "})).status_code == 422

    answer = await fedor.post(f"/desk/payouts/{payout_id}/reject", data={"reason": "The account is closed."})

    assert answer.status_code == 303
    shown = (await alice.get("/payouts")).text
    assert "The account is closed." in shown
    assert 'value="3450.00"' in shown


async def test_a_manager_looks_but_does_not_pay_and_sees_no_account(
    alice: Visitor, cast: Cast, browse: Browse
) -> None:
    await request(alice, "2000")
    payout_id = await db.fetchval("SELECT id FROM payouts WHERE program_id = $1", cast.north_id)
    olga = await browse(cast.olga)

    shown = (await olga.get("/desk/payouts")).text

    assert "•••• 6789" in shown
    assert "40702810900000006789" not in shown
    for step in ("approve", "paid", "reject"):
        assert (await olga.post(f"/desk/payouts/{payout_id}/{step}", data={"reason": "x"})).status_code == 403
        assert (await alice.post(f"/desk/payouts/{payout_id}/{step}")).status_code == 403


async def test_another_programs_payout_is_not_found(alice: Visitor, cast: Cast, browse: Browse) -> None:
    await request(alice, "2000")
    payout_id = await db.fetchval("SELECT id FROM payouts WHERE program_id = $1", cast.north_id)
    await db.execute(
        "INSERT INTO user_roles (user_id, program_id, role) VALUES ($1, $2, 'accountant')",
        cast.sergei.user_id,
        cast.south_id,
    )
    sergei = await browse(cast.sergei)

    for step in ("approve", "paid", "reject"):
        answer = await sergei.post(f"/desk/payouts/{payout_id}/{step}", data={"reason": "x"})
        assert answer.status_code == 404
    assert "No. 1" not in (await (await browse(cast.clara)).get("/payouts")).text


async def test_the_statement_and_its_csv_add_up(alice: Visitor) -> None:
    await request(alice, "2000")

    shown = (await alice.get("/statement")).text
    csv = (await alice.get("/statement.csv")).content.decode("utf-8-sig").splitlines()

    for words in ("Owed to you at the end", "Payout requested", "Adjustment", "RUB\u00a03,450.00"):
        assert words in shown
    cells = [line.split(",") for line in csv]
    assert [row[2] for row in cells[1:]] == [
        "At the beginning",
        "Adjustment",
        "Payout requested",
        "At the end",
    ]
    assert [row[10] for row in cells[1:]] == ["0.00", "3450.00", "3450.00", "3450.00"]
    assert cells[-1][4:9] == ["0.00", "1450.00", "2000.00", "0.00", "0.00"]


@pytest.mark.parametrize("month", ["2026-13", "november", "9999-01", "2026-1"])
async def test_a_month_that_is_none_is_not_found(alice: Visitor, month: str) -> None:
    assert (await alice.get(f"/statement?month={month}")).status_code == 404
