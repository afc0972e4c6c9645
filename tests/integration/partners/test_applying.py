"""From the questionnaire to the first sign-in as a partner."""

import re
from email import message_from_bytes
from email.policy import default as email_policy

import pytest

from app import db, mail
from app.config import settings
from app.events import service as events
from app.partners import payout_details
from app.partners.queries import partner_by_code
from tasks.events import register_handlers
from tests.browsers import Browse, Visitor
from tests.cast import Cast
from tests.integration.partners.answers import answers

register_handlers()


def letters_to(address: str) -> list[str]:
    """Texts of the letters that were kept for this address, oldest first."""
    found = []
    for file in sorted(mail.folder(settings()).glob("*.eml")):
        letter = message_from_bytes(file.read_bytes(), policy=email_policy)
        if letter["To"] == address:
            body = letter.get_body(("plain",))  # type: ignore[attr-defined]
            found.append(f"{letter['Subject']}\n{body.get_content()}")
    return found


@pytest.fixture(autouse=True)
def empty_mailbox() -> None:
    for file in mail.folder(settings()).glob("*.eml"):
        file.unlink()


async def test_the_road_from_application_to_partner(cast: Cast, browse: Browse) -> None:
    vera = await browse()
    answer = await vera.post("/apply?program=north", data=answers())
    assert answer.status_code == 200, answer.text
    assert "Look into your mail" in answer.text
    await events.work_off()

    (letter,) = letters_to("vera@example.com")
    link = re.search(r"http://portal\.test(/confirm/\S+)", letter)
    assert link is not None
    assert "Confirm" in (await vera.get(link[1])).text
    token = link[1].rpartition("/")[2]
    confirmed = await vera.post("/confirm", data={"token": token})
    assert (confirmed.status_code, confirmed.headers["location"]) == (303, "/apply/status")
    assert "A manager reads your application" in (await vera.get("/apply/status")).text
    assert (await vera.get("/overview")).status_code in (403, 404)

    await events.work_off()
    olga = await browse(cast.olga)
    assert "New application: Vera Orlova" in (await olga.get("/notices")).text
    assert "Vera Orlova" in (await olga.get("/desk/applications")).text
    application_id = await db.fetchval("SELECT max(id) FROM partner_applications")
    page = (await olga.get(f"/desk/applications/{application_id}")).text
    assert "•••• 0001" in page
    assert "40817810700000000001" not in page
    approved = await olga.post(f"/desk/applications/{application_id}/approve", data={"level": "silver"})
    assert (approved.status_code, approved.headers["location"]) == (303, "/desk/applications")

    await events.work_off()
    letter = letters_to("vera@example.com")[-1]
    assert "http://portal.test/r/vera" in letter
    assert (await vera.get("/home")).headers["location"] == "/overview"
    made = await partner_by_code(cast.north_id, "VERA")
    assert made is not None
    assert (made.state, made.level) == ("active", "silver")
    details = await payout_details.details_in_use(made.id)
    assert details is not None
    assert details.verified_at is not None
    assert payout_details.unseal(details.encrypted).account == "40817810700000000001"
    assert await db.fetchval("SELECT count(*) FROM ledger_accounts WHERE owner_id = $1", made.id) == 6
    changes = await db.fetch(
        "SELECT before, after FROM partner_state_changes WHERE partner_id = $1 ORDER BY id", made.id
    )
    assert [tuple(change) for change in changes] == [("", "applied"), ("applied", "active")]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", "V", "At least 2 characters are needed."),
        ("email", "vera@", "This is not an e-mail address."),
        ("phone", "12", "This is not a phone number."),
        ("password", "short", "A password has at least 12 characters."),
        ("password", "vera12345678", "This password is guessed at once."),
        ("kind", "robot", "Choose one of the options."),
        ("tax_number", "500100732258", "The check digits of this tax number are wrong"),
        ("tax_number", "7707083893", "The tax number has 12 digits"),
        ("sector", "", "Choose one of the options."),
        ("channels", [], "Choose at least 1 option."),
        ("channel_urls", "javascript:alert(1)", "This is not an address of a page."),
        ("method", "gold", "Choose one of the options."),
        ("holder", "", "Fill in this field."),
        ("account", "40817810800000000001", "This account does not fit the bank"),
        ("account", "4081781070000000000", "A bank account has 20 digits."),
        ("bik", "123456789", "A BIK has nine digits and begins with 04."),
        ("terms_accepted", "", "Without your consent to the terms we cannot take you in."),
        ("privacy_accepted", "", "Without this consent we may not read your application."),
        ("terms_version", "7", "The terms have changed meanwhile. Read version 1 and accept it."),
    ],
)
async def test_each_field_is_checked(
    cast: Cast, anonymous: Visitor, field: str, value: object, message: str
) -> None:
    answer = await anonymous.post("/apply?program=north", data=answers(**{field: value}))
    assert answer.status_code == 422
    assert message.replace("'", "&#39;") in answer.text
    assert "four slow green trams" not in answer.text
    assert await db.fetchval("SELECT count(*) FROM partner_applications") == 0


