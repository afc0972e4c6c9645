"""The whole road once, as people walk it: from an application to a paid payout, and a debt after it.

Vera applies, Olga approves her, buyers come by Vera's link, by her partner parameter and with her promo code, buy in
the demo shop, which talks to the portal by its API; Fedor pays, Max puts up a banner for Gold. One story in order:
each test is a chapter and stands on the ones before.

    TANDEM_SCREENSHOTS=shots pytest tests/browser/test_road.py      keeps the pictures there

The money, by hand. Starter 7 %, Silver 9 % from 5,000, Gold 12 % from 9,000, at once; no tiers, no hold.
    order 1   4 cases at 1,490.00 = 5,960.00 · 7 % = 417.20; one comes back: 4,470.00 · 7 % = 312.90
    order 2   earbuds 7,990.00 · 9 % = 719.10 (Silver by order 1)
    order 3   lamp 5,290.00 − 5 % = 5,025.50 · 12 % = 603.06 (Gold by order 2)
    paid out  312.90 + 719.10 + 603.06 = 1,635.06; then order 2 comes back: 719.10 of debt
"""

import asyncio
import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.find_browser import ARGUMENTS, NONE, find_browser
from tests.browser.portal import Portal
from tests.browser.walker import THE_OTHER_WAY, Findings, Walker
from tests.conftest import TestEngines, recreate
from tests.integration.partners.answers import ANSWERS

pytestmark = pytest.mark.browser

REDIS_DATABASE = 7
"""Of the tests' Valkey: other tests use the first."""
PASSWORD = str(ANSWERS["password"])


@dataclass(slots=True)
class Story:
    """Everybody's browser, and what one chapter leaves to the next."""

    portal: Portal
    browser: Browser
    findings: Findings
    walkers: dict[str, Walker] = field(default_factory=dict)
    orders: dict[str, str] = field(default_factory=dict)
    """Numbers of the shop's orders by their buyer."""
    broken: str = ""
    """The chapter that failed."""

    def who(self, name: str, lang: str = "en") -> Walker:
        """The browser of somebody; opened when he is met first."""
        if name not in self.walkers:
            self.walkers[name] = Walker(self.browser, self.findings, self.portal.address, lang)
        return self.walkers[name]

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


@pytest.fixture(scope="module")
def database(engines: TestEngines, template: str) -> TestEngines:
    """A database of the story's own. Made before the browser starts, which occupies this thread's event loop."""
    asyncio.run(recreate(engines, "tandem_road", template))
    return engines.database("tandem_road")


@pytest.fixture(scope="module")
def browser(database: TestEngines) -> Iterator[Browser]:
    found = find_browser()
    if found is None:
        pytest.skip(f"no browser here, or TANDEM_BROWSER={NONE}")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def story(
    database: TestEngines, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    wished = os.environ.get("TANDEM_SCREENSHOTS")
    shots = Path(wished) if wished else tmp_path_factory.mktemp("screenshots")
    shots.mkdir(parents=True, exist_ok=True)
    folder = tmp_path_factory.mktemp("portal")
    redis_url = f"{database.redis_url}?db={REDIS_DATABASE}"
    with Portal(folder, database_url=database.app_url, redis_url=redis_url) as portal:
        yield Story(portal, browser, Findings(shots))


@pytest.fixture(autouse=True)
def chapter(request: pytest.FixtureRequest, story: Story) -> Iterator[None]:
    """A chapter cannot be told when an earlier one failed."""
    if story.broken:
        pytest.fail(f"the story broke off in {story.broken}")
    story.broken, failed = request.node.name, request.session.testsfailed
    yield
    if request.session.testsfailed == failed:
        story.broken = ""


# --- Application ---------------------------------------------------------------------------------------------------


def test_manager_publishes_terms_in_the_form(story: Story) -> None:
    olga = story.who("olga")
    olga.go(story.portal.links["olga"])
    olga.page.get_by_role("button", name="Sign in", exact=True).click()
    expect(olga.page).to_have_url(re.compile("/desk$"))
    olga.look("desk-empty")
    olga.go("/desk/terms")
    document = olga.page.locator("#document").input_value()
    for old, new in (
        ("days = 14", "days = 0"),
        ("from = 10000000", "from = 500000"),
        ("from = 50000000", "from = 900000"),
        ('rates = ["10%"]', "rates = []"),
        ("min_minor = 100000", "min_minor = 50000"),
    ):
        assert old in document, document
        document = document.replace(old, new)
    olga.page.locator("#document").fill(document.replace('rate = "9%"', 'rate = "900%"'))
    olga.expected = {422}
    olga.page.get_by_role("button", name="Publish").click()
    expect(olga.page.locator("[role=alert]")).to_contain_text("levels[1].rate")
    olga.look("terms-refused")
    olga.expected = set()
    olga.page.locator("#document").fill(document)
    olga.page.locator("#note").fill("No hold while we try it out")
    olga.page.get_by_role("button", name="Publish").click()
    expect(olga.page.locator("table")).to_contain_text("No hold while we try it out")
    olga.look("terms-published")


def test_applicant_reads_about_the_program(story: Story) -> None:
    vera = story.who("vera", "ru")
    vera.go("/")
    vera.look("landing")
    vera.go("/p/demo/terms")
    vera.look("conditions")


def test_wrong_answers_are_named_field_by_field_and_kept(story: Story) -> None:
    vera = story.who("vera")
    page = vera.go("/apply")
    vera.look("apply")
    answer_questions(vera, tax_number="500100732258", consent=False)
    vera.expected = {422}
    page.get_by_role("button", name="Отправить заявку").click()
    expect(page.locator("#tax_number-error")).to_be_visible()
    expect(page.locator("#terms_accepted-error")).to_be_visible()
    assert page.locator("#name").input_value() == "Вера Орлова"
    vera.look("apply-refused")
    vera.expected = set()


def test_applicant_confirms_her_address(story: Story) -> None:
    vera = story.who("vera")
    answer_questions(vera, tax_number="500100732259", consent=True)
    vera.page.get_by_role("button", name="Отправить заявку").click()
    expect(vera.page.locator("main")).to_contain_text("vera@example.com")
    vera.look("look-into-mail")
    story.letter(vera, "Подтвердите")
    vera.look("letter")
    vera.page.locator("main a[href*='/confirm/']").click()
    vera.look("confirm")
    vera.page.get_by_role("button", name="Подтвердить").click()
    expect(vera.page).to_have_url(re.compile("/apply/status$"))
    vera.look("on-review")


def test_manager_approves_with_a_level(story: Story) -> None:
    olga = story.who("olga")
    story.letter(olga, "Вера Орлова")
    olga.go("/notices")
    assert "Вера Орлова" in olga.text()
    olga.look("notices-manager")
    olga.go("/desk/applications")
    olga.look("applications")
    olga.page.get_by_role("link", name="Вера Орлова").click()
    olga.look("application")
    olga.page.locator("#level").select_option("starter")
    olga.page.get_by_role("button", name="Approve", exact=True).click()
    expect(olga.page.locator("main")).to_contain_text("No application waits")
    olga.look("applications-empty")


def answer_questions(vera: Walker, *, tax_number: str, consent: bool) -> None:
    """Fill in the questionnaire of tests/integration/partners/answers.py by hand."""
    page = vera.page
    texts = {
        "name": "Вера Орлова",
        "email": "vera@example.com",
        "phone": "8 900 123-45-67",
        "password": PASSWORD,
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
