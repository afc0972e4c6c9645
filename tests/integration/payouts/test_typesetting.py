"""Typesetting happens in a process of its own that is stopped when it takes too long."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from app.errors import Unavailable
from app.payouts import typesetting
from app.payouts.typesetting import typeset

AT = datetime(2026, 11, 22, tzinfo=UTC)
HOSTILE = '#eval("1") *b* $x^2$ ] ) } \\ " // /* <a> @x ~ `raw` #import "/etc/passwd" #panic()'


def statement(text: str = "x", lines: int = 1) -> dict[str, Any]:
    return {
        "title": text, "partner": text, "program": text, "period": text, "lang": "ru",
        "headings": [text] * 10, "sums": [[text, text]], "rows": [[text] * 10] * lines,
    }  # fmt: skip


async def test_what_takes_too_long_is_stopped_and_the_next_one_works(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(typesetting, "SECONDS", 0)
        with pytest.raises(Unavailable):
            await typeset("statement", statement(lines=2000), AT)
    assert (await typeset("statement", statement(), AT)).startswith(b"%PDF-")


async def test_a_template_that_fails_is_told_without_what_was_typed() -> None:
    with pytest.raises(Unavailable) as caught:
        await typeset("statement", {"title": HOSTILE}, AT)
    assert HOSTILE not in str(caught.value)


async def test_text_is_text_whatever_is_in_it() -> None:
    assert (await typeset("statement", statement(HOSTILE), AT)).startswith(b"%PDF-")


async def test_the_loop_goes_on_meanwhile() -> None:
    """A thousand lines take a second or so: others are served in the meantime."""
    turns = 0
    work = asyncio.create_task(typeset("statement", statement(lines=1000), AT))
    while not work.done():
        turns += 1
        await asyncio.sleep(0.01)
    assert (await work).startswith(b"%PDF-")
    assert turns > 10
