"""Orders that could not be judged are shown with the reason, and can be tried at once."""

from app import db
from app.commissions.intake import take
from tests.browsers import Browse
from tests.cast import Cast
from tests.integration.staff.messages import paid_order, refund


async def test_waiting_orders_say_why(cast: Cast, browse: Browse) -> None:
    await take(
        cast.north_id, [paid_order("good"), refund("later", "r1"), paid_order("foreign", currency="EUR")]
    )
    await take(cast.north_id, [paid_order("broken")])
    await db.execute("UPDATE orders SET judging_error = 'judging failed' WHERE external_id = 'broken'")
    page = (await (await browse(cast.olga)).get("/desk/orders")).text
    assert "A refund came, but the order itself has not come yet." in page
    assert "It is in EUR and waits for that currency" in page
    assert "Computing its commission failed" in page
    assert ">good<" not in page
    assert ">good<" not in (await (await browse(cast.sergei)).get("/desk/orders")).text


async def test_order_is_tried_at_once(cast: Cast, browse: Browse) -> None:
    await take(cast.north_id, [paid_order("broken", partner="alice")])
    order_id = await db.fetchval("SELECT id FROM orders WHERE external_id = 'broken'")
    before = await db.fetchval("SELECT count(*) FROM journal_entries")
    await db.execute("UPDATE orders SET judging_error = 'judging failed' WHERE id = $1", order_id)
    foreign = await (await browse(cast.sergei)).post(f"/desk/orders/{order_id}/retry")
    assert foreign.status_code == 404
    answer = await (await browse(cast.olga)).post(f"/desk/orders/{order_id}/retry")
    assert answer.status_code == 303
    assert await db.fetchval("SELECT judging_error FROM orders WHERE id = $1", order_id) == ""
    assert await db.fetchval("SELECT count(*) FROM journal_entries") == before
