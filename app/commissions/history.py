"""Reading a shop's order history from a folder of CSV files, as messages in the order of their moments.

    partners.csv                      partner, parent, registered_at
    clicks.csv.gz                     click_id, clicked_at, customer_id, partner [, user_agent]
    orders.csv.gz                     order_id, customer_id, paid_at
    order_lines.csv.gz                order_id, line_no, sku, kind, qty, unit_price, line_total
    cashback_spend_requests.csv.gz    order_id (may be missing)
    returns.csv.gz                    return_id, returned_at, order_id, line_no, sku, qty, amount

Goods lines are the order's lines with their own totals, shipping lines make its shipping, fees and discounts are
left out. Moments without an offset are in the program's time zone. The files are read as streams: orders, their
lines and the returns must each be in order of time, which is checked.
"""

import csv
import gzip
import heapq
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from io import TextIOWrapper
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

from app.errors import DomainError
from app.orders.messages import (
    CustomerMessage,
    LineMessage,
    Message,
    OrderMessage,
    RefundLineMessage,
    RefundMessage,
)
from app.partners.imports import ImportedPartner
from app.rules.facts import MICRO, OrderStatus
from app.rules.money import currency_exponent
from app.tracking.messages import ClickMessage


@dataclass(frozen=True, slots=True)
class HistoryFolder:
    """Where the files are, and how their moments and amounts are read."""

    path: Path
    zone: ZoneInfo
    currency: str
    clicks_file: str = "clicks.csv.gz"
    fulfilled_when_paid: bool = False
    """The files do not tell when an order was fulfilled: take it for fulfilled when it was paid."""

    def partners(self) -> list[ImportedPartner]:
        """All partners, each after his parent's row or before it."""
        return [
            ImportedPartner(
                code=row["partner"], parent=row["parent"], joined_at=self._moment(row["registered_at"])
            )
            for row in self._rows("partners.csv")
        ]

    def clicks(self) -> Iterator[ClickMessage]:
        """Clicks in the order of the file; the buyer's id stands for his browser."""
        for row in self._rows(self.clicks_file):
            yield ClickMessage(
                partner=row["partner"],
                visitor_id=row["customer_id"],
                at=self._moment(row["clicked_at"]),
                user_agent=row.get("user_agent"),
            )

    def spend_requests(self) -> frozenset[str]:
        """Orders whose buyers ask to pay with cashback; none where there is no such file."""
        name = "cashback_spend_requests.csv.gz"
        if not (self.path / name).exists():
            return frozenset()
        return frozenset(row["order_id"] for row in self._rows(name))

    def events(self) -> Iterator[tuple[datetime, Message]]:
        """Orders and returns: by moment, orders before returns, orders by number, returns by their ids as text."""
        merged = heapq.merge(self._orders(), self._returns(), key=lambda keyed: keyed[0])
        for key, message in merged:
            yield key[0], message

    def _orders(self) -> Iterator[tuple[tuple[datetime, int, tuple[int | str, ...]], Message]]:
        lines = groupby(self._rows("order_lines.csv.gz"), key=lambda row: row["order_id"])
        last = None
        for row in self._rows("orders.csv.gz"):
            order_id = row["order_id"]
            try:
                lines_of, group = next(lines)
            except StopIteration:
                lines_of, group = "", iter(())
            if lines_of != order_id:
                raise DomainError(
                    "order_lines.csv.gz: the lines of order %(order)s are not in the place of the order.",
                    order=order_id,
                )
            paid_at = self._moment(row["paid_at"])
            key = (paid_at, 0, (int(order_id),))
            if last is not None and key < last:
                raise DomainError("orders.csv.gz: order %(order)s is not in order of time.", order=order_id)
            last = key
            yield key, self._order(row, paid_at, list(group))

    def _order(self, row: dict[str, str], paid_at: datetime, lines: list[dict[str, str]]) -> OrderMessage:
        goods = tuple(
            LineMessage(
                external_id=line["line_no"],
                product=line["sku"],
                quantity_micro=_micro(line["qty"]),
                total_minor=self._minor(line["line_total"]),
            )
            for line in lines
            if line["kind"] == "goods"
        )
        return OrderMessage(
            external_id=row["order_id"],
            number=row["order_id"],
            status=OrderStatus.FULFILLED if self.fulfilled_when_paid else OrderStatus.PAID,
            updated_at=paid_at,
            placed_at=paid_at,
            paid_at=paid_at,
            fulfilled_at=paid_at if self.fulfilled_when_paid else None,
            customer=CustomerMessage(row["customer_id"]),
            visitor_id=row["customer_id"],
            shipping_minor=sum(
                self._minor(line["line_total"]) for line in lines if line["kind"] == "shipping"
            ),
            lines=goods,
        )

    def _returns(self) -> Iterator[tuple[tuple[datetime, int, tuple[int | str, ...]], Message]]:
        last = None
        for (at_text, return_id), group in groupby(
            self._rows("returns.csv.gz"), key=lambda row: (row["returned_at"], row["return_id"])
        ):
            at = self._moment(at_text)
            by_order: dict[str, list[dict[str, str]]] = {}
            for row in group:
                by_order.setdefault(row["order_id"], []).append(row)
            for order_id in sorted(by_order):
                key = (at, 1, (return_id, order_id))
                if last is not None and key < last:
                    raise DomainError("returns.csv.gz: %(id)s is not in order of time.", id=return_id)
                last = key
                yield key, self._refund(return_id, at, order_id, by_order[order_id])

    def _refund(
        self, return_id: str, at: datetime, order_id: str, rows: list[dict[str, str]]
    ) -> RefundMessage:
        lines = tuple(
            RefundLineMessage(row["line_no"], _micro(row["qty"]), self._minor(row["amount"])) for row in rows
        )
        return RefundMessage(order=order_id, external_id=return_id, at=at, lines=lines)

    def _rows(self, name: str) -> Iterator[dict[str, str]]:
        path = self.path / name
        if not path.exists():
            raise DomainError("%(file)s is missing in the folder.", code="file_missing", file=name)
        packed = name.endswith(".gz")
        with path.open("rb") as raw, gzip.open(raw) if packed else nullcontext(raw) as content:
            yield from csv.DictReader(TextIOWrapper(content, encoding="utf-8", newline=""))

    def _moment(self, text: str) -> datetime:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise DomainError("%(text)s is not a moment.", code="bad_moment", text=text) from None
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=self.zone)

    def _minor(self, text: str) -> int:
        try:
            exact = Decimal(text).scaleb(currency_exponent(self.currency))
        except InvalidOperation:
            raise DomainError("%(text)s is not an amount.", code="bad_amount", text=text) from None
        whole = exact.to_integral_value(ROUND_HALF_UP)
        if whole != exact:
            raise DomainError("%(text)s has parts below the smallest unit.", code="bad_amount", text=text)
        return int(whole)


def _micro(text: str) -> int:
    return int(Decimal(text) * MICRO)
