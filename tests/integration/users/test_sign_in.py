"""Signing in and out: fixation, cookies, revocation, idle and absolute limits, the same answer for everybody."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from app import clock, db
from app.config import settings
from app.errors import TooManyRequests
from app.users import limits, passwords, service, sessions
from app.users.identity import StaffRole
from app.users.sessions import Browser
from tests.browsers import Browse, Visitor, same_words
from tests.cast import Cast
from tests.factories import PASSWORD, make_user

BROWSER = Browser("192.0.2.7", "tests")


async def test_right_password_opens_a_session(cast: Cast, browse: Browse) -> None:
    visitor = await browse()
    answer = await visitor.post("/sign-in", data={"email": "Alice@Example.com", "password": PASSWORD})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/home"
    assert await db.fetchval("SELECT count(*) FROM user_sessions WHERE user_id = $1", cast.alice.user_id) == 1
    assert (await visitor.get("/home")).headers["location"] == "/overview"


async def test_a_planted_session_cookie_is_replaced(cast: Cast, browse: Browse) -> None:
    visitor = await browse()
    planted = "attacker-chosen-token-0123456789abcdef"
    visitor.cookies.set("tandem", planted, domain="portal.test")
    await visitor.post("/sign-in", data={"email": cast.alice.email, "password": PASSWORD})
    assert await sessions.find(planted) is None
    tokens = {cookie.value for cookie in visitor.cookies.jar if cookie.name == "tandem"}
    assert len(tokens - {planted}) == 1


async def test_signing_in_again_ends_the_browsers_session_of_before(cast: Cast, browse: Browse) -> None:
    visitor = await browse(cast.alice)
    before = visitor.cookies["tandem"]
    assert (
        await visitor.post("/sign-in", data={"email": cast.clara.email, "password": PASSWORD})
    ).status_code == 303
    assert await sessions.find(before) is None


async def test_each_sign_in_has_a_new_token_and_the_table_only_its_digest(cast: Cast) -> None:
    first = await service.sign_in(cast.alice.email, PASSWORD, BROWSER)
    second = await service.sign_in(cast.alice.email, PASSWORD, BROWSER)
    assert first.token != second.token
    stored = {row["token_digest"] for row in await db.fetch("SELECT token_digest FROM user_sessions")}
    assert stored == {sessions.digest(first.token), sessions.digest(second.token)}


async def test_session_cookie_is_closed_to_scripts_and_other_sites(cast: Cast, browse: Browse) -> None:
    visitor = await browse()
    answer = await visitor.post("/sign-in", data={"email": cast.alice.email, "password": PASSWORD})
    line = next(line for line in answer.headers.get_list("set-cookie") if line.startswith("tandem="))
    assert "HttpOnly" in line
    assert "SameSite=lax" in line
    assert "Path=/" in line
    assert "Domain" not in line


def test_over_https_cookies_are_bound_to_the_host() -> None:
    secure = replace(settings(), base_url="https://portal.test")
    assert sessions.cookie_name(secure) == "__Host-tandem"


async def test_wrong_password_and_unknown_address_get_the_same_answer(cast: Cast, browse: Browse) -> None:
    visitor = await browse()
    wrong = await visitor.post("/sign-in", data={"email": cast.alice.email, "password": "not the password"})
    unknown = await visitor.post(
        "/sign-in", data={"email": "nobody@example.com", "password": "not the password"}
    )
    assert (wrong.status_code, unknown.status_code) == (422, 422)
    assert "E-mail or password is wrong." in wrong.text
    assert same_words(wrong, cast.alice.email) == same_words(unknown, "nobody@example.com")


async def test_an_unknown_address_costs_a_hash_as_well(monkeypatch: pytest.MonkeyPatch, cast: Cast) -> None:
    verified: list[str] = []
    verify = passwords._verify
    monkeypatch.setattr(
        passwords, "_verify", lambda stored, typed: verified.append(stored) or verify(stored, typed)
    )
    for email in (cast.alice.email, "nobody@example.com"):
        with pytest.raises(Exception, match="wrong"):
            await service.sign_in(email, "not the password", BROWSER)
    assert [bool(stored) for stored in verified] == [True, False]


async def test_password_is_never_shown_again(cast: Cast, browse: Browse) -> None:
    visitor = await browse()
    answer = await visitor.post("/sign-in", data={"email": cast.alice.email, "password": "pa55 with canary"})
    assert "pa55 with canary" not in answer.text


async def test_next_leads_back_but_never_to_another_site(cast: Cast, browse: Browse) -> None:
    for typed, expected in (
        ("/links?a=1", "/links?a=1"),
        ("//evil.example", "/home"),
        ("https://evil.example", "/home"),
    ):
        visitor = await browse()
        answer = await visitor.post(
            "/sign-in", data={"email": cast.alice.email, "password": PASSWORD, "next": typed}
        )
        assert answer.headers["location"] == expected


async def test_sixth_wrong_password_within_a_quarter_of_an_hour_waits(cast: Cast, browse: Browse) -> None:
    visitor = await browse()
    for _ in range(5):
        answer = await visitor.post(
            "/sign-in", data={"email": cast.alice.email, "password": "not the password"}
        )
        assert answer.status_code == 422
    answer = await visitor.post("/sign-in", data={"email": cast.alice.email, "password": PASSWORD})
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 901
    with clock.at(clock.now() + timedelta(minutes=16)):
        answer = await visitor.post("/sign-in", data={"email": cast.alice.email, "password": PASSWORD})
    assert answer.status_code == 303


async def test_right_passwords_do_not_count(cast: Cast) -> None:
    for _ in range(8):
        await service.sign_in(cast.alice.email, PASSWORD, BROWSER)
    assert await db.fetchval("SELECT count(*) FROM user_sign_in_attempts") == 0


async def test_one_address_may_fail_fifty_times_for_all_accounts_together(transaction: None) -> None:
    for number in range(50):
        await limits.take(limits.sign_in_limits(f"user{number}@example.com", "192.0.2.7"))
    with pytest.raises(TooManyRequests):
        await limits.take(limits.sign_in_limits("another@example.com", "192.0.2.7"))
    await limits.take(limits.sign_in_limits("another2@example.com", "192.0.2.8"))


def test_a_home_of_ipv6_counts_as_one() -> None:
    assert limits.network("2001:db8:1:2::1") == limits.network("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"
    assert limits.network("2001:db8:1:3::1") != limits.network("2001:db8:1:2::1")
    assert limits.network("::ffff:192.0.2.7") == limits.network("192.0.2.7")


async def test_parallel_tries_are_counted_exactly(committing: object) -> None:
    async def one() -> bool:
        try:
            await limits.take(limits.sign_in_limits("alice@example.com", "192.0.2.7"))
        except TooManyRequests:
            return False
        return True

    allowed = await asyncio.gather(*(one() for _ in range(40)))
    assert sum(allowed) == 5


async def test_sign_out_ends_the_session(cast: Cast, browse: Browse) -> None:
    visitor = await browse(cast.alice)
    assert (await visitor.get("/home")).status_code == 303
    token = visitor.cookies["tandem"]
    answer = await visitor.post("/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert await sessions.find(token) is None


async def test_a_new_password_ends_all_other_sessions(cast: Cast) -> None:
    mine = await service.sign_in(cast.alice.email, PASSWORD, BROWSER)
    other = await service.sign_in(cast.alice.email, PASSWORD, BROWSER)
    found = await sessions.find(mine.token)
    assert found is not None
    await service.set_password(cast.alice.user_id, "another four quiet words", keep_session=found[0].id)
    assert await sessions.find(mine.token) is not None
    assert await sessions.find(other.token) is None
    with pytest.raises(Exception, match="wrong"):
        await service.sign_in(cast.alice.email, PASSWORD, BROWSER)


async def test_revoked_sessions_and_inactive_users_are_out(cast: Cast) -> None:
    made = await service.sign_in(cast.alice.email, PASSWORD, BROWSER)
    await service.revoke_sessions(cast.alice.user_id)
    assert await sessions.find(made.token) is None
    again = await service.sign_in(cast.alice.email, PASSWORD, BROWSER)
    await db.execute("UPDATE users SET active = FALSE WHERE id = $1", cast.alice.user_id)
    assert await sessions.find(again.token) is None


async def test_staff_are_out_after_half_an_idle_hour_and_twelve_hours(cast: Cast) -> None:
    start = clock.now()
    idle = await service.sign_in(cast.olga.email, PASSWORD, BROWSER)
    with clock.at(start + timedelta(minutes=31)):
        assert await sessions.find(idle.token) is None
    busy = await service.sign_in(cast.olga.email, PASSWORD, BROWSER)
    for quarter in range(1, 48):
        with clock.at(start + timedelta(minutes=15 * quarter)):
            assert await sessions.find(busy.token) is not None
    with clock.at(start + timedelta(hours=12, minutes=1)):
        assert await sessions.find(busy.token) is None


async def test_partners_stay_thirty_days(cast: Cast) -> None:
    start = clock.now()
    made = await service.sign_in(cast.alice.email, PASSWORD, BROWSER)
    with clock.at(start + timedelta(days=29)):
        assert await sessions.find(made.token) is not None
    with clock.at(start + timedelta(days=31)):
        assert await sessions.find(made.token) is None


async def test_sweeping_forgets_what_ended_long_ago_and_nothing_else(cast: Cast) -> None:
    start = clock.now()
    await limits.take(limits.sign_in_limits("alice@example.com", "192.0.2.7"))
    ended = await service.sign_in(cast.alice.email, PASSWORD, BROWSER)
    await service.revoke_sessions(cast.alice.user_id)
    with clock.at(start + timedelta(days=20)):
        kept = await service.sign_in(cast.alice.email, PASSWORD, BROWSER)
    with clock.at(start + timedelta(days=31)):
        assert await limits.sweep() == 2
        assert await sessions.sweep() == 1
        assert await sessions.find(kept.token) is not None
    digests = {row["token_digest"] for row in await db.fetch("SELECT token_digest FROM user_sessions")}
    assert digests == {sessions.digest(kept.token)}
    assert sessions.digest(ended.token) not in digests


async def test_a_role_ends_the_sessions_of_before(cast: Cast) -> None:
    made = await service.sign_in(cast.alice.email, PASSWORD, BROWSER)
    await service.grant_role(cast.alice.user_id, StaffRole.MANAGER, program_id=cast.north_id)
    assert await sessions.find(made.token) is None


async def test_passwords_are_argon2_and_survive_being_read_by_piccolo(transaction: None) -> None:
    from app.users.tables import User

    user_id = await make_user("zoe@example.com", password=True)
    user = await User.objects().get(User.id == user_id)
    assert user is not None
    assert user.password.startswith("$argon2id$")
    assert await User.login("zoe@example.com", PASSWORD) == user_id
    assert await User.login("zoe@example.com", "something else") is None


@pytest.mark.parametrize("weak", ["short", "password1234", "aaaaaaaaaaaaaa", "alice@example.com", "x" * 129])
def test_weak_passwords_are_refused_by_name_of_the_field(weak: str) -> None:
    with pytest.raises(Exception, match="check the marked") as caught:
        passwords.check_strength(weak, email="alice@example.com")
    assert [field.pointer for field in caught.value.fields] == ["password"]  # type: ignore[attr-defined]


async def test_at_most_two_hashes_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    running, most = 0, 0
    verify = passwords._verify

    def counted(stored: str, typed: str) -> bool:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            return verify(stored, typed)
        finally:
            running -= 1

    monkeypatch.setattr(passwords, "_verify", counted)
    await asyncio.gather(*(passwords.verify_in_thread("", f"password {n}") for n in range(6)))
    assert most <= 2


async def test_without_a_form_token_nothing_happens(cast: Cast, browse: Browse) -> None:
    for bad in ("", "0" * 64):
        visitor: Visitor = await browse(cast.alice)
        visitor.headers["X-CSRF-Token"] = bad
        assert (await visitor.post("/sign-out")).status_code == 403
    assert (await visitor.get("/home")).status_code == 303


async def test_the_token_of_another_session_does_not_fit(cast: Cast, browse: Browse) -> None:
    alice, clara = await browse(cast.alice), await browse(cast.clara)
    alice.headers["X-CSRF-Token"] = clara.headers["X-CSRF-Token"]
    assert (await alice.post("/sign-out")).status_code == 403


async def test_the_token_works_as_a_form_field(cast: Cast, browse: Browse) -> None:
    visitor = await browse(cast.alice)
    token = visitor.headers.pop("X-CSRF-Token")
    assert (await visitor.post("/sign-out", data={"csrf_token": token})).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://portal.test:81"},
    ],
)
async def test_requests_of_other_sites_are_refused_even_with_a_token(
    cast: Cast, browse: Browse, headers: dict[str, str]
) -> None:
    visitor = await browse(cast.alice)
    del visitor.headers["Sec-Fetch-Site"]
    answer = await visitor.post("/sign-out", headers=headers)
    assert answer.status_code == 403
    assert "another site" in answer.text


async def test_own_origin_is_enough_where_a_browser_sends_no_more(cast: Cast, browse: Browse) -> None:
    visitor = await browse(cast.alice)
    del visitor.headers["Sec-Fetch-Site"]
    assert (await visitor.post("/sign-out", headers={"Origin": "http://portal.test"})).status_code == 303
