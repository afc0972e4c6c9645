"""Addresses behind proxies, their digests, cookies, and foreign text."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.config import read
from app.tracking.visitors import AddressDigest, VisitorCookie, clean, client_address

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.5", "198.51.100.7", "203.0.113.5"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "", "10.0.0.1"),
    ],
)
def test_forwarded_address_is_believed_from_trusted_proxies_only(
    peer: str, forwarded: str, address: str
) -> None:
    assert client_address(peer, forwarded, ("10.0.0.1", "10.0.0.2")) == address


def test_digest_counts_a_household_and_needs_the_key() -> None:
    digest = AddressDigest(b"k" * 32)
    assert digest("2001:db8:1:2::1", NOON) == digest("2001:db8:1:2:aaaa::9", NOON)
    assert digest("2001:db8:1:3::1", NOON) != digest("2001:db8:1:2::1", NOON)
    assert digest("203.0.113.5", NOON) != AddressDigest(b"j" * 32)("203.0.113.5", NOON)
    assert digest("", NOON) == ""


def test_cookie_over_https_is_bound_to_the_host(tmp_path: Path) -> None:
    config = read(
        {
            "TANDEM_BASE_URL": "https://partners.example",
            "TANDEM_SECRET_KEY": "x" * 32,
            "TANDEM_VAR": str(tmp_path),
        }
    )
    cookie = VisitorCookie(config)
    written = cookie.write("ab" * 16).decode()
    assert written.startswith("__Host-tandem_browser=abab")
    assert written.endswith("Path=/; HttpOnly; SameSite=Lax; Secure")
    assert cookie.read(b"a=b; __Host-tandem_browser=" + b"ab" * 16) == "ab" * 16
    assert cookie.read(b"tandem_browser=" + b"ab" * 16) == ""


def test_foreign_text_is_cut_and_loses_control_characters() -> None:
    assert clean("a\r\nb\x00c\x1bd", 100) == "abcd"
    assert clean("x" * 500, 400) == "x" * 400
    assert clean('"><svg onload=alert(1)>', 100) == '"><svg onload=alert(1)>'
