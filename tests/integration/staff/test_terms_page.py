"""Terms on the desk: by file or in the form, refused with the path of each wrong key."""

import pytest

from app.programs import queries
from app.rules.terms_document import complete_document, read_toml
from tests.browsers import Browse
from tests.cast import Cast

RIGHT = """
currency = "RUB"
time_zone = "Europe/Moscow"
[hold]
days = 7
"""


async def test_published_in_the_form(cast: Cast, browse: Browse) -> None:
    olga = await browse(cast.olga)
    answer = await olga.post(
        "/desk/terms", data={"document": RIGHT, "note": "Shorter hold", "valid_from": "", "do": "publish"}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk/terms")
    newest = (await queries.terms_versions(cast.north_id))[-1]
    assert (newest.number, newest.terms.hold.days, newest.note) == (2, 7, "Shorter hold")
    assert newest.author == cast.olga.email
    page = (await olga.get("/desk/terms")).text
    assert "Shorter hold" in page
    assert "days = 7" in page


async def test_published_by_file(cast: Cast, browse: Browse) -> None:
    olga = await browse(cast.olga)
    answer = await olga.post(
        "/desk/terms",
        data={"document": "ignored", "note": "", "valid_from": "2099-01-01T09:00", "do": "publish"},
        files={"file": ("terms.toml", RIGHT.encode(), "application/toml")},
    )
    assert answer.status_code == 303, answer.text
    newest = (await queries.terms_versions(cast.north_id))[-1]
    assert newest.in_force_from.isoformat() == "2099-01-01T06:00:00+00:00"
    assert "Comes into force later" in (await olga.get("/desk/terms")).text


async def test_check_only_publishes_nothing(cast: Cast, browse: Browse) -> None:
    olga = await browse(cast.olga)
    answer = await olga.post("/desk/terms", data={"document": RIGHT, "do": "check"})
    assert answer.status_code == 200
    assert "The document is right" in answer.text
    assert len(await queries.terms_versions(cast.north_id)) == 1


@pytest.mark.parametrize(
    ("document", "shown"),
    [
        (RIGHT.replace("7", "-7"), "hold.days"),
        (RIGHT + "colour = 1", "hold.colour"),
        ("currency = ", "This is not valid TOML"),
        (RIGHT.replace("RUB", "EUR"), "This cannot be changed after the first version of the terms."),
        (RIGHT + '[attribution]\nmodel = "magic"', "The value must be one of"),
    ],
)
async def test_wrong_document_comes_back_with_its_problems(
    cast: Cast, browse: Browse, document: str, shown: str
) -> None:
    olga = await browse(cast.olga)
    answer = await olga.post("/desk/terms", data={"document": document, "do": "publish"})
    assert answer.status_code == 422
    assert shown in answer.text
    assert len(await queries.terms_versions(cast.north_id)) == 1


async def test_past_moment_is_refused(cast: Cast, browse: Browse) -> None:
    olga = await browse(cast.olga)
    answer = await olga.post(
        "/desk/terms", data={"document": RIGHT, "valid_from": "2020-01-01T00:00", "do": "publish"}
    )
    assert answer.status_code == 422
    assert "New terms begin now or later" in answer.text


async def test_file_that_is_no_text_is_refused(cast: Cast, browse: Browse) -> None:
    olga = await browse(cast.olga)
    answer = await olga.post(
        "/desk/terms",
        data={"document": RIGHT, "do": "publish"},
        files={"file": ("terms.toml", b"\xff\xfe\x00", "application/toml")},
    )
    assert answer.status_code == 422
    assert "The file is not a text in UTF-8." in answer.text


async def test_version_is_downloaded_as_a_file_that_can_be_applied(cast: Cast, browse: Browse) -> None:
    olga = await browse(cast.olga)
    answer = await olga.get("/desk/terms/1.toml")
    assert answer.headers["content-disposition"] == 'attachment; filename="north-1.toml"'
    stored = (await queries.terms_version(cast.north_id, 1)).terms.document
    assert complete_document(read_toml(answer.text)) == stored
    assert (await olga.get("/desk/terms/9.toml")).status_code == 404
    assert (await olga.get("/desk/terms/x.toml")).status_code == 404


async def test_only_managers_publish(cast: Cast, browse: Browse) -> None:
    for person in (cast.max, cast.fedor, cast.dana, cast.alice):
        answer = await (await browse(person)).post("/desk/terms", data={"document": RIGHT, "do": "publish"})
        assert answer.status_code == 403
    assert len(await queries.terms_versions(cast.north_id)) == 1
