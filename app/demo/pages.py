"""The demo shop's pages: a catalogue, a product, a checkout, and an order with the shop's own buttons."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.types import ControllerRouterHandler

from app.config import Settings
from app.demo.shop import BY_SKU, GOODS, PROGRAM, SHIPPING_MINOR, Order, Shop, ShopError
from app.errors import NotFound
from app.ui.forms import Form
from app.ui.render import render, see_other
from app.users.policy import policy

AnyRequest = Request[Any, Any, Any]
PUBLIC = policy("public", form_token=False)


def routes(config: Settings) -> list[ControllerRouterHandler]:
    """The shop's routes; none outside demo mode."""
    if not config.demo:
        return []
    shop = Shop(config.base_url, config.var_dir)

    def page(request: AnyRequest, template: str, *, status: int = 200, **values: Any) -> Response[str]:
        return render(
            request, f"demo/{template}.html", status=status, program=PROGRAM, currency="RUB", **values
        )

    def found(number: str) -> Order:
        order = shop.order(number)
        if order is None:
            raise NotFound("This shop has no such order.")
        return order

    @get("/demo-shop", opt=PUBLIC)
    async def catalogue(request: AnyRequest) -> Response[str]:
        """All goods. Partners' links lead here."""
        return page(request, "catalogue", goods=GOODS)

    @get("/demo-shop/goods/{sku:str}", opt=PUBLIC)
    async def product(request: AnyRequest, sku: str) -> Response[str]:
        """One product, with the checkout below it."""
        if sku not in BY_SKU:
            raise NotFound("This shop has no such product.")
        form = Form.blank(quantity=1)
        return page(request, "product", product=BY_SKU[sku], form=form, shipping_minor=SHIPPING_MINOR)

    @post("/demo-shop/goods/{sku:str}", opt=PUBLIC)
    async def buy(request: AnyRequest, sku: str) -> Response[str]:
        """The order goes to the portal by its API."""
        if sku not in BY_SKU:
            raise NotFound("This shop has no such product.")
        form = Form(await request.form())
        email = form.email("email")
        quantity = form.integer("quantity", minimum=1, maximum=99)
        given = {
            name: form.text(name, required=False, max_length=64)
            for name in ("promo_code", "visitor_id", "click_id")
        }
        if not form.errors:
            try:
                order = await shop.buy(BY_SKU[sku], quantity, email, **given)
                return see_other(request, f"/demo-shop/orders/{order.number}")
            except ShopError as error:
                form.fail("", str(error))
        return page(
            request, "product", status=422, product=BY_SKU[sku], form=form, shipping_minor=SHIPPING_MINOR
        )

    @get("/demo-shop/orders/{number:str}", opt=PUBLIC)
    async def show_order(request: AnyRequest, number: str) -> Response[str]:
        """The order as the shop's staff see it: what was told, what was answered."""
        order = found(number)
        return page(
            request, "order", order=order, product=BY_SKU[order.body["lines"][0]["product"]], error=""
        )

    @post("/demo-shop/orders/{number:str}/{action:str}", opt=PUBLIC)
    async def change_order(request: AnyRequest, number: str, action: str) -> Response[str]:
        """Hand over, take one piece back, or call off."""
        order = found(number)
        actions = {"fulfil": shop.fulfil, "refund": shop.refund_one, "cancel": shop.cancel}
        if action not in actions:
            raise NotFound
        try:
            await actions[action](order)
        except ShopError as error:
            bought = BY_SKU[order.body["lines"][0]["product"]]
            return page(request, "order", status=422, order=order, product=bought, error=str(error))
        return see_other(request, f"/demo-shop/orders/{number}")

    return [catalogue, product, buy, show_order, change_order]


ROUTES = routes
