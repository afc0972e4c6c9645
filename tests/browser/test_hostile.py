"""Attacks in a real browser: hostile texts on every page, forms of another origin, addresses that lead elsewhere.

One portal and one browser for all. The portal is full of hostile texts (hostile_past.py); a page passes when none of
them became an element, ran, or was stopped only by the policy of content.
"""

import asyncio
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, sync_playwright

from app.tracking.destinations import parse, within
from app.ui.render import own_path
from tests.browser.find_browser import ARGUMENTS, NONE, find_browser
from tests.browser.payloads import PAYLOADS
from tests.browser.portal import ROOT, Portal
from tests.conftest import TestEngines, recreate
from tests.integration.access.test_matrix import ROUTES, Route

pytestmark = pytest.mark.browser

REDIS_DATABASE = 9
"""Of the tests' Valkey: other tests use the first, the seventh and the eighth."""
WATCH = """
window.breaches = [];
document.addEventListener('securitypolicyviolation', event => {
  // piccolo-admin tries `new Function` and goes on without it.
  if (!(location.pathname.startsWith('/admin') && event.blockedURI === 'eval'))
    window.breaches.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`);
});
"""
TRACES = """() => [
  ...document.querySelectorAll('xss-canary, #xss-link, img[src=x], base, iframe[srcdoc], a[href^=javascript i]')
].map(found => found.outerHTML.slice(0, 100)).concat(window.breaches, 'canary' in window ? ['canary ran'] : [])"""

OF_PARTNER = (
    "/overview", "/links", "/links?new=1", "/promo-codes", "/earnings", "/payouts", "/materials", "/statement",
    "/notices", "/", "/p/demo", "/p/demo/terms", "/apply", "/nothing-here",
)  # fmt: skip
OF_STAFF = (
    "/desk", "/desk/applications", "/desk/orders", "/desk/terms", "/desk/payouts", "/desk/payouts?show=closed",
    "/notices",
)  # fmt: skip
TABLES = (
    "Programs", "Partners", "Orders", "Order_lines", "Refunds", "Payouts", "Materials", "Terms",
)  # fmt: skip


@pytest.fixture(scope="module")
def database(engines: TestEngines, template: str) -> TestEngines:
    asyncio.run(recreate(engines, "tandem_hostile", template))
    return engines.database("tandem_hostile")


