"""A made-up past of a shop, as the folder that `tandem import history` reads: the same for the same seed."""

import csv
import gzip
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

BEGINNING = datetime(2021, 3, 1, tzinfo=UTC)
PARTNERS = 12


@dataclass(frozen=True, slots=True)
class Past:
    """What the folder holds."""

    path: Path
    clicks: int
    orders: int
    refunds: int


def write_past(path: Path, seed: int, *, days: int, per_day: int) -> Past:
    """Partners in pairs of parent and child, a click per order, two lines each, every fifth order given back in part."""
    chance = random.Random(seed)
    path.mkdir()
    codes = [f"P{number:03d}" for number in range(PARTNERS)]
    rows = [
        (code, codes[place - 1] if place % 2 else "", _text(BEGINNING)) for place, code in enumerate(codes)
    ]
    _write(path / "partners.csv", "partner parent registered_at", rows)
    clicks, orders, lines, refunds = [], [], [], []
    for number in range(1, days * per_day + 1):
        at = BEGINNING + timedelta(days=1 + (number - 1) // per_day, seconds=(number - 1) % per_day * 600)
        buyer = str(chance.randrange(1000, 1400))
        clicked_at = at - timedelta(minutes=chance.randrange(1, 60))
        clicks.append((clicked_at, buyer, chance.choice(codes)))
        orders.append((str(number), buyer, _text(at)))
        prices = [chance.randrange(100, 20_000) for _ in range(2)]
        for place, price in enumerate(prices, start=1):
            lines.append((str(number), place, f"sku{place}", "goods", 2, _money(price), _money(2 * price)))
        if number % 5 == 0:
            returned_at = at + timedelta(days=chance.randrange(1, 20))
            refunds.append((returned_at, f"C{number}", str(number), 1, "sku1", 1, _money(prices[0])))
    clicks.sort(key=lambda row: row[0])
    refunds.sort(key=lambda row: (row[0], row[1]))
    _write(
        path / "clicks.csv.gz",
        "click_id clicked_at customer_id partner",
        [(place, _text(at), buyer, code) for place, (at, buyer, code) in enumerate(clicks, start=1)],
    )
    _write(path / "orders.csv.gz", "order_id customer_id paid_at", orders)
    _write(path / "order_lines.csv.gz", "order_id line_no sku kind qty unit_price line_total", lines)
    _write(
        path / "returns.csv.gz",
        "return_id returned_at order_id line_no sku qty amount",
        [(identity, _text(at), *rest) for at, identity, *rest in refunds],
    )
    return Past(path, len(clicks), len(orders), len(refunds))


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _money(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


def _write(path: Path, columns: str, rows: Iterable[Sequence[object]]) -> None:
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns.split())
    writer.writerows(rows)
    content = text.getvalue().encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
