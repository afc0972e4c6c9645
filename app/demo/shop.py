"""A shop's side of the contract, as short as it can be: a catalogue, orders in files, and calls of the portal's API.

Nothing here imports the portal's slices; of the portal's own it has but the clock and the words for two languages. What this shop knows of partners it learns from the snippet on its pages
(the visitor's and the click's id, in hidden fields of the checkout) and from the answers of `PUT /api/v1/orders/…`.
Its API key lies in `var/demo-shop.key`, where `tandem demo` puts it.
"""

import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from app import clock
from app.ui.i18n import gettext as _

PROGRAM = "demo"
KEY_FILE = "demo-shop.key"
SHIPPING_MINOR = 35_000
NUMBER = re.compile(r"D-[0-9]{6}-[0-9A-F]{6}")


class ShopError(Exception):
    """The portal did not do what the shop asked; the message is for the shop's page."""


@dataclass(frozen=True, slots=True)
class Product:
    """Something to buy."""

    sku: str
    name: dict[str, str]
    about: dict[str, str]
    price_minor: int
    category: str
    picture: str
    """A symbol of static/img/demo/goods.svg."""


GOODS = (
    Product(
        "case", {"ru": "Чехол «Волна»", "en": "Case “Wave”"},
        {"ru": "Мягкий силикон, бортик вокруг камеры.", "en": "Soft silicone with a rim around the camera."},
        149_000, "cases", "case",
    ),
    Product(
        "buds", {"ru": "Наушники «Тишь»", "en": "Earbuds “Hush”"},
        {"ru": "Шумоподавление и сутки в кейсе.", "en": "Noise cancelling, a day in their box."},
        799_000, "sound", "buds",
    ),
    Product(
        "bank", {"ru": "Аккумулятор «Запас»", "en": "Power bank “Spare”"},
        {"ru": "10 000 мА·ч в кармане рубашки.", "en": "10,000 mAh in a shirt pocket."},
        349_000, "power", "bank",
    ),
    Product(
        "lamp", {"ru": "Лампа «Полдень»", "en": "Lamp “Noon”"},
        {"ru": "Тёплый свет без мерцания.", "en": "Warm light that does not flicker."},
        529_000, "home", "lamp",
    ),
    Product(
        "cable", {"ru": "Кабель «Длинный»", "en": "Cable “Long”"},
        {"ru": "Два метра, в оплётке.", "en": "Two metres, braided."},
        99_000, "power", "cable",
    ),
    Product(
        "stand", {"ru": "Подставка «Мост»", "en": "Stand “Bridge”"},
        {"ru": "Алюминий, шесть наклонов.", "en": "Aluminium, six angles."},
        259_000, "home", "stand",
    ),
)  # fmt: skip
BY_SKU = {product.sku: product for product in GOODS}


@dataclass(slots=True)
class Order:
    """An order as the shop keeps it: what it last told the portal, and what it was answered."""

    number: str
    body: dict[str, Any]
    """Body of PUT /api/v1/orders/{number}."""
    answer: dict[str, Any]

    @property
    def total_minor(self) -> int:
        goods = sum(line["quantity"] * line["unit_price_minor"] for line in self.body["lines"])
        return int(goods + self.body["shipping_minor"] - self.body["discount_minor"])

    @property
    def refunded_pieces(self) -> int:
        refunds = self.body["refunds"]
        return sum(line["quantity"] for refund in refunds for line in refund["lines"])


