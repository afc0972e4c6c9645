"""Every page with sample values: filled, empty and in its odd states. Names are addresses of the preview."""

from datetime import date, timedelta
from types import SimpleNamespace as S
from typing import Any

from app.ui.forms import Form
from tests.browser.sample_batches import batch_pages
from tests.browser.sample_cashback import cashback_pages
from tests.browser.sample_others import money_pages, other_pages
from tests.browser.sample_papers import paper_pages
from tests.browser.sample_people import people_pages
from tests.browser.sample_terms import terms_pages
from tests.browser.samples import (
    EVIL,
    NOW,
    RUB,
    Sample,
    ago,
    chart,
    commission,
    commissions,
    desk,
    error,
    figures,
    link,
    material,
    partner,
    payout,
    said,
    steps,
)  # fmt: skip

PERIODS = [("7", "7"), ("28", "28"), ("month", "Nov"), ("quarter", "Q4"), ("all", "∞")]


def public_pages() -> dict[str, Sample]:
    levels = [
        S(name="Starter", from_value=0, count="base", rate=50000, perks=said("Базовые материалы", "Basic promo materials")),
        S(name="Silver", from_value=50000000, count="base", rate=70000, perks=said("Персональный промокод", "A promo code of your own")),
        S(name="Gold", from_value=200000000, count="base", rate=100000, perks=said("Эксклюзивные баннеры", "Exclusive banners")),
        S(name="Platinum", from_value=500000000, count="base", rate=120000, perks=""),
    ]  # fmt: skip
    offer = S(name="Северный ветер", currency=RUB, shop_host="shop.example", shop_url="https://shop.example/", window_days=30, hold_days=14, release_on="fulfilled", min_payout_minor=100000, promo_discount_rate=50000, levels=levels, levels_period="quarter", terms_version=4, support_email="partners@shop.example", open=True, about="", code="wind")  # fmt: skip
    wrong = Form({"email": "alice@", "next": "/overview"})
    wrong.email("email")
    wrong.secret("password")
    return other_pages(offer) | {
        "landing": ("programs/landing.html", {"offer": offer, "others": [S(code="sea", name=EVIL)]}),
        "apply": ("partners/apply.html", apply(Form.blank(kind="person"))),
        "apply-wrong": ("partners/apply.html", apply(wrong_application())),
        "sign-in": ("users/sign_in.html", {"form": Form.blank()}),
        "sign-in-wrong": ("users/sign_in.html", {"form": wrong}),
        "forgot": ("users/forgot.html", {"form": Form.blank()}),
        "reset": ("users/reset.html", {"form": Form.blank(token="t"), "email": "alice@example.com"}),
        "check-mail": ("users/check_mail.html", {"email": "alice@example.com", "kind": "confirm", "dev_mail": True}),
        "confirm": ("users/confirm.html", {"token": "t", "action": "/confirm", "kind": "confirm", "expired": False}),
        "confirm-expired": ("users/confirm.html", {"token": "t", "action": "/confirm", "kind": "confirm", "expired": True}),
        **{f"error-{status}": error(status, said("Вот что случилось.", "This is what happened.") + EVIL) for status in (400, 403, 404, 409, 413, 422, 429, 500, 503)},
        "error-fragment": ("errors/fragment.html", error(500, said("Не вышло.", "It did not work."))[1]),
    }  # fmt: skip


def apply(form: Form) -> dict[str, Any]:
    return {
        "form": form, "program_name": "Северный ветер", "terms_version": 4, "terms_url": "/terms", "privacy_url": "/privacy",
        "kinds": [("person", said("Физическое лицо", "Individual"), ""), ("self_employed", said("Самозанятый", "Self-employed"), said("налог 4–6 %", "pays own tax")), ("sole_trader", said("ИП", "Sole trader"), ""), ("company", said("Компания", "Company"), "")],
        "sectors": [("media", said("Медиа и блоги", "Media and blogs")), ("shop", said("Магазин", "Shop"))],
        "channels": [("site", said("Сайт", "Site")), ("telegram", "Telegram"), ("vk", "VK"), ("youtube", "YouTube"), ("mail", said("Рассылка", "Mailing")), ("offline", said("Офлайн", "Offline"))],
        "methods": [("bank_account", said("Банковский счёт", "Bank account")), ("card", said("Карта", "Card"))],
    }  # fmt: skip


