"""Where a link leads: one canonical parse of addresses, and the marks that a landing address carries.

A redirect that follows foreign input is how phishing borrows a good name, and nearly every filter for it was beaten
by a second parser that read the address differently. So nothing is filtered here: an address is taken apart by one
strict pattern, its host must be one of the program's, and what goes into `Location` is put together anew from the
parts. What the pattern does not know leads to the program's home page.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote_plus, urlencode

MAX_LENGTH = 2000

CLICK_PARAMETER = "pclid"
"""Carries the click's id to the landing page; the snippet and the shop's server keep it."""

_ADDRESS = re.compile(r"(https?)://([^/?#\\@:\[\]%]+)(?::([0-9]{1,5}))?([/?#].*)?", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_NOT_ALLOWED = re.compile(r"[\x00-\x20\x7f-\xa0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff\\]")
_PORTS = {"http": 80, "https": 443}
_PLACE = re.compile(r"\{(program|link|partner|sub[1-5])\}")


@dataclass(frozen=True, slots=True)
class Address:
    """A canonical address: what it is made of, in ASCII, ready for a header."""

    scheme: str
    host: str
    """Lower case, IDNA; with its port unless that is the scheme's own."""
    path: str
    """Begins with a slash."""
    query: str
    fragment: str

    def __str__(self) -> str:
        query = f"?{self.query}" if self.query else ""
        fragment = f"#{self.fragment}" if self.fragment else ""
        return f"{self.scheme}://{self.host}{self.path}{query}{fragment}"


@dataclass(frozen=True, slots=True)
class Landing:
    """A landing address with room for the click's id: `before` + id + `after`; without an id it is `plain`."""

    plain: str
    before: str
    after: str


def parse(text: str) -> Address | None:
    """The address, if `text` is an http(s) one without user, odd host or invisible characters."""
    if len(text) > MAX_LENGTH or _NOT_ALLOWED.search(text):
        return None
    match = _ADDRESS.fullmatch(text)
    if match is None:
        return None
    scheme = match[1].lower()
    host = canonical_host(match[2])
    if host is None:
        return None
    if match[3] is not None:
        port = int(match[3])
        if not 0 < port < 65536:
            return None
        if port != _PORTS[scheme]:
            host = f"{host}:{port}"
    rest, _hash, fragment = (match[4] or "/").partition("#")
    path, _mark, query = rest.partition("?")
    return Address(scheme, host, _quoted(path or "/"), _quoted(query), _quoted(fragment))


def canonical_host(text: str) -> str | None:
    """The host in lower case and ASCII; None when it is none."""
    host = text.lower()
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    return host if len(host) <= 253 and _HOST.fullmatch(host) else None


def allowed_hosts(hosts: Collection[str], home_url: str) -> frozenset[str]:
    """A program's hosts in canonical form; the home page's host goes with its port."""
    found = set()
    for text in hosts:
        name, colon, port = text.partition(":")
        host = canonical_host(name)
        if host is not None:
            found.add(host + colon + port)
    home = parse(home_url)
    if home is not None:
        found.add(home.host)
    return frozenset(found)


def within(text: str, hosts: Collection[str]) -> Address | None:
    """The address, if it is one and leads to one of `hosts` (canonical)."""
    address = parse(text)
    return address if address is not None and address.host in hosts else None


def landing(address: Address, marks: Mapping[str, str]) -> Landing:
    """`address` with `marks` in its query: they replace parameters of the same name, others stay as they are."""
    # Pieces stay as they were written: shops' addresses are not all `name=value`.
    kept = [
        piece
        for piece in address.query.split("&")
        if piece and unquote_plus(piece.partition("=")[0]) not in (*marks, CLICK_PARAMETER)
    ]
    added = urlencode({name: value for name, value in marks.items() if value})
    query = "&".join((*kept, added)) if added else "&".join(kept)
    start = f"{address.scheme}://{address.host}{address.path}"
    end = f"#{address.fragment}" if address.fragment else ""
    plain = f"{start}?{query}{end}" if query else start + end
    return Landing(plain, f"{start}?{query}{'&' if query else ''}{CLICK_PARAMETER}=", end)


def fill(template: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """UTM parameters with `{program}`, `{link}`, `{partner}`, `{sub1}` … `{sub5}` filled in; empty ones go."""
    filled = {
        name: _PLACE.sub(lambda place: values.get(place[1], ""), text) for name, text in template.items()
    }
    return {name: text for name, text in filled.items() if text}


def _quoted(text: str) -> str:
    """Percent-encoded where a browser would encode; what is encoded already stays."""
    return quote(text, safe="/?#[]!$&'()*+,;=:@%-._~|")
