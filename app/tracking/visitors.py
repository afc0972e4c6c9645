"""Who clicks: the visitor's first-party cookie, his address as a digest, and what kind of request it is."""

import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from datetime import datetime

from app.config import Settings
from app.tracking import bots
from app.tracking.messages import Reason

VISITOR_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MARK = re.compile(r"sub[1-5]|utm_[a-z0-9]{1,28}", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class VisitorCookie:
    """The cookie that tells one browser from another on the portal's own host."""

    def __init__(self, config: Settings, *, days: int = 365) -> None:
        self.name = "__Host-tandem_browser" if config.secure else "tandem_browser"
        self._pattern = re.compile(rf"(?:^|;\s*){re.escape(self.name)}=([0-9a-f]{{32}})(?:;|$)".encode())
        secure = "; Secure" if config.secure else ""
        self._after = f"; Max-Age={days * 86400}; Path=/; HttpOnly; SameSite=Lax{secure}".encode()
        self._before = f"{self.name}=".encode()

    def read(self, header: bytes) -> str:
        """The visitor's id; empty: he has none, or one that is not ours."""
        match = self._pattern.search(header)
        return match[1].decode() if match else ""

    def write(self, visitor_id: str) -> bytes:
        """The value of Set-Cookie."""
        return self._before + visitor_id.encode() + self._after


class AddressDigest:
    """Digests of addresses under a key of the day: good for comparing within a day, for nothing later."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._day = -1
        self._key = b""

    def __call__(self, address: str, moment: datetime) -> str:
        """32 hex digits; empty for an unknown address. An IPv6 address counts by its /64, which is one household."""
        if not address:
            return ""
        day = moment.toordinal()
        if day != self._day:
            self._key = hmac.digest(self._secret, f"address of day {day}".encode(), "sha256")
            self._day = day
        if ":" in address:
            address = ":".join(address.split("%")[0].split(":")[:4])
        return hashlib.blake2b(address.encode(), key=self._key, digest_size=16).hexdigest()


def new_visitor_id() -> str:
    """128 random bits, as the cookie holds them."""
    return os.urandom(16).hex()


def new_click_id() -> str:
    """128 random bits in the written form of a UUID, in which the shop gives it back with the order."""
    text = os.urandom(16).hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def client_address(peer: str, forwarded: str, trusted: tuple[str, ...]) -> str:
    """The browser's address: the last hop that no proxy of ours wrote; believed from trusted peers only."""
    hops = [part.strip() for part in forwarded.split(",") if part.strip()]
    while hops and (peer in trusted or (not peer and "unix" in trusted)):
        peer = hops.pop()
    return peer


def reason_of_request(method: str, headers: Mapping[bytes, bytes], user_agent: str) -> Reason:
    """What a request to a link is, by its own headers: somebody's navigation (COUNTED) or not.

    Sec-Fetch-Dest is a browser's own word that no page can forge: an image or a hidden frame that points to a link
    is not a visit. Clients that do not send it are judged by the rest.
    """
    if method == "HEAD":
        return Reason.BOT
    purpose = headers.get(b"sec-purpose") or headers.get(b"purpose") or headers.get(b"x-moz") or b""
    if purpose and (b"prefetch" in purpose or b"prerender" in purpose or b"preview" in purpose):
        return Reason.PREFETCH
    if headers.get(b"x-purpose") == b"preview":
        return Reason.PREFETCH
    if headers.get(b"sec-fetch-dest", b"document") != b"document":
        return Reason.PREFETCH
    return Reason.BOT if bots.is_bot(user_agent) else Reason.COUNTED


def is_mark(name: str) -> bool:
    """Whether a click keeps what is sent under this name: sub1 … sub5 and utm_*. Names become keys of stored JSON."""
    return _MARK.fullmatch(name) is not None


def clean(text: str, limit: int) -> str:
    """Foreign text as it is kept: without control characters, not longer than `limit`."""
    text = text[:limit]
    return _CONTROL.sub("", text) if not text.isprintable() else text
