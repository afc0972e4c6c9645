"""The customer's own page and the desk's view of cashback."""

from datetime import timedelta
from types import SimpleNamespace as S
from typing import Any

from app.cashback.pages import RuleLine
from app.cashback.words import STEPS
from app.rules.cashback_moves import MoveKind
from tests.browser.samples import EVIL, NOW, RUB, Sample, ago


def step(number: int, kind: MoveKind, delta: int, after: int, amount: int | None = None) -> tuple[S, str]:
    row = S(id=number, at=ago(days=30 - number), kind=kind, order="A-1001", amount_minor=abs(delta) if amount is None else amount, available_delta_minor=delta, available_minor=after, pending_minor=31000)  # fmt: skip
    return row, str(STEPS[kind])


def cashback_pages(shell: S) -> dict[str, Sample]:
    sums = S(pending_minor=31000, available_minor=124000, reserved_minor=12000, spent_minor=540000, expired_minor=3000, written_off_minor=1000)  # fmt: skip
    nothing = S(pending_minor=0, available_minor=0, reserved_minor=0, spent_minor=0, expired_minor=0, written_off_minor=0)  # fmt: skip
    lots = [
        S(order="A-0990", amount_minor=50000, left_minor=20000, available_at=ago(days=20), expires_at=NOW + timedelta(days=39)),
        S(order=EVIL, amount_minor=104000, left_minor=104000, available_at=ago(days=2), expires_at=NOW + timedelta(days=90)),
    ]  # fmt: skip
    waiting = [
        S(order="A-1003", amount_minor=21000, available_at=NOW + timedelta(days=14)),
        S(order="A-1004", amount_minor=10000, available_at=None),
    ]
    history = [
        step(5, MoveKind.EXPIRED, -3000, 124000),
        step(4, MoveKind.RETURNED, 6000, 127000),
        step(3, MoveKind.SPENT, 0, 121000, 12000),
        step(2, MoveKind.RESERVED, -12000, 121000),
        step(1, MoveKind.RELEASED, 133000, 133000),
    ]
    rules = [RuleLine(100000, "brands: Acme"), RuleLine(30000, EVIL)]
    page: dict[str, Any] = {
        "program_name": "Северный ветер", "shop_url": "https://shop.example/", "currency": RUB, "zone": "Europe/Moscow",
        "cashback": S(max_share_ppm=500000, lifetime_days=180), "example": (100000, 50000), "next_url": None,
    }  # fmt: skip
    owner = S(customer_id=7, external_id=EVIL)
    desk = {"shell": shell, "currency": RUB, "next_url": None}
    lost = [S(id=3, order="A-0980", customer_id=7, customer=EVIL, amount_minor=1000)]
    return {
        "cashback": ("cashback/customer.html", page | {"sums": sums, "spendable_minor": 124000, "lots": lots, "waiting": waiting, "rules": rules, "history": history}),
        "cashback-empty": ("cashback/customer.html", page | {"sums": nothing, "spendable_minor": 0, "lots": [], "waiting": [], "rules": [], "history": [], "cashback": None}),
        "desk-cashback": ("staff/cashback.html", desk | {"sums": sums, "rows": lost, "wanted": ""}),
        "desk-cashback-empty": ("staff/cashback.html", desk | {"sums": nothing, "rows": [], "wanted": EVIL}),
        "desk-cashback-customer": ("staff/cashback_customer.html", desk | {"owner": owner, "sums": sums, "lots": lots, "waiting": waiting, "history": history, "page_url": "https://portal.example/cashback/7-1-fe0.0123456789abcdef"}),
        "desk-cashback-nobody": ("staff/cashback_customer.html", desk | {"owner": owner, "sums": nothing, "lots": [], "waiting": [], "history": [], "page_url": "https://portal.example/cashback/7-1-fe0.0123456789abcdef"}),
    }  # fmt: skip