def wrong_application() -> Form:
    form = Form(
        {
            "name": EVIL,
            "email": "alice@",
            "phone": "+7 900",
            "kind": "company",
            "channels": "site",
            "method": "bank_account",
        }
    )
    form.email("email")
    form.text("tax_number")
    form.some_of("channels", ["site", "vk"], at_least=2)
    form.consent(
        "terms_accepted", said("Без согласия заявку принять нельзя.", "The application needs your consent.")
    )
    return form


def partner_pages() -> dict[str, Sample]:
    shell = partner()
    return {
        "apply-status": ("partners/apply_status.html", {"shell": partner(partner_state="applied", level_name="", unread_notices=0, terms_version=None), "application": application("submitted")}),
        "apply-unconfirmed": ("partners/apply_status.html", {"shell": partner(partner_state="applied"), "application": application("unconfirmed")}),
        "apply-rejected": ("partners/apply_status.html", {"shell": partner(partner_state="rejected"), "application": application("rejected")}),
        "overview": ("partners/overview.html", overview(shell=shell)),
        "overview-evil": ("partners/overview.html", overview(shell=shell, chart=chart(metric=EVIL))),
        "overview-empty": ("partners/overview.html", overview(shell=partner(unread_notices=0), chart=None, commissions=[], todo=todo(), balance=balance(available_minor=0, pending_minor=0, next_release_at=None, may_request=False))),
        "overview-debt": ("partners/overview.html", overview(shell=partner(debt_minor=520000), balance=balance(available_minor=0, reserved_minor=700000, debt_minor=520000, may_request=False), level=level(next_name=None))),
        "statement": ("partners/statement.html", statement(lines())),
        "statement-empty": ("partners/statement.html", statement([])),
        "links": ("tracking/links.html", links(links=[link(), link(id=2, name=EVIL, url="https://portal.example/r/x9", utm_text="", sub_text="", clicks=0, orders=0, earned_minor=0, last_click_on=None)], next_url="/links?cursor=abc", created=link())),
        "links-empty": ("tracking/links.html", links(links=[])),
        "links-wrong": ("tracking/links.html", links(links=[], form=wrong_link(), form_open=True)),
        "promo-codes": ("tracking/promo_codes.html", codes(used=2, limit=5)),
        "promo-codes-full": ("tracking/promo_codes.html", codes(used=2, limit=2)),
        "promo-codes-locked": ("tracking/promo_codes.html", codes(used=0, limit=0, codes=[])),
        "earnings": ("commissions/earnings.html", earnings(rows=commissions(), next_url="/earnings?cursor=abc")),
        "earnings-empty": ("commissions/earnings.html", earnings(rows=[], sums=[])),
        "earnings-waiting": ("commissions/earnings.html", earnings(rows=commissions(), waiting=waiting_orders())),
        "order-found": ("commissions/order_found.html", {"shell": partner(), "currency": RUB, "form": Form.blank(number="A-10077001"), "orders": orders_found()}),
        "order-not-found": ("commissions/order_found.html", {"shell": partner(), "currency": RUB, "form": Form.blank(number="A-1"), "orders": []}),
        "earnings-filtered": ("commissions/earnings.html", earnings(rows=[], sums=[], filtered=True)),
        "explanation": ("commissions/_explanation.html", {"shell": shell, "currency": RUB, "commission": explained()}),
        "payouts": ("payouts/payouts.html", payouts()),
        "payouts-debt": ("payouts/payouts.html", payouts(shell=partner(debt_minor=520000), balance=money(earned_minor=5000000, paid_minor=5520000, reserved_minor=0, debt_minor=520000, available_minor=0), may_request=False, why_not=said("Сначала погасится долг.", "The debt is repaid first."), payouts=[])),
        "payouts-small": ("payouts/payouts.html", payouts(balance=money(earned_minor=62000, paid_minor=0, reserved_minor=0, debt_minor=0, available_minor=62000), may_request=False, why_not=said("Минимальная сумма ещё не набрана.", "The smallest amount is not reached."), payouts=[])),
        "materials": ("materials/materials.html", materials([material(), material(id=2, name=EVIL, is_new=True, level_name="Silver", valid_to=date(2026, 12, 31)), material(id=3, kind="text", kind_label=said("Текст", "Text"), picture_url="", width=0, html="", size_text="", download_url="", plain_text=said("Тёплые куртки со скидкой до 40 %.\nСмотрите: https://portal.example/r/alice", "Warm jackets, up to 40% off.")), material(id=4, locked=True, picture_url="", html="", download_url="", level_name="Gold")])),
        "materials-empty": ("materials/materials.html", materials([])),
        "notices": ("notices/notices.html", {"layout": "layouts/partner.html", "shell": shell, "notices": notices(), "next_url": "/notices?cursor=a", "unread": 1}),
        "notices-empty": ("notices/notices.html", {"layout": "layouts/partner.html", "shell": shell, "notices": [], "next_url": None, "unread": 0}),
    }  # fmt: skip


