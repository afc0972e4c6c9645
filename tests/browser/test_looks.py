"""Every page, filled and empty, in both themes, languages and widths: accessible, within the policy, not too wide."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.find_browser import ARGUMENTS, NONE, find_browser
from tests.browser.preview import Preview
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
LOOKS = [(1280, "light", "ru"), (360, "dark", "en")]


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


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: "-".join(map(str, look)))
@pytest.mark.parametrize("name", WHOLE_PAGES)
def test_page_is_accessible_and_keeps_the_policy(
    browser: Browser, address: str, name: str, look: tuple[int, str, str]
) -> None:
    width, theme, lang = look
    page = browser.new_page(viewport={"width": width, "height": 800})
    complaints = listen(page)
    page.goto(f"{address}/{name}?theme={theme}&lang={lang}")
    page.wait_for_load_state("networkidle")
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
