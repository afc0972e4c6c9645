"""Every page, filled and empty, in both themes, languages and widths: accessible, within the policy, not too wide."""

import gzip
import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.find_browser import ARGUMENTS, NONE, find_browser
from tests.browser.preview import STATIC, Preview, html_of
from tests.browser.sample_pages import all_pages
from tests.browser.samples import EVIL

pytestmark = pytest.mark.browser

RULES = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }
}
WHOLE_PAGES = [name for name in all_pages() if name != "error-fragment"]
WIDE, NARROW = (1280, "light", "ru"), (360, "dark", "en")
ON_THE_ROAD = (
    "landing", "apply", "overview", "links", "earnings", "explanation", "payouts", "statement", "materials", "desk",
    "desk-application", "desk-payouts",
)  # fmt: skip
# The pages of the main road in both looks, the others in one or the other by turns.
SHOWN = [
    (name, look)
    for place, name in enumerate(WHOLE_PAGES)
    for look in ((WIDE, NARROW) if name in ON_THE_ROAD else ((WIDE, NARROW)[place % 2],))
]
BUDGET_BYTES = 110_000


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with Preview() as started:
        yield started


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = find_browser()
    if found is None:
        pytest.skip(f"no browser here, or TANDEM_BROWSER={NONE}")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield started
        started.close()


@pytest.mark.parametrize(("name", "look"), SHOWN, ids=[f"{name}-{look[0]}" for name, look in SHOWN])
def test_page_is_accessible_and_keeps_the_policy(
    browser: Browser, address: str, name: str, look: tuple[int, str, str]
) -> None:
    width, theme, lang = look
    page = browser.new_page(viewport={"width": width, "height": 800})
    complaints = listen(page)
    page.goto(f"{address}/{name}?theme={theme}&lang={lang}")
    if page.locator("[data-chart]").count():
        page.wait_for_selector(".apexcharts-series")
    findings = Axe().run(page, options=RULES).response["violations"]
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    page.close()

    assert [(found["id"], [node["html"][:160] for node in found["nodes"]]) for found in findings] == []
    assert complaints == []
    assert too_wide <= 0


def listen(page: Page) -> list[str]:
    """What the browser has to say: breaches of the policy, missing files, errors of scripts."""
    complaints: list[str] = []
    page.on(
        "console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return complaints


def test_a_name_with_markup_stays_text_in_a_chart(browser: Browser, address: str) -> None:
    page = browser.new_page()
    complaints = listen(page)
    page.goto(f"{address}/overview-evil?lang=en")
    page.wait_for_selector(".apexcharts-series")
    page.hover(".apexcharts-canvas")
    tip = page.locator(".tip").inner_text()
    images = page.locator("img[src=x]").count()
    page.close()

    assert EVIL in tip
    assert images == 0
    assert complaints == []


def test_a_change_of_theme_draws_the_chart_anew(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/overview?lang=en")
    page.wait_for_selector(".apexcharts-series")
    page.click("header details.menu summary")
    page.click("[data-theme-set=dark]")
    page.wait_for_selector("path[stroke='#56b4e9']", state="attached")
    charts = page.locator("svg.apexcharts-svg").count()
    theme = page.evaluate("document.documentElement.dataset.theme")
    page.close()

    assert (theme, charts) == ("dark", 1)


def test_copying_says_so(browser: Browser, address: str) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{address}/overview?lang=en")
    page.click("button[data-copy-from=main-link]")
    page.wait_for_selector("#toasts .toast")
    toast = page.locator("#toasts .toast").inner_text()
    copied = page.evaluate("navigator.clipboard.readText()")
    context.close()

    assert (toast, copied) == ("Copied", "https://portal.example/r/alice")


def test_the_form_of_a_new_link_opens_as_a_dialog_and_closes(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/links?lang=en")
    page.click("a[data-dialog-open=new-link] >> nth=0")
    opened = page.evaluate("document.querySelector('#new-link').matches(':modal')")
    focused = page.evaluate("document.activeElement.name")
    page.keyboard.press("Escape")
    closed = page.evaluate("!document.querySelector('#new-link').open")
    page.close()

    assert (opened, focused, closed) == (True, "target", True)


def test_the_first_tab_stop_leads_to_the_content(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/overview?lang=en")
    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    focused = page.evaluate("document.activeElement.id")
    page.close()

    assert (first, focused) == ("Skip to the content", "main")


def test_more_rows_take_the_place_of_the_button(browser: Browser, address: str) -> None:
    page = browser.new_page()
    complaints = listen(page)
    page.goto(f"{address}/earnings?lang=en")
    before = page.locator("tbody tr:not(.more)").count()
    page.click("tr.more a")
    page.wait_for_function(
        "before => document.querySelectorAll('tbody tr:not(.more)').length > before", arg=before
    )
    after = page.locator("tbody tr:not(.more)").count()
    buttons = page.locator("tr.more").count()
    page.close()

    assert (after, buttons) == (2 * before, 1)
    assert complaints == []


def test_a_first_visit_without_charts_stays_small() -> None:
    page = html_of("landing")
    files = {found.split("?")[0] for found in re.findall(r"/static/([^\"#]+)", page)}
    weight = sum(len(gzip.compress((STATIC / file).read_bytes())) for file in files) + len(
        gzip.compress(page.encode())
    )

    assert any(file.endswith(".css") for file in files)
    assert weight <= BUDGET_BYTES