def application(state: str) -> S:
    decided = ago(hours=2) if state == "rejected" else None
    answers = [
        (said("Имя", "Name"), "Алиса Петрова"),
        (said("Каналы", "Channels"), "Telegram, YouTube"),
        (said("Комментарий", "Comment"), EVIL),
    ]
    return S(state=state, sent_at=ago(days=1), confirmed_at=None if state == "unconfirmed" else ago(hours=20), decided_at=decided, reason=said("Сайт не открывается.", "Your site does not open."), email="alice@example.com", answers=answers)  # fmt: skip


def balance(**changes: Any) -> S:
    values = {"pending_minor": 870050, "available_minor": 345000, "reserved_minor": 0, "debt_minor": 0, "next_release_at": NOW + timedelta(days=3), "next_release_minor": 70000, "min_payout_minor": 100000, "may_request": True}  # fmt: skip
    return S(**values | changes)


def level(**changes: Any) -> S:
    values = {"name": "Silver", "rate": 70000, "count": "base", "turnover_text": said("686 700,00 ₽", "RUB 686,700.00"), "next_name": "Gold", "next_rate": 100000, "missing_text": said("1 313 300,00 ₽", "RUB 1,313,300.00"), "value": 68670000, "maximum": 200000000, "days_left": 39, "period_end": date(2026, 12, 31), "next_opens": [said("5 промокодов", "5 promo codes")]}  # fmt: skip
    return S(**values | changes)


def todo() -> list[S]:
    return [
        S(text=said("Рассказать о себе", "Tell us about yourself"), url="/apply", done=True),
        S(text=said("Указать, куда платить", "Say where to pay"), url="/payouts", done=False),
        S(text=said("Сделать первую ссылку", "Make the first link"), url="/links?new=1", done=False),
        S(text=said("Получить первый клик", "Get the first click"), url="/links", done=False),
    ]  # fmt: skip


def overview(**changes: Any) -> dict[str, Any]:
    values = {
        "currency": RUB, "link": S(url="https://portal.example/r/alice", qr_url="/links/1/qr.svg"), "todo": [],
        "level_history": [S(at=ago(days=40), before_name="Starter", after_name="Silver", why=EVIL)],
        "period": S(key="month", label="1–22 Nov 2026"), "periods": PERIODS, "figures": figures(), "chart": chart(),
        "level": level(), "balance": balance(), "commissions": commissions(),
    }  # fmt: skip
    return values | changes


def lines() -> list[S]:
    def sums(pending: int, available: int, reserved: int, debt: int) -> S:
        return S(
            pending_minor=pending,
            available_minor=available,
            reserved_minor=reserved,
            debt_minor=debt,
            owed_minor=pending + available + reserved - debt,
        )

    return [
        S(at=ago(days=9), occurred_at=ago(days=10), kind_label=said("Стало доступно", "Became available"), text="A-0998", url="/earnings/6", change=sums(-1234567, 1234567, 0, 0), after=sums(870050, 1434567, 0, 0)),
        S(at=ago(days=4), occurred_at=None, kind_label=said("Заявка на выплату", "Payout request"), text="№ 12", url="/payouts", change=sums(0, -1000000, 1000000, 0), after=sums(870050, 434567, 1000000, 0)),
        S(at=ago(days=1), occurred_at=None, kind_label=said("Возврат", "Refund"), text="A-0990", url="", change=sums(0, -434567, 0, 10000), after=sums(870050, 0, 1000000, 10000)),
    ]  # fmt: skip


