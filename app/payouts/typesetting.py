"""PDF by typst, in a process of its own: off the event loop, bounded in time, and killed when the time is over.

A thread could not be stopped; a template that never ends, or a document of a hundred thousand lines, would hold a
core until the portal is restarted.
"""

import asyncio
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
import structlog

from app.errors import Unavailable
from app.ui.render import ROOT, TEMPLATES

FOLDER = TEMPLATES / "acts"
SECONDS = 20
"""An act takes a fifth of a second, a statement of two thousand lines about three."""

_at_once = asyncio.Semaphore(2)

log = structlog.get_logger(__name__)


async def typeset(
    template: str, data: Mapping[str, Any], made_at: datetime, *, picture: bool = False
) -> bytes:
    """The document `templates/acts/<template>.typ` filled with `data`, as PDF; `picture`: its first page as PNG.

    `made_at` is written into the file as its date, so that the same data give the same bytes. Unavailable when typst
    fails or takes too long: what was to be typeset is stored, so it can be tried again.
    """
    asked = {
        "root": str(FOLDER),
        "template": f"{template}.typ",
        "data": data,
        "made_at": int(made_at.timestamp()),
        "format": "png" if picture else "pdf",
        "ppi": 110,
    }
    async with _at_once:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "app.payouts.typeset_child",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=ROOT,
            env={},
        )
        try:
            async with asyncio.timeout(SECONDS):
                made, complaint = await child.communicate(msgspec.json.encode(asked))
        except TimeoutError:
            child.kill()
            await child.wait()
            made, complaint = b"", b"out of time"
        except BaseException:
            child.kill()
            raise
    if child.returncode != 0 or not made:
        # The complaint quotes our template, never what somebody typed.
        log.error("typeset.failed", template=template, error=complaint.decode(errors="replace")[-300:])
        raise Unavailable("The document cannot be made at this moment. Try again in a minute.")
    return made
