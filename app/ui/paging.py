"""Paging by cursor: the place of the last row shown, never an offset, so that new rows neither repeat nor hide others.

A list is ordered by (moment, id), newest first. A query takes `after: Cursor | None`, reads `PAGE_SIZE + 1` rows with
`WHERE ($1::timestamptz IS NULL OR (at, id) < ($1, $2)) ORDER BY at DESC, id DESC LIMIT …` and hands them to `page()`.
The cursor is not a secret and not signed: it can only start the reader's own list elsewhere.
"""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from app.errors import Malformed

PAGE_SIZE = 25

Row = TypeVar("Row")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row shown."""

    moment: datetime
    id: int

    def encode(self) -> str:
        micros = (self.moment - _EPOCH) // _MICROSECOND
        return base64.urlsafe_b64encode(f"{micros}.{self.id}".encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str | None) -> "Cursor | None":
        """None or an empty text: from the start. Malformed when the text is not one of ours."""
        if not text:
            return None
        try:
            raw = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
            micros, id_ = (int(part) for part in raw.decode("ascii").split("."))
            moment = _EPOCH + timedelta(microseconds=micros)
        except (binascii.Error, ValueError, OverflowError) as error:
            raise Malformed(
                "This page of the list does not exist. Start again from its beginning."
            ) from error
        if not 0 <= id_ < 2**63:
            raise Malformed("This page of the list does not exist. Start again from its beginning.")
        return cls(moment, id_)


def number_in(text: str, maximum: int = 2**63 - 1) -> int | None:
    """The number that a part of an address holds; None for anything that no row has."""
    if not re.fullmatch("[0-9]{1,19}", text) or int(text) > maximum:
        return None
    return int(text)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """What a list shows at once."""

    rows: Sequence[Row]
    next_cursor: str | None
    """None: there are no more rows."""


def page(
    rows: Sequence[Row], place: Callable[[Row], tuple[datetime, int]], *, size: int = PAGE_SIZE
) -> Page[Row]:
    """Cut the one row too many that the query read; `place` gives a row's (moment, id)."""
    if len(rows) <= size:
        return Page(rows, None)
    shown = rows[:size]
    return Page(shown, Cursor(*place(shown[-1])).encode())
