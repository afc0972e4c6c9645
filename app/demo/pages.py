"""The demo shop's pages: a catalogue, a product, a checkout, and an order with the shop's own buttons."""

from functools import lru_cache
from typing import Any

from litestar import Request, Response, get, post
from litestar.types import ControllerRouterHandler

from app.config import Settings, settings
from app.demo.shop import BY_SKU, GOODS, PROGRAM, SHIPPING_MINOR, Order, Product, Shop, ShopError
from app.errors import NotFound
from app.ui.forms import Form
from app.ui.render import render, see_other
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]
PUBLIC = policy("public", form_token=False)


@get("/demo-shop", opt=PUBLIC)
async def catalogue(request: AnyRequest) -> Response[str]:
    """All goods. Partners' links lead here."""
    return _page(request, "catalogue", goods=GOODS)


@get("/demo-shop/goods/{sku:str}", opt=PUBLIC)
async def product(request: AnyRequest, sku: str) -> Response[str]:
    """One product, with the checkout below it."""
    return _product_page(request, _product(sku), Form.blank(quantity=1))


@post("/demo-shop/goods/{sku:str}", opt=PUBLIC)
async def buy(request: AnyRequest, sku: str) -> Response[str]:
    """The order goes to the portal by its API."""
    bought = _product(sku)
    form = Form(await request.form())
    email = form.email("email")
    quantity = form.integer("quantity", minimum=1, maximum=99)
    names = ("promo_code", "visitor_id", "click_id")
    given = {name: form.text(name, required=False, max_length=64) for name in names}
    if not form.errors:
        try:
            order = await _shop().buy(bought, quantity, email, **given)
            return see_other(request, f"/demo-shop/orders/{order.number}")
        except ShopError as error:
            form.fail("", str(error))
    return _product_page(request, bought, form, status=422)


@get("/demo-shop/orders/{number:str}", opt=PUBLIC)
async def show_order(request: AnyRequest, number: str) -> Response[str]:
    """The order as the shop's staff see it: what was told, what was answered."""
    return await _order_page(request, _order(number))


@post("/demo-shop/orders/{number:str}/{action:str}", opt=PUBLIC)
async def change_order(request: AnyRequest, number: str, action: str) -> Response[str]:
    """Hand over, take one piece back, or call off."""
    order, shop = _order(number), _shop()
    actions = {"fulfil": shop.fulfil, "refund": shop.refund_one, "cancel": shop.cancel}
    if action not in actions:
        raise NotFound
    try:
        await actions[action](order)
    except ShopError as error:
        return await _order_page(request, order, error=str(error), status=422)
    return see_other(request, f"/demo-shop/orders/{number}")


@lru_cache(maxsize=1)
def _shop() -> Shop:
    return Shop(settings().base_url, settings().var_dir)


def _product(sku: str) -> Product:
    if sku not in BY_SKU:
        raise NotFound("This shop has no such product.")
    return BY_SKU[sku]


def _order(number: str) -> Order:
    order = _shop().order(number)
    if order is None:
        raise NotFound("This shop has no such order.")
    return order


def _product_page(request: AnyRequest, shown: Product, form: Form, *, status: int = 200) -> Response[str]:
    return _page(request, "product", status=status, product=shown, form=form, shipping_minor=SHIPPING_MINOR)


async def _order_page(
    request: AnyRequest, order: Order, *, error: str = "", status: int = 200
) -> Response[str]:
    bought = BY_SKU[order.body["lines"][0]["product"]]
    cashback_url = await _shop().cashback_page(order.body["customer"]["external_id"])
    return _page(
        request,
        "order",
        status=status,
        order=order,
        product=bought,
        error=error,
        cashback_url=cashback_url,
    )


def _page(request: AnyRequest, template: str, *, status: int = 200, **values: Any) -> Response[str]:
    return render(request, f"demo/{template}.html", status=status, program=PROGRAM, currency="RUB", **values)


def routes(config: Settings) -> list[ControllerRouterHandler]:
    """The shop's routes; none outside demo mode."""
    return [catalogue, product, buy, show_order, change_order] if config.demo else []


ROUTES = routes