@pytest.fixture(scope="module")
def portal(database: TestEngines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A portal full of hostile texts."""
    folder = tmp_path_factory.mktemp("portal")
    redis_url = f"{database.redis_url}?db={REDIS_DATABASE}"
    with Portal(folder, database_url=database.app_url, redis_url=redis_url) as started:
        environment = {
            **os.environ,
            "TANDEM_VAR": str(folder),
            "TANDEM_BASE_URL": started.address,
            "TANDEM_DEMO": "1",
            "DATABASE_URL": database.app_url,
            "REDIS_URL": redis_url,
        }
        done = subprocess.run(
            [sys.executable, "-m", "tests.browser.hostile_past"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        yield started


@pytest.fixture(scope="module")
def browser(portal: Portal) -> Iterator[Browser]:
    found = find_browser()
    if found is None:
        pytest.skip(f"no browser here, or TANDEM_BROWSER={NONE}")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield started
        started.close()


class Victim:
    """Somebody's browser, who watches what happens in it."""

    def __init__(self, browser: Browser, portal: Portal, link: str = "") -> None:
        self.portal = portal
        self.context: BrowserContext = browser.new_context(base_url=portal.address, locale="en-GB")
        self.context.set_default_timeout(10_000)
        self.context.add_init_script(WATCH)
        self.page: Page = self.context.new_page()
        self.found: list[str] = []
        self.page.on("dialog", self._dismiss)
        self.page.on(
            "request",
            lambda sent: (
                self.found.append(f"{self.page.url} asked {sent.url}")
                if sent.url.endswith("/csp-reports") or urlsplit(sent.url).hostname not in (None, "127.0.0.1")
                else None
            ),
        )
        if link:
            self.page.goto(link)
            self.page.locator("main form button, form button").last.click()
            self.page.wait_for_url(re.compile("/(desk|overview)$"))

    def _dismiss(self, dialog: Dialog) -> None:
        self.found.append(f"dialog on {self.page.url}: {dialog.message}")
        dialog.dismiss()

    def look(self, path: str, wait: str = "") -> None:
        """Open a page and note what hostile texts did to it."""
        self.page.goto(path)
        if wait:
            self.page.locator(wait).first.wait_for()
        self.note()

    def note(self) -> None:
        self.found += [f"{self.page.url}: {trace}" for trace in self.page.evaluate(TRACES)]


@pytest.fixture(scope="module")
def boris(browser: Browser, portal: Portal) -> Victim:
    return Victim(browser, portal, portal.links["boris"])


@pytest.fixture(scope="module")
def olga(browser: Browser, portal: Portal) -> Victim:
    return Victim(browser, portal, portal.links["olga"])


# --- Hostile texts --------------------------------------------------------------------------------------------------


def test_watch_sees_what_is_not_escaped(browser: Browser, portal: Portal) -> None:
    victim = Victim(browser, portal)
    victim.page.set_content("".join(f"<div>{payload}</div>" for payload in PAYLOADS))
    victim.note()
    assert sum("xss-canary" in found for found in victim.found) > 20
    assert any("canary ran" in found for found in victim.found)


def test_no_text_becomes_html_on_a_partners_pages(boris: Victim) -> None:
    for path in OF_PARTNER:
        boris.look(path)
    boris.page.goto("/earnings")
    for path in sorted(set(re.findall(r'href="(/earnings/\d+)"', boris.page.content())))[:6]:
        boris.look(path)
    boris.look("/overview", ".apexcharts-series")
    assert not boris.found


def test_no_text_becomes_html_on_the_desk(browser: Browser, portal: Portal, olga: Victim) -> None:
    for path in OF_STAFF:
        olga.look(path)
    olga.page.goto("/desk/applications")
    paths = sorted(set(re.findall(r'href="(/desk/applications/\d+)"', olga.page.content())))
    assert len(paths) >= 20
    for path in paths[:12]:
        olga.look(path)
    fedor = Victim(browser, portal, portal.links["fedor"])
    for path in ("/desk/payouts", "/desk/payouts?show=closed"):
        fedor.look(path)
    assert not olga.found + fedor.found


def test_no_text_becomes_html_in_the_admin(olga: Victim) -> None:
    for table in TABLES:
        olga.page.goto("/admin/")
        olga.look(f"/admin/#/{table}", "td a >> visible=true")
        olga.page.locator("td a >> visible=true").first.click()
        olga.page.wait_for_timeout(250)
        olga.note()
    assert not olga.found


def test_no_text_becomes_html_in_letters(portal: Portal, olga: Victim) -> None:
    olga.page.goto("/desk/applications")
    olga.page.locator("a[href^='/desk/applications/']").first.click()
    olga.page.locator("#reason").fill("".join(PAYLOADS[:15]))
    olga.page.locator("form[action$='/reject'] button").last.click()
    olga.page.wait_for_url(re.compile("/desk/applications$"))
    letters = portal.folder / "mail"
    for _try in range(100):
        if any(letters.glob("*.eml")):
            break
        olga.page.wait_for_timeout(100)
    kept = sorted(letters.glob("*.eml"))
    assert kept
    for letter in kept:
        assert letter.stat().st_mode & 0o077 == 0
        html = message_from_bytes(letter.read_bytes(), policy=policy.default).get_body(("html",))
        assert html is not None
        assert "<xss-canary" not in html.get_content().lower()
        olga.look(f"/dev/mail/{letter.name}")
    olga.look("/dev/mail")
    assert not olga.found


# --- Forms of another origin ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def evil() -> Iterator[str]:
    """Another port of the same host: the worst neighbour, since cookies do not know ports."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>evil</title>")

        def log_message(self, *_words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()


UNSAFE = [route for route in ROUTES if route.method not in ("GET",) and route.policy.kind != "api_key"]
LETS_IN = {"nobody": ("public",), "boris": ("signed_in", "applicant", "partner"), "olga": ("staff",)}
"""Kinds of policies by who is let in: what refuses him must be the wall against foreign forms, not his role."""
SUBMIT = """action => {
  const form = document.createElement('form');
  form.method = 'post'; form.action = action;
  for (const [name, value] of [['email', 'a@example.com'], ['csrf_token', 'x'], ['next', '/']]) {
    const field = document.createElement('input');
    field.name = name; field.value = value; form.append(field);
  }
  document.body.append(form); form.submit();
}"""


def filled(route: Route) -> str:
    return re.sub(r"\{\w+:(\w+)\}", lambda place: "1" if place[1] == "int" else "x", route.path)


@pytest.mark.parametrize("who", ["nobody", "boris", "olga"])
def test_no_form_of_another_origin_is_taken(
    who: str, browser: Browser, portal: Portal, evil: str, request: pytest.FixtureRequest
) -> None:
    """Every unsafe route, forms before a sign-in included, for somebody whom it lets in."""
    victim = Victim(browser, portal)
    victim.page.goto("/sign-in")
    if who != "nobody":
        signed_in: Victim = request.getfixturevalue(who)
        victim.context.add_cookies(signed_in.context.cookies())  # type: ignore[arg-type]
    paths = [
        filled(route) for route in UNSAFE if route.policy.form_token and route.policy.kind in LETS_IN[who]
    ]
    assert len(paths) >= 5
    if who == "olga":
        paths += ["/admin/api/tables/materials/", "/admin/api/media/", "/admin/public/logout/"]
    taken = []
    for path in paths:
        victim.page.goto(evil)
        with victim.page.expect_navigation() as navigation:
            victim.page.evaluate(SUBMIT, portal.address + path)
        if navigation.value.status != 403:
            taken.append(f"{path}: {navigation.value.status} {victim.page.url}")
    assert not taken
    victim.page.goto(f"{portal.address}/sign-in")
    assert victim.page.url.endswith("/sign-in") is (who == "nobody")


def test_token_of_another_session_is_worth_nothing(boris: Victim, browser: Browser, portal: Portal) -> None:
    """Neither a stranger's token nor that of the same browser before it signed in."""
    stranger = Victim(browser, portal)
    stranger.page.goto("/sign-in")
    token = stranger.page.locator("input[name=csrf_token]").first.input_value()
    answer = boris.context.request.post("/links", form={"csrf_token": token, "target": portal.address})
    assert answer.status == 403


# --- Addresses ------------------------------------------------------------------------------------------------------


def hostile_addresses(own: str) -> list[str]:
    """Some hundred ways to write another site so that a careless reader takes it for ours."""
    evil, found = "evil.example", []
    starts = ("//", "/\\", "\\\\", "/\t/", "/\n/", "\t//", " //", "///", "////", "/%09/", "/%2f", "/.//", "/..//", "/;//", "http:", "https:",
              "http:/", "https:///", "http:\\\\", "HtTp://", "javascript:", "data:text/html,", "blob:", "ftp://", "ws://",
              "\x00//", "\x01//", "\u00a0//", "\u2028//", "／／", "/／", "%2f%2f", "%5c%5c")  # fmt: skip
    ends = (evil, f"{own}@{evil}", f"{own}:80@{evil}", f"{own}%40{evil}", f"{own}.{evil}", f"{evil}#{own}", f"{evil}?{own}",
            f"{evil}\\@{own}", f"{evil}%00.{own}", f"{evil}:80#@{own}", f"{own}。{evil}", f"{evil}/{own}", f"[{own}].{evil}",
            f"{evil}\\.{own}", f"{evil}%23@{own}", f"{own}\t.{evil}", f"{own}%2e{evil}")  # fmt: skip
    for start in starts:
        found += [start + end for end in ends]
    return found


def test_no_address_leads_to_another_origin(browser: Browser, portal: Portal) -> None:
    """What our parsers let through is read by the browser's own: it must stay at home."""
    own = urlsplit(portal.address).netloc
    tried = hostile_addresses(own)
    page = browser.new_context().new_page()
    page.goto(f"{portal.address}/sign-in")
    origins = page.evaluate(
        "paths => paths.map(path => new URL(path, location.href).origin)", [own_path(text) for text in tried]
    )
    assert len(tried) > 500
    assert set(origins) == {portal.address}
    kept = [address for text in tried if (address := within(text, {own})) is not None]
    hosts = page.evaluate("urls => urls.map(url => new URL(url).host)", [str(address) for address in kept])
    assert set(hosts) <= {own}
    read = [address for text in tried if (address := parse(text)) is not None]
    seen = page.evaluate("urls => urls.map(url => new URL(url).host)", [str(address) for address in read])
    assert seen == [address.host for address in read]


def test_sign_in_and_links_lead_nowhere_else(browser: Browser, portal: Portal) -> None:
    own = urlsplit(portal.address).netloc
    request = browser.new_context(base_url=portal.address).request
    for text in hostile_addresses(own)[::9]:
        if "\x00" in text:
            continue
        location = request.get(f"/r/boris?to={quote(text, safe='')}", max_redirects=0).headers["location"]
        assert urlsplit(location).netloc == own, text
        page = request.get(f"/sign-in?next={quote(text, safe='')}").text()
        after = re.search(r'name="next" value="([^"]*)"', page)
        assert after is not None
        assert after[1].startswith("/"), text
        assert not after[1].startswith(("//", "/\\")), text


def raw(portal: Portal, *lines: bytes) -> bytes:
    """The answer to a request written by hand."""
    with socket.create_connection(
        ("127.0.0.1", urlsplit(portal.address).port or 80), timeout=5
    ) as connection:
        connection.sendall(b"\r\n".join([*lines, b"Connection: close", b"", b""]))
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


@pytest.mark.parametrize(
    "code", [b"%0d%0a", b"%0a", b"%0d", b"%E5%98%8A%E5%98%8D", b"%00%0d%0a", b"%u000d%u000a"]
)
def test_no_break_of_a_line_gets_into_a_header(portal: Portal, code: bytes) -> None:
    injected = b"x" + code + b"X-Injected:%20yes" + code + code + b"<xss-canary>"
    host = b"Host: " + urlsplit(portal.address).netloc.encode()
    for path in (
        b"/r/boris?sub1=" + injected, b"/r/boris?to=" + injected, b"/r/" + injected, b"/sign-in?next=/" + injected,
        b"/" + injected, b"/overview?" + injected, b"/static/" + injected, b"/media/" + injected, b"/p/" + injected,
    ):  # fmt: skip
        head = raw(portal, b"GET " + path + b" HTTP/1.1", host).partition(b"\r\n\r\n")[0]
        assert head.startswith(b"HTTP/1.1 "), path
        assert int(head[9:12]) < 500, path
        assert b"\nX-Injected" not in head.replace(b"\r", b"\n"), path


@pytest.mark.parametrize("line", [b"X-Request-Id: a\x0bX-Injected: yes", b"Cookie: flash=%0d%0aX-Injected; lang=<xss-canary>",
                                  b"Accept-Language: <xss-canary>;q=x", b"X-Forwarded-For: <xss-canary>",
                                  b"X-Forwarded-Host: evil.example", b"HX-Request: true\x00", b"Range: bytes=0-,0-,0-"])  # fmt: skip
def test_no_header_of_a_request_comes_back(portal: Portal, line: bytes) -> None:
    host = b"Host: " + urlsplit(portal.address).netloc.encode()
    answer = raw(portal, b"GET /sign-in HTTP/1.1", host, line)
    assert answer.startswith((b"HTTP/1.1 2", b"HTTP/1.1 4")), answer[:100]
    for word in (b"X-Injected", b"<xss-canary", b"evil.example"):
        assert word not in answer


@pytest.mark.parametrize("host", [b"evil.example", b"evil.example:80", b"", b"127.0.0.1.evil.example", b"127.0.0.1@evil.example", b"[::1]"])  # fmt: skip
def test_other_hosts_get_no_page_and_no_letter(portal: Portal, host: bytes) -> None:
    for start in (
        b"GET /sign-in HTTP/1.1",
        b"POST /forgot HTTP/1.1",
        b"GET http://evil.example/sign-in HTTP/1.1",
    ):
        answer = raw(portal, start, b"Host: " + host, b"X-Forwarded-Host: evil.example")
        assert answer.startswith(b"HTTP/1.1 4"), answer[:200]
        assert b"evil.example" not in answer
