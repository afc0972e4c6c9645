"""A marketplace's deals through the application: who sold, his parent, who brought the author, and his parent.

The folder lies beside the project; `RULES.md` §9 there says what must come out, to the cent.
"""

import csv
import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app import db
from app.commissions.intake import take
from app.commissions.replay import replay
from app.orders.messages import OrderMessage
from app.partners.imports import ImportedPartner, import_partners_in_transaction
from app.programs.service import NewProgram, create_program
from app.reports.checks import run_checks
from app.rules.facts import Channel, OrderStatus
from app.shops.sellers import SellerRegistrationBody, take_seller

DATA = Path(__file__).parents[4] / "shared" / "data"
BATCH = 500
TERMS: dict[str, Any] = {
    "currency": "GBP",
    "time_zone": "UTC",
    "base": {"of": "platform_commission"},
    "tiers": {"of": "platform_commission", "rates": ["1%"]},
    "sellers": {},
    "plans": [
        {"code": "external", "channel": "external", "rate": "20%"},
        {"code": "direct", "channel": "direct", "rate": "30%"},
    ],
    "hold": {"release_on": "paid", "days": 14},
}
NAMES = {"direct": "L1", "tier": "L2", "seller": "A1", "seller_parent": "A2"}

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not there")


def rows(path: Path) -> Iterator[dict[str, str]]:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    yield from csv.DictReader(content.decode().splitlines())


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def minor(text: str) -> int:
    return int(Decimal(text) * 100)


def percent(text: str) -> int | None:
    return int(Decimal(text) * 10_000) if text else None


def deal(row: dict[str, str]) -> OrderMessage:
    at = moment(row["at"])
    author: dict[str, Any] = {"seller": row["author_id"]} if row["author_id"] else {}
    return OrderMessage(
        external_id=row["deal_id"],
        status=OrderStatus.PAID,
        updated_at=at,
        placed_at=at,
        paid_at=at,
        partner=row["partner_id"],
        channel=Channel(row["sale_kind"]),
        sale_kind=row["author_phase"] or "sale",
        platform_commission_minor=minor(row["platform_commission"]),
        total_minor=minor(row["amount"]),
        **author,
    )


async def test_the_deals_of_the_sample_come_out_to_the_cent(transaction: None) -> None:
    program_id = await create_program(
        NewProgram("market", "Market", "https://market.example/", ["market.example"]),
        TERMS,
        from_moment=datetime(2000, 1, 1, tzinfo=UTC),
    )
    users = list(rows(DATA / "orders" / "cpa_users.csv"))
    async with db.transaction():
        await import_partners_in_transaction(
            program_id,
            [
                ImportedPartner(
                    code=user["user"],
                    parent=user["parent"],
                    own_rate=percent(user["partner_percent"]),
                    own_rate_direct=percent(user["partner_percent_direct"]),
                    joined_at=datetime(2000, 1, 1, tzinfo=UTC),
                )
                for user in users
            ],
        )
    for user in users:
        if user["role"] == "author":
            body = SellerRegistrationBody(
                registered_at=moment(user["registered_at"]), partner=user["parent"] or None
            )
            await take_seller(program_id, user["user"], body)
    expected = list(rows(DATA / "expected_sample" / "cpa_ledger_to_2025-12-10.csv"))
    until = max(row["at"] for row in expected)
    deals = [deal(row) for row in rows(DATA / "orders" / "cpa_deals.csv.gz") if row["at"] <= until]
    for start in range(0, len(deals), BATCH):
        outcomes = await take(program_id, deals[start : start + BATCH])
        assert [one for one in outcomes if one.refused is not None or not one.judged] == []
    stored = await db.fetch(
        """
        SELECT orders.external_id, commission.kind, partners.code, commission.base_minor, commission.amount_minor
        FROM commissions AS commission
        JOIN orders ON orders.id = commission.order_id
        JOIN partners ON partners.id = commission.partner_id
        WHERE commission.program_id = $1
        """,
        program_id,
    )
    found = {
        (row["external_id"], NAMES[row["kind"]], row["code"], row["base_minor"], row["amount_minor"])
        for row in stored
    }
    wanted = {
        (row["deal_id"], row["type"], row["user"], minor(row["base"]), minor(row["amount"]))
        for row in expected
    }
    assert sorted(wanted - found)[:5] == []
    assert sorted(one for one in found - wanted if one[4])[:5] == []
    assert (await replay(program_id)).differences == []
    assert [one for one in await run_checks(program_id) if one.rows] == []