def statement(rows: list[S]) -> dict[str, Any]:
    closing = S(
        pending_minor=870050,
        available_minor=0,
        reserved_minor=1000000,
        debt_minor=10000,
        internal_minor=300000,
        owed_minor=1860050,
    )
    one = S(
        opening=S(owed_minor=2304617), closing=closing, earned_minor=0, taken_back_minor=444567, paid_minor=0
    )
    months = [
        ("2026-11", said("Ноябрь 2026", "November 2026")),
        ("2026-10", said("Октябрь 2026", "October 2026")),
    ]
    return {"shell": partner(), "currency": RUB, "statement": one, "lines": rows, "next_url": None, "month_name": months[0][1], "months": months, "month_key": "2026-11", "months_url": "/statement?month=", "own": True, "files": [("CSV", "/statement.csv"), ("XLSX", "/statement.xlsx"), ("PDF", "/statement.pdf")]}  # fmt: skip


def links(**changes: Any) -> dict[str, Any]:
    values = {"shell": partner(), "links": [], "next_url": None, "currency": RUB, "show": "active", "hosts": ["shop.example", "www.shop.example"], "form": Form.blank(), "form_open": False, "created": None, "limit_text": ""}  # fmt: skip
    return values | changes


def wrong_link() -> Form:
    form = Form({"target": "https://evil.example/", "utm_source": "telegram"})
    form.url("target", hosts=["shop.example"])
    return form


def codes(**changes: Any) -> dict[str, Any]:
    one = {"id": 1, "code": "ALICE10", "state": "active", "discount_rate": 50000, "orders": 12, "earned_minor": 840000, "created_at": ago(days=30), "valid_to": None}  # fmt: skip
    values = {
        "shell": partner(), "currency": RUB, "codes": [S(**one), S(**one | {"id": 2, "code": "AUTUMN", "state": "disabled", "orders": 0, "earned_minor": 0})],
        "used": 1, "limit": 2, "level_name": "Silver", "next_level": S(name="Gold", limit=10), "discount_rate": 50000, "form": Form.blank(), "form_open": False, "length_min": 4,
    }  # fmt: skip
    return values | changes


def earnings(**changes: Any) -> dict[str, Any]:
    values = {
        "shell": partner(), "currency": RUB, "rows": [], "next_url": None,
        "sums": [S(state="pending", count=4, amount_minor=870050), S(state="available", count=31, amount_minor=3519660), S(state="clawed_back", count=2, amount_minor=0)],
        "form": Form.blank(state="pending"), "states": [("pending", said("Ожидает", "Pending"))], "kinds": [("direct", said("За заказ", "For an order"))],
        "filtered": False, "csv_url": "/earnings.csv", "waiting": None, "find": Form.blank(number=""),
    }  # fmt: skip
    return values | changes


def waiting_orders() -> S:
    rows = [
        S(order_number=f"…700{place}", paid_at=ago(days=place), base_minor=100_000 * place)
        for place in range(1, 4)
    ]
    return S(count=41, base_minor=4_512_050, rows=rows)


def orders_found() -> list[S]:
    """One credited, one that waits, one that is somebody else's."""
    later = said(
        "Позже покупатель перешёл по ссылке другого партнёра, а решает последний переход.",
        "The buyer came by another partner's link later, and the last click decides.",
    )
    mine = said("Клик 05.11.2026 12:00, alice: учтён.", "Click of 5 Nov 2026, 12:00, alice: counted.")
    unpaid = said(
        "Заказ ещё не оплачен; кому его засчитать, решится при оплате.",
        "The order is not paid yet; who is credited is decided when it is.",
    )
    values = {
        "order_number": "…7001",
        "status": "paid",
        "placed_at": ago(days=3),
        "paid_at": ago(days=2),
        "rows": [],
        "reasons": [mine],
    }
    return [
        S(**values | {"standing": "earned", "rows": commissions()[:1]}),
        S(**values | {"standing": "waits", "paid_at": None, "reasons": [unpaid]}),
        S(**values | {"standing": "calculation"}),
        S(**values | {"standing": "other", "reasons": [mine, later]}),
    ]