class Shop:
    """The shop's back office."""

    def __init__(
        self, base_url: str, var_dir: Path, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._base_url = base_url
        self._key_file = var_dir / KEY_FILE
        self._folder = var_dir / "demo-shop"
        self._transport = transport

    async def discount_minor(self, code: str, total_minor: int) -> int:
        """What a promo code takes off; 0 for a code that is none."""
        answer = await self._call("POST", "/promo-codes/quote", {"code": code, "total_minor": total_minor})
        return int(answer["discount_minor"]) if answer["valid"] else 0

    async def buy(
        self, product: Product, quantity: int, email: str, *, promo_code: str, visitor_id: str, click_id: str
    ) -> Order:
        """Sell: the order is paid at once."""
        now = _now()
        number = f"D-{clock.now():%y%m%d}-{secrets.token_hex(3).upper()}"
        goods = product.price_minor * quantity
        discount = await self.discount_minor(promo_code, goods) if promo_code else 0
        body: dict[str, Any] = {
            "number": number,
            "status": "paid",
            "updated_at": now,
            "placed_at": now,
            "paid_at": now,
            "customer": {"external_id": email.casefold(), "email": email},
            "shipping_minor": SHIPPING_MINOR,
            "discount_minor": discount,
            "lines": [
                {
                    "external_id": "1",
                    "product": product.sku,
                    "name": product.name["en"],
                    "categories": [product.category],
                    "quantity": quantity,
                    "unit_price_minor": product.price_minor,
                }
            ],
            "refunds": [],
        }
        given = {"visitor_id": visitor_id, "click_id": click_id, "promo_code": promo_code}
        body.update({name: value for name, value in given.items() if value})
        return await self._tell(number, body)

    async def fulfil(self, order: Order) -> Order:
        """It is handed over."""
        now = _now()
        return await self._tell(
            order.number, order.body | {"status": "fulfilled", "fulfilled_at": now, "updated_at": now}
        )

    async def cancel(self, order: Order) -> Order:
        """It is called off."""
        now = _now()
        return await self._tell(
            order.number, order.body | {"status": "cancelled", "cancelled_at": now, "updated_at": now}
        )

    async def refund_one(self, order: Order) -> Order:
        """One piece comes back."""
        line = order.body["lines"][0]
        if order.refunded_pieces >= line["quantity"]:
            raise ShopError(_("Everything of this order has come back already."))
        now = _now()
        refund = {
            "external_id": f"r{len(order.body['refunds']) + 1}",
            "at": now,
            "lines": [{"line": "1", "quantity": 1}],
        }
        refunds = [*order.body["refunds"], refund]
        return await self._tell(order.number, order.body | {"refunds": refunds, "updated_at": now})

    async def cashback_page(self, customer: str) -> str:
        """Where this customer sees his cashback; empty while he has had none, or the key may not ask."""
        try:
            answer = await self._call("GET", f"/customers/{quote(customer, safe='')}/cashback", None)
        except ShopError:
            return ""
        return str(answer["page_url"] or "")

    def order(self, number: str) -> Order | None:
        """The order of this number; None: there is none."""
        path = self._folder / f"{number}.json"
        if not NUMBER.fullmatch(number) or not path.exists():
            return None
        return Order(**msgspec.json.decode(path.read_bytes()))

    async def _tell(self, number: str, body: dict[str, Any]) -> Order:
        """Send the order's whole present state, and keep it once the portal has it."""
        answer = await self._call("PUT", f"/orders/{number}", body)
        order = Order(number, body, answer)
        self._folder.mkdir(parents=True, exist_ok=True)
        kept = {"number": order.number, "body": order.body, "answer": order.answer}
        (self._folder / f"{number}.json").write_bytes(msgspec.json.encode(kept))
        return order

    async def _call(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        if not self._key_file.exists():
            raise ShopError(_("The demo shop has no API key yet: start the portal with `tandem demo`."))
        headers = {"Authorization": f"Bearer {self._key_file.read_text().strip()}"}
        try:
            async with httpx.AsyncClient(transport=self._transport, timeout=10) as client:
                answer = await client.request(
                    method, f"{self._base_url}/api/v1{path}", json=body, headers=headers
                )
        except httpx.HTTPError as error:
            raise ShopError(_("The portal does not answer.")) from error
        if answer.status_code >= 400:
            raise ShopError(
                _(
                    "The portal answered %(status)s: %(text)s",
                    status=answer.status_code,
                    text=answer.text[:500],
                )
            )
        told: dict[str, Any] = answer.json()
        return told


def _now() -> str:
    return clock.now().isoformat()
