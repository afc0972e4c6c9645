"""What a stolen dump of the database and the logs are worth: no key, password, link or account number is in them."""

import re

import asyncpg
import pytest

from app import db
from app.partners.payout_details import NewPayoutDetails, give_details_in_transaction
from app.shops.keys import create_key, forget_keys
from app.users import letters, service
from app.users.service import Purpose
from tests.browsers import Browse
from tests.cast import make_cast
from tests.conftest import TestEngines
from tests.factories import PASSWORD

ACCOUNT = "40817810099910004312"
CARD = "2200240100000000"


async def dump(url: str) -> str:
    """Every row of every table as text."""
    connection = await asyncpg.connect(url)
    try:
        tables = await connection.fetch(
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = 'public'"
        )
        rows = [
            await connection.fetch(f"SELECT t::text AS row FROM {table['name']} AS t") for table in tables
        ]
    finally:
        await connection.close()
    return "\n".join(row["row"] for found in rows for row in found)


async def test_neither_dump_nor_log_holds_a_secret(
    committing: TestEngines, browse: Browse, capsys: pytest.CaptureFixture[str]
) -> None:
    cast = await make_cast()
    key = await create_key("north", "shop", ["orders"])
    link = await service.make_one_time_link(cast.alice.user_id, Purpose.SIGN_IN)
    visitor, alice = await browse(), await browse(cast.alice)
    await visitor.post("/sign-in", data={"email": cast.alice.email, "password": PASSWORD})
    nobody = await browse()
    await nobody.post("/sign-in", data={"email": cast.alice.email, "password": PASSWORD + "!"})
    await nobody.post("/forgot", data={"email": cast.alice.email})
    assert await letters.send_due() == 1
    await visitor.get(link)
    await visitor.get("/api/v1/orders", headers={"Authorization": f"Bearer {key}"})
    await visitor.get("/api/v1/orders", headers={"Authorization": f"Bearer {key}0"})
    assert cast.alice.partner_id is not None
    assert cast.boris.partner_id is not None
    async with db.transaction():
        for partner_id, method, account in (
            (cast.alice.partner_id, "bank_account", ACCOUNT),
            (cast.boris.partner_id, "card", CARD),
        ):
            await give_details_in_transaction(
                partner_id, NewPayoutDetails(method, "A. Holder", account, "044525225")
            )
    forget_keys()
    secrets = [PASSWORD, key, link.rpartition("/")[2], visitor.cookies["tandem"], alice.cookies["tandem"]]
    stored, logged = await dump(committing.owner_url), capsys.readouterr().err
    assert cast.alice.email in stored
    for secret in (*secrets, ACCOUNT, CARD, ACCOUNT.encode().hex(), CARD.encode().hex()):
        assert secret not in stored
        assert secret not in logged
    assert re.search(r"pk_north_[0-9a-f]{20}", stored + logged) is None