def explained() -> S:
    reasons = [
        S(text=said("Заказ приведён ссылкой alice-autumn: последний клик перед заказом.", "The order came by link alice-autumn: the last click before it."), details=[said("Клик 5 ноября не учтён: повтор в течение 30 минут.", "The click of 5 Nov did not count: a repeat within 30 minutes.")], off=False),
        S(text=said("База 10 000,00 ₽: товары без доставки, налога и скидок.", "Base RUB 10,000.00: goods without shipping, tax and discounts."), details=[], off=False),
        S(text=said("План «Телефоны» не подошёл: нет таких товаров.", "Plan “Phones” did not fit: no such goods."), details=[], off=True),
        S(text=said("Ставка 7 % уровня Silver на момент оплаты.", "Rate 7% of level Silver at the moment of payment."), details=[], off=False),
    ]  # fmt: skip
    rows = [
        S(name=EVIL, quantity_text="2 × 4 000,00", amount_minor=800000, left_out_minor=40000, base_minor=760000, rate=70000),
        S(name=said("Чехол", "Case"), quantity_text="1 × 2 700,00", amount_minor=270000, left_out_minor=30000, base_minor=240000, rate=None),
    ]  # fmt: skip
    return commission(
        accrued_minor=105000, clawed_back_minor=35000, reasons=reasons, lines=rows, timeline=steps()
    )


def money(**changes: Any) -> S:
    values = {"earned_minor": 9845000, "paid_minor": 8000000, "reserved_minor": 1500000, "debt_minor": 0, "available_minor": 345000, "pending_minor": 870050, "min_minor": 100000}  # fmt: skip
    return S(**values | changes)


def payouts(**changes: Any) -> dict[str, Any]:
    values = {
        "shell": partner(), "currency": RUB, "balance": money(), "form": Form.blank(amount="3450.00", request_token="t"), "may_request": True, "why_not": "",
        "method_label": said("Банковский счёт", "Bank account"), "account_text": "•••• 6789",
        "payouts": [payout(may_cancel=True), payout(id=13, number="13", state="sent"), payout(id=11, number="11", state="paid", cut_minor=250000, was_returned=True), payout(id=10, number="10", state="rejected", reason=said("Счёт закрыт.", "The account is closed."))], "next_url": None,
    }  # fmt: skip
    return values | changes


def materials(items: list[S]) -> dict[str, Any]:
    return {"shell": partner(), "materials": items, "form": Form.blank(), "kinds": [("banner", said("Баннер", "Banner"))], "sizes": [("728x90", "728 × 90")], "languages": [("ru", "Русский")], "filtered": False, "next_url": None}  # fmt: skip


def notices() -> list[S]:
    return [
        S(id=2, at=ago(hours=1), title=said("Заказ A-1001 оплачен", "Order A-1001 is paid"), text=said("Вы получите 700,00 ₽ 4 декабря.", "You get RUB 700.00 on 4 Dec."), url="/earnings/7", unread=True, tone="success"),
        S(id=1, at=ago(days=3), title=said("Ваш уровень — Silver", "Your level is Silver"), text="", url="", unread=False, tone="info"),
    ]  # fmt: skip


FILTERS = {"form": Form.blank(), "filtered": False, "methods": [("card", "Card")]}


