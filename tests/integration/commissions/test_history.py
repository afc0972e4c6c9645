"""A real shop's December 2010 through the whole application, to the cent (../shared/data)."""

import csv
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from app import db
from app.commissions.history import HistoryFolder
from app.commissions.history_export import export_history
from app.commissions.history_import import import_history
from app.commissions.replay import replay
from app.errors import DomainError
from app.ledger.chain import seal
from app.programs.service import NewProgram, create_program
from app.reports.checks import run_checks

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not there")

NEW_YEAR = datetime(2011, 1, 1, tzinfo=UTC)


async def program_under(terms: str) -> int:
    document = tomllib.loads((DATA / "terms" / f"{terms}.toml").read_text())
    code = terms.replace(".", "-").replace("_", "-")
    program = NewProgram(code, terms, "https://shop.example", ("shop.example",))
    return await create_program(program, document, from_moment=datetime(1970, 1, 1, tzinfo=UTC))


def folder(clicks_file: str = "clicks.csv.gz") -> HistoryFolder:
    return HistoryFolder(DATA / "orders", ZoneInfo("UTC"), "GBP", clicks_file)


def rows(path: Path, before: str = "9") -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return [row for row in csv.DictReader(file) if row.get("at", "") < before]


async def imported(tmp_path: Path, terms: str, until: datetime) -> tuple[int, Path]:
    program_id = await program_under(terms)
    done = await import_history(program_id, folder(), until=until)
    assert done.refused == ()
    await export_history(program_id, tmp_path)
    return program_id, tmp_path


@needs_data
async def test_december_by_last_click_equals_the_expected_ledger(transaction: None, tmp_path: Path) -> None:
    program_id, out = await imported(tmp_path, "last.daily_qtd", NEW_YEAR)
    expected = DATA / "expected_sample"
    assert rows(out / "ledger.csv") == rows(expected / "ledger_to_2010-12-31.last.daily_qtd.csv")
    assert rows(out / "totals.csv") == rows(expected / "totals_2010Q4.last.daily_qtd.csv")
    changes = rows(expected / "level_changes_to_2011-01-01.last.daily_qtd.csv")
    assert rows(out / "level_changes.csv") == changes
    await _books_hold(program_id)
    await _again_changes_nothing(program_id)


@needs_data
@pytest.mark.parametrize("model", ["first", "linear"])
async def test_december_by_other_models_equals_the_expected_totals(
    transaction: None, tmp_path: Path, model: str
) -> None:
    program_id, out = await imported(tmp_path, f"{model}.daily_qtd", NEW_YEAR)
    expected = DATA / "expected_sample"
    assert rows(out / "totals.csv") == rows(expected / f"totals_2010Q4.{model}.daily_qtd.csv")
    if model == "linear":
        ledger = rows(expected / "ledger_to_2010-12-10.linear.daily_qtd.csv")
        assert rows(out / "ledger.csv", "2010-12-10 99")[: len(ledger)] == ledger
    await _books_hold(program_id)


@needs_data
async def test_bot_clicks_are_recorded_and_change_no_cent(transaction: None, tmp_path: Path) -> None:
    program_id = await program_under("last.daily_qtd")
    until = datetime(2010, 12, 8, tzinfo=UTC)
    await import_history(program_id, folder("clicks_with_user_agents.csv.gz"), until=until)
    await export_history(program_id, tmp_path)
    expected = rows(DATA / "expected_sample" / "ledger_to_2010-12-31.last.daily_qtd.csv", "2010-12-08")
    assert rows(tmp_path / "ledger.csv") == expected
    recorded = "SELECT count(*) FROM clicks WHERE program_id = $1 AND reason = ANY($2::text[])"
    assert await db.fetchval(recorded, program_id, ["", "inactive", "bot"]) == 38_247
    assert await db.fetchval(recorded, program_id, ["bot"]) > 700


@needs_data
async def test_an_interrupted_import_goes_on_where_it_stopped(transaction: None, tmp_path: Path) -> None:
    program_id = await program_under("last.daily_qtd")
    for day in (3, 6, 8):
        await import_history(program_id, folder(), until=datetime(2010, 12, day, tzinfo=UTC))
    await export_history(program_id, tmp_path)
    expected = rows(DATA / "expected_sample" / "ledger_to_2010-12-31.last.daily_qtd.csv", "2010-12-08")
    assert rows(tmp_path / "ledger.csv") == expected


async def test_a_missing_file_is_named(transaction: None, tmp_path: Path) -> None:
    (tmp_path / "partners.csv").write_text("partner,parent,registered_at\nP1,,2010-01-01 00:00:00\n")
    program_id = await create_program(
        NewProgram("shop", "Shop", "https://shop.example", ("shop.example",)),
        {"currency": "GBP", "time_zone": "UTC"},
        from_moment=datetime(1970, 1, 1, tzinfo=UTC),
    )
    with pytest.raises(DomainError, match=r"clicks\.csv\.gz is missing"):
        await import_history(program_id, HistoryFolder(tmp_path, ZoneInfo("UTC"), "GBP"))


async def _books_hold(program_id: int) -> None:
    await seal(program_id)
    assert [result for result in await run_checks() if result.count] == []
    replayed = await replay(program_id)
    assert replayed.facts > 1000
    assert replayed.differences == []


async def _again_changes_nothing(program_id: int) -> None:
    before = await _counts(program_id)
    again = await import_history(program_id, folder(), until=NEW_YEAR)
    assert (again.clicks, again.events) == (0, 0)
    assert await _counts(program_id) == before


async def _counts(program_id: int) -> list[int]:
    tables = ("orders", "commissions", "partners")
    mine = [
        await db.fetchval(f"SELECT count(*) FROM {table} WHERE program_id = $1", program_id)
        for table in tables
    ]
    return [*mine, await db.fetchval("SELECT count(*) FROM postings")]
