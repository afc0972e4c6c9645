"""What the chapters of test_road.py share: everybody's browser, their letters, and the passing of days."""

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import asyncpg
from playwright.sync_api import Browser

from tests.browser.portal import ROOT, Portal
from tests.browser.walker import Findings, Walker


@dataclass(slots=True)
class Story:
    """Everybody's browser, and what one chapter leaves to the next."""

    portal: Portal
    owner_url: str
    browser: Browser
    findings: Findings
    walkers: dict[str, Walker] = field(default_factory=dict)
    orders: dict[str, str] = field(default_factory=dict)
    """Numbers of the shop's orders by their buyer."""
    link: str = ""
    """Vera's main link, as she copied it."""
    deep_link: str = ""
    broken: str = ""
    """The chapter that failed."""

    def who(self, name: str, lang: str = "en") -> Walker:
        """The browser of somebody; opened when he is met first."""
        if name not in self.walkers:
            self.walkers[name] = Walker(self.browser, self.findings, self.portal.address, lang)
        return self.walkers[name]

    def let_days_pass(self, days: int) -> None:
        """New payment details wait 72 hours: make those of everybody so many days older."""
        with ThreadPoolExecutor(1) as beside:  # this thread's event loop is the browser's
            beside.submit(asyncio.run, self._age_details(days)).result()

    async def _age_details(self, days: int) -> None:
        owner = await asyncpg.connect(self.owner_url)
        await owner.execute(
            "UPDATE partner_payout_details SET created_at = created_at - make_interval(days => $1)", days
        )
        await owner.close()

    def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """`tandem …` on the story's database."""
        return subprocess.run(
            [sys.executable, "-m", "app.cli", *words],
            cwd=ROOT,
            env=self.portal.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def show_where_it_broke(self) -> None:
        """A picture of everybody's page."""
        for name, walker in self.walkers.items():
            walker.page.screenshot(path=self.findings.folder / f"broken-{name}.png", full_page=True)

    def letter(self, reader: Walker, subject: str) -> None:
        """Open the newest letter with this in its subject, which the worker sends in its time."""
        for _try in range(60):
            reader.go("/dev/mail")
            found = reader.page.locator("a.table__main", has_text=subject)
            if found.count():
                found.first.click()
                return
            reader.page.wait_for_timeout(250)
        raise AssertionError(f"no letter about {subject!r}: {reader.text()}")
