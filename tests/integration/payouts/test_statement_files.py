"""The statement as CSV, XLSX and PDF: the same numbers as on the page, and no cell that runs."""

import csv
import io
import re
import zipfile
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest

from app import clock, db
from app.ledger import service as ledger
from app.payouts.statement_files import Row, StatementFile, headings, pdf, whole, xlsx
from app.payouts.statements import month_bounds
from app.rules.effects import Account, AccountKind, Posting
from app.ui.i18n import use_locale, zone_named
from tests.browsers import Browse, Visitor
from tests.cast import Cast

NOW = datetime.now(UTC)
MOSCOW = zone_named("Europe/Moscow")
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
HOSTILE = '=HYPERLINK("http://evil.example";"x")'


@pytest.fixture
async def alice(cast: Cast, browse: Browse) -> Visitor:
    await db.execute("UPDATE users SET locale = 'en'")
    moves = [
        (AccountKind.EXPENSE, AccountKind.PENDING, 123_405),
        (AccountKind.PENDING, AccountKind.AVAILABLE, 100_000),
        (AccountKind.AVAILABLE, AccountKind.INTERNAL, 30_000),
        (AccountKind.DEBT, AccountKind.EXPENSE, 5_001),
    ]
    for number, (debit, credit, amount) in enumerate(moves):
        owner = cast.alice.partner_id

        def side(kind: AccountKind, owner: int | None = owner) -> Account:
            return Account(kind, None if kind is AccountKind.EXPENSE else owner)

        posting = Posting(side(debit), side(credit), amount)
        with clock.at(NOW + timedelta(seconds=number)):
            entry = ledger.Entry("adjustment", f"test:{number}", NOW, (posting,), note=HOSTILE)
            await ledger.book_in_transaction(cast.north_id, [entry])
    return await browse(cast.alice)


def cells(workbook: bytes) -> list[list[tuple[str, str]]]:
    """Type and value of each cell, row by row: `n` numbers, `s` texts."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        texts = [
            "".join(one.itertext())
            for one in ElementTree.fromstring(archive.read("xl/sharedStrings.xml")).iter(f"{SHEET}si")
        ]
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    assert not list(sheet.iter(f"{SHEET}f")), "a cell is a formula"
    rows = []
    for row in sheet.iter(f"{SHEET}row"):
        found = []
        for cell in row.iter(f"{SHEET}c"):
            value = cell.findtext(f"{SHEET}v") or ""
            kind = cell.get("t", "n")
            found.append((kind, texts[int(value)] if kind == "s" else value))
        rows.append(found)
    return rows


async def test_the_spreadsheet_holds_numbers_that_add_up_and_texts_that_do_not_run(alice: Visitor) -> None:
    answer = await alice.get("/statement.xlsx")

    assert answer.headers["content-disposition"] == f'attachment; filename="statement-{NOW:%Y-%m}.xlsx"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    rows = cells(answer.content)
    assert [text for _kind, text in rows[0]][4:11] == [
        "Pending", "Available", "In requests", "Debt", "Paid out", "Account in the shop", "Owed after",
    ]  # fmt: skip
    assert ("s", HOSTILE) in rows[2]
    amounts = [[value for _kind, value in row[-8:-1]] for row in rows[1:]]
    assert amounts[-1] == ["234.05", "700.00", "0.00", "50.01", "0.00", "300.00", "884.04"]
    assert all(kind == "n" for row in rows[1:] for kind, _value in row[-8:-1])
    for account in range(6):
        total = sum(round(float(row[account]) * 100) for row in amounts[:-1])
        assert total == round(float(amounts[-1][account]) * 100)


async def test_csv_and_spreadsheet_say_the_same(alice: Visitor) -> None:
    text = (await alice.get("/statement.csv")).content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    sheet = cells((await alice.get("/statement.xlsx")).content)
    assert len(rows) == len(sheet) == 7
    assert rows[0] == [text for _kind, text in sheet[0]]
    assert rows[2][3] == f"'{HOSTILE}"
    for row, cells_ in zip(rows[1:], sheet[1:], strict=True):
        assert [float(value) for value in row[4:11]] == [float(value) for _kind, value in cells_[-8:-1]]


async def test_the_pdf_is_one_and_is_named_after_its_month(alice: Visitor) -> None:
    answer = await alice.get("/statement.pdf")
    assert answer.status_code == 200
    assert answer.content.startswith(b"%PDF-")
    assert answer.headers["content-disposition"] == f'attachment; filename="statement-{NOW:%Y-%m}.pdf"'


@pytest.mark.parametrize("lang", ["ru", "en"])
async def test_the_same_month_gives_the_same_files(alice: Visitor, cast: Cast, lang: str) -> None:
    assert cast.alice.partner_id is not None
    start, end = month_bounds(NOW.astimezone(MOSCOW).date(), MOSCOW)
    found = await whole(cast.north_id, cast.alice.partner_id, start, end)
    rows = [Row(line.booked_at, None, line.kind, line.note, line.change, line.after) for line in found.lines]
    file = StatementFile("s", "Title", '#eval("1") ] *b*', "North", "1–30", MOSCOW, found, rows)
    with use_locale(lang):
        assert await pdf(file) == await pdf(file)
        assert xlsx(file, headings()) == xlsx(file, headings())


@pytest.mark.parametrize("kind", ["csv", "xlsx", "pdf"])
async def test_staff_get_the_same_file(alice: Visitor, cast: Cast, browse: Browse, kind: str) -> None:
    await db.execute("UPDATE users SET locale = 'en'")
    fedor = await browse(cast.fedor)
    page = (await fedor.get(f"/desk/statements/{cast.alice.partner_id}")).text
    url = f"/desk/statements/{cast.alice.partner_id}/{kind}?month={NOW:%Y-%m}"
    assert url in page.replace("&amp;", "&")
    theirs, own = await fedor.get(url), await alice.get(f"/statement.{kind}")
    assert theirs.status_code == own.status_code == 200
    if kind == "csv":
        assert theirs.content == own.content
    if kind == "xlsx":
        assert cells(theirs.content) == cells(own.content)
    assert (await fedor.get(f"/desk/statements/{cast.clara.partner_id}/{kind}")).status_code == 404
    assert (await fedor.get(f"/desk/statements/{cast.alice.partner_id}/exe")).status_code == 404
    assert re.search(r"Alice \(alice\)", page)
