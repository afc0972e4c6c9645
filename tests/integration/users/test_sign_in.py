"""Signing in and out."""

from app import db
from tests.browsers import Browse
from tests.cast import Cast
from tests.factories import PASSWORD


async def test_right_password_opens_a_session(cast: Cast, browse: Browse) -> None:
    visitor = await browse()
    answer = await visitor.post("/sign-in", data={"email": "Alice@Example.com", "password": PASSWORD})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/home"
    assert await db.fetchval("SELECT count(*) FROM user_sessions WHERE user_id = $1", cast.alice.user_id) == 1
    assert (await visitor.get("/home")).headers["location"] == "/overview"
