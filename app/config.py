"""Settings, read once from the environment. A missing or wrong key is named, with what to write there.

Without DATABASE_URL and REDIS_URL the embedded engines of `embedded.py` are used, and secrets are made once
and kept in the state directory (`TANDEM_VAR`, default `var/`).
"""

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent


class SettingError(Exception):
    """A setting is missing or wrong; the message names its key."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the environment decides."""

    base_url: str
    """Public address of the portal, without a slash at its end. Links in mails are built from it alone."""
    database_url: str | None
    """PostgreSQL 15 to 18 as the run-time role; None: embedded."""
    database_owner_url: str | None
    """The same database as the role that owns the tables (migrations only); None: `database_url`."""
    redis_url: str | None
    """Redis or Valkey >= 6.2; None: embedded."""
    secret_key: bytes
    """Signs links and encrypts payout details; at least 32 bytes."""
    var_dir: Path
    """Embedded engines, media files and mails without a server live here."""
    media_dir: Path
    demo: bool
    """Demo mode serves a small shop at /demo-shop/ and the mails at /dev/mail."""
    smtp_url: str | None
    """smtp://user:password@host:port, smtps:// for TLS from the start; None: mails go to `var_dir`/mail."""
    mail_from: str
    trusted_proxies: tuple[str, ...]
    """Addresses whose X-Forwarded-For is believed; `unix` stands for a proxy that comes over a unix socket."""
    allowed_hosts: tuple[str, ...]
    """Host names the portal answers to beside that of `base_url`."""

    @property
    def secure(self) -> bool:
        """True when the portal is reached over https: cookies get `Secure` and `__Host-`."""
        return self.base_url.startswith("https://")

    @property
    def host(self) -> str:
        """Host, with its port where there is one, of `base_url`."""
        return urlsplit(self.base_url).netloc


def read(environ: Mapping[str, str]) -> Settings:
    """Read settings from `environ`; SettingError names the wrong key."""
    var_dir = Path(environ.get("TANDEM_VAR") or ROOT / "var").absolute()
    base_url = environ.get("TANDEM_BASE_URL") or f"http://127.0.0.1:{environ.get('PORT') or 8000}"
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path not in ("", "/"):
        raise SettingError("TANDEM_BASE_URL must look like https://partners.example.com, without a path")
    database_url = environ.get("DATABASE_URL") or None
    demo = _flag(environ, "TANDEM_DEMO")
    return Settings(
        base_url=base_url.rstrip("/"),
        database_url=database_url,
        database_owner_url=environ.get("DATABASE_OWNER_URL") or database_url,
        redis_url=environ.get("REDIS_URL") or None,
        secret_key=_secret(environ, var_dir, may_make=database_url is None or demo),
        var_dir=var_dir,
        media_dir=Path(environ.get("TANDEM_MEDIA") or var_dir / "media").absolute(),
        demo=demo,
        smtp_url=environ.get("SMTP_URL") or None,
        mail_from=environ.get("TANDEM_MAIL_FROM") or f"Tandem <portal@{parts.hostname}>",
        trusted_proxies=_words(environ, "TANDEM_TRUSTED_PROXIES"),
        allowed_hosts=_words(environ, "TANDEM_ALLOWED_HOSTS"),
    )


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process."""
    return read(os.environ)


def _flag(environ: Mapping[str, str], key: str) -> bool:
    value = environ.get(key, "").strip().lower()
    if value in ("", "0", "no", "false"):
        return False
    if value in ("1", "yes", "true"):
        return True
    raise SettingError(f"{key} must be 1 or 0, not {value!r}")


def _words(environ: Mapping[str, str], key: str) -> tuple[str, ...]:
    return tuple(word for word in environ.get(key, "").replace(",", " ").split() if word)


def _secret(environ: Mapping[str, str], var_dir: Path, *, may_make: bool) -> bytes:
    given = environ.get("TANDEM_SECRET_KEY")
    if given:
        if len(given.encode()) < 32:
            raise SettingError(
                "TANDEM_SECRET_KEY must have at least 32 bytes; `openssl rand -hex 32` makes one"
            )
        return given.encode()
    if not may_make:
        raise SettingError("TANDEM_SECRET_KEY is missing; `openssl rand -hex 32` makes one")
    path = var_dir / "secret.key"
    var_dir.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        # Web and worker may start at once: the name appears only when the key is whole, and the first one stays.
        made = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_hex(32).encode())
        with suppress(FileExistsError):
            os.link(made, path)
        made.unlink()
    key = path.read_bytes()
    if len(key) < 32:
        raise SettingError(f"{path} must have at least 32 bytes; take it away and a new one is made")
    return key
