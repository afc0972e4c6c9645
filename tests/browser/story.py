"""What the chapters of test_road.py share: everybody's browser, letters, and things typed or drawn more than once."""

import asyncio
import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import asyncpg
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, expect

from tests.browser.portal import ROOT, Portal
from tests.browser.walker import Findings, Walker
from tests.integration.partners.answers import ANSWERS


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


def answer_questions(vera: Walker, *, tax_number: str, consent: bool) -> None:
    """Fill in the questionnaire of tests/integration/partners/answers.py by hand."""
    page = vera.page
    texts = {
        "name": "Вера Орлова",
        "email": "vera@example.com",
        "phone": "8 900 123-45-67",
        "password": str(ANSWERS["password"]),
        "tax_number": tax_number,
        "channel_urls": str(ANSWERS["channel_urls"]),
        "comment": "Две тысячи читателей, пишу о технике.",
        "holder": "Вера Орлова",
        "account": str(ANSWERS["account"]),
    }
    page.locator("input[name=kind][value=person]").check()
    page.locator("#method").select_option("bank_account")
    for name, text in texts.items():
        page.locator(f"#{name}").fill(text)
    page.locator("#bik").fill(str(ANSWERS["bik"]))
    page.locator("#sector").select_option("blog")
    for channel in ("site", "telegram"):
        page.locator(f"input[name=channels][value={channel}]").check()
    page.locator("#privacy_accepted").set_checked(True)
    page.locator("#terms_accepted").set_checked(consent)


def buy(buyer: Walker, *, sku: str, quantity: int, code: str = "") -> str:
    """Buy in the demo shop by its checkout; the number of the order."""
    page = buyer.page
    page.locator(f"a[href='/demo-shop/goods/{sku}']").click()
    page.locator("#email").fill("buyer@mail.example")
    page.locator("#quantity").fill(str(quantity))
    page.locator("#promo_code").fill(code)
    page.get_by_role("button", name="Pay").click()
    expect(page.locator("#what")).to_be_visible()
    return page.url.rpartition("/")[2]


def banner() -> bytes:
    """A picture that a marketer might upload, 300 × 250."""
    picture = Image.new("RGB", (300, 250), (12, 74, 110))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((170, 60, 330, 220), fill=(245, 158, 11))
    draw.text((24, 110), "Wave & Noon", fill="white", font_size=28)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
