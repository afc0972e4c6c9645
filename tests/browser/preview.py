"""All pages with sample values, without database or sign-in: for looking at them and for the tests of their looks.

    python -m tests.browser.preview                 serves them; open the printed address
    python -m tests.browser.preview shots DIR [name …]   screenshots in two sizes, themes and languages

?lang=en, ?theme=dark and ?block=rows change what is shown. Pages come with the portal's own security policy.
"""

import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from litestar import Request

from app.edge import page_csp
from app.ui.i18n import use_locale
from app.ui.render import STATIC, render
from tests.browser.find_browser import ARGUMENTS, find_browser
from tests.browser.sample_pages import all_pages

TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
NONCE = "preview-nonce"


def html_of(name: str, *, lang: str = "ru", theme: str = "light", block: str | None = None) -> str:
    """The page `name` as `render` makes it, or one block of it as htmx gets it."""
    headers = [(b"hx-request", b"true")] if block else []
    state = {"locale": lang, "zone": "Europe/Moscow", "theme": theme, "nonce": NONCE, "csrf_token": "token"}
    scope = {
        "type": "http",
        "method": "GET",
        "path": f"/{name}",
        "query_string": b"",
        "headers": headers,
        "state": state,
    }
    with use_locale(lang, "Europe/Moscow"):
        template, values = all_pages()[name]
    return render(Request(scope), template, block=block, **values).content  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        name = parts.path.strip("/") or "landing"
        if parts.path.startswith("/static/"):
            file = STATIC / parts.path.removeprefix("/static/")
            self._answer(200, TYPES.get(file.suffix, "application/json"), file.read_bytes())
        elif name in all_pages():
            shown = html_of(
                name,
                lang=query.get("lang", "ru"),
                theme=query.get("theme", "light"),
                block=query.get("block") or ("rows" if self.headers.get("HX-Request") else None),
            )
            self._answer(200, "text/html; charset=utf-8", shown.encode())
        elif name.endswith("qr.svg"):
            self._answer(200, "image/svg+xml", (STATIC / "img/logo.svg").read_bytes())
        elif self.headers.get("HX-Request"):
            self._answer(204, "text/plain", b"")  # A page asks how far its work has got: no further.
        else:
            self._answer(404, "text/plain", b"no such sample")

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", page_csp(NONCE))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_parts: object) -> None:
        """Nobody reads it."""


class Preview:
    """The pages on a free port of this machine, for the length of a `with`."""

    def __enter__(self) -> str:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def take_shots(into: Path, names: list[str]) -> None:
    from playwright.sync_api import sync_playwright

    into.mkdir(parents=True, exist_ok=True)
    with Preview() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=ARGUMENTS)
        for width, theme, lang in ((1280, "light", "ru"), (360, "dark", "en")):
            page = browser.new_page(viewport={"width": width, "height": 800})
            for name in names or list(all_pages()):
                page.goto(f"{address}/{name}?lang={lang}&theme={theme}")
                page.wait_for_load_state("networkidle")
                page.screenshot(path=into / f"{name}-{width}-{theme}-{lang}.png", full_page=True)
        browser.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["shots"]:
        take_shots(Path(sys.argv[2]), sys.argv[3:])
    else:
        with Preview() as where:
            print(*(f"{where}/{name}" for name in all_pages()), sep="\n")
            while True:
                time.sleep(60)
