"""Pages beside the portal's own: the demo shop, its mail, the terms, how to connect a shop."""

from datetime import date
from decimal import Decimal
from types import SimpleNamespace as S
from typing import Any

from app.demo.shop import GOODS, Order
from app.ui.forms import Form
from app.ui.render import Site
from tests.browser.samples import EVIL, RUB, Sample, ago

# The snippet is then a file of the preview itself, as it is one of the portal in demo mode.
HERE = Site(base_url="", demo=True)


def demo_pages() -> dict[str, Sample]:
    shop: dict[str, Any] = {"site": HERE, "program": "wind", "currency": RUB}
    form = Form({"email": "buyer@", "quantity": "2"})
    form.email("email")
    line = {
        "external_id": "1",
        "product": GOODS[0].sku,
        "name": EVIL,
        "quantity": 2,
        "unit_price_minor": 149000,
    }
    body = {"status": "paid", "promo_code": "ALICE10", "shipping_minor": 35000, "discount_minor": 14900, "lines": [line], "refunds": []}  # fmt: skip
    answer = {"partner_card": {"partner": {"code": "alice", "name": EVIL}, "terms": "Silver, 7 %", "reward_minor": 19817, "status": "agreed"}}  # fmt: skip
    return {
        "shop": ("demo/catalogue.html", shop | {"goods": GOODS}),
        "shop-product": ("demo/product.html", shop | {"product": GOODS[0], "form": form, "shipping_minor": 35000}),
        "shop-order": ("demo/order.html", shop | {"order": Order("S-1001", body, answer), "product": GOODS[0], "error": "", "cashback_url": "https://portal.example/cashback/abc"}),
        "shop-order-alone": ("demo/order.html", shop | {"order": Order("S-1002", body | {"status": "cancelled"}, {}), "product": GOODS[0], "error": EVIL, "cashback_url": ""}),
    }  # fmt: skip


def money_pages(shell: S) -> dict[str, Sample]:
    """The desk's pages of the deposit and of adjustments."""
    deposit = S(balance_minor=1149900, is_used=True, fee_ppm=150000, waiting_count=2, waiting_minor=1200000, soon_minor=2300000, is_low=True)  # fmt: skip
    row = S(order_number="A-1001", partner_name=EVIL, partner_code="alice", kind="direct", due_at=ago(days=2), amount_minor=1000000)  # fmt: skip
    put = S(id=2, at=ago(days=1), kind="top_up", text=EVIL, order_number="", author="fedor@example.com", note=EVIL, amount_minor=5000000, fee_minor=0, balance_minor=1149900)  # fmt: skip
    paid = S(id=1, at=ago(days=3), kind="deposit", text=EVIL, order_number="A-0998", author="", note="", amount_minor=-1000000, fee_minor=150000, balance_minor=-3850100)  # fmt: skip
    page = {"shell": shell, "currency": RUB, "next_url": None}
    rates = page | {
        "rates": [S(currency="USD", day=date(2026, 11, 21), rate=Decimal("90.1234"), source=EVIL)],
        "own_rates": [S(code="alice", name=EVIL, external=120000, direct=None, plan="phones", since=ago(days=3), note=EVIL, author="olga@example.com")],
        "plans": ["phones", "cases"], "form": Form.blank(), "may_set": True,
    }  # fmt: skip
    top_up = Form.blank(action_id="12345678")
    adjusted = S(id=1, at=ago(days=1), partner_name=EVIL, partner_code="alice", amount_minor=-100000, reason=EVIL, author="fedor@example.com", state="available")  # fmt: skip
    form = Form.blank(action_id="12345678", direction="give", partner="alice")
    run = S(id=7, action="reserve", state="running", from_at=None, to_at=ago(days=1), plan_from_at=ago(days=40), plan_to_at=ago(days=1), step=50, author="fedor@example.com", started_at=ago(hours=1), finished_at=None, partners=3, done=2, without_plan=1, orders=12, amount_minor=1234500)  # fmt: skip
    item = S(
        id=1, partner_name=EVIL, partner_code="alice", state="no_plan", reached=5, orders=0, amount_minor=0
    )
    runs = page | {
        "waiting": S(orders=4, partners=2, oldest_at=ago(days=20)), "runs": [run], "may_act": True,
        "form": Form.blank(action_id="12345678", action="reserve", step="50"), "partners_form": Form.blank(),
        "schedule_form": Form.blank(day="1", schedule_action="reserve", active="yes"),
        "actions": [("reserve", EVIL)], "partner_actions": [("activate", EVIL)],
    }  # fmt: skip
    directions = [("give", "Give", "At once."), ("take", "Take", "From available.")]
    return {
        "desk-rates": ("staff/rates.html", rates),
        "desk-rates-empty": ("staff/rates.html", rates | {"rates": [], "own_rates": [], "plans": [], "may_set": False}),
        "desk-deposit": ("staff/deposit.html", page | {"deposit": deposit, "waiting": [row], "history": [put, paid], "form": top_up, "may_act": True}),
        "desk-deposit-empty": ("staff/deposit.html", page | {"deposit": S(balance_minor=0, is_used=False, fee_ppm=150000, waiting_count=0, waiting_minor=0, soon_minor=0, is_low=False), "waiting": [], "history": [], "form": top_up, "may_act": False}),
        "desk-runs": ("staff/runs.html", runs),
        "desk-runs-empty": ("staff/runs.html", runs | {"runs": [], "waiting": S(orders=0, partners=0, oldest_at=None), "may_act": False}),
        "desk-run": ("staff/run.html", page | {"run": run, "items": [item], "may_act": True}),
        "desk-run-empty": ("staff/run.html", page | {"run": S(**vars(run) | {"state": "paused", "partners": 0, "done": 0}), "items": [], "may_act": True}),
        "desk-adjustments": ("staff/adjustments.html", page | {"rows": [adjusted], "form": form, "directions": directions}),
        "desk-adjustments-empty": ("staff/adjustments.html", page | {"rows": [], "form": form, "directions": directions}),
    }  # fmt: skip


def other_pages(offer: S) -> dict[str, Sample]:
    letter = S(name="20261122T110500000001", to="alice@example.com", subject=EVIL, at=ago(hours=1), text=f"{EVIL}\nhttps://portal.example/confirm/t")  # fmt: skip
    rules = S(version=2, published_at=ago(days=90), text={"ru": "Не спамить.\nНе обманывать.", "en": EVIL})
    call = {"method": "PUT", "path": "/api/v1/orders/{external_id}", "summary": "Tell an order's present state", "about": "Send it at every change.", "example": '{"status": "paid"}'}  # fmt: skip
    return {
        "terms": ("programs/terms.html", {"offer": offer, "texts": {"terms": rules, "privacy": rules}}),
        "mailbox": ("notices/mailbox.html", {"letters": [letter]}),
        "mailbox-empty": ("notices/mailbox.html", {"letters": []}),
        "letter": ("notices/letter.html", {"letter": letter}),
        "developers": ("shops/developers.html", {"calls": [call], "base": "https://portal.example"}),
        **demo_pages(),
    }
