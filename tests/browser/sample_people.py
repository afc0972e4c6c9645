"""Sample values of the desk's pages of orders, reviews and partners."""

from types import SimpleNamespace as S
from typing import Any

from app.ui.forms import Form
from tests.browser.samples import EVIL, RUB, Sample, ago


def people_pages(shell: Any) -> dict[str, Sample]:
    flag = S(id=7, order_id=3, order_number="A-1001", kind="self_referral", state="open", partner="alice", reason="", raised_at=ago(days=2), raised_by="", decided_at=None, decided_by="", decision="", reward_minor=22350)  # fmt: skip
    staff = S(id=8, order_id=4, order_number="A-1002", kind="staff", state="confirmed", partner="", reason=EVIL, raised_at=ago(days=3), raised_by="Olga", decided_at=ago(days=1), decided_by="Olga", decision=EVIL, reward_minor=0)  # fmt: skip
    reviews = {"shell": shell, "currency": RUB, "may_decide": True, "error": None, "next_url": None}
    found = S(id=3, number="A-1001", external_id="81c2-4f", status="paid", placed_at=ago(days=4), reward_minor=22350)  # fmt: skip
    row = S(id=5, code="alice", name=EVIL, state="active", level="silver", parent="boris", created_at=ago(days=90))  # fmt: skip
    names = {"starter": "Starter", "silver": EVIL}
    return {
        "desk-reviews": ("staff/reviews.html", reviews | {"show": "open", "flags": [flag, S(**vars(staff) | {"state": "open", "decided_at": None})], "error": (7, EVIL)}),
        "desk-reviews-empty": ("staff/reviews.html", reviews | {"show": "open", "flags": []}),
        "desk-reviews-decided": ("staff/reviews.html", reviews | {"show": "decided", "flags": [staff]}),
        "desk-order": ("staff/order.html", order(shell, [flag, staff])),
        "desk-orders-found": ("staff/orders_found.html", {"shell": shell, "form": Form.blank(number="A-1001"), "orders": [found, found]}),
        "desk-orders-none": ("staff/orders_found.html", {"shell": shell, "form": Form.blank(number=EVIL), "orders": []}),
        "desk-partners": ("staff/partners.html", {"shell": shell, "form": Form.blank(), "partners": [row, row], "level_names": names, "next_url": None}),
        "desk-partners-none": ("staff/partners.html", {"shell": shell, "form": Form.blank(words=EVIL), "partners": [], "level_names": names, "next_url": None}),
        "desk-partner": ("staff/partner.html", partner(shell, names)),
    }  # fmt: skip


def order(shell: Any, flags: list[S]) -> dict[str, Any]:
    commissions = [
        S(partner="alice", kind="direct", tier=0, amount_minor=22350, state="pending", why=["Staff named alice.", EVIL]),
        S(partner="boris", kind="tier", tier=1, amount_minor=2235, state="pending", why=[EVIL]),
    ]  # fmt: skip
    card = S(partner=S(code="alice", name=EVIL), reward_minor=24585)
    wrong = Form({"choice": "partner", "partner": EVIL})
    wrong.text("reason")
    return {
        "shell": shell,
        "currency": RUB,
        "order_id": 3,
        "order": S(number="A-1001", external_id="3", status="paid", currency=RUB, total_minor=298000, refunded_minor=100, placed_at=ago(days=4), paid_at=ago(days=4), fulfilled_at=ago(days=3), cancelled_at=None, partner_card=card, commissions=commissions),
        "kinds": {("direct", 0): "Own sale", ("tier", 1): "Network, tier 1"},
        "flags": flags,
        "choices": [S(at=ago(days=1), text=EVIL, who="Olga", reason=EVIL), S(at=ago(days=2), text="Promo code X", who="", reason="")],
        "may_decide": True,
        "partner_form": wrong,
        "flag_form": Form.blank(),
    }  # fmt: skip


def partner(shell: Any, names: dict[str, str]) -> dict[str, Any]:
    change = {"before": "starter", "after": "silver", "author": "Olga", "note": EVIL}
    levels = [
        S(at=ago(days=1), reason="by_hand", pinned=True, pinned_until=ago(days=-30), turnover_minor=None, **change),
        S(at=ago(days=2), reason="unpinned", pinned=False, pinned_until=None, turnover_minor=None, **change),
        S(at=ago(days=3), reason="turnover", pinned=False, pinned_until=None, turnover_minor=50_000_000, **change),
    ]  # fmt: skip
    moved = S(at=ago(days=9), after="boris", author="Olga", reason=EVIL)
    return {
        "shell": shell,
        "currency": RUB,
        "partner": S(id=5, name=EVIL, code="alice", state="active", joined_at=ago(days=90), level="silver"),
        "parent": S(id=6, name=EVIL, code="boris"),
        "pin": S(level="silver", until=ago(days=-30)),
        "level_names": names,
        "levels": list(names.items()),
        "states": [("active", "Active"), ("inactive", "Inactive")],
        "counts": "base",
        "level_history": levels,
        "parent_history": [moved, S(at=ago(days=90), after="", author="", reason="")],
        "state_history": [S(at=ago(days=90), after="active", author="", reason="")],
        "sees_money": True,
        "may_change": True,
        "forms": S(level=Form.blank(level="silver", pinned="yes"), unpin=Form.blank(), parent=Form.blank(parent="boris"), state=Form.blank(state="active")),
    }  # fmt: skip
