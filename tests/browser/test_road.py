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
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser import acts
from tests.browser.find_browser import ARGUMENTS, NONE, find_browser
from tests.browser.portal import Portal
from tests.browser.story import Story
from tests.browser.walker import THE_OTHER_WAY, Findings
from tests.conftest import TestEngines, recreate

pytestmark = pytest.mark.browser


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
    # Other tests use the first database of this Valkey.
    redis_url = f"{database.redis_url}?db=7"
    with Portal(folder, database_url=database.app_url, redis_url=redis_url) as portal:
        yield Story(portal, database.owner_url, browser, Findings(shots))


@pytest.fixture(autouse=True)
def chapter(request: pytest.FixtureRequest, story: Story) -> Iterator[None]:
    """A chapter cannot be told when an earlier one failed."""
    if story.broken:
        pytest.fail(f"the story broke off in {story.broken}")
    story.broken, failed = request.node.name, request.session.testsfailed
    yield
    if request.session.testsfailed == failed:
        story.broken = ""
    else:
        story.show_where_it_broke()


# --- Application ---------------------------------------------------------------------------------------------------


def test_manager_publishes_terms_in_the_form(story: Story) -> None:
    olga = story.who("olga")
    olga.go(story.portal.links["olga"])
    olga.page.get_by_role("button", name="Sign in", exact=True).click()
    expect(olga.page).to_have_url(re.compile("/desk$"))
    olga.look("desk-empty")
    acts.publish_terms(olga)
    expect(olga.page.locator("table")).to_contain_text("No hold while we try it out")
    olga.look("terms-published")


def test_applicant_reads_about_the_program(story: Story) -> None:
    vera = story.who("vera", "ru")
    vera.go("/")
    assert "до 12 % с каждого заказа" in vera.text()
    vera.look("landing")
    vera.go("/p/demo/terms")
    vera.look("conditions")


def test_wrong_answers_are_named_field_by_field_and_kept(story: Story) -> None:
    vera = story.who("vera")
    page = vera.go("/apply")
    vera.look("apply")
    acts.answer_questions(vera, tax_number="500100732258", consent=False)
    vera.expected = {422}
    page.get_by_role("button", name="Отправить заявку").click()
    expect(page.locator("#tax_number-error")).to_be_visible()
    expect(page.locator("#terms_accepted-error")).to_be_visible()
    assert page.locator("#name").input_value() == "Вера Орлова"
    vera.look("apply-refused")
    vera.expected = set()


def test_applicant_confirms_her_address(story: Story) -> None:
    vera = story.who("vera")
    acts.answer_questions(vera, tax_number="500100732259", consent=True)
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


# --- The partner's first day ---------------------------------------------------------------------------------------


def test_partner_signs_in_by_the_mailed_link(story: Story) -> None:
    vera = story.who("vera")
    story.letter(vera, "заявка одобрена")
    assert "/r/" in vera.text()
    acts.sign_in_by_mail(story, vera)
    expect(vera.page).to_have_url(re.compile("/overview$"))


def test_overview_of_a_new_partner_says_what_to_do(story: Story) -> None:
    vera = story.who("vera")
    vera.look("overview-new")
    vera.page.locator("button[data-copy-from=main-link]").click()
    story.link = vera.copied()
    assert story.link.startswith(f"{story.portal.address}/r/")
    vera.page.locator("[data-dialog-open=qr]").click()
    expect(vera.page.locator("#qr img")).to_be_visible()
    vera.look("qr")
    vera.page.keyboard.press("Escape")
    for place in ("links", "promo-codes", "earnings", "payouts", "materials", "statement", "notices"):
        vera.go(f"/{place}")
        vera.look(f"{place}-new")


def test_partner_makes_a_link_with_marks(story: Story) -> None:
    vera = story.who("vera")
    page = acts.make_link(story, vera)
    story.deep_link = page.locator("#made-link").input_value()
    assert "utm_campaign=autumn" in vera.text("table")
    assert "sub1=review-17" in vera.text("table")
    vera.look("link-made")


