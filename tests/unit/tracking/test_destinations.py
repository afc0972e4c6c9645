"""Addresses: one canonical parse, and nothing foreign in a Location header."""

import random
from urllib.parse import urlsplit

import pytest

from app.tracking.destinations import allowed_hosts, canonical_host, fill, landing, parse, within

HOSTS = allowed_hosts(["shop.example", "www.shop.example", "магазин.рф"], "https://shop.example:8443/home")


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("https://shop.example", "https://shop.example/"),
        ("HTTPS://SHOP.EXAMPLE/A?b=C#d", "https://shop.example/A?b=C#d"),
        ("http://shop.example:80/x", "http://shop.example/x"),
        ("https://shop.example:443/x", "https://shop.example/x"),
        ("https://shop.example:8443/x", "https://shop.example:8443/x"),
        ("https://www.shop.example?q=1", "https://www.shop.example/?q=1"),
        ("https://shop.example/чехлы?цвет=красный", "https://shop.example/%D1%87%D0%B5%D1%85%D0%BB%D1%8B"
         "?%D1%86%D0%B2%D0%B5%D1%82=%D0%BA%D1%80%D0%B0%D1%81%D0%BD%D1%8B%D0%B9"),
        ("https://shop.example/a%20b", "https://shop.example/a%20b"),
        ("https://shop。example/a", "https://shop.example/a"),
        ("https://магазин.рф/", "https://xn--80aairftm.xn--p1ai/"),
    ],
)  # fmt: skip
def test_address_on_a_host_of_the_program_is_made_canonical(text: str, canonical: str) -> None:
    assert str(within(text, HOSTS)) == canonical


FOREIGN = [
    "",
    "/relative",
    "//evil.example",
    "///evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "/\\evil.example",
    "https:\\\\evil.example",
    "https://shop.example\\@evil.example",
    "https://evil.example\\.shop.example",
    "https://shop.example@evil.example/",
    "https://shop.example:pass@evil.example/",
    "https://evil.example#@shop.example/",
    "https://evil.example?@shop.example/",
    "https://shop.example.evil.example/",
    "https://evilshop.example/",
    "https://shop.example./",
    "https://shop.example:8080/",
    "https://shop.example:0/",
    "https://shop.example:99999/",
    "https://shop.example:/",
    "https://[shop.example]/",
    "https://[::1]/",
    "https://shop%2eexample/",
    "https://evil.example%2f.shop.example/",
    "%2f%2fevil.example",
    "javascript:alert(1)",
    "JaVaScRiPt://shop.example/%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "ftp://shop.example/",
    "file:///etc/passwd",
    " https://shop.example/",
    "https://shop.example /",
    "https://shop.exa\tmple/",
    "ht\ntps://evil.example/",
    "https://shop.example/\r\nSet-Cookie: a=b",
    "https://shop.example/\x00",
    "https://ѕhop.example/",
    "https://shoр.example/",
    "https://ｓhop.example.evil/",
    "https://shop.example\u200b.evil.example/",
    "https://shop.example\u2044evil.example/",
    "https://-shop.example/",
    "x" * 2001,
    "https://shop.example/" + "x" * 2000,
]


@pytest.mark.parametrize("text", FOREIGN)
def test_address_that_leads_elsewhere_or_is_none_is_not_taken(text: str) -> None:
    assert within(text, HOSTS) is None


def test_whatever_is_taken_stays_on_the_hosts_and_is_one_clean_header() -> None:
    """Pieces of known tricks, joined at random: a taken address is on a host of ours for another parser as well."""
    pieces = [
        "https://", "http://", "https:", "//", "/", "\\", "@", ":", "#", "?", "%2f", "%5c", "%00", "%0d%0a", "\t", "\n",
        "\r", " ", ".", "..", "shop.example", "evil.example", "www.", "user:pw@", ":443", ":80", ":8443", "[", "]", "::1",
        "javascript:", "я", "。", "／", "\u202e", "\u0000", "&", ";", "xn--", "127.0.0.1", "a", "-",
    ]  # fmt: skip
    chance = random.Random(20261122)
    taken = 0
    for _ in range(20_000):
        text = "".join(chance.choices(pieces, k=chance.randint(1, 7)))
        if chance.random() < 0.5:
            text = "https://shop.example" + text
        found = within(text, HOSTS)
        if found is None:
            continue
        taken += 1
        written = landing(found, {"ref": "alice"}).before
        other = urlsplit(written)
        assert other.netloc in HOSTS, (text, written)
        assert written.isascii(), (text, written)
        assert written.isprintable(), (text, written)
        assert " " not in written, (text, written)
        assert "\\" not in written, (text, written)
    assert taken > 500


def test_canonical_address_parses_to_itself() -> None:
    for text in ("https://shop.example/a?b=c&d#e", "https://магазин.рф/ж?я=ё#ю"):
        once = parse(text)
        assert once is not None
        assert parse(str(once)) == once


def test_host_in_any_script_is_written_in_ascii() -> None:
    assert canonical_host("МАГАЗИН.РФ") == "xn--80aairftm.xn--p1ai"
    assert canonical_host("a..b") is None
    assert canonical_host("") is None


def test_marks_replace_parameters_of_the_same_name_and_leave_the_others_as_written() -> None:
    address = parse("https://shop.example/p?/catalog/case&utm_source=old&x=1%202&pclid=stolen#f")
    assert address is not None
    made = landing(address, {"utm_source": "tandem", "ref": "alice", "utm_term": ""})
    assert made.plain == "https://shop.example/p?/catalog/case&x=1%202&utm_source=tandem&ref=alice#f"
    assert made.before + "ID" + made.after == (
        "https://shop.example/p?/catalog/case&x=1%202&utm_source=tandem&ref=alice&pclid=ID#f"
    )


def test_mark_with_line_breaks_cannot_leave_its_parameter() -> None:
    address = parse("https://shop.example/")
    assert address is not None
    made = landing(address, {"utm_campaign": "a\r\nSet-Cookie: b=c&ref=evil#x"})
    assert made.plain == "https://shop.example/?utm_campaign=a%0D%0ASet-Cookie%3A+b%3Dc%26ref%3Devil%23x"


def test_template_is_filled_and_empty_parameters_go() -> None:
    template = {
        "utm_source": "tandem",
        "utm_content": "{link}",
        "utm_term": "{sub1}",
        "utm_campaign": "{other}",
    }
    assert fill(template, {"link": "abc"}) == {
        "utm_source": "tandem",
        "utm_content": "abc",
        "utm_campaign": "{other}",
    }
