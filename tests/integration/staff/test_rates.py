"""The desk's rates: currencies typed in or by file, orders that waited for them, partners' own rates and plans."""

from app import db
from app.commissions.intake import take
from tests.browsers import Browse
from tests.cast import Cast
from tests.integration.staff.messages import paid_order


async def test_an_order_waits_for_its_rate_and_is_judged_when_it_is_entered(
    cast: Cast, browse: Browse
) -> None:
    order = paid_order("usd", currency="USD", partner="alice")
    await take(cast.north_id, [order])
    assert order.paid_at is not None
    manager = await browse(cast.olga)
    assert "USD" in (await manager.get("/desk/orders")).text
    answer = await manager.post(
        "/desk/rates/currencies",
        data={"currency": "usd", "day": order.paid_at.date().isoformat(), "rate": "90,5", "source": "bank"},
    )
    assert answer.status_code == 303
    reward, waiting = (
        await db.fetchval(
            "SELECT reward_minor FROM orders WHERE external_id = 'usd' AND program_id = $1", cast.north_id
        ),
        (await manager.get("/desk/orders")).text,
    )
    assert reward > 0
    assert "USD" not in waiting
    assert "90.5" in (await manager.get("/desk/rates")).text


async def test_wrong_rates_are_refused_at_their_fields(cast: Cast, browse: Browse) -> None:
    manager = await browse(cast.olga)
    answer = await manager.post(
        "/desk/rates/currencies", data={"currency": "RUB", "day": "2026-02-30", "rate": "0"}
    )
    assert answer.status_code == 422
    assert answer.text.count("field__error") >= 3
    assert await db.fetchval("SELECT count(*) FROM program_currency_rates") == 0


async def test_a_partner_gets_rates_of_his_own_with_a_reason(cast: Cast, browse: Browse) -> None:
    manager = await browse(cast.olga)
    nobody = await manager.post("/desk/rates/partners", data={"partner": "nobody", "reason": "x"})
    assert nobody.status_code == 422
    values = {"partner": "alice", "external": "12", "reason": "a big blog"}
    assert (await manager.post("/desk/rates/partners", data=values)).status_code == 303
    row = await db.fetchrow(
        "SELECT own_rate, plan, note FROM partner_own_rate_changes WHERE partner_id = $1",
        cast.alice.partner_id,
    )
    assert tuple(row) == (120_000, "", "a big blog")
    assert "a big blog" in (await manager.get("/desk/rates")).text
    unknown = await manager.post("/desk/rates/partners", data=values | {"plan": "nothing"})
    assert unknown.status_code == 422


async def test_who_may_not_set_rates(cast: Cast, browse: Browse) -> None:
    assert (await (await browse(cast.max)).get("/desk/rates")).status_code == 403
    accountant = await browse(cast.fedor)
    assert (await accountant.get("/desk/rates")).status_code == 200
    answer = await accountant.post("/desk/rates/partners", data={"partner": "alice", "reason": "x"})
    assert answer.status_code == 403
