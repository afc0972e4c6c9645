"""Values that only one field takes amiss, the rest of its form being right; forms and files that are no text."""

import asyncio

import httpx
import pytest

from app import db
from app.payouts.payer import set_payer
from app.programs.currency_rates import read_csv
from tests.browsers import Browse
from tests.cast import Cast, make_cast
from tests.conftest import TestEngines
from tests.integration.payouts.bank import PAYER, debit, statement
from tests.integration.shops.conftest import Shop, real_shop  # noqa: F401 - a fixture

EDGE = "9999-12-31"
RATE = {"currency": "USD", "day": "2026-03-01", "rate": "90.5", "source": "bank"}
MULTIPART = {"Content-Type": "multipart/form-data; boundary=b"}


@pytest.fixture
async def real_cast(committing: TestEngines) -> Cast:
    return await make_cast()


def part(name: str, value: bytes, *, extra: bytes = b"", head: bytes = b"") -> bytes:
    return b'--b\r\nContent-Disposition: form-data; name="%b"%b\r\n%b\r\n%b\r\n' % (
        name.encode(),
        extra,
        head,
        value,
    )


def body(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--b--\r\n"


def refused(answer: httpx.Response, status: int = 422) -> bool:
    return answer.status_code == status


@pytest.mark.parametrize(
    "rate",
    [
        "١٢",
        "９",
        "1_000",
        "+5",
        " 5",
        "\u20035",
        "1e2",
        "1e-9",
        "1e400",
        "-1",
        "0",
        "0.00000000001",
        "1" * 10,
    ],
)
async def test_rate_of_a_currency_is_plain_digits(real_shop: Shop, rate: str) -> None:  # noqa: F811
    answer = await real_shop.http.put("/api/v1/currency-rates/USD/2026-03-01", json={"rate": rate})
    assert refused(answer)
    assert [one["pointer"] for one in answer.json()["errors"]] == ["rate"]
    good = await real_shop.http.put("/api/v1/currency-rates/USD/2026-03-01", json={"rate": "90.1234567891"})
    assert good.status_code == 200


@pytest.mark.parametrize("key", ["USD", "%ff", "c-1"])
async def test_numbers_that_no_row_has_are_not_found_by_a_key(real_shop: Shop, key: str) -> None:  # noqa: F811
    for number in (2**63, 2**64, 10**30):
        path = f"/api/v1/customers/{key}/cashback/redemptions/{number}"
        assert refused(await real_shop.http.delete(path), 404)


@pytest.mark.parametrize(
    "raw",
    [
        b"USD,2026-03-01,5,so\x00urce",
        b"USD,2026-03-01,5,so\x1burce",
        "USD,2026-03-01,5,so\u202eurce".encode(),
        "USD,2026-03-01,٥,x".encode(),
        b'"USD,2026-03-01,5',
        b"\xff\xfe",
    ],
)
async def test_file_of_rates_is_refused_by_its_place(real_cast: Cast, browse: Browse, raw: bytes) -> None:
    olga = await browse(real_cast.olga)
    assert refused(await olga.post("/desk/rates/currencies", files={"file": ("x.csv", raw)}))
    assert await db.fetchval("SELECT count(*) FROM program_currency_rates") == 0


def test_lines_of_a_file_of_rates_may_end_as_on_any_system() -> None:
    for end in ("\n", "\r\n", "\r"):
        rates = read_csv(f"USD;2026-03-01;90,5{end}EUR;2026-03-01;98,7{end}")
        assert [(one.currency, one.rate) for one in rates] == [("USD", "90.5"), ("EUR", "98.7")]


@pytest.mark.parametrize(
    "value",
    [
        part("reason", b"\xff\xfe"),
        part("reason", b"\xed\xa0\x80"),
        part("reason", b"x", head=b"Content-Type: text/plain; charset=nonsense\r\n"),
        part("reason", b"\\ud800", head=b"Content-Type: text/plain; charset=unicode_escape\r\n"),
        part("reason", b"00", head=b"Content-Type: text/plain; charset=hex\r\n"),
        part("\udcff".encode("utf-8", "surrogateescape").decode("latin-1"), b"x"),
        b"garbage",
    ],
    ids=range(7),
)
@pytest.mark.parametrize("header", [True, False])
async def test_form_that_is_no_text_is_refused(
    real_cast: Cast, browse: Browse, value: bytes, header: bool
) -> None:
    """With the token in the header, as htmx sends it, and without any."""
    olga, nobody = await browse(real_cast.olga), await browse()
    for visitor in (olga, nobody):
        if not header:
            del visitor.headers["X-CSRF-Token"]
        for path in ("/desk/adjustments", "/sign-in", "/apply"):
            answer = await visitor.post(path, content=body(value), headers=MULTIPART)
            assert answer.status_code < 500, (path, answer.text[:300])


async def test_name_of_a_statement_is_one_plain_line(real_cast: Cast, browse: Browse) -> None:
    await set_payer(real_cast.north_id, PAYER, user_id=real_cast.fedor.user_id)
    fedor = await browse(real_cast.fedor)
    names = (b'; filename="a\x00b"', '; filename="gpj\u202etxt"'.encode())
    for number, name in enumerate(names, start=1):
        sent = body(part("file", statement(debit(number, "1.00")), extra=name))
        assert refused(await fedor.post("/desk/bank-answers", content=sent, headers=MULTIPART), 303)
    stored = await db.fetch("SELECT name FROM bank_answers ORDER BY id")
    assert all(row["name"].isprintable() for row in stored)
    assert len(stored) == 2
    assert (await fedor.get("/desk/batches")).status_code == 200


@pytest.mark.parametrize(
    "moment", ["9999-12-31T23:59:59-14:00", "9999-12-31", "0001-01-01T00:00+14:00", "2026-13-01"]
)
async def test_terms_begin_at_a_moment_that_there_is(real_cast: Cast, browse: Browse, moment: str) -> None:
    olga = await browse(real_cast.olga)
    document = (await olga.get("/desk/terms/1.toml")).text
    assert refused(
        await olga.post("/desk/terms", data={"document": document, "valid_from": moment, "note": "x"})
    )


@pytest.mark.parametrize(
    "document",
    ["a = " + "[" * 50_000, "a={" * 5_000, "a = " + "1" * 10_000, "a = 1e999999", "a = nan", "\x00"],
)
async def test_document_of_terms_that_no_reader_ends_is_refused(
    cast: Cast, browse: Browse, document: str
) -> None:
    olga = await browse(cast.olga)
    assert refused(await olga.post("/desk/terms", data={"document": document, "do": "check"}))


async def test_days_at_the_calendars_ends_are_refused(real_cast: Cast, browse: Browse) -> None:
    olga, fedor = await browse(real_cast.olga), await browse(real_cast.fedor)
    for first, last in ((EDGE, EDGE), ("0001-01-01", "0001-01-02"), ("2026-01-01", EDGE)):
        assert refused(await olga.post("/desk/terms/simulations", data={"from": first, "to": last}))
        assert (await fedor.get(f"/desk/payouts?from={first}&to={last}")).status_code == 200
    pin = {"level": "silver", "reason": "because", "pinned": "1", "until": EDGE}
    assert refused(await olga.post(f"/desk/partners/{real_cast.alice.partner_id}/level", data=pin))


async def test_requisites_saved_twice_at_once_leave_one(real_cast: Cast, browse: Browse) -> None:
    alice, fedor = await browse(real_cast.alice), await browse(real_cast.fedor)
    for visitor, path in ((alice, "/requisites"), (fedor, "/desk/requisites")):
        sent = [visitor.post(path, data={"full_name": f"Name {n}", "vat": "none"}) for n in range(6)]
        assert [one.status_code for one in await asyncio.gather(*sent)] == [303] * 6
    assert await db.fetchval("SELECT count(*) FROM requisites WHERE superseded_at IS NULL") == 2
