"""Headers of every answer: policy of content, no sniffing, no framing, no storing of what is signed in."""

from dataclasses import replace

import pytest
from litestar.datastructures import Headers

from app.config import settings
from app.edge import client_ip, headers_for, kept_for
from app.main import create_app
from tests.browsers import Browse, Visitor, visitor_for
from tests.cast import Cast

EVERYWHERE = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.mark.parametrize(
    "path", ["/", "/sign-in", "/nothing-here", "/static/css/portal.css", "/api/v1/orders/1", "/home"]
)
async def test_every_answer_has_the_security_headers(anonymous: Visitor, path: str) -> None:
    answer = await anonymous.get(path)
    for name, value in EVERYWHERE.items():
        assert answer.headers[name] == value
    policy = dict(
        part.strip().split(" ", 1)
        for part in answer.headers["content-security-policy"].split(";")
        if part.strip()
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "referrer-policy" in answer.headers
    assert "camera=()" in answer.headers["permissions-policy"]
    assert "strict-transport-security" not in answer.headers
    assert len(answer.headers["x-request-id"]) == 16


async def test_each_page_has_a_nonce_of_its_own(anonymous: Visitor) -> None:
    first, second = await anonymous.get("/sign-in"), await anonymous.get("/sign-in")
    nonces = {
        answer.headers["content-security-policy"].partition("'nonce-")[2][:22] for answer in (first, second)
    }
    assert len(nonces) == 2
    assert all(nonce in first.text + second.text for nonce in nonces)


def test_https_is_demanded_where_it_is_spoken() -> None:
    secure = replace(settings(), base_url="https://portal.test")
    assert headers_for(secure, "/", "")["strict-transport-security"] == "max-age=31536000; includeSubDomains"


async def test_pages_of_a_user_are_never_stored(cast: Cast, browse: Browse) -> None:
    visitor = await browse(cast.alice)
    for path in ("/", "/home", "/nothing-here"):
        assert (await visitor.get(path)).headers["cache-control"] == "no-store"


async def test_files_with_a_digest_are_kept_for_ever_and_get_no_cookie(anonymous: Visitor) -> None:
    answer = await anonymous.get("/static/css/portal.css?v=0123456789ab")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "set-cookie" not in answer.headers
    assert kept_for("/static/css/portal.css", b"") == "public, max-age=3600"


async def test_other_host_names_are_refused(anonymous: Visitor) -> None:
    answer = await anonymous.get("/sign-in", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert "evil.example" not in answer.text
    assert (await anonymous.get("/healthz", headers={"Host": "10.0.0.3:8000"})).status_code == 200


async def test_more_host_names_can_be_allowed(transaction: None) -> None:
    visitor = await visitor_for(create_app(replace(settings(), allowed_hosts=("other.test",))), None)
    assert (await visitor.get("/sign-in", headers={"Host": "other.test"})).status_code == 200
    assert (await visitor.get("/sign-in", headers={"Host": "other.test.evil.example"})).status_code == 400


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "expected"),
    [
        ("192.0.2.1", "", (), "192.0.2.1"),
        ("192.0.2.1", "203.0.113.5", (), "192.0.2.1"),
        ("10.0.0.1", "203.0.113.5", ("10.0.0.1",), "203.0.113.5"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.5", ("10.0.0.1",), "203.0.113.5"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.5, 10.0.0.2", ("10.0.0.1", "10.0.0.2"), "203.0.113.5"),
    ],
)
def test_addresses_are_believed_from_trusted_proxies_only(
    peer: str, forwarded: str, trusted: tuple[str, ...], expected: str
) -> None:
    scope = {"type": "http", "client": (peer, 1234)}
    headers = Headers({"x-forwarded-for": forwarded})
    assert client_ip(scope, headers, trusted) == expected  # type: ignore[arg-type]


async def test_reports_of_browsers_are_logged_without_secrets(
    anonymous: Visitor, capsys: pytest.CaptureFixture[str]
) -> None:
    del anonymous.headers["X-CSRF-Token"]
    answer = await anonymous.post(
        "/csp-reports",
        json={
            "csp-report": {
                "document-uri": "http://portal.test/x?token=canary",
                "effective-directive": "img-src",
            }
        },
        headers={"Content-Type": "application/csp-report"},
    )
    assert answer.status_code == 204
    logged = capsys.readouterr().err
    assert "img-src" in logged
    assert "canary" not in logged


async def test_language_follows_user_then_cookie_then_browser(cast: Cast, browse: Browse) -> None:
    nobody = await browse()
    assert '<html lang="en"' in (await nobody.get("/sign-in")).text
    assert (
        '<html lang="ru"' in (await nobody.get("/sign-in", headers={"Accept-Language": "ru,en;q=0.5"})).text
    )
    answer = await nobody.post("/preferences", data={"lang": "ru", "next": "/sign-in"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert '<html lang="ru"' in (await nobody.get("/sign-in")).text
    alice = await browse(cast.alice)
    await alice.post("/preferences", data={"lang": "ru", "theme": "dark", "next": "https://evil.example"})
    page = await alice.get("/nothing-here")
    assert '<html lang="ru" data-theme="dark"' in page.text


@pytest.mark.parametrize("path", ["/sign-in", "/healthz", "/nowhere"])
async def test_head_is_get_without_the_content(anonymous: Visitor, path: str) -> None:
    whole, head = await anonymous.get(path), await anonymous.head(path)
    assert head.status_code == whole.status_code
    assert head.headers["content-type"] == whole.headers["content-type"]
    assert (head.content, bool(whole.content)) == (b"", True)
