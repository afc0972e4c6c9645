"""The snippet in a real browser, on a shop's pages at another address than the portal's."""

import asyncio
import gzip
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.find_browser import ARGUMENTS, NONE, find_browser
from tests.browser.portal import ROOT, Portal
from tests.conftest import TestEngines, recreate

REDIS_DATABASE = 8
"""Of the tests' Valkey: other tests use the first and the seventh."""


@pytest.fixture(scope="module")
def database(engines: TestEngines, template: str) -> TestEngines:
    asyncio.run(recreate(engines, "tandem_tracker", template))
    return engines.database("tandem_tracker")


@dataclass(frozen=True, slots=True)
class Shop:
    """The portal, and a shop at localhost with the snippet on each of its pages."""

    portal: Portal
    address: str
    owner_url: str

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the database; asked from another thread, since the browser has this one's event loop."""

        async def asked() -> list[tuple[Any, ...]]:
            connection = await asyncpg.connect(self.owner_url)
            try:
                return [tuple(row) for row in await connection.fetch(sql)]
            finally:
                await connection.close()

        with ThreadPoolExecutor(1) as pool:
            return pool.submit(asyncio.run, asked()).result()

    def link(self, path: str) -> str:
        """Boris' link to a page of the shop."""
        return f"{self.portal.address}/r/boris?to={quote(self.address + path, safe='')}"


@pytest.fixture(scope="module")
def shop(database: TestEngines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("portal")
    redis_url = f"{database.redis_url}?db={REDIS_DATABASE}"
    with Portal(folder, database_url=database.app_url, redis_url=redis_url) as portal:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _pages(portal.address))
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        made = Shop(portal, f"http://localhost:{server.server_port}", database.owner_url)
        made.ask(f"UPDATE programs SET hosts = hosts || '{{localhost:{server.server_port}}}'::varchar[]")
        yield made
        server.shutdown()
        thread.join()


def _pages(portal: str) -> type[BaseHTTPRequestHandler]:
    """Every path is a checkout; /asks waits for consent; /stuffs hides a link in a frame and an image."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            consent = ' data-consent="required"' if self.path.startswith("/asks") else ""
            hidden = ""
            if self.path.startswith("/stuffs"):
                hidden = f'<iframe src="{portal}/r/boris" hidden></iframe><img src="{portal}/r/boris" alt="">'
            body = (
                f'<!doctype html><title>Shop</title><script defer src="{portal}/static/tracker.js" '
                f'data-program="demo"{consent}></script><form><input type="hidden" name="visitor_id">'
                f'<input type="hidden" name="click_id"><input type="hidden" name="tandem_partner"></form>{hidden}'
            ).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            pass

    return Pages


@pytest.fixture(scope="module")
def browser(shop: Shop) -> Iterator[Browser]:
    found = find_browser()
    if found is None:
        pytest.skip(f"no browser here, or TANDEM_BROWSER={NONE}")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser, shop: Shop) -> Iterator[Page]:
    """A new person's page; the table of clicks is empty."""
    shop.ask("TRUNCATE clicks")
    # Headless Chromium names itself so, and the portal rightly takes it for a bot.
    agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
    context = browser.new_context(user_agent=agent)
    yield context.new_page()
    context.close()


def known(page: Page) -> dict[str, str]:
    """What the snippet knows once it has been answered."""
    found: dict[str, str] = page.evaluate("new Promise(done => tandem.ready(done))")
    return found


def fields(page: Page) -> list[str]:
    return [
        str(value)
        for value in page.evaluate("[...document.querySelectorAll('input')].map(field => field.value)")
    ]


@pytest.mark.browser
def test_landing_with_the_parameter_is_a_click_and_fills_the_checkout(page: Page, shop: Shop) -> None:
    page.goto(f"{shop.address}/?ref=BORIS&sub1=video")
    found = known(page)
    assert found["partner"] == "boris"
    assert fields(page) == [found["visitor"], found["click"], "boris"]
    assert shop.ask("SELECT public_id::text, visitor_id, counted, sub->>'sub1' FROM clicks") == [
        (found["click"], found["visitor"], True, "video")
    ]
    page.goto(f"{shop.address}/checkout")
    assert known(page) == found
    page.goto(f"{shop.address}/?ref=boris")
    assert known(page)["visitor"] == found["visitor"]
    assert shop.ask("SELECT reason FROM clicks ORDER BY id") == [("",), ("repeat",)]


@pytest.mark.browser
def test_visitor_through_a_link_is_counted_once(page: Page, shop: Shop) -> None:
    page.goto(shop.link("/case?color=red"))
    assert page.url.startswith(f"{shop.address}/case?color=red&ref=boris&pclid=")
    found = known(page)
    assert shop.ask("SELECT public_id::text, visitor_id, counted FROM clicks") == [
        (found["click"], found["visitor"], True)
    ]


@pytest.mark.browser
def test_without_a_partner_nothing_is_kept_or_sent(page: Page, shop: Shop) -> None:
    page.goto(f"{shop.address}/")
    assert known(page) == {"visitor": "", "click": "", "partner": ""}
    assert page.context.cookies(shop.address) == []
    assert shop.ask("SELECT 1 FROM clicks") == []


@pytest.mark.browser
def test_before_consent_nothing_is_kept_or_sent(page: Page, shop: Shop) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    page.goto(f"{shop.address}/asks?ref=boris")
    assert known(page)["partner"] == ""
    assert page.context.cookies(shop.address) == []
    assert not any("/t/demo" in url for url in sent)
    with page.expect_response("**/t/demo"):
        page.evaluate("tandem.consent(true)")
    page.wait_for_function("tandem.partner() === 'boris'")
    page.goto(f"{shop.address}/asks")
    assert known(page)["partner"] == "boris"
    page.evaluate("tandem.consent(false)")
    assert page.context.cookies(shop.address) == []


@pytest.mark.browser
def test_hidden_frame_and_image_earn_no_cookie_and_do_not_count(page: Page, shop: Shop) -> None:
    page.goto(f"{shop.address}/stuffs", wait_until="networkidle")
    assert shop.ask("SELECT DISTINCT reason FROM clicks") == [("prefetch",)]
    assert [cookie["name"] for cookie in page.context.cookies(shop.portal.address)] == []


@pytest.mark.browser
def test_unknown_partner_and_foreign_shop_leave_no_trace(page: Page, shop: Shop) -> None:
    page.goto(f"{shop.address}/?ref=nobody")
    assert known(page)["partner"] == ""
    page.goto(f"{shop.address.replace('localhost', '127.0.0.1')}/?ref=boris")
    assert known(page)["partner"] == ""
    assert shop.ask("SELECT 1 FROM clicks") == []


def test_snippet_weighs_at_most_three_kilobytes() -> None:
    assert len(gzip.compress((ROOT / "static" / "tracker.js").read_bytes())) <= 3 * 1024
