"""Somebody who walks through the portal in a browser of his own, and looks at every page twice.

`look("overview")` keeps two pictures of the page (wide and light, narrow and dark) and asks axe about both. What axe
finds, what does not fit the screen, and what the browser complains of (breaches of the policy, missing files, errors
of scripts) is gathered in `Findings`; the story's last test reads it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, Page

RULES = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }
}
Look = tuple[int, str]
DAY_AND_NIGHT: Sequence[Look] = ((1280, "light"), (360, "dark"))
THE_OTHER_WAY: Sequence[Look] = ((1280, "dark"), (360, "light"))
# A browser without a window calls itself HeadlessChrome, which the portal takes for a robot.
AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)


@dataclass(slots=True)
class Findings:
    """What was wrong, and where the pictures are."""

    folder: Path
    numbers: "count[int]" = field(default_factory=lambda: count(1))
    axe: list[str] = field(default_factory=list)
    too_wide: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    csp_reports: list[str] = field(default_factory=list)
    looked_at: list[str] = field(default_factory=list)


class Walker:
    """One person's browser: a context with one page."""

    def __init__(self, browser: Browser, findings: Findings, address: str, lang: str) -> None:
        self.lang = lang
        self.address = address
        self.findings = findings
        self.context: BrowserContext = browser.new_context(
            viewport={"width": 1280, "height": 800},
            locale="ru-RU" if lang == "ru" else "en-GB",
            user_agent=AGENT,
            permissions=["clipboard-read", "clipboard-write"],
            base_url=address,
        )
        self.context.set_default_timeout(10_000)
        self.page: Page = self.context.new_page()
        self.expected: set[int] = set()
        """Statuses that the next pages may answer with, which the browser would complain of."""
        self._listen()

    def _listen(self) -> None:
        def complain(text: str) -> None:
            if not any(f"status of {status}" in text for status in self.expected):
                self.findings.complaints.append(f"{self.page.url}: {text}")

        self.page.on(
            "console", lambda said: complain(said.text) if said.type in ("error", "warning") else None
        )
        self.page.on("pageerror", lambda error: complain(str(error)))
        self.page.on(
            "request",
            lambda sent: (
                self.findings.csp_reports.append(f"{self.page.url}: {sent.post_data}")
                if sent.url.endswith("/csp-reports")
                else None
            ),
        )

    def go(self, path: str) -> Page:
        """Open a page of the portal."""
        self.page.goto(path)
        return self.page

    def text(self, selector: str = "main") -> str:
        """What is read there; spaces of any kind are one space."""
        return " ".join(self.page.locator(selector).first.inner_text().split())

    def look(self, name: str, looks: Sequence[Look] = DAY_AND_NIGHT, *, axe: bool = True) -> None:
        """Keep pictures of the page as it is now, and ask axe about each."""
        page, number = self.page, next(self.findings.numbers)
        page.wait_for_load_state()
        chart = page.locator("[data-chart]").count() > 0
        for width, theme in looks:
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
            if chart:
                # A chart keeps the number of its labels when a window shrinks; telephones do not shrink.
                page.reload()
                page.locator(".apexcharts-series").first.wait_for(state="attached")
            where = f"{number:02}-{name}-{width}-{theme}-{self.lang}"
            page.screenshot(path=self.findings.folder / f"{where}.png", full_page=True)
            self.findings.looked_at.append(where)
            if axe:
                self._ask_axe(where)
            over = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            if over > 0:
                self.findings.too_wide.append(f"{where}: {over} px")
        page.set_viewport_size({"width": 1280, "height": 800})
        page.emulate_media(color_scheme="light")

    def _ask_axe(self, where: str) -> None:
        # `Axe.run` hands its half a megabyte over each time; once per page is enough.
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE_SCRIPT)
        asked = self.page.evaluate(
            "rules => axe.run(document, {...rules, resultTypes: ['violations']})", RULES
        )
        for found in asked["violations"]:
            nodes = [node["html"][:200] for node in found["nodes"]]
            self.findings.axe.append(f"{where}: {found['id']}: {nodes}")

    def until(self, script: str) -> None:
        """Wait for a script to be true. Playwright's own waiting evaluates text, which the portal's policy forbids."""
        for _try in range(100):
            if self.page.evaluate(script):
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"{script} did not become true on {self.page.url}")

    def copied(self) -> str:
        """What the last copy button put into the clipboard."""
        text: str = self.page.evaluate("navigator.clipboard.readText()")
        return text

    def speak(self, lang: str) -> None:
        """Choose a language in the menu, as people do."""
        self.page.locator("header details.menu summary").click()
        self.page.locator(f"header button[name=lang][value={lang}]").click()
        self.page.wait_for_load_state()
        self.lang = lang
