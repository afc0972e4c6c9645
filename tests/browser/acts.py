"""Longer pieces of the road: forms with many fields, and what a person does in several steps."""

import io
import re

from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

from tests.browser.story import Story
from tests.browser.walker import Walker
from tests.integration.partners.answers import ANSWERS


def publish_terms(olga: Walker) -> None:
    """Low thresholds and no hold, in the form of the desk; a wrong rate first, which is named by its path."""
    olga.go("/desk/terms")
    document = olga.page.locator("#document").input_value()
    for old, new in (
        ("days = 14", "days = 0"),
        ("from = 10000000", "from = 500000"),
        ("from = 50000000", "from = 900000"),
        ('rates = ["10%"]', "rates = []"),
        ("min_minor = 100000", "min_minor = 50000"),
        ('rate = "9%"\npromo_codes_max = 1', 'rate = "9%"\npromo_codes_max = 3'),
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


def sign_in_by_mail(story: Story, vera: Walker) -> None:
    """Sign out, fail with a wrong password, and come back by the mailed link with a new one."""
    vera.go("/home")
    vera.page.locator("header details.menu summary").click()
    vera.page.get_by_role("button", name="Выйти").click()
    vera.go("/sign-in")
    vera.look("sign-in")
    vera.page.locator("#email").fill("vera@example.com")
    vera.page.locator("#password").fill("not this one at all")
    vera.expected = {422}
    vera.page.locator("main button.btn--primary").click()
    expect(vera.page.locator("[role=alert]")).to_be_visible()
    vera.look("sign-in-refused")
    vera.expected = set()
    vera.page.locator("main a[href='/forgot']").click()
    vera.page.locator("#email").fill("vera@example.com")
    vera.look("forgot")
    vera.page.get_by_role("button", name="Отправить ссылку").click()
    story.letter(vera, "Ссылка для входа")
    vera.page.locator("main a[href*='/reset/']").click()
    vera.look("reset")
    vera.page.locator("#password").fill("five loud yellow barges")
    vera.page.locator("main button.btn--primary").click()


def upload_banner(admin: Walker) -> None:
    """Make a material for Gold in piccolo-admin, and go to the list."""
    page = admin.page
    admin.go("/admin/#/Materials/add")
    page.wait_for_load_state("networkidle")
    picture = {"name": "wave.png", "mimeType": "image/png", "buffer": banner()}
    page.locator("input[type=file]").set_input_files(picture)  # type: ignore[arg-type]
    expect(page.locator("input[name=image]")).to_have_value(re.compile("^materials/.*png$"))
    page.locator("input[name=program_id]").locator("xpath=../input[@type='text']").click()
    page.get_by_role("link", name="Волна и Полдень").click()
    # Last of all: the form is drawn anew while its parts arrive, and forgets what was typed before.
    page.locator("input[name=title_ru]").fill("Волна для золотых")
    page.locator("input[name=title_en]").fill("Wave for Gold")
    page.locator("input[name=level]").fill("gold")
    admin.look("admin-banner", axe=False)
    with page.expect_response(lambda answer: answer.request.method == "POST") as made:
        page.get_by_role("button", name="CREATE").click()
    assert made.value.status == 201
    admin.go("/admin/#/Materials")


def make_link(story: Story, vera: Walker) -> Page:
    """Make a link to a page of the shop with marks; an address elsewhere first, which is refused."""
    page = vera.go("/links")
    page.locator("a[data-dialog-open=new-link]").first.click()
    page.locator("#target").fill("https://elsewhere.example/offer")
    page.locator("#name").fill("Обзор чехлов")
    page.locator("#new-link summary").click()
    page.locator("#utm_campaign").fill("autumn")
    page.locator("#sub1").fill("review-17")
    vera.expected = {422}
    page.get_by_role("button", name="Создать ссылку").click()
    expect(page.locator("#target-error")).to_be_visible()
    vera.look("link-refused")
    vera.expected = set()
    page.locator("#target").fill(f"{story.portal.address}/demo-shop?from=blog")
    page.get_by_role("button", name="Создать ссылку").click()
    expect(page.locator("#made-link")).to_be_visible()
    return page


def pay_out(fedor: Walker) -> None:
    """Approve the payout that waits, and mark it as paid."""
    fedor.go("/desk/payouts")
    assert "40817810700000000001" in fedor.text()
    fedor.look("desk-payout")
    fedor.page.get_by_role("button", name="Approve RUB 1,635.06").click()
    expect(fedor.page.get_by_role("button", name="Mark")).to_be_visible()
    fedor.look("desk-payout-approved")
    fedor.page.get_by_role("button", name="Mark").click()
    expect(fedor.page.locator("main")).to_contain_text("No payout waits")


def request_payout(vera: Walker) -> None:
    """Ask for more than there is, which is refused, and then for the whole sum."""
    page = vera.page
    page.locator("#amount").fill("1 700")
    vera.expected = {422}
    page.get_by_role("button", name="Запросить выплату").click()
    expect(page.locator("#amount-error")).to_be_visible()
    vera.look("payout-refused")
    vera.expected = set()
    page.get_by_role("button", name="Вся сумма").click()
    page.get_by_role("button", name="Запросить выплату").click()
