"""Mail: `await send("partner_approved", to, locale=…, **values)` renders templates/emails/ and hands the letter over.

To be called by workers and hooks, never inside a transaction: the server may take seconds. Without SMTP_URL letters
become .eml files in `var/mail`, which demo mode shows at /dev/mail.
"""

import os
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import aiosmtplib
import structlog

from app.config import SettingError, Settings, settings
from app.ui.mails import render_letter

TIMEOUT_SECONDS = 10.0

log = structlog.get_logger(__name__)


async def send(template: str, to: str, /, *, locale: str, zone: str | None = None, **values: Any) -> None:
    """Render templates/emails/<template>.html for one reader and hand it over.

    Raises OSError or aiosmtplib.SMTPException when the server does not take it; the caller's outbox tries again.
    """
    letter = render_letter(template, locale=locale, zone=zone, **values)
    config = settings()
    message = EmailMessage()
    message["From"] = config.mail_from
    message["To"] = to
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = make_msgid(domain=parseaddr(config.mail_from)[1].rpartition("@")[2] or "tandem")
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    # RFC 6761: nobody has an address under .invalid; scenarios use them.
    if config.smtp_url is None or to.endswith(".invalid"):
        _keep(message, folder(config))
    else:
        await _deliver(message, config.smtp_url)
    log.info("mail.sent", template=template, locale=locale)


def folder(config: Settings) -> Path:
    """Where letters go without a mail server."""
    return config.var_dir / "mail"


async def _deliver(message: EmailMessage, smtp_url: str) -> None:
    """By SMTP. STARTTLS is used where the server offers it, and demanded where a password would travel."""
    parts = urlsplit(smtp_url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise SettingError(
            "SMTP_URL must look like smtp://user:password@mail.example.com:587 or smtps://…:465"
        )
    implicit_tls = parts.scheme == "smtps"
    local = parts.hostname in ("127.0.0.1", "localhost", "::1")
    client = aiosmtplib.SMTP(
        hostname=parts.hostname,
        port=parts.port or (465 if implicit_tls else 587),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        use_tls=implicit_tls,
        # None: where the server offers it. A password never travels unencrypted, unless the server is this machine.
        start_tls=False if implicit_tls else (True if parts.username and not local else None),
        timeout=TIMEOUT_SECONDS,
        tls_context=ssl.create_default_context(),
    )
    async with client:
        await client.send_message(message)


def _keep(message: EmailMessage, into: Path) -> None:
    """Write an .eml file whose name sorts by time; the name appears only when the file is complete."""
    into.mkdir(parents=True, exist_ok=True, mode=0o700)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    made = into / f"{stamp}.part"
    # A letter holds links that sign its reader in: nobody else on this machine reads it.
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(message.as_bytes())
    made.rename(into / f"{stamp}.eml")
