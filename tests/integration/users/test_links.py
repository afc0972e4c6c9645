"""Links that work once: to sign in, to set a password, to prove an address."""

import asyncio
import re
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from app import clock, db
from app.config import settings
from app.errors import DomainError
from app.users import letters, service, sessions
from app.users.service import Purpose
from app.users.sessions import Browser
from tests.browsers import Browse, same_words
from tests.cast import Cast
from tests.factories import PASSWORD, make_user

BROWSER = Browser("192.0.2.7", "tests")


def token_of(url: str) -> str:
    return url.rpartition("/")[2]


async def test_opening_a_sign_in_link_does_not_use_it_up(cast: Cast, browse: Browse) -> None:
    url = await service.make_one_time_link(cast.alice.user_id, Purpose.SIGN_IN)
    assert url.startswith("http://portal.test/sign-in/link/")
    for _ in range(3):
        visitor = await browse()
        answer = await visitor.get(url)
        assert answer.status_code == 200
        assert 'action="/sign-in/link"' in answer.text
        assert "tandem" not in visitor.cookies
    answer = await visitor.post("/sign-in/link", data={"token": token_of(url)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/home")
    assert (await visitor.get("/home")).headers["location"] == "/overview"


async def test_a_sign_in_link_works_once(cast: Cast, browse: Browse) -> None:
    url = await service.make_one_time_link(cast.alice.user_id, Purpose.SIGN_IN)
    visitor = await browse()
    assert (await visitor.post("/sign-in/link", data={"token": token_of(url)})).status_code == 303
    second = await browse()
    assert (await second.post("/sign-in/link", data={"token": token_of(url)})).status_code == 410
    assert (await second.get(url)).status_code == 410


async def test_of_two_uses_at_once_one_wins(committing: object) -> None:
    user_id = await make_user("alice@example.com")
    url = await service.make_one_time_link(user_id, Purpose.SIGN_IN)
    answers = await asyncio.gather(
        *(service.sign_in_by_link(token_of(url), BROWSER) for _ in range(8)), return_exceptions=True
    )
    assert sum(not isinstance(answer, DomainError) for answer in answers) == 1


async def test_a_link_is_dead_after_its_time_and_for_other_purposes(cast: Cast) -> None:
    url = await service.make_one_time_link(cast.alice.user_id, Purpose.SIGN_IN)
    with clock.at(clock.now() + timedelta(minutes=31)), pytest.raises(DomainError, match="no longer works"):
        await service.sign_in_by_link(token_of(url), BROWSER)
    with pytest.raises(DomainError, match="no longer works"):
        await service.reset_password(token_of(url), "four quite unlikely words", BROWSER)
    with pytest.raises(DomainError, match="no longer works"):
        await service.confirm_email(token_of(url))


async def test_links_are_built_from_the_settings_and_never_from_the_host_header(
    cast: Cast, browse: Browse
) -> None:
    visitor = await browse()
    answer = await visitor.post("/forgot", data={"email": cast.alice.email}, headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert await db.fetchval("SELECT count(*) FROM user_one_time_links") == 0


async def test_reset_by_letter(cast: Cast, browse: Browse, tmp_path: Path) -> None:
    before = await service.sign_in(cast.alice.email, PASSWORD, BROWSER)
    other_link = await service.make_one_time_link(cast.alice.user_id, Purpose.SIGN_IN)
    visitor = await browse()
    answer = await visitor.post("/forgot", data={"email": cast.alice.email})
    assert answer.status_code == 200
    assert await letters.send_due() == 1
    assert await letters.send_due() == 0
    url = url_in_last_letter(cast.alice.email)
    assert url.startswith("http://portal.test/reset/")
    page = await visitor.get(url)
    assert page.status_code == 200
    assert page.headers["referrer-policy"] == "same-origin"
    weak = await visitor.post("/reset", data={"token": token_of(url), "password": "short"})
    assert weak.status_code == 422
    assert "at least 12 characters" in weak.text
    answer = await visitor.post(
        "/reset", data={"token": token_of(url), "password": "nine long green ladders"}
    )
    assert answer.status_code == 303
    assert (await visitor.get("/home")).headers["location"] == "/overview"
    assert await sessions.find(before.token) is None
    assert await service.find_link(Purpose.SIGN_IN, token_of(other_link)) is None
    assert (await visitor.get(url)).status_code == 410
    assert (
        await service.sign_in(cast.alice.email, "nine long green ladders", BROWSER)
    ).user_id == cast.alice.user_id


async def test_asking_for_a_link_says_nothing_about_who_is_known(cast: Cast, browse: Browse) -> None:
    visitor = await browse()
    known = await visitor.post("/forgot", data={"email": cast.alice.email})
    unknown = await visitor.post("/forgot", data={"email": "nobody@example.com"})
    assert known.status_code == unknown.status_code == 200
    assert same_words(known, cast.alice.email) == same_words(unknown, "nobody@example.com")


async def test_fourth_letter_within_an_hour_waits(cast: Cast, browse: Browse) -> None:
    visitor = await browse()
    answers = [await visitor.post("/forgot", data={"email": cast.alice.email}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]


async def test_confirming_proves_the_address_once(transaction: None) -> None:
    user_id = await make_user("alice@example.com")
    url = await service.make_one_time_link(user_id, Purpose.CONFIRM_EMAIL)
    assert await service.confirm_email(token_of(url)) == user_id
    assert await db.fetchval("SELECT email_confirmed_at IS NOT NULL FROM users WHERE id = $1", user_id)
    with pytest.raises(DomainError, match="no longer works"):
        await service.confirm_email(token_of(url))


async def test_guessing_links_is_limited(transaction: None) -> None:
    for _ in range(30):
        with pytest.raises(DomainError, match="no longer works"):
            await service.sign_in_by_link("a" * 43, BROWSER)
    with pytest.raises(DomainError, match="Too many tries"):
        await service.sign_in_by_link("a" * 43, BROWSER)


def url_in_last_letter(email: str) -> str:
    letter = max((settings().var_dir / "mail").glob("*.eml"))
    message = message_from_bytes(letter.read_bytes(), policy=policy.default)
    assert message["To"] == email
    body = message.get_body(("plain",))
    assert body is not None
    found = re.search(r"https?://\S+", body.get_content())
    assert found is not None
    return found[0]