async def test_company_gives_a_company_number(cast: Cast, anonymous: Visitor) -> None:
    refused = await anonymous.post("/apply?program=north", data=answers(kind="company"))
    assert "The tax number of a company has 10 digits." in refused.text
    taken = await anonymous.post(
        "/apply?program=north", data=answers(kind="company", tax_number="7707083893")
    )
    assert taken.status_code == 200


async def test_robots_are_thanked_and_forgotten(cast: Cast, anonymous: Visitor) -> None:
    answer = await anonymous.post("/apply?program=north", data=answers(website="http://spam.example"))
    assert "Look into your mail" in answer.text
    assert await db.fetchval("SELECT count(*) FROM users WHERE email = 'vera@example.com'") == 0


def neutral(page: str, address: str) -> str:
    """The page without what differs from answer to answer."""
    return re.sub(r'nonce="[^"]+"', "", page.replace(address, ""))


async def test_known_address_is_told_by_mail_only(cast: Cast, anonymous: Visitor) -> None:
    new = await anonymous.post("/apply?program=north", data=answers())
    known = await anonymous.post("/apply?program=north", data=answers(email=cast.clara.email))
    assert known.status_code == new.status_code == 200
    assert neutral(known.text, cast.clara.email) == neutral(new.text, "vera@example.com")
    assert await db.fetchval("SELECT count(*) FROM partners WHERE user_id = $1", cast.clara.user_id) == 1
    await events.work_off()
    (letter,) = letters_to(cast.clara.email)
    assert letter.startswith(("У вас уже есть учётная запись", "You have an account already"))


async def test_signed_in_user_applies_to_another_program(cast: Cast, browse: Browse) -> None:
    olga = await browse(cast.olga)
    assert 'name="password"' not in (await olga.get("/apply?program=south")).text
    await db.execute("UPDATE users SET email_confirmed_at = now() WHERE id = $1", cast.olga.user_id)
    answer = await olga.post("/apply?program=south", data=answers(email="", password=""))
    assert (answer.status_code, answer.headers["location"]) == (303, "/apply/status")
    row = await db.fetchrow(
        "SELECT program_id, state FROM partner_applications ORDER BY id DESC LIMIT 1",
    )
    assert row is not None
    assert (row["program_id"], row["state"]) == (cast.south_id, "submitted")


async def test_confirmation_link_works_once(cast: Cast, anonymous: Visitor, browse: Browse) -> None:
    await anonymous.post("/apply?program=north", data=answers())
    await events.work_off()
    link = re.search(r"/confirm/(\S+)", letters_to("vera@example.com")[0])
    assert link is not None
    assert (await anonymous.post("/confirm", data={"token": link[1]})).status_code == 303
    other = await browse()
    again = await other.post("/confirm", data={"token": link[1]})
    assert again.status_code == 422
    assert "This link no longer works" in again.text


async def test_rejected_applicant_reads_why(cast: Cast, browse: Browse) -> None:
    olga, vera = await browse(cast.olga), await browse()
    await vera.post("/apply?program=north", data=answers())
    await events.work_off()
    link = re.search(r"/confirm/(\S+)", letters_to("vera@example.com")[0])
    assert link is not None
    await vera.post("/confirm", data={"token": link[1]})
    application_id = await db.fetchval("SELECT max(id) FROM partner_applications")
    missing = await olga.post(f"/desk/applications/{application_id}/reject", data={"reason": ""})
    assert missing.status_code == 422
    done = await olga.post(
        f"/desk/applications/{application_id}/reject", data={"reason": "We sell only <b>tea</b>."}
    )
    assert done.status_code == 303
    assert "We sell only &lt;b&gt;tea&lt;/b&gt;." in (await vera.get("/apply/status")).text
    again = await olga.post(f"/desk/applications/{application_id}/approve", data={"level": "starter"})
    assert again.status_code == 409
    assert "This application is decided already." in again.text
    await events.work_off()
    assert "We sell only <b>tea</b>." in letters_to("vera@example.com")[-1]


async def test_manager_of_another_program_finds_nothing(cast: Cast, browse: Browse) -> None:
    vera, sergei = await browse(), await browse(cast.sergei)
    await vera.post("/apply?program=north", data=answers())
    application_id = await db.fetchval("SELECT max(id) FROM partner_applications")
    assert (await sergei.get(f"/desk/applications/{application_id}")).status_code == 404
    answer = await sergei.post(f"/desk/applications/{application_id}/approve", data={"level": "starter"})
    assert answer.status_code == 404
    assert await db.fetchval("SELECT state FROM partner_applications") == "unconfirmed"
