"""The desk's batches, bank details and statements, through the browser."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from app import clock, db
from app.partners.payout_details import NewPayoutDetails, give_details_in_transaction
from tests.browsers import Browse, Visitor
from tests.cast import Cast
from tests.integration.payouts.bank import BANK, BIK, HERS, OURS, PAYER, debit, statement
from tests.integration.payouts.test_payout_pages import earn, request


@pytest.fixture
async def alice(cast: Cast, browse: Browse) -> Visitor:
    await db.execute("UPDATE users SET locale = 'en'")
    with clock.at(datetime.now(UTC) - timedelta(days=10)):
        details = NewPayoutDetails("bank_account", "Иванова Алиса", HERS, BIK)
        await give_details_in_transaction(cast.alice.partner_id or 0, details, verified=True)
    await earn(cast, 500_000)
    return await browse(cast.alice)


@pytest.fixture
async def fedor(cast: Cast, browse: Browse) -> Visitor:
    return await browse(cast.fedor)


PAYER_FORM = {
    "name": PAYER.name,
    "tax_number": PAYER.tax_number,
    "kpp": PAYER.kpp,
    "account": OURS,
    "bik": BIK,
    "correspondent_account": BANK.correspondent_account,
    "bank_name": BANK.name,
    "bank_city": BANK.city,
    "purpose": PAYER.purpose,
}


async def know_banks(fedor: Visitor) -> None:
    assert (await fedor.post("/desk/bank-details", data=PAYER_FORM)).status_code == 303
    bank = {name: PAYER_FORM[name] for name in ("bik", "correspondent_account", "bank_name", "bank_city")}
    assert (await fedor.post("/desk/banks", data=bank)).status_code == 303


async def batch_of(fedor: Visitor, cast: Cast) -> str:
    """Approve everything requested and make a batch of it, through the pages; the batch's address."""
    for row in await db.fetch("SELECT id FROM payouts WHERE state = 'requested' ORDER BY id"):
        assert (await fedor.post(f"/desk/payouts/{row['id']}/approve")).status_code == 303
    page = (await fedor.get("/desk/batches/new")).text
    token = re.search(r'name="batch_token" value="([^"]+)"', page)
    assert token is not None
    chosen = re.findall(r'name="payout" value="([0-9]+)" checked', page)
    answer = await fedor.post("/desk/batches", data={"batch_token": token[1], "payout": chosen})
    assert answer.status_code == 303
    return str(answer.headers["location"])


async def test_from_request_to_paid_by_the_banks_statement(
    alice: Visitor, fedor: Visitor, cast: Cast
) -> None:
    await request(alice, "2000")
    await request(alice, "1500")
    await know_banks(fedor)
    batch = await batch_of(fedor, cast)
    shown = (await fedor.get(batch)).text
    assert "RUB\u00a03,500.00" in shown
    file = await fedor.get(f"{batch}/1c")
    assert file.headers["content-type"] == "application/octet-stream"
    assert "Сумма=2000.00\r\n" in file.content.decode("cp1251")
    assert (await fedor.get(f"{batch}/1c")).content == file.content
    assert "With the bank" in (await alice.get("/payouts")).text

    sent = await fedor.post(
        "/desk/bank-answers", files={"file": ("kl_to_1c.txt", statement(debit(1, "2000.00")), "text/plain")}
    )
    assert sent.status_code == 303
    preview = (await fedor.get(sent.headers["location"])).text
    assert "Nothing is booked yet" in preview
    assert "Book: paid 1, returned 0" in preview
    assert (await fedor.post(f"{sent.headers['location']}/confirm")).status_code == 303

    again = await fedor.post(
        "/desk/bank-answers", files={"file": ("other.txt", statement(debit(1, "2000.00")), "text/plain")}
    )
    assert again.headers["location"] == sent.headers["location"]
    assert "The same file changes nothing more" in (await fedor.get(again.headers["location"])).text
    assert "paid 1, returned 0, waiting 1" in (await fedor.get("/desk/batches")).text
    assert "Paid: RUB\u00a02,000.00" in (await alice.get("/payouts")).text


