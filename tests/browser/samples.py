"""Literal values for every template, as pages would pass them: what tests and people look at without a database.

A sample is (template, values). `EMPTY` are the same pages of somebody who has nothing yet.
"""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace as S
from typing import Any

from app.ui import charts
from app.ui.i18n import locale
from app.ui.shell import DeskShell, PartnerShell

Sample = tuple[str, dict[str, Any]]

RUB = "RUB"
NOW = datetime(2026, 11, 22, 11, 5, tzinfo=UTC)
EVIL = '<img src=x onerror=alert(1)> & "quotes"'


def ago(**parts: int) -> datetime:
    return NOW - timedelta(**parts)


def said(ru: str, en: str) -> str:
    """What a service would have put into words for the reader."""
    return ru if locale() == "ru" else en


def partner(**changes: Any) -> PartnerShell:
    values: dict[str, Any] = {
        "program_name": "Северный ветер", "partner_name": "Алиса Петрова", "email": "alice@example.com",
        "partner_state": "active", "level_name": "Silver", "unread_notices": 3, "debt_minor": 0, "currency": RUB,
        "terms_version": 4, "support_email": "partners@shop.example", "staff": False,
    }  # fmt: skip
    return PartnerShell(**values | changes)


def desk(**changes: Any) -> DeskShell:
    values: dict[str, Any] = {
        "program_name": "Северный ветер", "user_name": "Ольга Менеджер", "email": "olga@shop.example",
        "role": said("Менеджер", "Manager"), "applications_waiting": 2, "payouts_waiting": 3, "orders_waiting": 1,
        "may_see": frozenset({"applications", "payouts", "terms", "orders", "cashback", "admin"}), "unread_notices": 1,
    }  # fmt: skip
    return DeskShell(**values | changes)


def error(status: int, message: str) -> Sample:
    return f"errors/{status}.html", {"message": message, "request_id": "5f1c02a9b7", "retry_url": "/overview"}


def chart(name: str = "earnings", metric: str = "") -> charts.Chart:
    days = [date(2026, 11, day) for day in range(1, 31)]
    before = [date(2026, 10, day) for day in range(1, 31)]
    values: list[int | None] = [
        120000, 0, 84550, 231000, 190075, 64000, 0, 310025, 275000, 128000, 90510, 410000, 386000, 154000, 99000,
        0, 201500, 174000, 260000, 333000, 148000, 61000,
    ]  # fmt: skip
    previous = [
        90000,
        45000,
        150000,
        120000,
        0,
        88000,
        175000,
        140000,
        60000,
        210000,
        190000,
        99000,
        30000,
        0,
        121000,
    ] * 2
    return charts.by_day(
        name, metric=metric or said("Доход", "Earnings"), days=days, values=values + [None] * 8, previous_days=before,
        previous=previous, unit=charts.Unit.MONEY, currency=RUB, today=date(2026, 11, 22),
    )  # fmt: skip


def figures() -> list[S]:
    line = [3, 5, 2, 8, 6, 9, 4, 11, 7, 12]
    zero = [0] * 10
    return [
        S(label=said("Доход", "Earnings"), value=said("35 196,60 ₽", "RUB 35,196.60"), delta=charts.delta(3519660, 2849600, said("28 496,00 ₽", "RUB 28,496.00")), values=line, href="/earnings"),
        S(label=said("Клики", "Clicks"), value="1 284", delta=charts.delta(1284, 1500, "1 500"), values=line[::-1], href=""),
        S(label=said("Заказы", "Orders"), value="37", delta=charts.delta(37, 0, "0"), values=line, href=""),
        S(label=said("Возвраты", "Refunds"), value="0", delta=charts.delta(0, 0, "0", more_is_better=False), values=zero, href=""),
    ]  # fmt: skip


