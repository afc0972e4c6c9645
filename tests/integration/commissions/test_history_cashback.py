"""A real shop's December 2010 with cashback, to the cent (../shared/data, RULES.md §10)."""

import csv
import gzip
import shutil
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.commissions.history import HistoryFolder
from app.commissions.history_export import export_history
from app.commissions.history_import import import_history
from app.commissions.replay import replay
from app.programs.service import NewProgram, create_program
from app.reports.checks import run_checks

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not there")


def cashback_terms() -> dict[str, Any]:
    """`cashback_rules.csv` as a part of the terms: half an order, fourteen days, for ever."""
    with (DATA / "orders" / "cashback_rules.csv").open(newline="") as file:
        rules = [
            {
                "code": f"rule-{row['sort']}",
                "sort": int(row["sort"]),
                "condition": row["condition"],
                "values": row["value"].split(),
                "rate": f"{row['percent']}%",
                "min_order_minor": int(row["min_order_amount"].replace(".", "")),
            }
            for row in csv.DictReader(file)
        ]
    return {"max_share": "50%", "hold_days": 14, "lifetime_days": -1, "rules": rules}


def rows(path: Path, before: str) -> dict[str, list[dict[str, str]]]:
    """Each customer's rows in their order: between customers of one moment there is none."""
    found: dict[str, list[dict[str, str]]] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            if row["at"] < before:
                found.setdefault(row["customer_id"], []).append(row)
    return found


REFUNDED = "17951"
"""The one customer of December who sent back a part of an order that he had partly paid with cashback (5.90).

The reference ledger leaves spent cashback spent. Here the refunded part of it, 0.91, goes back to its lot: 5.90 over
the lines by their totals is 1.83 for the line of 35.40, of which 17.70 came back (rules.md §16 "Cashback").
"""


def _short(row: dict[str, str]) -> tuple[str, str, str, str]:
    return row["at"], row["type"], row["amount"], row["balance_after"]


@needs_data
async def test_december_with_cashback_equals_the_expected_rows(transaction: None, tmp_path: Path) -> None:
    orders = tmp_path / "orders"
    shutil.copytree(DATA / "orders", orders, copy_function=shutil.copyfile)
    with gzip.open(orders / "clicks.csv.gz", "wt") as file:
        file.write("click_id,clicked_at,customer_id,partner\n")  # cashback asks for no clicks
    document = tomllib.loads((DATA / "terms" / "last.flat.toml").read_text()) | {"cashback": cashback_terms()}
    program = NewProgram("cashback", "Cashback", "https://shop.example", ("shop.example",))
    program_id = await create_program(program, document, from_moment=datetime(1970, 1, 1, tzinfo=UTC))
    folder = HistoryFolder(orders, ZoneInfo("UTC"), "GBP", fulfilled_when_paid=True)
    done = await import_history(program_id, folder, until=datetime(2011, 1, 1, tzinfo=UTC))
    assert done.refused == ()
    await export_history(program_id, tmp_path)
    expected = rows(DATA / "expected_sample" / "cashback_to_2010-12-31.csv", "2011")
    assert sum(len(one) for one in expected.values()) == 2851
    found = rows(tmp_path / "cashback.csv", "2011")
    assert {name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)} == {
        REFUNDED
    }
    assert [_short(row) for row in expected[REFUNDED][3:]] == [
        ("2010-12-16 12:55:00", "earn_pending", "2.28", "0.00"),
        ("2010-12-20 13:55:00", "cancel_pending", "-0.36", "0.00"),
        ("2010-12-30 12:55:00", "confirm", "1.92", "1.92"),
    ]
    assert [_short(row) for row in found[REFUNDED][3:]] == [
        ("2010-12-16 12:55:00", "earn_pending", "2.28", "0.00"),
        ("2010-12-20 13:55:00", "return", "0.91", "0.91"),
        ("2010-12-20 13:55:00", "cancel_pending", "-0.36", "0.91"),
        ("2010-12-30 12:55:00", "confirm", "1.92", "2.83"),
    ]
    assert found[REFUNDED][:3] == expected[REFUNDED][:3]
    assert [result for result in await run_checks(program_id) if result.count] == []
    assert (await replay(program_id)).differences == []
