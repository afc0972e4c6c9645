"""Letters: to a folder without a server, to a real SMTP server with one."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as email_policy
from pathlib import Path

import aiosmtplib
import httpx
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from app import config, mail
from app.main import create_asgi
from app.notices import pages
from tests.browsers import Visitor


class Inbox:
    """What a mail server took."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.refuse = False

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.refuse:
            return "451 try later"
        assert isinstance(envelope.content, bytes)
        letter = message_from_bytes(envelope.content, policy=email_policy)
        assert isinstance(letter, EmailMessage)
        self.letters.append(letter)
        return "250 taken"


@pytest.fixture
async def inbox(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Inbox]:
    """A mail server on a free port of the loopback, which the settings name."""
    inbox = Inbox()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(inbox), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    changed = replace(
        config.settings(), smtp_url=f"smtp://127.0.0.1:{port}", mail_from="Tandem <portal@north.example>"
    )
    monkeypatch.setattr(mail, "settings", lambda: changed)
    yield inbox
    server.close()
    await server.wait_closed()


async def send(locale: str = "ru") -> None:
    await mail.send(
        "confirm_email",
        "vera@example.com",
        locale=locale,
        program_name="North",
        name="Vera <b>Orlova</b>",
        url="http://portal.test/confirm/abc",
        hours=72,
    )


def parts(letter: EmailMessage) -> tuple[str, str]:
    plain, rich = letter.get_body(("plain",)), letter.get_body(("html",))
    assert plain is not None
    assert rich is not None
    return plain.get_content(), rich.get_content()


async def test_letter_goes_out_as_text_and_html(inbox: Inbox) -> None:
    await send("en")
    (letter,) = inbox.letters
    assert letter["To"] == "vera@example.com"
    assert letter["From"] == "Tandem <portal@north.example>"
    assert letter["Subject"] == "Confirm your e-mail"
    assert letter["Auto-Submitted"] == "auto-generated"
    plain, rich = parts(letter)
    assert "http://portal.test/confirm/abc" in plain
    assert "Hello, Vera <b>Orlova</b>!" in plain
    assert "Hello, Vera &lt;b&gt;Orlova&lt;/b&gt;!" in rich


async def test_letter_speaks_the_readers_language(inbox: Inbox) -> None:
    await send("ru")
    assert inbox.letters[0]["Subject"] == "Подтвердите почту"


async def test_refusing_server_raises_so_that_the_outbox_tries_again(inbox: Inbox) -> None:
    inbox.refuse = True
    with pytest.raises(aiosmtplib.SMTPException, match="try later"):
        await send()


async def test_absent_server_raises(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = replace(config.settings(), smtp_url="smtp://127.0.0.1:1")
    monkeypatch.setattr(mail, "settings", lambda: gone)
    with pytest.raises(aiosmtplib.SMTPException, match="Error connecting"):
        await send()


async def test_without_a_server_letters_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = replace(config.settings(), smtp_url=None, var_dir=tmp_path)
    monkeypatch.setattr(mail, "settings", lambda: kept)
    await send()
    (file,) = (tmp_path / "mail").iterdir()
    assert file.suffix == ".eml"
    letter = message_from_bytes(file.read_bytes(), policy=email_policy)
    assert letter["To"] == "vera@example.com"


async def test_wrong_address_of_the_server_names_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(config.settings(), smtp_url="mail.example.com")
    monkeypatch.setattr(mail, "settings", lambda: wrong)
    with pytest.raises(config.SettingError, match="SMTP_URL"):
        await send()


async def test_mailbox_of_the_demo_shows_kept_letters_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transaction: None
) -> None:
    demo = replace(config.settings(), smtp_url=None, var_dir=tmp_path, demo=True)
    monkeypatch.setattr(mail, "settings", lambda: demo)
    await send("en")
    (file,) = (tmp_path / "mail").iterdir()
    (tmp_path / "secret.key").write_text("secret")
    monkeypatch.setattr(pages, "settings", lambda: demo)
    visitor = Visitor(
        transport=httpx.ASGITransport(create_asgi(demo)),
        base_url=demo.base_url,
        headers={"Accept-Language": "en"},
    )
    assert "Confirm your e-mail" in (await visitor.get("/dev/mail")).text
    letter = (await visitor.get(f"/dev/mail/{file.name}")).text
    assert 'href="http://portal.test/confirm/abc"' in letter
    assert "Vera &lt;b&gt;Orlova&lt;/b&gt;" in letter
    for name in ("../secret.key", "..%2Fsecret.key", "secret.key", "20260101T000000000000.eml"):
        assert (await visitor.get(f"/dev/mail/{name}")).status_code == 404
    await visitor.aclose()


async def test_without_demo_mode_there_is_no_mailbox(anonymous: Visitor) -> None:
    assert (await anonymous.get("/dev/mail")).status_code == 404
