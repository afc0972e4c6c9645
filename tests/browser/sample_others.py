"""Pages beside the portal's own: the demo shop, its mail, the terms, how to connect a shop."""

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
        "shop-order": ("demo/order.html", shop | {"order": Order("S-1001", body, answer), "product": GOODS[0], "error": ""}),
        "shop-order-alone": ("demo/order.html", shop | {"order": Order("S-1002", body | {"status": "cancelled"}, {}), "product": GOODS[0], "error": EVIL}),
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
