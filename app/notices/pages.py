"""The demo's mailbox: letters that went to a folder since there is no mail server."""

import re
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as email_policy
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from app import mail
from app.config import Settings, settings
from app.errors import NotFound
from app.ui.render import render
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]

NAME = re.compile(r"[0-9]{8}T[0-9]{12}\.eml")
SHOWN = 100


@dataclass(frozen=True, slots=True)
class KeptLetter:
    """One letter of the folder."""

    name: str
    to: str
    subject: str
    at: datetime
    text: str


@get("/dev/mail", opt=policy("public"))
async def show_mailbox(request: AnyRequest) -> Response[str]:
    """The newest letters."""
    folder = mail.folder(settings())
    files = sorted(folder.glob("*.eml"), reverse=True)[:SHOWN] if folder.is_dir() else []
    return render(request, "notices/mailbox.html", letters=[_read(file) for file in files])


@get("/dev/mail/{name:str}", opt=policy("public"))
async def show_letter(request: AnyRequest, name: FromPath[str]) -> Response[str]:
    """One letter as text, its links to be followed."""
    file = mail.folder(settings()) / name
    if NAME.fullmatch(name) is None or not file.is_file():
        raise NotFound("There is no such letter.")
    return render(request, "notices/letter.html", letter=_read(file))


def ROUTES(config: Settings) -> list[ControllerRouterHandler]:  # noqa: N802 — main.py asks every slice for this name
    """Only in demo mode: letters hold links that sign people in."""
    return [show_mailbox, show_letter] if config.demo and config.smtp_url is None else []


def _read(file: Path) -> KeptLetter:
    letter = message_from_bytes(file.read_bytes(), policy=email_policy)
    assert isinstance(letter, EmailMessage)
    body = letter.get_body(("plain",))
    return KeptLetter(
        name=file.name,
        to=str(letter["To"]),
        subject=str(letter["Subject"]),
        at=parsedate_to_datetime(str(letter["Date"])),
        text=body.get_content() if body is not None else "",
    )