def commission(**changes: Any) -> S:
    values = {
        "id": 7, "at": ago(days=2), "order_number": "A-1001", "kind_label": said("За заказ", "For an order"),
        "via_text": "alice-autumn", "base_minor": 1000000, "rate": 70000, "amount_minor": 70000,
        "accrued_minor": 70000, "clawed_back_minor": 0, "state": "pending", "waits_for_deposit": False, "available_at": NOW + timedelta(days=12),
        "why": [said("10 000,00 ₽ по ставке 7 % уровня Silver.", "RUB 10,000.00 at 7% of level Silver.")],
    }  # fmt: skip
    return S(**values | changes)


def commissions() -> list[S]:
    return [
        commission(),
        commission(id=6, order_number="A-0998", state="available", amount_minor=1234567, at=ago(days=16)),
        commission(id=5, order_number="A-0990", state="available", amount_minor=35000, clawed_back_minor=35000, at=ago(days=20)),
        commission(id=4, order_number="A-0985", state="clawed_back", amount_minor=0, clawed_back_minor=52000, rate=None, at=ago(days=22)),
        commission(id=3, order_number="", kind_label=said("Корректировка", "Adjustment"), state="available", amount_minor=-150000, rate=None, via_text="", at=ago(days=25)),
    ]  # fmt: skip


def steps() -> list[S]:
    return [
        S(text=said("Клик по ссылке alice-autumn", "Click on link alice-autumn"), at=ago(days=3), future=False, bad=False, detail="blog.example"),
        S(text=said("Заказ A-1001 оплачен", "Order A-1001 paid"), at=ago(days=2), future=False, bad=False, detail=""),
        S(text=said("Возврат половины строки 2", "Half of line 2 refunded"), at=ago(days=1), future=False, bad=True, detail=said("−350,00 ₽", "−RUB 350.00")),
        S(text=said("Станет доступно", "Becomes available"), at=NOW + timedelta(days=12), future=True, bad=False, detail=""),
    ]  # fmt: skip


def payout(**changes: Any) -> S:
    values = {
        "id": 12, "number": "12", "requested_at": ago(days=4), "amount_minor": 1500000, "paid_minor": 1500000, "cut_minor": 0,
        "state": "requested", "method_label": said("Банковский счёт", "Bank account"), "account_text": "•••• 6789", "reason": "",
        "timeline": steps()[:2], "partner_name": "Алиса Петрова", "partner_code": "alice", "partner_url": "/admin/#/partners/1",
        "payable_minor": 1500000, "holder": "Петрова Алиса Игоревна", "warnings": [], "available_minor": 345000,
        "reserved_minor": 1500000, "debt_minor": 0, "pending_minor": 870050, "approved_by": "", "closed_at": None,
        "second_approved_by": "", "may_agree": False, "batch_id": None, "batch_number": None, "returned_at": None,
        "may_take_back": False, "may_cancel": False, "was_returned": False,
    }  # fmt: skip
    return S(**values | changes)


def link(**changes: Any) -> S:
    values = {
        "id": 1, "url": "https://portal.example/r/alice-autumn", "name": said("Осенняя распродажа", "Autumn sale"),
        "target": "https://shop.example/catalog/autumn/jackets?sort=price", "utm_text": "utm_source=telegram", "sub_text": "sub1=post-42",
        "state": "active", "clicks": 12840, "orders": 37, "earned_minor": 3519660, "last_click_on": date(2026, 11, 22), "qr_url": "/links/1/qr.svg",
    }  # fmt: skip
    return S(**values | changes)


def material(**changes: Any) -> S:
    values = {
        "id": 1, "name": said("Зимняя коллекция", "Winter collection"), "kind": "banner", "kind_label": said("Баннер", "Banner"),
        "picture_url": "/static/img/logo.svg", "width": 728, "height": 90, "size_text": "PNG, 24 KB", "alt": "Winter", "plain_text": "",
        "html": '<a href="https://portal.example/r/alice"><img src="https://portal.example/media/b.png"></a>',
        "download_url": "/media/b.png", "locked": False, "level_name": "", "valid_to": None, "is_new": False,
    }  # fmt: skip
    return S(**values | changes)