def desk_pages() -> dict[str, Sample]:
    shell = desk()
    queues = [
        S(label=said("Заявки", "Applications"), count=2, oldest_at=ago(hours=5), url="/desk/applications", icon="users-group"),
        S(label=said("Выплаты", "Payouts"), count=3, oldest_at=ago(days=1), url="/desk/payouts", icon="wallet"),
        S(label=said("Заказы ждут", "Orders waiting"), count=0, oldest_at=None, url="/desk/orders", icon="shopping-cart"),
    ]  # fmt: skip
    recent = [
        S(
            at=ago(hours=2),
            who="Ольга",
            text=said("Заявка одобрена: Борис", "Application approved: Boris"),
            url="/desk/applications/2",
        )
    ]
    rows = [S(id=3, name=EVIL, kind_label=said("Компания", "Company"), sector_label=said("Медиа", "Media"), channels_text="Telegram, VK", sent_at=ago(hours=5), state="submitted")]  # fmt: skip
    open_payouts = [payout(), payout(id=13, number="13", state="sent", batch_id=3, batch_number=3, may_take_back=True), payout(id=11, may_agree=True, number="11", state="approved", cut_minor=250000, payable_minor=1250000, approved_by="Фёдор", warnings=[said("Реквизиты сменились 3 дня назад.", "Payment details changed 3 days ago.")])]  # fmt: skip
    waiting = [S(id=5, may_retry=True, number="A-1007", received_at=ago(hours=1), reason=said("Нет курса USD на 22 ноября", "No USD rate for 22 Nov"), detail="rate_missing", tries=3, next_try_at=NOW + timedelta(minutes=5))]  # fmt: skip
    return {
        "desk": ("staff/desk.html", {"shell": shell, "queues": queues, "figures": figures(), "recent": recent}),
        "desk-accountant": ("staff/desk.html", {"shell": desk(may_see=frozenset({"payouts"})), "queues": queues[1:2], "figures": [], "recent": []}),
        "desk-applications": ("staff/applications.html", {"shell": shell, "applications": rows, "show": "submitted", "next_url": None}),
        "desk-applications-empty": ("staff/applications.html", {"shell": shell, "applications": [], "show": "submitted", "next_url": None}),
        "desk-application": ("staff/application.html", applicant(shell, "submitted")),
        "desk-application-decided": ("staff/application.html", applicant(shell, "rejected")),
        "desk-payouts": ("staff/payouts.html", {"shell": shell, "currency": RUB, **FILTERS, "show": "open", "is_open": True, "payouts": open_payouts, "may_act": True, "next_url": None, "error": (12, said("Сначала должен одобрить другой сотрудник.", "Somebody else must approve first."))}),
        "desk-payouts-closed": ("staff/payouts.html", {"shell": shell, "currency": RUB, **FILTERS, "show": "paid", "is_open": False, "payouts": [payout(state="paid", closed_at=ago(days=1), batch_id=3, batch_number=3, may_take_back=True), payout(id=9, number="9", state="paid", closed_at=ago(days=1), returned_at=ago(days=1), reason=EVIL)], "may_act": True, "next_url": None, "error": None}),
        "desk-payouts-empty": ("staff/payouts.html", {"shell": shell, "currency": RUB, **FILTERS, "show": "open", "is_open": True, "payouts": [], "may_act": True, "next_url": None, "error": None}),
        "desk-terms": ("staff/terms.html", terms(shell)),
        "desk-orders": ("staff/orders_waiting.html", {"shell": shell, "form": Form.blank(), "orders": waiting, "may_retry": True, "next_url": None}),
        "desk-orders-empty": ("staff/orders_waiting.html", {"shell": shell, "form": Form.blank(), "orders": [], "may_retry": True, "next_url": None}),
        **people_pages(shell),
    }  # fmt: skip


def applicant(shell: Any, state: str) -> dict[str, Any]:
    decided = ago(hours=1) if state == "rejected" else None
    one = S(
        id=3, name=EVIL, email="boris@example.com", state=state, sent_at=ago(hours=5), confirmed_at=ago(hours=4), decided_at=decided, decided_by="Ольга", reason=said("Сайт не открывается.", "The site does not open."),
        groups=[S(title=said("Кто это", "Who"), answers=[(said("ИНН", "INN"), "7707083893"), (said("Комментарий", "Comment"), EVIL)])],
        checks=[S(text=said("ИНН верен", "INN is right"), ok=True, detail=""), S(text=said("Такой телефон уже есть", "The phone is known"), ok=False, detail="alice"), S(text=said("Сайт не проверен", "Site not checked"), ok=None, detail="")],
    )  # fmt: skip
    return {"shell": shell, "application": one, "levels": [("starter", "Starter · 5 %"), ("silver", "Silver · 7 %")], "approve_form": Form.blank(level="starter"), "reject_form": Form.blank(), "may_decide": True, "reasons": [said("Сайт не открывается.", "The site does not open.")]}  # fmt: skip


def terms(shell: Any) -> dict[str, Any]:
    versions = [S(version=4, state="current", valid_from=ago(days=30), published_by="Ольга", note=said("Gold 10 %", "Gold 10%")), S(version=3, state="past", valid_from=ago(days=90), published_by="", note="")]  # fmt: skip
    problems = [S(path="levels[1].from", text=said("должно расти", "must rise"))]
    return {"shell": shell, "versions": versions, "form": Form.blank(document='currency = "RUB"\n', note=""), "problems": problems, "may_publish": True, "current_version": 4, "draft_begun": True}  # fmt: skip


def all_pages() -> dict[str, Sample]:
    """Name → template and values, in the reader's language of this moment."""
    return (
        public_pages()
        | partner_pages()
        | desk_pages()
        | paper_pages()
        | batch_pages()
        | terms_pages(desk())
        | money_pages(desk())
        | cashback_pages(desk())
    )