def test_partner_makes_a_promo_code_within_the_limit(story: Story) -> None:
    vera = story.who("vera")
    page = vera.go("/promo-codes")
    page.locator("a[data-dialog-open=new-code]").first.click()
    page.locator("#code").fill("VERA10")
    page.get_by_role("button", name="Создать код").click()
    expect(page.locator("table")).to_contain_text("VERA10")
    expect(page.locator("main button", has_text="Новый промокод")).to_be_disabled()
    assert "С уровня Серебро можно иметь 3 кода." in vera.text("#limit")
    vera.look("promo-code-limit")


# --- Buyers --------------------------------------------------------------------------------------------------------


def test_buyer_comes_by_the_link_and_buys(story: Story) -> None:
    buyer = story.who("first-buyer")
    buyer.go(story.deep_link)
    assert "utm_campaign=autumn" in buyer.page.url
    assert "from=blog" in buyer.page.url
    buyer.until("window.tandem && tandem.visitor()")
    buyer.look("shop")
    story.orders["first"] = acts.buy(buyer, sku="case", quantity=4)
    assert "Вера Орлова (vera)" in buyer.text()
    # 4 × 1,490.00 · 7 %
    assert "417.20" in buyer.text()
    buyer.look("shop-order")


def test_buyer_lands_with_the_partner_parameter_and_buys(story: Story) -> None:
    buyer = story.who("second-buyer")
    buyer.go("/demo-shop?ref=vera")
    buyer.until("window.tandem && tandem.visitor()")
    assert buyer.page.evaluate("tandem.partner()") == "vera"
    story.orders["second"] = acts.buy(buyer, sku="buds", quantity=1)
    assert "719.10" in buyer.text()  # 7,990.00 · 9 %: Silver by the first order


def test_buyer_brings_the_promo_code_and_pays_less(story: Story) -> None:
    buyer = story.who("third-buyer")
    buyer.go("/demo-shop")
    story.orders["third"] = acts.buy(buyer, sku="lamp", quantity=1, code="vera10")
    assert "264.50" in buyer.text()  # 5 % of 5,290.00
    assert "603.06" in buyer.text()  # 5,025.50 · 12 %: Gold by the second


def test_partner_sees_each_order_with_its_reason(story: Story) -> None:
    vera = story.who("vera")
    page = vera.go("/overview")
    assert story.orders["third"][-4:] in vera.text()
    expect(page.locator(".apexcharts-series").first).to_be_attached()
    vera.look("overview-orders")
    vera.go("/earnings")
    vera.look("earnings")
    page.get_by_role("link", name=re.compile(story.orders["first"][-4:])).click()
    told = vera.text()
    for words in ("417,20", "5 960,00", "7 %", "Обзор чехлов · sub1=review-17"):
        assert words in told, told
    vera.look("commission")


def test_shop_hands_over_and_takes_a_piece_back(story: Story) -> None:
    for name, order in story.orders.items():
        buyer = story.who(f"{name}-buyer")
        buyer.page.get_by_role("button", name="Hand over").click()
        expect(buyer.page.locator("main")).to_contain_text("Handed over")
        assert order in buyer.page.url
    first = story.who("first-buyer")
    first.page.get_by_role("button", name="Take one piece back").click()
    expect(first.page.locator("main")).to_contain_text("1 of 4 came back")
    assert "312.90" in first.text()
    first.look("shop-refunded")


def test_worker_releases_and_tells_of_it(story: Story) -> None:
    vera = story.who("vera")
    story.letter(vera, "уровень теперь Золото")
    vera.look("letter-level")
    story.letter(vera, "стали доступны")
    vera.go("/notices")
    vera.look("notices")
    assert "Серебро" in vera.text()
    page = vera.go("/payouts")
    expect(page.locator("#equation").locator("xpath=../..")).to_contain_text("1 635,06")
    vera.look("payouts-available")


# --- Money ---------------------------------------------------------------------------------------------------------


def test_partner_requests_a_payout(story: Story) -> None:
    vera = story.who("vera")
    page = vera.go("/payouts")
    expect(page.locator("#request")).to_contain_text("72 часа")
    story.let_days_pass(4)
    page = vera.go("/payouts")
    acts.request_payout(vera)
    expect(page.locator("#history table")).to_contain_text("1 635,06")
    vera.look("payout-requested")