async def test_a_batch_is_marked_paid_together_or_dissolved(
    alice: Visitor, fedor: Visitor, cast: Cast
) -> None:
    await request(alice, "2000")
    await know_banks(fedor)
    first = await batch_of(fedor, cast)
    assert (await fedor.post(f"{first}/dissolve")).status_code == 303
    assert (await fedor.post(f"{first}/paid")).status_code == 409
    second = await batch_of(fedor, cast)
    assert second != first

    assert (await fedor.post(f"{second}/paid")).status_code == 303

    assert (await fedor.post(f"{second}/dissolve")).status_code == 409
    state = await db.fetchval("SELECT state FROM payouts WHERE program_id = $1", cast.north_id)
    assert state == "paid"


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("tax_number", "7707083894", "the last check the others"),
        ("kpp", "", "A company has a KPP."),
        ("kpp", "12345", "A KPP has nine digits."),
        ("account", "40702810300000000001", "does not fit the bank&#39;s BIK"),
        ("bik", "144525225", "begins with 04"),
        ("correspondent_account", "30101810500000000225", "does not fit the BIK"),
        ("name", "Shop 😀", "has no place for"),
        ("purpose", "За {услуги}", "are filled in."),
    ],
)
async def test_wrong_bank_details_are_said_at_their_field(
    alice: Visitor, fedor: Visitor, field: str, typed: str, words: str
) -> None:
    answer = await fedor.post("/desk/bank-details", data={**PAYER_FORM, field: typed})

    assert answer.status_code == 422
    assert words in answer.text


async def test_a_broken_statement_names_its_line(alice: Visitor, fedor: Visitor) -> None:
    await know_banks(fedor)
    raw = statement(debit(1, "20,000.00"))

    answer = await fedor.post("/desk/bank-answers", files={"file": ("x.txt", raw, "text/plain")})

    assert answer.status_code == 422
    assert "The document of line 4" in answer.text
    assert (await fedor.post("/desk/bank-answers", files={})).status_code in (400, 422)


async def test_only_accountants_and_owners_touch_the_bank(
    alice: Visitor, fedor: Visitor, cast: Cast, browse: Browse
) -> None:
    await request(alice, "2000")
    await know_banks(fedor)
    batch = await batch_of(fedor, cast)
    olga, max_ = await browse(cast.olga), await browse(cast.max)

    assert (await olga.get(batch)).status_code == 200
    assert HERS not in (await olga.get(batch)).text
    for visitor in (olga, max_, alice):
        for path in (f"{batch}/1c", "/desk/batches/new", "/desk/bank-details"):
            assert (await visitor.get(path)).status_code == 403
        for path in (
            f"{batch}/paid",
            f"{batch}/dissolve",
            "/desk/batches",
            "/desk/bank-details",
            "/desk/banks",
        ):
            assert (await visitor.post(path)).status_code == 403


async def test_filters_narrow_the_list(alice: Visitor, fedor: Visitor) -> None:
    await request(alice, "2000")

    for query, seen in (
        ("", True),
        ("partner=ALI", True),
        ("partner=boris", False),
        ("method=bank_account", True),
        ("method=card", False),
        ("from=2199-01-01", False),
        ("to=2000-01-01", False),
    ):
        shown = (await fedor.get(f"/desk/payouts?show=requested&{query}")).text
        assert ("No. 1" in shown) is seen, query


async def test_a_partner_cancels_his_own_request_only(alice: Visitor, cast: Cast, browse: Browse) -> None:
    await request(alice, "2000")
    payout_id = await db.fetchval("SELECT id FROM payouts WHERE program_id = $1", cast.north_id)
    boris = await browse(cast.boris)
    assert (await boris.post(f"/payouts/{payout_id}/cancel")).status_code == 404

    assert (await alice.post(f"/payouts/{payout_id}/cancel")).status_code == 303

    assert "Cancelled" in (await alice.get("/payouts")).text
    assert (await alice.post(f"/payouts/{payout_id}/cancel")).status_code == 422
