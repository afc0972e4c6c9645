"""Who is told of what, once each, with a letter where it matters."""

import re
from email import message_from_bytes
from email.policy import default as email_policy

import pytest

from app import db, mail
from app.config import settings
from app.events import service as events
from app.events.service import NewEvent
from app.notices.queries import kinds_of, notices, unread_count
from app.partners.service import set_level
from app.ui.i18n import use_locale
from tasks.events import register_handlers
from tests.browsers import Browse
from tests.cast import Cast

register_handlers()


@pytest.fixture(autouse=True)
def empty_mailbox() -> None:
    for file in mail.folder(settings()).glob("*.eml"):
        file.unlink()


def letters() -> int:
    return len(list(mail.folder(settings()).glob("*.eml")))


async def emit(*new: NewEvent) -> None:
    async with db.transaction():
        await events.emit_in_transaction(new)


async def deliver_again() -> None:
    """As if the worker had died before it could note that it was done."""
    await db.execute("UPDATE events SET state = 'new', leased_until = NULL")


async def test_level_change_is_told_once_though_delivered_twice(cast: Cast) -> None:
    await set_level(cast.alice.partner_id or 0, "gold", author_id=cast.olga.user_id)
    await events.work_off()
    await deliver_again()
    await events.work_off()
    assert await kinds_of(cast.alice.user_id, cast.north_id) == ["level_changed"]
    assert letters() == 1
    with use_locale("en"):
        (notice,) = await notices(cast.alice.user_id)
    assert (notice.title, notice.tone) == ("Your level is now Gold", "success")
    with use_locale("ru"):
        (notice,) = await notices(cast.alice.user_id)
    assert "Золото" in notice.title


async def test_setting_the_same_level_tells_nothing(cast: Cast) -> None:
    await set_level(cast.alice.partner_id or 0, "starter", author_id=cast.olga.user_id)
    await events.work_off()
    assert await unread_count(cast.alice.user_id) == 0


async def test_several_releases_make_one_letter_with_their_sum(cast: Cast) -> None:
    payload = {"partner_id": cast.alice.partner_id, "order_id": None, "level": ""}
    await emit(
        *(
            NewEvent("commission.available", cast.north_id, "partner:1", payload | {"amount_minor": amount})
            for amount in (10_000, 2_345)
        )
    )
    await events.work_off()
    assert await kinds_of(cast.alice.user_id, cast.north_id) == ["commission_available"] * 2
    (file,) = mail.folder(settings()).glob("*.eml")
    letter = message_from_bytes(file.read_bytes(), policy=email_policy)
    assert letter["To"] == cast.alice.email
    assert "123.45" in letter["Subject"]


async def test_nobody_is_told_of_partners_who_cannot_sign_in(cast: Cast) -> None:
    await db.execute("UPDATE partners SET user_id = NULL WHERE id = $1", cast.alice.partner_id)
    payload = {"partner_id": cast.alice.partner_id, "order_id": None, "amount_minor": 5, "level": ""}
    await emit(NewEvent("commission.clawed_back", cast.north_id, "partner:1", payload))
    await events.work_off()
    assert await db.fetchval("SELECT count(*) FROM events WHERE state <> 'done'") == 0
    assert await db.fetchval("SELECT count(*) FROM notices") == 0


async def test_reading_all_notices(cast: Cast, browse: Browse) -> None:
    await set_level(cast.alice.partner_id or 0, "gold", author_id=cast.olga.user_id)
    await events.work_off()
    alice = await browse(cast.alice)
    page = (await alice.get("/notices")).text
    assert "notice--unread" in page
    assert "Mark all as read" in page
    answer = await alice.post("/notices/read")
    assert (answer.status_code, answer.headers["location"]) == (303, "/notices")
    assert "notice--unread" not in (await alice.get("/notices")).text
    assert await unread_count(cast.alice.user_id) == 0


async def test_everybody_reads_his_own_notices_only(cast: Cast, browse: Browse) -> None:
    await set_level(cast.alice.partner_id or 0, "gold", author_id=cast.olga.user_id)
    await events.work_off()
    for person in (cast.clara, cast.boris, cast.olga):
        page = await (await browse(person)).get("/notices")
        assert page.status_code == 200
        assert "Gold" not in page.text


async def test_long_lists_are_paged_without_gaps(cast: Cast, browse: Browse) -> None:
    payload = {"partner_id": cast.alice.partner_id, "order_id": None, "level": ""}
    await emit(
        *(
            NewEvent("commission.clawed_back", cast.north_id, "p", payload | {"amount_minor": -100 * number})
            for number in range(1, 61)
        )
    )
    await events.work_off()
    alice = await browse(cast.alice)
    seen: list[str] = []
    url: str | None = "/notices"
    while url:
        page = (await alice.get(url)).text
        seen += re.findall(r"RUB\s(\d+\.00) was taken back", page)
        more = re.search(r'href="(/notices\?after=[^"]+)"', page)
        url = more[1] if more else None
    assert sorted(float(amount) for amount in seen) == [float(number) for number in range(1, 61)]