def test_accountant_approves_and_pays(story: Story) -> None:
    fedor = story.who("fedor")
    fedor.go(story.portal.links["fedor"])
    fedor.page.get_by_role("button", name="Sign in", exact=True).click()
    story.letter(fedor, "Вера Орлова")
    fedor.go("/desk")
    fedor.look("desk-payout-waits")
    acts.pay_out(fedor)
    fedor.go("/desk/payouts?show=paid")
    assert "1,635.06" in fedor.text()
    fedor.look("desk-payouts-paid")


def test_statement_adds_up(story: Story) -> None:
    vera = story.who("vera")
    story.letter(vera, "Выплата № 1 отправлена")
    vera.go("/statement")
    told = vera.text("section[aria-labelledby=sum]")
    # 417.20 + 719.10 + 603.06 − 104.30 − 1,635.06 = 0
    for amount in ("1 739,36", "104,30", "1 635,06", "0,00"):
        assert amount in told, told
    vera.look("statement")


# --- Materials -----------------------------------------------------------------------------------------------------


def test_marketer_uploads_a_banner_for_gold(story: Story) -> None:
    admin = story.who("max")
    admin.go(story.portal.links["max"])
    page = admin.page
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(re.compile("/desk$"))
    acts.upload_banner(admin)
    expect(page.locator("body")).to_contain_text("Волна для золотых")
    admin.look("admin-materials", axe=False)


def test_starter_sees_the_banner_closed(story: Story) -> None:
    boris = story.who("boris", "ru")
    boris.go(story.portal.links["boris"])
    boris.page.locator("main button.btn--primary").click()
    expect(boris.page).to_have_url(re.compile("/overview$"))
    boris.go("/materials")
    expect(boris.page.locator("article")).to_contain_text("Откроется на уровне Золото")
    assert "/media/" not in boris.page.content()
    boris.look("materials-starter")


def test_gold_copies_the_banner_with_her_link_inside(story: Story) -> None:
    vera = story.who("vera")
    page = vera.go("/materials")
    vera.look("materials-gold")
    page.get_by_role("button", name="Скопировать HTML").click()
    html = vera.copied()
    assert f'href="{story.link}"' in html
    picture = re.search(r'src="([^"]+)"', html)
    assert picture is not None
    shown = page.request.get(picture[1])
    assert (shown.status, shown.headers["content-type"]) == (200, "image/png")


# --- A refund after the payout, and the end ------------------------------------------------------------------------


def test_refund_after_the_payout_is_a_debt_that_is_explained(story: Story) -> None:
    second, vera = story.who("second-buyer"), story.who("vera")
    second.page.get_by_role("button", name="Take one piece back").click()
    expect(second.page.locator("main")).to_contain_text("1 of 1 came back")
    page = vera.go("/overview")
    expect(page.locator("aside")).to_contain_text("719,10")
    vera.look("overview-debt")
    vera.go("/payouts")
    assert "719,10" in vera.text("#equation >> xpath=../..")
    expect(page.locator("#amount")).to_have_count(0)
    vera.look("payouts-debt")
    vera.go("/earnings?state=clawed_back")
    vera.look("earnings-clawed-back")
    page.locator("tbody a.table__main").first.click()
    told = vera.text()
    for words in ("719,10", "0,00", "возврат"):
        assert words in told, told
    vera.look("commission-clawed-back")
    vera.go("/statement")
    vera.look("statement-debt")


def test_main_pages_in_the_other_language(story: Story) -> None:
    places = {
        "vera": "overview links promo-codes earnings payouts materials statement notices p/demo p/demo/terms",
        "olga": "desk desk/applications?show=approved desk/payouts?show=paid desk/terms",
    }
    for name, paths in places.items():
        walker = story.who(name)
        walker.go("/home")
        walker.speak("en" if walker.lang == "ru" else "ru")
        for number, path in enumerate(paths.split()):
            walker.go(f"/{path}")
            assert walker.page.locator("html").get_attribute("lang") == walker.lang
            shot = path.partition("?")[0].replace("/", "-")
            walker.look(f"{shot}-other", THE_OTHER_WAY[number % 2 :][:1])


def test_books_are_right_after_all_this(story: Story) -> None:
    done = story.command("check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_page_was_accessible_fitted_and_kept_the_policy(story: Story) -> None:
    found = story.findings
    assert found.axe == []
    assert found.too_wide == []
    assert found.csp_reports == []
    assert found.complaints == []
    assert "csp.reported" not in story.portal.log()
    assert len(found.looked_at) > 100, "the story is shorter than it was"
