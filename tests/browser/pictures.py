"""The pictures of the guides, taken from a running demo: `python -m tests.browser.pictures SIGN_IN_LINK [DIR]`.

`make run` prints the partner's link. Pictures have 256 colours, so that they stay small in the repository.
"""

import io
import sys
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.browser.find_browser import ARGUMENTS, find_browser
from tests.browser.portal import ROOT

HEIGHTS = {"overview": 1180, "commission": 860, "statement": 860}


def main() -> None:
    link, folder = sys.argv[1], Path(sys.argv[2] if len(sys.argv) > 2 else ROOT / "docs" / "img")
    folder.mkdir(parents=True, exist_ok=True)
    parts = urlsplit(link)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=ARGUMENTS)
        page = browser.new_page(
            viewport={"width": 1280, "height": 800}, base_url=f"{parts.scheme}://{parts.netloc}"
        )
        page.goto(link)
        page.locator("main form button").click()
        page.wait_for_url("**/overview")
        page.locator("header details.menu summary").click()
        page.locator("header button[name=lang][value=en]").click()
        page.goto("/overview?period=90")
        page.locator(".apexcharts-series").first.wait_for(state="attached")
        keep(page, folder, "overview")
        page.goto("/earnings?state=available")
        page.locator("tbody a.table__main").first.click()
        page.wait_for_load_state()
        keep(page, folder, "commission")
        page.goto("/statement")
        keep(page, folder, "statement")
        browser.close()


def keep(page: Page, folder: Path, name: str) -> None:
    """The top of the page as <name>.png."""
    page.set_viewport_size({"width": 1280, "height": HEIGHTS[name]})
    page.wait_for_timeout(300)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(256).save(folder / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
